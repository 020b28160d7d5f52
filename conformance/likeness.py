"""Likeness: whether twins of drawn requests are answered alike, and the smallest that are not."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from infercheck.cases import Case, Expectation
from infercheck.checks.relations.language import Relation
from infercheck.door import Door
from infercheck.errors import NotToBeHad
from infercheck.findings import Finding, Verdict
from infercheck.fuzz.cases import REMEMBERED, TWINS, essence, has
from infercheck.fuzz.examples import Examples
from infercheck.fuzz.reductions import made_small
from infercheck.fuzz.sketch import Sketch
from infercheck.fuzz.source import Task
from infercheck.generate.asks import Form
from infercheck.hearing import Hearing
from infercheck.judge import Judge
from infercheck.observation import Observation
from infercheck.reply import reply_of
from infercheck.twins import Twinning, Twins

Told: TypeAlias = tuple[Case, Sequence[Finding]]
"""What is said of two twins, under the case that stands for them."""

EVERY = 3
"""Of so many valid requests that are drawn, one is put in two ways."""

LONGEST = 16_000
"""Bytes of the longest request that is: what is long takes long, and says no more."""

SHOWN = 2
"""Twins of a kind that are shown; a defect that is known already is not looked for again."""

LEFT = 30
"""Requests that are kept for making sure of what was made smaller."""


class Likeness:
    """Compares answers to twins: kind after kind, each until enough is shown. `is_wanted` tells whether anybody
    asked about a requirement, and nothing is known to break it."""

    def __init__(
        self,
        judge: Judge,
        door: Door,
        hearing: Hearing,
        twinning: Twinning,
        form: Form,
        task: Task,
        examples: Examples,
        is_wanted: Callable[[str], bool],
    ) -> None:
        self._judge = judge
        self._door = door
        self._hearing = hearing
        self._twinning = twinning
        self._form = form
        self._task = task
        self._examples = examples
        self._kinds = [kind for kind, requirement in twinning.kinds if is_wanted(requirement)]
        self._turns: Counter[str] = Counter()
        self.looking = asyncio.Lock()
        """Held while a defect is made smaller."""
        self._count = 0
        self._shown: Counter[str] = Counter()
        self._known: defaultdict[str, list[Any]] = defaultdict(list)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to compare, or nothing that could be."""
        return self._hearing.wavers or all(self._shown[kind] >= SHOWN for kind in self._kinds)

    async def of(self, sketch: Sketch, *, always: bool = False) -> Told | None:
        """What the twins of a valid request come to, under the case that stands for them; None where it has none
        or, unless it is `always`, it is not its turn."""
        self._count += 1
        if (self._count % EVERY and not always) or self.is_over or len(sketch.body) > LONGEST:
            return None
        twins = self._made(sketch)
        if twins is None or any(has(essence(twins.one), known) for known in self._known[twins.kind]):
            return None
        case, findings = await self._heard(twins)
        if not _is_broken(twins, findings):
            return case, findings
        self._shown[twins.kind] += 1
        async with self.looking:
            return await self._made_smaller(sketch, twins, (case, findings))

    async def _made_smaller(self, sketch: Sketch, twins: Twins, told: Told) -> Told:
        async def alike(other: Sketch) -> bool:
            return await self._are_unlike(other, kind, twins.one.expectation)

        kind = twins.kind
        best = await made_small(self._task, sketch, self._judge.contract.oracle.is_valid, alike)
        less = self._twinning.of(best, kind)
        if less is not None and less.one.request.digest != twins.one.request.digest:
            smaller = await self._heard(less)
            if _is_broken(less, smaller[1]):
                sketch, twins, told = best, less, smaller
        self._known[kind].append(essence(twins.one))
        self._examples.add(replace(sketch, twins=kind))
        return told

    async def again(self, sketch: Sketch) -> Told | None:
        """The same of a request whose twins showed a defect in an earlier run."""
        known = sketch.twins in self._kinds
        twins = self._twinning.of(sketch, sketch.twins, REMEMBERED) if known else None
        if twins is None or self.is_over:
            return None
        case, findings = await self._heard(twins)
        if _is_broken(twins, findings):
            self._shown[twins.kind] += 1
            self._known[twins.kind].append(essence(twins.one))
        return case, findings

    def _made(self, sketch: Sketch) -> Twins | None:
        # Of the kinds that this request has twins of, first the one that was compared least.
        for kind in sorted(self._kinds, key=self._turns.__getitem__):
            twins = self._twinning.of(sketch, kind) if self._shown[kind] < SHOWN else None
            if twins is not None and all(self._judge.unsent(one) is None for one in (twins.one, twins.other)):
                self._turns[kind] += 1
                return twins
        return None

    async def _heard(self, twins: Twins) -> tuple[Case, list[Finding]]:
        case = replace(
            twins.one,
            id=f"{TWINS}/{twins.kind.replace(' ', '-')}/{twins.one.id.rpartition('/')[2]}",
            title=f"{twins.one.title}, {twins.kind}, and not",
            expectation=Expectation.OPEN,
            parts=(),
            aims=(),
        )
        relation = Relation(row=twins.row, form=self._form, planned=True, case=case)
        findings = await self._hearing.hear(relation)
        self._hearing.forget((twins.one, twins.other))
        # That one of the two is too long for a small window leaves open nothing that it was not made for.
        about = twins.row.requirements
        return case, [one for one in findings if one.requirement in about or one.verdict is not Verdict.NOTE]

    async def _are_unlike(self, sketch: Sketch, kind: str, expectation: Expectation) -> bool:
        twins = self._twinning.of(sketch, kind)
        # What makes sense is not made smaller to what does not.
        if twins is None or twins.one.expectation is not expectation:
            return False
        replies = []
        for case in (twins.one, twins.other):
            seen = await tried(self._judge, self._door, case)
            if seen is None:
                return False
            replies.append(reply_of(seen))
        one, other = replies
        return not (one.problem or other.problem) and not twins.are_alike(one, other)


async def tried(judge: Judge, door: Door, case: Case) -> Observation | None:
    """The answer to a request that may show a defect by less; None where it is not to be had, or not worth it."""
    if door.left <= LEFT or judge.unsent(case) is not None:
        return None
    with contextlib.suppress(NotToBeHad):
        return await judge.ask(case, extra=True, once=True)
    return None


def _is_broken(twins: Twins, findings: Sequence[Finding]) -> bool:
    # Not by what is said of each of the two alone.
    about = twins.row.requirements
    return any(one.is_broken and one.confirmed and one.requirement in about for one in findings)
