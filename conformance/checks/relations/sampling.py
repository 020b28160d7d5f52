"""Sampling: temperature, top_k and top_p leave more, or less, to chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infercheck.cases import Case, distinct
from infercheck.checks.relations.claims import Differ, Same, Spread, against_first
from infercheck.checks.relations.language import (
    Claim,
    Hearing,
    Row,
    Ruling,
    broken,
    kept,
    troubled,
    undecided,
)
from infercheck.checks.relations.settings import SEEDS, greedy, hot
from infercheck.generate.asks import Form

ALIKE = "even at the highest temperature every seed gives the same answer"
FIRSTS = 8
"""Seeds for which the first token is asked."""


@dataclass(frozen=True, kw_only=True)
class AtMost(Claim):
    """No more than so many different first tokens, where `free` answers begin with others."""

    most: int
    firsts: Sequence[Case]
    free: Sequence[Case]

    @property
    def asks(self) -> Sequence[Case]:
        return distinct((*self.firsts, *self.free))

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        firsts = [await hearing.ask(case) for case in self.firsts]
        if trouble := troubled(hearing, *firsts):
            return [undecided(trouble, *firsts)]
        if any((one.tokens or 0) > 1 for one in firsts):
            return [undecided("answers have more tokens than they may have (effect/max_tokens)", *firsts)]
        # Where nobody counts tokens, a text may be of more than one: its beginning belongs to the first.
        counted = all(one.tokens == 1 for one in firsts)
        found = {one.text if counted else _beginning(one.text): one for one in firsts}
        if len(found) > self.most:
            witnesses = list(found.values())[: self.most + 1]
            for one in witnesses:
                if (again := await hearing.again(one.case)).said != one.said:
                    hearing.waver(one, again)
                    return [undecided("the same request was answered in different ways", one, again)]
            observed = f"{len(found)} over {len(firsts)} seeds: " + ", ".join(one.shown() for one in witnesses)
            expected = f"at most {self.most} different first tokens with top_k={self.most}"
            return [broken(*witnesses, expected=expected, observed=observed)]
        free = [await hearing.ask(case) for case in self.free]
        others = [one for one in free if not one.problem and one.text and not one.text.startswith(tuple(found))]
        if others:
            return [kept(*firsts, others[0])]
        return [undecided("free answers begin with the same few tokens", *firsts)]


def _beginning(text: str) -> str:
    # What is surely of the first token: a character, with the space before it that most tokens begin with.
    return text[:2] if text[:1].isspace() else text[:1]


def temperature(form: Form) -> Iterator[Claim]:
    """The spread grows from 0 to 5; 5 is neither 4 nor anything below."""
    yield Spread(
        tight=[greedy(form, seed) for seed in SEEDS[:6]],
        loose=[hot(form, seed) for seed in SEEDS[:6]],
        planned=2,
        otherwise="seeds give no more different answers at the highest temperature than at 0",
    )
    clamped = [
        (hot(form, seed, output_limit=limit), hot(form, seed, temperature=3.9, output_limit=limit))
        for seed, limit in zip(SEEDS, (32, 48, 48, 48, 48, 48, 48, 48), strict=True)
    ]
    telling = [(hot(form, SEEDS[0]), hot(form, SEEDS[1]))]
    yield Differ(pairs=clamped[:1], more=clamped[1:], telling=telling, otherwise=ALIKE)


def zero(form: Form) -> Iterator[Claim]:
    """0 gives one answer for all seeds."""
    yield Same(
        pairs=against_first([greedy(form, seed) for seed in SEEDS[:2]]),
        telling=[(hot(form, SEEDS[0]), hot(form, SEEDS[1]))],
        otherwise=ALIKE,
    )


def top_k(form: Form) -> Iterator[Claim]:
    """3 gives at most 3 first tokens; 50 ≠ 2 ≠ 1; 50 leaves more to chance than 1."""
    yield AtMost(
        most=3,
        firsts=[hot(form, seed, top_k=3, output_limit=1) for seed in range(1, FIRSTS + 1)],
        free=[hot(form, seed) for seed in SEEDS[:2]],
    )
    telling = [(hot(form, SEEDS[0]), hot(form, SEEDS[1]))]
    for other in (50, 1):
        pairs = [(hot(form, seed, top_k=2), hot(form, seed, top_k=other)) for seed in SEEDS[:6]]
        yield Differ(pairs=pairs[:1], more=pairs[1:], telling=telling, otherwise=ALIKE)
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
    """1 ≠ 0.1; 1 leaves more to chance than 0."""
    pairs = [(hot(form, seed, top_p=0.999), hot(form, seed, top_p=0.1)) for seed in SEEDS[:6]]
    telling = [(hot(form, SEEDS[0]), hot(form, SEEDS[1]))]
    yield Differ(pairs=pairs[:1], more=pairs[1:], telling=telling, otherwise=ALIKE)
    yield Spread(
        tight=[hot(form, seed, top_p=0) for seed in SEEDS[:5]],
        loose=[hot(form, seed, top_p=0.999) for seed in SEEDS[:5]],
        planned=2,
        otherwise="seeds give no more different answers with top_p 1 than with the least",
    )


def top_p_zero(form: Form) -> Iterator[Claim]:
    """0 gives one answer for all seeds, that of temperature 0."""
    yield from _one([hot(form, seed, top_p=0) for seed in SEEDS[:2]], form)


def _one(cases: Sequence[Case], form: Form) -> Iterator[Claim]:
    telling = [(hot(form, SEEDS[0]), hot(form, SEEDS[1]))]
    zeros = [greedy(form, seed) for seed in SEEDS[:2]]
    yield Same(pairs=against_first(cases), telling=telling, otherwise=ALIKE)
    several = "seeds make a difference here, or at temperature 0"
    yield Same(pairs=[(cases[0], zeros[0])], given=[(zeros[0], zeros[1]), (cases[0], cases[1])], otherwise=several)


_ROLES = ("temperature", "seed", "output_limit")
ROWS = (
    Row(requirements=("effect/temperature",), claims=temperature, roles=_ROLES, closely=True),
    Row(requirements=("effect/temperature/zero",), claims=zero, roles=_ROLES, closely=True),
    Row(requirements=("effect/top_k/one",), claims=top_k_one, roles=(*_ROLES, "top_k"), closely=True),
    Row(requirements=("effect/top_k",), claims=top_k, roles=(*_ROLES, "top_k"), closely=True),
    Row(requirements=("effect/top_p/zero",), claims=top_p_zero, roles=(*_ROLES, "top_p"), closely=True),
    Row(requirements=("effect/top_p",), claims=top_p, roles=(*_ROLES, "top_p"), closely=True),
)
