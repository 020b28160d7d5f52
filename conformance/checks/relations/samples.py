"""Samples: whether two ways to ask draw from the same distribution, of a target that draws anew whatever the seed.

First tokens are counted, and a permutation test tells whether the counts differ by more than chance. It assumes
nothing of the distribution but that answers do not depend on each other. How great a difference it would see is
told by the chi-square distribution, which the same sum follows.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from infercheck.cases import Case
from infercheck.checks.relations.claims import Besides
from infercheck.checks.relations.language import Claim, Hearing, Row, Ruling, broken, problem_of, undecided
from infercheck.checks.relations.support import ALPHA, FIRST_SEED
from infercheck.generate.asks import COMPARING, Form
from infercheck.reply import Reply

SCREENED, SCREEN = 60, 0.02
"""Answers of each arm that screen, and the chance below which they make us look again."""

TRIALS = 200
"""Answers of each arm that screen once more, where fewer show nothing."""

DECIDING = 400
"""Fresh answers of each arm that decide: with as many, 1.0 instead of 0.6 shows with most distributions."""

STEPS = (0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Differences of temperature, of which the least that would be seen is told."""

OFTEN = 0.95
"""The chance with which it would be seen."""

FIRST_TRIAL = FIRST_SEED + 10_000
"""Of the seeds of all trials, each of which has its own."""


def unlike(sample: Sequence[Any], totals: Mapping[Any, int]) -> float:
    """How unlike a sample is to the rest of some totals: Σ(a - b)² / (a + b) over the tokens, with the counts a and
    b of the two."""
    counts = Counter(sample)
    return math.fsum((2 * counts[token] - total) ** 2 / total for token, total in totals.items())


def differ(ones: Sequence[str], others: Sequence[str], alpha: float, chance: random.Random) -> bool:
    """Whether two samples of the same size are less alike than all of 1/alpha ways to deal them out again.

    Were they of one distribution, this would be so in fewer than `alpha` of all cases (Phipson and Smyth, 2010).
    """
    totals = Counter(ones) + Counter(others)
    observed, pool = unlike(ones, totals), [*ones, *others]
    return all(unlike(chance.sample(pool, len(ones)), totals) < observed for _ in range(math.ceil(1 / alpha)))


def critical(freedom: int, alpha: float) -> float:
    """What Σ(a - b)² / (a + b) exceeds by chance in `alpha` of all cases, for one more token than `freedom`
    (Wilson and Hilferty, 1931)."""
    spread = 2 / (9 * freedom)
    return float(freedom * (1 - spread + NormalDist().inv_cdf(1 - alpha) * math.sqrt(spread)) ** 3)


def power(ones: Sequence[float], others: Sequence[float], trials: int, alpha: float) -> float:
    """The chance to tell two distributions apart by `trials` answers of each: shares of tokens, in the same order.

    The sum is taken for normal with the moments of a noncentral chi-square.
    """
    pairs = [(one, other) for one, other in zip(ones, others, strict=True) if one + other > 0]
    freedom = len(pairs) - 1
    if freedom < 1:
        return 0.0
    moved = trials * math.fsum((one - other) ** 2 / (one + other) for one, other in pairs)
    seen = NormalDist(freedom + moved, math.sqrt(2 * freedom + 4 * moved))
    return 1 - seen.cdf(critical(freedom, alpha))


def warmed(shares: Sequence[float], temperature: float, other: float) -> list[float]:
    """What shares of tokens at one temperature are at another: to the power of their ratio."""
    weights = [share ** (temperature / other) for share in shares]
    whole = math.fsum(weights)
    return [weight / whole for weight in weights]


def least_seen(tokens: Sequence[str], temperature: float) -> float | None:
    """The nearest higher temperature that would be told from the one at which these first tokens were drawn.

    None where no step would be, `OFTEN`. Tokens that are not among these count for nothing.
    """
    shares = [count / len(tokens) for count in Counter(tokens).values()]
    higher = (round(temperature + step, 2) for step in STEPS)

    def shows(other: float) -> bool:
        moved = warmed(shares, temperature, other)
        steps = ((TRIALS, SCREEN), (DECIDING, ALPHA))
        return all(power(shares, moved, trials, alpha) >= OFTEN for trials, alpha in steps)

    return next(filter(shows, higher), None)


@dataclass(frozen=True, kw_only=True)
class SameSpread(Claim):
    """Answers to two kinds of requests begin with the same tokens as often as each other.

    Each kind makes a request from a seed. Where no difference is seen nothing is decided: a small one would not be.
    """

    one: Callable[[int], Case]
    other: Callable[[int], Case]
    what: str
    temperature: float
    """Of both."""

    @property
    def asks(self) -> Sequence[Case]:
        return ()

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        first = 0
        # A few answers, then more: what is seen in either makes us look, and only what is seen after that decides.
        for trials in (SCREENED, TRIALS):
            ones, others = await self._drawn(hearing, trials, first)
            if problem := problem_of(*ones, *others):
                return [undecided(problem, *ones, *others)]
            first += trials
            if await _differ(ones, others, SCREEN):
                return await self._decided(hearing, first)
        seen = least_seen([reply.first_token for reply in (*ones, *others)], self.temperature)
        power = f"{seen:g} instead of {self.temperature:g} would show" if seen else "hardly any would"
        reason = f"no difference that {TRIALS} answers of each show ({power}, a smaller one may not): {self.what}"
        return [undecided(reason, *ones, *others)]

    async def _decided(self, hearing: Hearing, first: int) -> list[Ruling]:
        ones, others = await self._drawn(hearing, DECIDING, first)
        if problem := problem_of(*ones, *others):
            return [undecided(problem, *ones, *others)]
        if not await _differ(ones, others, ALPHA):
            return [
                undecided(f"a difference that {DECIDING} fresh answers do not confirm: {self.what}", *ones, *others)
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
    if default is None:
        return

    def asked(seed: int, **given: Any) -> Case:
        return form.ask(seed=seed, output_limit=1, **given)

    yield SameSpread(
        one=asked,
        other=lambda seed: asked(seed, temperature=default),
        what=f"temperature left out, and {default:g}",
        temperature=default,
    )


def streamed(form: Form) -> Iterator[Claim]:
    """First tokens of streams come as often as those of answers without one."""
    stream = form.stream
    if stream is not None:
        spread = SameSpread(
            one=lambda seed: stream.ask(seed=seed, output_limit=1, temperature=1),
            other=lambda seed: form.ask(seed=seed, output_limit=1, temperature=1),
            what="streamed, and not",
            temperature=1,
        )
        yield Besides(spread)


ROWS = tuple(
    Row(requirements=(id_,), claims=claims, roles=COMPARING, first_only=True, on_noise=True, deep=True)
    for id_, claims in (("default/temperature", default_temperature), ("stream/equivalence", streamed))
)
