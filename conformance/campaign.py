"""The campaign: drawn requests until the budget is spent, the first of each defect made as small as it goes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from infercheck import conclusions, jsontext
from infercheck.cases import Case, Expectation
from infercheck.crew import crew
from infercheck.door import Door
from infercheck.errors import NotToBeHad
from infercheck.findings import Finding
from infercheck.fuzz.cases import Cases, essence, has
from infercheck.fuzz.sketch import Sketch
from infercheck.fuzz.source import TRIES, Task, drawn, smallest
from infercheck.judge import Judge
from infercheck.observation import Observation, Outcome, excerpt

KEPT = TRIES + 30
"""Requests that are kept for making smaller what is drawn last."""

DEFECTS = 3
"""Requests that fare alike, and are made smaller to see whether it is for the same reason."""

SURE = 2
"""How often the smallest request is asked again."""

FRUITLESS = 3_000
"""Drawn requests that nobody asked about, after which no more are drawn."""

_VARIABLE = re.compile(r"\d+|0x[0-9a-f]+|[0-9a-f]{8,}", re.IGNORECASE)
"""What differs between two messages that say the same."""


LONG_MESSAGE = 80
"""Characters of a message by which it is known."""

REFUSED = "refused"
"""The fault of a valid request that is refused; which requirement is broken is told by what it carries."""

Way: TypeAlias = tuple[int | None, str]
"""A status, and what the message says."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A defect that was found: what its smallest request has, how the target answered, and what was said of it."""

    fault: str
    """A requirement, or that a valid request is refused."""
    way: Way
    essence: Any
    findings: tuple[Finding, ...]


class Campaign:
    """Sends drawn requests: `everything`, or what is about a requirement that was asked for. `write` takes what is
    found of each case."""

    def __init__(
        self,
        judge: Judge,
        door: Door,
        cases: Cases,
        task: Task,
        write: Callable[[Case, Sequence[Finding]], None],
        *,
        everything: bool,
    ) -> None:
        self._everything = everything
        self._judge = judge
        self._door = door
        self._cases = cases
        self._task = task
        self._write = write
        self._causes: list[Cause] = []
        self._fruitless = 0
        self._drawing = asyncio.Lock()
        self._looking = asyncio.Lock()

    async def run(self, concurrency: int) -> None:
        """Draw and send until what is left of the budget is kept for other things."""
        async with aclosing(drawn(self._task)) as sketches:
            # A budget that is spent is the end of it, and so is that of a recording.
            with contextlib.suppress(NotToBeHad):
                await crew(concurrency, lambda: self._work(sketches))

    async def _work(self, sketches: AsyncIterator[Sketch]) -> None:
        while self._door.left > KEPT and self._fruitless < FRUITLESS and not self._is_over:
            async with self._drawing:
                sketch = await anext(sketches)
            case = self._cases.of(sketch)
            if not (self._everything or self._judge.wants(case)):
                self._fruitless += 1
                continue
            unsent = self._judge.unsent(case)
            self._write(case, await self._asked(sketch, case) if unsent is None else unsent)

    @property
    def _is_over(self) -> bool:
        return bool(self._judge.liveness.over or self._judge.patience.over)

    async def _asked(self, sketch: Sketch, case: Case) -> Sequence[Finding]:
        seen = await self._judge.ask(case, once=True)
        faults = self._faults(seen)
        if not faults or seen.outcome is Outcome.NO_ANSWER:
            return await self._judge.judge(seen)
        known, new = self._explained(seen, faults)
        if not new:
            return known
        async with self._looking:
            known, new = self._explained(seen, faults)  # it may have been looked into meanwhile
            for fault in sorted(new):
                known += await self._looked_into(sketch, seen, fault)
            return known

    # What is wrong with an answer, without asking again

    def _faults(self, seen: Observation) -> frozenset[str]:
        findings = [*conclusions.universal(seen)]
        if seen.case.expectation is Expectation.INVALID:
            findings += conclusions.of_invalid(seen, valid_is_accepted=True)
        found = {finding.requirement for finding in findings if finding.is_broken}
        return frozenset(found | ({_refused(seen)} - {""}))

    def _explained(self, seen: Observation, faults: frozenset[str]) -> tuple[list[Finding], set[str]]:
        # What was found before of what is wrong here, and what is left to be looked into.
        way, here = _way(seen), essence(seen.case)
        found: list[Finding] = []
        new: set[str] = set()
        for fault in faults:
            alike = [cause for cause in self._causes if (cause.fault, cause.way) == (fault, way)]
            accepted = fault in {aim.requirement for aim in seen.case.aims}
            explained = [cause for cause in alike if accepted or has(here, cause.essence)]
            cause = next(iter(explained), alike[-1] if len(alike) >= DEFECTS else None)
            if cause is None:
                new.add(fault)
                continue
            number = seen.exchange.number
            found += [
                replace(one, case=seen.case.id, observed=seen.summary(), exchanges=(number,))
                for one in cause.findings
            ]
        return found, new

    async def _looked_into(self, sketch: Sketch, seen: Observation, fault: str) -> list[Finding]:
        way = _way(seen)
        best = await smallest(self._task, sketch, lambda other: self._fares_alike(other, fault, way))
        best = await self._alone(best or sketch, fault, way)
        last = await self._made_sure(best, fault, way) if best != sketch else None
        # Which of its values the target minds, if any, is asked as of any request.
        findings = await self._judge.judge(last or seen)
        about = [one for one in findings if one.is_broken and one.confirmed]
        self._causes.append(Cause(fault, way, _essence((last or seen).case, about), tuple(about)))
        return findings

    async def _alone(self, sketch: Sketch, fault: str, way: Way) -> Sketch:
        # Without what may be left out, one parameter after the other: shrinking may have come to its end before.
        body = json.loads(sketch.body)
        for key in list(body) if isinstance(body, dict) else ():
            rest = {name: value for name, value in body.items() if name != key}
            if self._cases.is_about(sketch, key) or self._judge.contract.oracle.is_valid(rest) != sketch.is_valid:
                continue
            smaller = replace(sketch, body=jsontext.dump(rest))
            if await self._fares_alike(smaller, fault, way):
                sketch, body = smaller, rest
        return sketch

    async def _fares_alike(self, other: Sketch, fault: str, way: Way) -> bool:
        case = self._cases.of(other)
        if self._door.left <= KEPT - TRIES or self._judge.unsent(case) is not None or self._is_over:
            return False
        try:
            again = await self._judge.ask(case, extra=True, once=True)
        except NotToBeHad:
            return False
        return fault in self._faults(again) and _way(again) == way

    async def _made_sure(self, best: Sketch, fault: str, way: Way) -> Observation | None:
        case, last = self._cases.of(best), None
        for _ in range(SURE):
            try:
                last = await self._judge.ask(case, fresh=True)
            except NotToBeHad:
                return None
            if fault not in self._faults(last) or _way(last) != way:
                return None
        return last


def _essence(case: Case, findings: Sequence[Finding]) -> Any:
    # The values that are named, where some are.
    named = {part.key: part.value for part in case.parts if any(part.label in one.expected for one in findings)}
    return named or essence(case)


def _refused(seen: Observation) -> str:
    refused = seen.case.expectation is Expectation.VALID and seen.outcome is Outcome.REFUSED
    return REFUSED if refused and not seen.about_context_window else ""


def _way(seen: Observation) -> Way:
    # How a target answered: its status, and its message but for what is another each time.
    value = seen.value
    errors = value.get("errors") if isinstance(value, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    message = first.get("message") if isinstance(first, dict) else None
    if seen.outcome is Outcome.ACCEPTED:
        return seen.status, ""
    text = message if isinstance(message, str) else excerpt(seen.body)
    return seen.status, _VARIABLE.sub("0", text)[:LONG_MESSAGE]
