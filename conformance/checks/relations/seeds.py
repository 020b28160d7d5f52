"""Seeds: the same seed gives the same answer, another seed another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from infercheck.cases import Case, distinct
from infercheck.checks.relations.claims import Besides, differing
from infercheck.checks.relations.contexts import long_one
from infercheck.checks.relations.language import (
    Claim,
    Hearing,
    Kind,
    Pair,
    Row,
    Ruling,
    broken,
    kept,
    problem_of,
    troubled,
    undecided,
)
from infercheck.checks.relations.settings import SEEDS, by_chance, hot, lively
from infercheck.generate.asks import COMPARING, Form, respelled
from infercheck.generate.texts import TEXTS
from infercheck.reply import Reply

SURE = 2
"""How often a request is asked again that was not answered alike."""

SMALL = 3
"""The first of the seeds that are compared, which are small."""

BOUNDARY = (1, 2**31 - 1, 2**31 + 1, 2**32 + 1, 9999999999 % 2**33, 9999999999)
"""Seeds that are one and the same where they are cut to 31, 32 or 33 bits, or brought within these."""


NEAR = (SEEDS[0] + 1, SEEDS[0] + 10**4)
"""Seeds that are one with an ordinary one where the last bit is lost, or all but the last decimal digits."""


@dataclass(frozen=True, kw_only=True)
class Repeats(Claim):
    """The same request is answered alike, when it is asked again with nothing else under way."""

    case: Case
    when: str
    times: int = 1
    basic: bool = False
    """Whether nothing else of this form can be compared where this is not so."""

    @property
    def asks(self) -> Sequence[Case]:
        return [self.case]

    @property
    def repeats(self) -> Sequence[Case]:
        return [self.case] * self.times

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        first = await hearing.ask(self.case)
        if first.problem:
            return [undecided(first.problem, first)]
        was_settled = hearing.settled(self.case)
        async with hearing.quiet():
            replies = [await hearing.again(self.case) for _ in range(self.times)]
            said = {reply.said for reply in replies}
            if said == {first.said} and not any(reply.problem for reply in replies):
                return [kept(first, *replies)]
            # The first may have been given beside others: what counts is what is said with nothing else under way.
            replies += [await hearing.again(self.case) for _ in range(SURE)]
        if problem := problem_of(*replies):
            return [undecided(problem, first, *replies)]
        other = next((reply for reply in replies if reply.said != replies[0].said), None)
        if other is None and await hearing.moves(self.case):
            return [kept(*replies)]
        if other is None and not was_settled:
            reason = "answered differently once, perhaps since other requests were under way, and alike ever since"
            return [undecided(reason, first, *replies)]
        one, other = (replies[0], other) if other else (first, replies[0])
        if self.basic:
            hearing.give_up(one)
        expected = f"the same answer {self.when}: {one.shown(other)}"
        return [broken(one, other, expected=expected, observed=other.shown(one))]


@dataclass(frozen=True, kw_only=True)
class Rewritten(Claim):
    """The same request is answered alike where its JSON is written in another way.

    A cache that knows requests by their bytes makes a target that draws anew look as if it did not.
    """

    pair: Pair
    longer: Pair
    """Asked for where the answers to the `telling` ones are the same, as where all begin with the same sentence."""
    telling: Pair

    @property
    def asks(self) -> Sequence[Case]:
        return self.pair

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        rulings = await self._compared(hearing, self.pair)
        if rulings[0].kind is Kind.KEPT and not await differing(hearing, [self.telling]):
            rulings = await self._compared(hearing, self.longer)
        return rulings

    async def _compared(self, hearing: Hearing, pair: Pair) -> list[Ruling]:
        one, other = [await hearing.ask(case) for case in pair]
        if trouble := troubled(hearing, one, other):
            return [undecided(trouble, one, other)]
        if one.said == other.said:
            return [kept(one, other)]
        replies = [await hearing.again(case) for case in (*pair, *pair)]
        if [reply.said for reply in replies] != [one.said, other.said] * 2:
            return [undecided("they differed, and were not answered alike again", one, other, *replies)]
        hearing.give_up(one, whole=True)
        expected = f"the same answer where the same JSON is written in another way: {one.shown(other)}"
        return [broken(other, one, expected=expected, observed=other.shown(one))]


@dataclass(frozen=True, kw_only=True)
class Distinct(Claim):
    """No two seeds give the same answers, in one setting and, where they do, in another one."""

    settings: Sequence[Sequence[Case]]
    """The requests by setting, then by seed; those of the first setting are planned."""
    unlike: tuple[Case, Case]
    """Requests that are answered differently where chance plays a part: at the highest temperature and at 0."""

    @property
    def asks(self) -> Sequence[Case]:
        return distinct(self.settings[0])

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        replies = [await hearing.ask(case) for case in self.settings[0]]
        if trouble := troubled(hearing, *replies):
            return [undecided(trouble, *replies)]
        twins = [
            (left, right)
            for left, right in combinations(range(len(replies)), 2)
            if replies[left].said == replies[right].said
        ]
        if not twins:
            return [kept(*replies)]
        if len({reply.said for reply in replies}) > 1 and await self._are_few(hearing):
            return [undecided("there are too few different answers to tell seeds by", *replies)]
        for left, right in twins:
            for setting in self.settings[1:]:
                one, other = await hearing.ask(setting[left]), await hearing.ask(setting[right])
                if trouble := troubled(hearing, one, other):
                    return [undecided(trouble, one, other)]
                if one.said != other.said:
                    break
            else:
                return [await self._verdict(hearing, replies, left, right)]
        return [undecided("some seeds gave the same short answer by chance", *replies)]

    async def _are_few(self, hearing: Hearing) -> bool:
        # Whether small seeds, which nobody confuses, give the same answer somewhere.
        for setting in self.settings:
            said = [(await hearing.ask(case)).said for case in setting[:SMALL]]
            if len(set(said)) < len(said):
                return True
        return False

    async def _verdict(self, hearing: Hearing, replies: Sequence[Reply], left: int, right: int) -> Ruling:
        one, other = replies[left], replies[right]
        # Where no seed makes a difference, it must be chance that plays no part, or the seed.
        all_alike = len({reply.said for reply in replies}) == 1
        if all_alike and not await differing(hearing, [self.unlike], sure=True):
            return undecided("no answer depends on chance at all", *replies)
        expected = f"another answer to {one.case.title} than to {other.case.title}, as other seeds give"
        return broken(one, other, expected=expected, observed=f"the same, and so for other texts: {one.shown()}")


def reproducible(form: Form) -> Iterator[Claim]:
    """Same seed, same text: at once, and at a boundary seed."""
    # Twice in a row: a generator that is seeded only when the seed changes goes on where it was.
    yield Repeats(case=lively(form), when="when it is asked again", times=1 + form.is_first, basic=True)
    if form.stream:
        yield Repeats(case=lively(form.stream), when="when it is asked again", basic=True)
    if form.is_first:
        # By itself, before it is one of many values: what does not survive it is found at once.
        yield Repeats(case=lively(form, BOUNDARY[-1]), when="when it is asked again")
        yield Rewritten(
            pair=(lively(form), respelled(lively(form))),
            longer=(form.ask(seed=SEEDS[0]), respelled(form.ask(seed=SEEDS[0]))),
            telling=by_chance(form),
        )


def to_the_end(form: Form) -> Iterator[Claim]:
    """The same to the end of a long answer."""
    if form.is_first:
        # Machines that do not calculate alike may part only after many tokens.
        yield Repeats(case=form.ask(seed=SEEDS[0]), when="when it is asked again")
        # A window that has no room for a long text says nothing of seeds.
        yield Besides(Repeats(case=long_one(form), when="when it is asked again"))


def after_traffic(form: Form) -> Iterator[Claim]:
    """Same seed, same text, after other traffic."""
    for each in (form, form.stream):
        if each:
            yield Repeats(case=lively(each), when="after other requests")


def other_seeds(form: Form) -> Iterator[Claim]:
    """Other seeds differ; 1 ≠ 2^31+1 ≠ 2^32+1."""
    seeds = form.within("seed", (*SEEDS[:2], *BOUNDARY, *NEAR))
    yield Distinct(
        settings=[
            [lively(form, seed) for seed in seeds],
            [hot(form, seed, TEXTS[1]) for seed in seeds],
            [hot(form, seed, TEXTS[2]) for seed in seeds],
        ],
        unlike=(hot(form), hot(form, temperature=0)),
    )


REPRODUCIBLE = Row(
    requirements=("effect/seed/reproducible",), claims=reproducible, roles=COMPARING, basic=True, greedy=True
)
REPRODUCIBLE_TO_THE_END = Row(requirements=("effect/seed/reproducible",), claims=to_the_end, roles=COMPARING)
AFTER_TRAFFIC = Row(
    requirements=("effect/seed/reproducible",),
    claims=after_traffic,
    roles=COMPARING,
    ordered=True,
    first_only=True,
)
DISTINCT = Row(requirements=("effect/seed/distinct",), claims=other_seeds, roles=COMPARING, closely=True)
