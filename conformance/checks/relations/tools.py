"""Tools: calls go to tools that were offered, and are the same in a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infercheck.cases import Case, distinct
from infercheck.checks.relations.language import (
    Claim,
    Hearing,
    Row,
    Ruling,
    broken,
    kept,
    problem_of,
    skipped,
    undecided,
)
from infercheck.checks.relations.settings import SEEDS
from infercheck.checks.relations.streams import EQUIVALENCE, Equivalent
from infercheck.generate.asks import COMPARING, Form
from infercheck.oracle import Oracle

ARGUMENTS = "tools/arguments"

_WEATHER = {
    "name": "get_weather",
    "description": "Tells the weather of a city.",
    "parameters": {
        "type": "object",
        "required": ["city"],
        "properties": {"city": {"type": "string", "description": "Name of the city."}},
    },
}
_SUM = {
    "name": "add_numbers",
    "description": "Adds two numbers.",
    "parameters": {
        "type": "object",
        "required": ["first", "second"],
        "properties": {
            "first": {"type": "number", "description": "The first number."},
            "second": {"type": "number", "description": "The second number."},
        },
    },
}
_ASKS = {
    "weather": "What is the weather in Paris? Call get_weather.",
    "sum": "What is 2 and 3? Call add_numbers.",
}


@dataclass(frozen=True, kw_only=True)
class Offered(Claim):
    """Tools that are called are among those that were offered, with arguments that fit."""

    cases: Sequence[Case]
    tools: Mapping[str, Any]

    @property
    def asks(self) -> Sequence[Case]:
        return distinct(self.cases)

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        replies = [await hearing.ask(case) for case in self.cases]
        calls = [(reply, call) for reply in replies if not reply.problem for call in reply.calls]
        # What is no call at all is blamed where every answer is judged.
        calls = [(reply, call) for reply, call in calls if _is_call(call)]
        if not calls:
            problem = problem_of(*replies)
            ruling = undecided(problem, *replies) if problem else skipped("no tool was called")
            return [ruling, skipped("no tool was called", requirement=ARGUMENTS)]
        rulings: list[Ruling] = []
        names = ", ".join(self.tools)
        strange = [(reply, call) for reply, call in calls if call.get("name") not in self.tools]
        if strange:
            reply, call = strange[0]
            rulings.append(broken(reply, expected=f"a call of {names}", observed=f"a call of {call.get('name')!r}"))
        else:
            rulings.append(kept(*(reply for reply, _ in calls)))
        unfit = [(reply, call) for reply, call in calls if call.get("name") in self.tools and not self._fits(call)]
        if unfit:
            reply, call = unfit[0]
            expected = f"arguments that fit the parameters of {call['name']}"
            observed = str(call.get("arguments"))[:200]
            rulings.append(broken(reply, expected=expected, observed=observed, requirement=ARGUMENTS))
        else:
            rulings.append(kept(calls[0][0], requirement=ARGUMENTS))
        return rulings

    def _fits(self, call: Mapping[str, Any]) -> bool:
        return Oracle(self.tools[call["name"]]["parameters"]).is_valid(call.get("arguments"))


def _is_call(call: object) -> bool:
    return isinstance(call, Mapping) and isinstance(call.get("name"), str)


def offered(form: Form) -> Iterator[Claim]:
    """Both shapes; names among those offered, arguments that fit; the same calls in a stream."""
    tools = {str(tool["name"]): tool for tool in (_WEATHER, _SUM)}
    shapes = [[_WEATHER, _SUM], [{"type": "function", "function": tool} for tool in (_SUM, _WEATHER)]]
    cases = []
    for (named, text), shape in zip(_ASKS.items(), shapes, strict=True):
        asked = [
            each.ask(text, named=named, tools=shape, seed=SEEDS[0], temperature=0, output_limit=64)
            for each in (form, form.stream)
            if each
        ]
        cases += asked
        if len(asked) == 2:
            yield Equivalent(
                plain=asked[0],
                streamed=asked[1],
                form=f"{form.family}+stream",
                requirement=EQUIVALENCE.requirements[0],
            )
    yield Offered(cases=cases, tools=tools)


OFFERED = Row(
    requirements=("tools/names", ARGUMENTS),
    claims=offered,
    absent="no-tools",
    without=True,
    roles=("tools", "conversation", *COMPARING),
)
