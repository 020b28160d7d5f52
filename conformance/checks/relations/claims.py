"""Claims that many rows make: the same answer, another answer, one answer, more answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from infercheck.cases import Case, distinct
from infercheck.checks.relations.language import (
    Claim,
    Hearing,
    Kind,
    Pair,
    Ruling,
    Standing,
    broken,
    contest,
    kept,
    problem_of,
    troubled,
    undecided,
)
from infercheck.reply import Reply, beginning

ENOUGH = 4
"""Pairs of equal answers that show that a parameter has no effect, where others show that it would be seen."""


@dataclass(frozen=True, kw_only=True)
class Same(Claim):
    """The answers of each pair are the same. That says something only where those of a `telling` pair are not.

    `otherwise` is why nothing can be told then.
    """

    pairs: Sequence[Pair]
    given: Sequence[Pair] = ()
    """Pairs whose answers must be the same before anything is said of the others."""
    telling: Sequence[Pair] = ()
    otherwise: str = ""
    requirement: str = ""
    form: str = ""
    """The form of each pair's first request, where that is not the first form."""

    @property
    def asks(self) -> Sequence[Case]:
        return distinct(chain.from_iterable((*self.pairs, *self.given, *self.telling)))

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        if await differing(hearing, self.given):
            return [undecided(self.otherwise, requirement=self.requirement)]
        replies: list[Reply] = []
        for left, right in self.pairs:
            one, other = await hearing.ask(left), await hearing.ask(right)
            if trouble := troubled(hearing, one, other):
                return [undecided(trouble, one, other, requirement=self.requirement)]
            replies += (one, other)
            if one.said != other.said:
                expected = f"the answer to {other.case.title}: {other.shown(one)}"
                observed = f"to {one.case.title}: {one.shown(other)}"
                ruling = await contest(hearing, one, other, expected, observed, self.requirement)
                if self.form:
                    hearing.compared(self.form, left, alike=ruling.kind is not Kind.BROKEN)
                return [ruling]
            if self.form:
                hearing.compared(self.form, left, alike=True)
        if not self.telling or await differing(hearing, self.telling):
            return [kept(*replies, requirement=self.requirement)]
        return [undecided(self.otherwise, *replies, requirement=self.requirement)]


@dataclass(frozen=True, kw_only=True)
class Differ(Claim):
    """The answers of some pair differ. Where none do, that is blamed only if those of a `telling` pair do.

    `pairs` are planned, `more` asked where those are equal. `telling` pairs are planned but for what they have
    of `more`; without any, all pairs together are telling. `speaks` tells of the answers to all but the `last`
    pairs whether the difference would be seen in them. Nothing is blamed unless all `free` answers differ from each
    other, and the `firsts` begin with more than so many different `tokens`.
    """

    pairs: Sequence[Pair]
    more: Sequence[Pair]
    last: Sequence[Pair] = ()
    telling: Sequence[Pair] = ()
    free: Sequence[Case] = ()
    firsts: Sequence[Case] = ()
    tokens: int = 1
    speaks: Callable[[Sequence[Reply]], bool] = bool
    otherwise: str = ""
    requirement: str = ""

    @property
    def asks(self) -> Sequence[Case]:
        unplanned = {case.request.digest for pair in self.more for case in pair}
        told = (case for pair in self.telling for case in pair if case.request.digest not in unplanned)
        return distinct((*chain.from_iterable(self.pairs), *told))

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        equal: list[Reply] = []
        for count, (left, right) in enumerate((*self.pairs, *self.more, *self.last), start=1):
            one, other = await hearing.ask(left), await hearing.ask(right)
            if trouble := troubled(hearing, one, other):
                return [undecided(trouble, one, other, requirement=self.requirement)]
            if one.said != other.said:
                if (standing := await hearing.differ(one, other, pairs=count)) is Standing.STANDS:
                    return [kept(one, other, requirement=self.requirement)]
                return [undecided(f"they differed, and {standing}", one, other, requirement=self.requirement)]
            equal += (one, other)
            # Nothing more is spent on what could not be blamed anyhow.
            if count == len(self.pairs) and not await self._is_told(hearing):
                return [undecided(self.otherwise, *equal, requirement=self.requirement)]
        one, other = equal[:2]
        speaking = equal[: len(equal) - 2 * len(self.last)]
        seen = len(speaking) >= 2 * ENOUGH and all(reply.text for reply in speaking) and self.speaks(speaking)
        if not seen or not await self._are_free(hearing):
            return [undecided(self.otherwise, *equal, requirement=self.requirement)]
        expected = f"another answer to {one.case.title} than to {other.case.title}"
        observed = f"the same, in each of {len(equal) // 2} such pairs: {one.shown()}"
        return [broken(*equal, expected=expected, observed=observed, requirement=self.requirement)]

    async def _is_told(self, hearing: Hearing) -> bool:
        # Whether anything tells answers of this target apart.
        unplanned = {case.request.digest for pair in self.more for case in pair}
        known = all(case.request.digest not in unplanned for pair in self.telling for case in pair)
        return not known or not self.telling or await differing(hearing, self.telling)

    async def _are_free(self, hearing: Hearing) -> bool:
        # Whether they leave so much to chance that the difference would be seen.
        if self.telling and not await differing(hearing, self.telling, sure=True):
            return False
        free = [await hearing.ask(case) for case in self.free]
        if problem_of(*free) or len({reply.said for reply in free}) < len(free):
            return False
        firsts = [await hearing.ask(case) for case in self.firsts]
        return not firsts or len({beginning(reply.text) for reply in firsts} - {""}) > self.tokens


@dataclass(frozen=True, kw_only=True)
class Spread(Claim):
    """The answers to `loose` requests vary more than those to `tight` ones; two to a seed, as many of each.

    The first `planned` of each are planned; where these are the wrong way round, the others decide.
    """

    tight: Sequence[Case]
    loose: Sequence[Case]
    planned: int
    otherwise: str

    @property
    def asks(self) -> Sequence[Case]:
        return distinct((*self.tight[: self.planned], *self.loose[: self.planned]))

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        for count in (self.planned, len(self.tight)):
            tight = [await hearing.ask(case) for case in self.tight[:count]]
            loose = [await hearing.ask(case) for case in self.loose[:count]]
            if trouble := troubled(hearing, *tight, *loose):
                return [undecided(trouble, *tight, *loose)]
            few, many = len({one.said for one in tight}), len({one.said for one in loose})
            if few <= many:
                break
        if few < many:
            return [kept(*tight, *loose)]
        if few < many + 2:
            return [undecided(self.otherwise, *tight, *loose)]
        # Noise makes what does not vary look as if it did.
        told = list({one.said: one for one in tight}.values())[: many + 2]
        if ruling := await unlike_again(hearing, told):
            return [ruling]
        expected = f"answers to {loose[0].case.title} that vary more with the seed than to {tight[0].case.title}"
        observed = f"{many} different of {count}, where there are {few} of the other: {loose[0].shown()}"
        return [broken(*loose, *tight, expected=expected, observed=observed)]


async def differing(hearing: Hearing, pairs: Iterable[Pair], *, sure: bool = False) -> bool:
    """Whether the answers of some pair differ; before anything is blamed for that, make `sure`."""
    for count, (left, right) in enumerate(pairs, start=1):
        one, other = await hearing.ask(left), await hearing.ask(right)
        if troubled(hearing, one, other) or one.said == other.said:
            continue
        standing = await hearing.differ(one, other, pairs=0 if sure else count)
        if standing is Standing.STANDS or (standing.is_open and not hearing.wavers):
            return True
    return False


async def unlike_again(hearing: Hearing, replies: Iterable[Reply]) -> Ruling | None:
    """Ask again for what something is blamed for; where anything is answered otherwise, nothing can be told."""
    for one in replies:
        if hearing.settled(one.case):
            continue
        if (again := await hearing.again(one.case)).said != one.said:
            hearing.waver(one, again)
            return undecided("the same request was answered in different ways", one, again)
    return None


@dataclass(frozen=True)
class FirstDecided(Claim):
    """The first of several claims that decides anything; only the requests of the first are planned."""

    claims: Sequence[Claim]

    @property
    def asks(self) -> Sequence[Case]:
        return self.claims[0].asks

    @property
    def repeats(self) -> Sequence[Case]:
        return self.claims[0].repeats

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        rulings: list[Ruling] = []
        for claim in self.claims:
            rulings = await claim.rule(hearing)
            if all(ruling.kind is not Kind.UNDECIDED for ruling in rulings):
                break
        return rulings


@dataclass(frozen=True)
class Besides(Claim):
    """A claim that shows what it can, of a requirement that others decide: that it cannot be told is not told."""

    claim: Claim

    @property
    def asks(self) -> Sequence[Case]:
        return self.claim.asks

    @property
    def repeats(self) -> Sequence[Case]:
        return self.claim.repeats

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        return [ruling for ruling in await self.claim.rule(hearing) if ruling.kind is not Kind.UNDECIDED]


def against_first(cases: Sequence[Case]) -> list[Pair]:
    """Each of some cases but the first, paired with the first."""
    return [(cases[0], case) for case in cases[1:]]
