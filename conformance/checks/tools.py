"""Checks of tool calls: nobody calls a tool that nobody offered."""

from __future__ import annotations

from collections.abc import Iterator

from infercheck import jsontext
from infercheck.cases import Expectation
from infercheck.checks.rules import Said, not_kept
from infercheck.observation import Observation, Outcome
from infercheck.reply import reply_of

NAMES = "tools/names"
OFFERS = ("tools", "functions")
"""Roles of the parameters that offer what may be called."""


def check(seen: Observation) -> Iterator[Said]:
    """That tools which are called were offered is shown by relations; here only that one was where none was."""
    if seen.outcome is not Outcome.ACCEPTED or seen.case.expectation is not Expectation.VALID:
        return
    if NAMES not in seen.contract.requirements or b"tool_calls" not in seen.exchange.answer.body:
        return
    offers = {seen.contract.roles.get(role) for role in OFFERS}
    if seen.asked is not None and not offers & seen.asked.keys() and (calls := reply_of(seen).calls):
        yield not_kept(NAMES, "no tool call, as no tool is offered", f"a call: {jsontext.show(calls[0])[:200]}")
