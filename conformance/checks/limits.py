"""Checks of how long an answer is: no longer than it was asked to be, as the target itself counts."""

from __future__ import annotations

from collections.abc import Iterator

from infercheck.cases import Expectation
from infercheck.checks.rules import Said, not_kept
from infercheck.observation import Observation, Outcome
from infercheck.reply import reply_of

STATED, OMITTED = "effect/max_tokens", "default/max_tokens"

NO_MORE = "no more tokens than the limit allows"

WORDS, MORE = 8, 16
"""Words that no token spans, and more of them: where a target counts nothing, only a text that is far too long
shows that its limit was not kept."""


def check(seen: Observation) -> Iterator[Said]:
    """That an accepted answer keeps its limit is shown by relations; here only that one does not."""
    if seen.outcome is not Outcome.ACCEPTED or seen.case.expectation is not Expectation.VALID:
        return
    id_, limit = _limit(seen)
    if limit is None or id_ not in seen.contract.requirements:
        return
    reply = reply_of(seen)
    if reply.problem:
        return
    words = len(reply.text.split())
    if reply.tokens is not None and reply.tokens > limit:
        events = f" in {len(reply.pieces)} events" if reply.pieces else ""
        observed = f"{reply.tokens} of at most {limit}, as its usage counts them{events}: {reply.shown()}"
        yield not_kept(id_, NO_MORE, observed)
    elif reply.tokens is None and words > WORDS * limit + MORE:
        yield not_kept(id_, NO_MORE, f"{words} words, where {limit} tokens are the limit: {reply.shown()}")


def is_too_long(seen: Observation) -> bool:
    """Whether an answer is longer than it was asked to be."""
    return any(True for _ in check(seen))


def _limit(seen: Observation) -> tuple[str, int | None]:
    role = seen.contract.roles.get("output_limit")
    body = seen.asked
    if role is None or body is None:
        return STATED, None
    limit = seen.contract.limit_of(body)
    # What a limit below 1 means, nobody says.
    is_limit = isinstance(limit, int) and not isinstance(limit, bool) and limit > 0
    return STATED if role in body else OMITTED, limit if is_limit else None
