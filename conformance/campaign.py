"""The campaign: drawn requests until the budget is spent, the first of each defect made as small as it goes."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from infercheck import conclusions
from infercheck.cases import Case, Expectation
from infercheck.crew import crew
from infercheck.door import Door
from infercheck.errors import NotToBeHad
from infercheck.findings import Finding, Verdict
from infercheck.fuzz.cases import REMEMBERED, Cases, essence, has
from infercheck.fuzz.examples import Examples
from infercheck.fuzz.reductions import made_small
from infercheck.fuzz.sketch import Sketch
from infercheck.fuzz.source import Task, drawn
from infercheck.generate.blamed import UNKNOWN
from infercheck.judge import Judge
from infercheck.likeness import LEFT, Likeness, Told, tried
from infercheck.observation import Observation, Outcome, excerpt

DEFECTS = 3
"""Requests that fare alike, and are made smaller to see whether the reason is the same; others are split."""

SURE = 2
"""How often the smallest request is asked again."""

FRUITLESS = 3_000
"""Drawn requests that nobody asked about, after which no more are drawn."""

_VARIABLE = re.compile(r"[\w-]*\d[\w-]*")
"""What differs between two messages that say the same: numbers, addresses, ids of any kind."""

_QUOTED = re.compile(r"""(["'`])(?![\w./$\[\]-]{1,40}\1).*?\1""", re.DOTALL)
"""What a message quotes that is no name."""

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
    names: frozenset[str]
    """The parameters that it has."""
    findings: tuple[Finding, ...]


class Campaign:
    """Sends drawn requests: `everything`, or what is about a requirement that was asked for, and compares some in
    `likeness`. `write` takes what is found of each case."""

    def __init__(
        self,
        judge: Judge,
        door: Door,
        cases: Cases,
        task: Task,
        write: Callable[[Case, Sequence[Finding]], None],
        *,
        likeness: Likeness | None = None,
        examples: Examples,
        everything: bool,
    ) -> None:
        self._likeness = likeness
        self._examples = examples
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
        """Send what is remembered; then draw and send until what is left of the budget is kept for other things."""
        with contextlib.suppress(NotToBeHad):
            await self._remember()
        async with aclosing(drawn(self._task)) as sketches:
            # A budget that is spent is the end of it, and so is that of a recording.
            with contextlib.suppress(NotToBeHad):
                await crew(concurrency, lambda: self._work(sketches))

    async def _remember(self) -> None:
        for sketch in self._examples:
            if sketch.twins:
                if self._likeness is not None and self._has_room:
                    self._tell(await self._likeness.again(sketch))
                continue
            case = self._cases.of(sketch, REMEMBERED)
            if (
                self._has_room
                and (self._everything or self._judge.wants(case))
                and self._judge.unsent(case) is None
            ):
                self._write(case, await self._asked(sketch, case, is_small=True))

    def _tell(self, compared: Told | None) -> None:
        if compared is not None:
            self._write(*compared)

    @property
    def _has_room(self) -> bool:
        return self._door.left > LEFT and not self._is_over

    async def _work(self, sketches: AsyncIterator[Sketch]) -> None:
        while self._has_room and self._fruitless < FRUITLESS:
            async with self._drawing:
                await self._nobody_is_looking()
                sketch = await anext(sketches)
            case = self._cases.of(sketch)
            wanted = self._everything or self._judge.wants(case)
            found: Sequence[Finding] = ()
            if wanted:
                unsent = self._judge.unsent(case)
                # What is not sent leaves open nothing that it was not drawn for.
                found = await self._asked(sketch, case) if unsent is None else _without_notes(unsent)
                self._write(case, found)
            compared = None
            if self._likeness is not None and sketch.is_valid and not any(one.is_broken for one in found):
                compared = await self._likeness.of(sketch, always=not wanted)
                self._tell(compared)
            self._fruitless += not (wanted or compared)

    async def _nobody_is_looking(self) -> None:
        # What is looked into is made sure of before the budget is spent on more.
        for looking in (self._looking, *([self._likeness.looking] if self._likeness else [])):
            async with looking:
                pass

    @property
    def _is_over(self) -> bool:
        return bool(self._judge.liveness.over or self._judge.patience.over)

    async def _asked(self, sketch: Sketch, case: Case, *, is_small: bool = False) -> Sequence[Finding]:
        seen = await self._judge.ask(case, once=True)
        faults = self._faults(seen)
        if not faults or seen.outcome is Outcome.NO_ANSWER:
            found = await self._judge.judge(seen)
            # What was not drawn for it says nothing of what is left open: a text that a small window refuses, nor
            # messages out of turn.
            leaves_open = seen.about_context_window or case.expectation is Expectation.OPEN
            return _without_notes(found) if leaves_open else found
        known, new = self._explained(seen, faults)
        if not new:
            return known
        async with self._looking:
            known, new = self._explained(seen, faults)  # it may have been looked into meanwhile
            for fault in sorted(new):
                # The same is said of several things: which this is, splitting tells, and no more is spent on it.
                told = [cause for cause in self._causes if (cause.fault, cause.way) == (fault, _way(seen))]
                known += await self._looked_into(sketch, seen, fault, is_small=is_small or len(told) >= DEFECTS)
            return known

    # What is wrong with an answer, without asking again

    def _faults(self, seen: Observation) -> frozenset[str]:
        match seen.case.expectation:
            case Expectation.OPEN:
                findings = [*conclusions.of_open(seen)]
            case Expectation.INVALID:
                accepted = conclusions.of_invalid(seen, valid_is_accepted=True)
                findings = [*conclusions.universal(seen), *accepted]
            case Expectation.VALID:
                findings = [*conclusions.universal(seen)]
        found = {finding.requirement for finding in findings if finding.is_broken}
        return frozenset(found | ({_refused(seen)} - {""}))

    def _explained(self, seen: Observation, faults: frozenset[str]) -> tuple[list[Finding], set[str]]:
        # What was found before of what is wrong here, and what is left to be looked into.
        way, here = _way(seen), essence(seen.case)
        found: list[Finding] = []
        new: set[str] = set()
        for fault in faults:
            alike = [cause for cause in self._causes if (cause.fault, cause.way[0]) == (fault, way[0])]
            accepted = fault in {aim.requirement for aim in seen.case.aims}
            explained = [cause for cause in alike if accepted or has(here, cause.essence)]
            # The same is said of several values of what this one has, too: it is hardly another defect.
            names = _names(seen.case, here)
            told = [cause for cause in alike if cause.way == way and cause.names <= names]
            cause = next(iter(explained), told[-1] if len(told) >= DEFECTS else None)
            if cause is None:
                new.add(fault)
                continue
            number = seen.exchange.number
            found += [
                replace(one, case=seen.case.id, observed=seen.summary(), exchanges=(number,))
                for one in cause.findings
            ]
        return found, new

    async def _looked_into(self, sketch: Sketch, seen: Observation, fault: str, *, is_small: bool) -> list[Finding]:
        async def alike(other: Sketch) -> bool:
            return await self._fares_alike(other, seen.case.expectation, fault, way)

        way, best = _way(seen), sketch
        if not is_small:
            best = await made_small(self._task, sketch, self._judge.contract.oracle.is_valid, alike)
        last = await self._made_sure(best, fault, way) if best != sketch else None
        # Which of its values the target minds, if any, is asked as of any request.
        findings = await self._judge.judge(last or seen)
        about = [one for one in findings if one.is_broken and one.confirmed]
        if about:
            self._examples.add(best if last else sketch)
        case = (last or seen).case
        least = _essence(case, about)
        self._causes.append(Cause(fault, way, least, _names(case, least), tuple(about)))
        return findings

    async def _fares_alike(self, other: Sketch, expectation: Expectation, fault: str, way: Way) -> bool:
        case = self._cases.of(other)
        # What a target has to accept is not made smaller to what it need not.
        if self._is_over or case.expectation is not expectation:
            return False
        again = await tried(self._judge, self._door, case)
        return again is not None and fault in self._faults(again) and _way(again) == way

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


def _without_notes(findings: Sequence[Finding]) -> list[Finding]:
    return [one for one in findings if one.verdict is not Verdict.NOTE]


def _names(case: Case, essence: Any) -> frozenset[str]:
    # What nobody declares has another name each time.
    unknown = {part.key for part in case.parts if part.aims[0].requirement == UNKNOWN}
    return (
        frozenset("?" if name in unknown else name for name in essence)
        if isinstance(essence, dict)
        else frozenset()
    )


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
    return seen.status, told_apart(text)


def told_apart(message: str) -> str:
    """What a message is known by: not by what it quotes, but for names, nor by what is another each time."""
    return _VARIABLE.sub("0", _QUOTED.sub("…", message))[:LONG_MESSAGE]
