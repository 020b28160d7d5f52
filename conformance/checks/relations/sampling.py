"""Sampling: temperature, top_k and top_p leave more, or less, to chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from infercheck.cases import Case, distinct
from infercheck.checks.relations.claims import (
    Differ,
    FirstDecided,
    Same,
    Spread,
    against_first,
    unlike_again,
)
from infercheck.checks.relations.language import (
    Claim,
    Hearing,
    Row,
    Ruling,
    broken,
    kept,
    problem_of,
    troubled,
    undecided,
)
from infercheck.checks.relations.settings import FIRSTS, HOT, SEEDS, coins, greedy, hot, hot_by_chance
from infercheck.generate.asks import COMPARING, Form
from infercheck.generate.texts import TEXTS
from infercheck.reply import Reply, beginning

ALIKE = "even at the highest temperature every seed gives the same answer"
TEMPERATURES = (HOT, 4.6, 3.9, 3, 2.3, 1.7, 1.2, 0.9, 0.6, 0.3)
"""Temperatures, the highest first, each of which gives answers of its own where chance plays any part."""

TOP_KS = (50, 40, 32, 25, 20, 16, 12, 9, 7, 5, 4, 3, 2)
"""Values of top_k, the greatest first."""


MANY, TWICE = 20, 2
"""First tokens that are drawn to see whether there are many, and how many of them may have come before."""


@dataclass(frozen=True, kw_only=True)
class AtMost(Claim):
    """No more than so many different first tokens, where `free` answers begin with others."""

    most: int
    firsts: Sequence[Case]
    others: Sequence[Sequence[Case]] = ()
    """The same for other texts, which are asked for before anything is blamed."""
    free: Sequence[Case]
    limit: int = 1
    """The tokens that each answer may have."""

    @property
    def asks(self) -> Sequence[Case]:
        return distinct((*self.firsts, *self.free[:1]))

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        firsts = await self._until_too_many(hearing, self.firsts)
        if trouble := troubled(hearing, *firsts):
            return [undecided(trouble, *firsts)]
        if any((one.tokens or 0) > self.limit for one in firsts):
            return [undecided("answers have more tokens than they may have (effect/max_tokens)", *firsts)]
        found = _by_token(firsts)
        if len(found) > self.most:
            # Tokens that are exactly as likely as the last may all be kept: rarely, and not for every text.
            for cases in self.others:
                replies = await self._until_too_many(hearing, cases)
                if problem_of(*replies) or len(_by_token(replies)) <= self.most:
                    return [undecided("more than so many first tokens for one text, and not for others", *firsts)]
            witnesses = list(found.values())[: self.most + 1]
            if ruling := await unlike_again(hearing, witnesses):
                return [ruling]
            observed = f"{len(found)} over {len(firsts)} seeds: " + ", ".join(one.shown() for one in witnesses)
            expected = f"at most {self.most} different first tokens with top_k={self.most}"
            return [broken(*witnesses, expected=expected, observed=observed)]
        for case in self.free:
            # A token may be the beginning of another: answers of one token are compared whole.
            one = await hearing.ask(case)
            if not one.problem and one.text and one.first_token not in found:
                return [kept(*firsts, one)]
        return [undecided("free answers begin with the same few tokens", *firsts)]

    async def _until_too_many(self, hearing: Hearing, cases: Sequence[Case]) -> list[Reply]:
        replies: list[Reply] = []
        for case in cases:
            replies.append(await hearing.ask(case))
            if len(_by_token(replies)) > self.most:
                break
        return replies


def _by_token(replies: Sequence[Reply]) -> dict[str, Reply]:
    # Where nobody counts tokens, a text may be of more than one: its beginning belongs to the first.
    counted = all(one.tokens == 1 for one in replies)
    return {one.text if counted else beginning(one.text): one for one in replies}


@dataclass(frozen=True, kw_only=True)
class NotClamped(Claim):
    """The greatest value is not taken for a lower one.

    `ladders` are the same requests with one seed after the other: with the greatest value first, then with lower
    ones. Where it is taken for a lower one, the answers are those of all values down to that one, with every seed,
    and with none of the next: as sharp an edge is no chance.
    """

    ladders: Sequence[Sequence[Case]]
    otherwise: str
    without: Sequence[Case] = ()
    """The same without the parameter, by seed: where that changes nothing, the greatest value cuts nothing off."""
    firsts: Sequence[Case] = ()
    """First tokens without it: where hardly any comes twice, there are more than the greatest value leaves."""

    @property
    def asks(self) -> Sequence[Case]:
        return self.ladders[0][:2]

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        top, next_ = [await hearing.ask(case) for case in self.ladders[0][:2]]
        if trouble := troubled(hearing, top, next_):
            return [undecided(trouble, top, next_)]
        if top.said != next_.said:
            return [kept(top, next_)]
        same, other = 1, len(self.ladders[0])
        while same + 1 < other:
            middle = (same + other) // 2
            if (await hearing.ask(self.ladders[0][middle])).said == top.said:
                same = middle
            else:
                other = middle
        if other == len(self.ladders[0]):
            return [undecided(self.otherwise, top, next_)]
        free = [(await hearing.ask(case)).said for case in self.without]
        if free and free == [(await hearing.ask(ladder[0])).said for ladder in self.ladders]:
            return [undecided(self.otherwise, top, next_)]
        firsts = [await hearing.ask(case) for case in self.firsts]
        if len(_by_token(firsts)) < len(firsts) - TWICE:
            return [undecided(self.otherwise, top, next_)]
        shown: list[Reply] = []
        for ladder in self.ladders:
            replies = [await hearing.ask(ladder[index]) for index in (0, 1, same, other)]
            top, next_, equal, lower = replies
            if trouble := troubled(hearing, *replies):
                return [undecided(trouble, *replies)]
            if top.said != next_.said:
                return [kept(top, next_)]
            if top.said != equal.said or top.said == lower.said:
                return [undecided(self.otherwise, *replies)]
            shown += (top, equal, lower)
        expected = f"another answer to {shown[0].case.title} than to {shown[1].case.title}"
        observed = f"the same, with each of {len(self.ladders)} seeds, and none to {shown[2].case.title}"
        return [broken(*shown, expected=expected, observed=observed)]


def temperature(form: Form) -> Iterator[Claim]:
    """The spread grows from 0 to 5; 5 is not taken for anything below."""
    loose = [hot(form, seed) for seed in SEEDS[:6]]
    # Where 0 is taken for something else, which is another matter, hardly more than 0 tells as much.
    cold = [least for least in (0, 0.01) if form.allows("temperature", least)]
    spreads = [
        Spread(
            tight=[hot(form, seed, temperature=least) for seed in SEEDS[:6]],
            loose=loose,
            planned=2,
            otherwise=f"seeds give no more different answers at the highest temperature than at {least:g}",
        )
        for least in cold
    ]
    if spreads:
        yield FirstDecided(spreads)
    values = form.within("temperature", TEMPERATURES)
    ladders = [[hot(form, seed, temperature=value) for value in values] for seed in SEEDS]
    little = "answers change too little with the temperature"
    if len(values) < 2:
        return
    ends = [(ladder[0], ladder[-1]) for ladder in ladders[:6]]
    yield FirstDecided(
        [
            NotClamped(ladders=ladders, otherwise=little),
            Differ(pairs=ends, more=(), telling=[hot_by_chance(form)], free=coins(form), otherwise=little),
        ]
    )


def zero(form: Form) -> Iterator[Claim]:
    """0 gives one answer for all seeds."""
    yield Same(
        pairs=against_first([greedy(form, seed) for seed in SEEDS[:2]]),
        telling=[hot_by_chance(form)],
        otherwise=ALIKE,
    )


def top_k(form: Form) -> Iterator[Claim]:
    """2 gives at most 2 first tokens; 50 ≠ 2 ≠ 1, nor anything else below; 50 leaves more to chance than 1."""
    free = [hot(form, seed, output_limit=1) for seed in range(1, FIRSTS + 1)]
    low = form.within("top_k", [2])[0]
    if low <= FIRSTS // 2:
        yield AtMost(
            most=low,
            firsts=[hot(form, seed, top_k=low, output_limit=1) for seed in range(1, FIRSTS + 1)],
            others=[
                [hot(form, seed, text, top_k=low, output_limit=1) for seed in range(1, FIRSTS + 1)]
                for text in TEXTS[1:3]
            ],
            free=free,
            limit=form.within("output_limit", [1])[0],
        )
    telling = [hot_by_chance(form)]
    for other in form.within("top_k", [50, 1]):
        if other == low:
            continue
        pairs = [(hot(form, seed, top_k=low), hot(form, seed, top_k=other)) for seed in SEEDS[:6]]
        yield Differ(
            pairs=pairs[:1],
            more=pairs[1:],
            telling=telling,
            free=coins(form),
            firsts=free,
            tokens=min(low, other),
            otherwise="even at the highest temperature answers begin with the same few tokens",
        )
    values = form.within("top_k", TOP_KS)
    if len(values) > 1:
        yield NotClamped(
            ladders=[[hot(form, seed, top_k=value) for value in values] for seed in SEEDS],
            without=[hot(form, seed) for seed in SEEDS],
            firsts=[hot(form, seed, output_limit=1) for seed in range(1, MANY + 1)],
            otherwise="answers change too little with top_k",
        )
    if form.allows("top_k", 1) and form.allows("top_k", 2):
        yield Spread(
            tight=[hot(form, seed, top_k=1) for seed in SEEDS[:5]],
            loose=[hot(form, seed, top_k=50) for seed in SEEDS[:5]],
            planned=2,
            otherwise="seeds give no more different answers with top_k 50 than with 1",
        )


def top_k_one(form: Form) -> Iterator[Claim]:
    """1 gives one answer for all seeds, that of temperature 0."""
    yield from _one([hot(form, seed, top_k=1) for seed in SEEDS[:2]], form)


def top_p(form: Form) -> Iterator[Claim]:
    """1 ≠ 0.1; 1 leaves more to chance than 0, and so does whatever is above 1."""
    pairs = [(hot(form, seed, top_p=1), hot(form, seed, top_p=0.1)) for seed in SEEDS[:6]]
    telling = [hot_by_chance(form)]
    yield Differ(pairs=pairs[:1], more=pairs[1:], telling=telling, free=coins(form), otherwise=ALIKE)
    for whole in (1, 2):
        seeds = [(hot(form, one, top_p=whole), hot(form, other, top_p=whole)) for one, other in pairwise(SEEDS[:6])]
        yield Differ(pairs=seeds[:1], more=seeds[1:], telling=telling, free=coins(form), otherwise=ALIKE)
    yield FirstDecided(
        [
            Spread(
                tight=[hot(form, seed, top_p=least) for seed in SEEDS[:5]],
                loose=[hot(form, seed, top_p=1) for seed in SEEDS[:5]],
                planned=2,
                otherwise=f"seeds give no more different answers with top_p 1 than with {least:g}",
            )
            for least in (0, 0.001)
        ]
    )


def top_p_zero(form: Form) -> Iterator[Claim]:
    """0 gives one answer for all seeds, that of temperature 0."""
    yield from _one([hot(form, seed, top_p=0) for seed in SEEDS[:2]], form)


def _one(cases: Sequence[Case], form: Form) -> Iterator[Claim]:
    telling = [hot_by_chance(form)]
    zeros = [greedy(form, seed) for seed in SEEDS[:2]]
    yield Same(pairs=against_first(cases), telling=telling, otherwise=ALIKE)
    several = "seeds make a difference here, or at temperature 0"
    yield Same(pairs=[(cases[0], zeros[0])], given=[(zeros[0], zeros[1]), (cases[0], cases[1])], otherwise=several)


TEMPERATURE = Row(requirements=("effect/temperature",), claims=temperature, roles=COMPARING, closely=True)
ZERO = Row(requirements=("effect/temperature/zero",), claims=zero, roles=COMPARING, closely=True)
TOP_K = Row(requirements=("effect/top_k",), claims=top_k, roles=(*COMPARING, "top_k"), closely=True)
TOP_K_ONE = Row(requirements=("effect/top_k/one",), claims=top_k_one, roles=(*COMPARING, "top_k"), closely=True)
TOP_P = Row(requirements=("effect/top_p",), claims=top_p, roles=(*COMPARING, "top_p"), closely=True)
TOP_P_ZERO = Row(requirements=("effect/top_p/zero",), claims=top_p_zero, roles=(*COMPARING, "top_p"), closely=True)
