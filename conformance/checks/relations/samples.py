"""Samples: whether two ways to ask draw from the same distribution, of a target that draws anew whatever the seed.

First tokens are counted, and a permutation test tells whether the counts differ by more than chance. It assumes
nothing of the distribution but that answers do not depend on each other.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from infercheck.cases import Case
from infercheck.checks.relations.claims import Besides
from infercheck.checks.relations.language import Claim, Hearing, Row, Ruling, broken, problem_of, undecided
from infercheck.checks.relations.support import ALPHA, FIRST_SEED
from infercheck.generate.asks import Form
from infercheck.reply import Reply

SCREENED, SCREEN = 60, 0.02
"""Answers of each arm that screen, and the chance below which they make us look again."""

TRIALS = 200
"""Answers of each arm that decide."""

FIRST_TRIAL = FIRST_SEED + 10_000
"""Of the seeds of all trials, each of which has its own."""


def differ(ones: Sequence[str], others: Sequence[str], alpha: float, chance: random.Random) -> bool:
    """Whether two samples of the same size are less alike than all of 1/alpha ways to deal them out again.

    How unlike they are is Σ(a - b)² / (a + b) over the tokens, with the counts a and b. Were they of one
    distribution, this would be so in fewer than `alpha` of all cases (Phipson and Smyth, 2010).
    """
    totals = Counter(ones) + Counter(others)

    def unlike(sample: Sequence[str]) -> float:
        counts = Counter(sample)
        return math.fsum((2 * counts[token] - total) ** 2 / total for token, total in totals.items())

    observed, pool = unlike(ones), [*ones, *others]
    return all(unlike(chance.sample(pool, len(ones))) < observed for _ in range(math.ceil(1 / alpha)))


@dataclass(frozen=True, kw_only=True)
class SameSpread(Claim):
    """Answers to two kinds of requests begin with the same tokens as often as each other.

    Each kind makes a request from a seed. Where no difference is seen nothing is decided: a small one would not be.
    """

    one: Callable[[int], Case]
    other: Callable[[int], Case]
    what: str

    @property
    def asks(self) -> Sequence[Case]:
        return ()

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        first = 0
        # A few answers, then many: what is seen in either makes us look, and only what is seen after that decides.
        for trials in (SCREENED, TRIALS):
            ones, others = await self._drawn(hearing, trials, first)
            if problem := problem_of(*ones, *others):
                return [undecided(problem, *ones, *others)]
            first += trials
            if await _differ(ones, others, SCREEN):
                return await self._decided(hearing, first)
        reason = f"no difference that {TRIALS} answers of each show, and a small one would not: {self.what}"
        return [undecided(reason, *ones, *others)]

    async def _decided(self, hearing: Hearing, first: int) -> list[Ruling]:
        ones, others = await self._drawn(hearing, TRIALS, first)
        if problem := problem_of(*ones, *others):
            return [undecided(problem, *ones, *others)]
        if not await _differ(ones, others, ALPHA):
            return [
                undecided(f"a difference that {TRIALS} fresh answers do not confirm: {self.what}", *ones, *others)
            ]
        expected = f"as often the same first tokens: {self.what}"
        observed = f"{_shown(ones)}; {_shown(others)} (by chance in fewer than 1 of {round(1 / ALPHA):,} tests)"
        return [broken(ones[0], others[0], *ones[1:], *others[1:], expected=expected, observed=observed)]

    async def _drawn(self, hearing: Hearing, trials: int, first: int) -> tuple[list[Reply], list[Reply]]:
        # The two in turns at random: what changes with the time changes both alike.
        order = [(arm, trial) for arm in (0, 1) for trial in range(trials)]
        random.Random(first).shuffle(order)
        replies: tuple[list[Reply], list[Reply]] = [], []
        for arm, trial in order:
            kind = (self.one, self.other)[arm]
            replies[arm].append(await hearing.ask(kind(FIRST_TRIAL + 2 * (first + trial) + arm)))
        return replies


async def _differ(ones: Sequence[Reply], others: Sequence[Reply], alpha: float) -> bool:
    one, other = ([reply.first_token for reply in replies] for replies in (ones, others))
    return await asyncio.to_thread(differ, one, other, alpha, random.Random(1))


def _shown(replies: Sequence[Reply]) -> str:
    common = Counter(reply.first_token for reply in replies).most_common(3)
    return ", ".join(f"{token!r} {count}" for token, count in common) + f" of {len(replies)}"


def default_temperature(form: Form) -> Iterator[Claim]:
    """First tokens without a temperature come as often as with the default one."""
    default = form.declared("temperature", "default")

    def asked(seed: int, **given: Any) -> Case:
        return form.ask(seed=seed, output_limit=1, **given)

    yield SameSpread(
        one=asked,
        other=lambda seed: asked(seed, temperature=default),
        what=f"temperature left out, and {default:g}",
    )


def streamed(form: Form) -> Iterator[Claim]:
    """First tokens of streams come as often as those of answers without one."""
    stream = form.stream
    if stream is not None:
        spread = SameSpread(
            one=lambda seed: stream.ask(seed=seed, output_limit=1, temperature=1),
            other=lambda seed: form.ask(seed=seed, output_limit=1, temperature=1),
            what="streamed, and not",
        )
        yield Besides(spread)


_ROLES = ("temperature", "seed", "output_limit")
ROWS = tuple(
    Row(requirements=(id_,), claims=claims, roles=_ROLES, first_only=True, on_noise=True, deep=True)
    for id_, claims in (("default/temperature", default_temperature), ("stream/equivalence", streamed))
)
