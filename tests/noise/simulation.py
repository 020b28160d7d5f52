"""Simulated runs against noisy conforming targets, without a network: how often noise is blamed, and what is seen.

The claims are the suite's own; only what they ask is drawn here rather than sent.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from fakes import CONTRACT, answer
from harness import Options, plan_of

from infercheck.cases import Case
from infercheck.checks.relations import samples, support
from infercheck.checks.relations.claims import Besides
from infercheck.checks.relations.language import Claim, Kind
from infercheck.dialect import Dialect
from infercheck.exchange import Exchange
from infercheck.observation import Observation
from infercheck.reply import Reply
from infercheck.steadiness import MOST_TURNS

RUNS = 10_000
"""Simulated runs of each target."""

TOKENS = 50
"""Tokens to draw from."""

COMPARED = 120
"""Pairs of answers that a run compares."""

SHARES = (0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
"""Shares of answers in which a setting is ignored."""

WARMER = (0.7, 0.8, 1.0, 1.5, 2.0)
"""Temperatures that are used instead of the default one."""

MODELS = {"an even choice": 0.5, "one token in two": 1.5, "nine in ten the same": 4.0}
"""Exponents of Zipf's law by which the shares of tokens fall, at the default temperature."""


@dataclass
class Drawn:
    """A hearing whose replies are drawn: the likeliest token where the setting leaves one, and noise."""

    noise: float
    """The share of answers that noise changes, whatever the setting."""
    honoured: float = 1.0
    """How much of its effect a setting has: 1 leaves the likeliest token alone, 0 nothing but chance."""
    tokens: int = TOKENS
    """Tokens that are as likely as each other where nothing is set."""
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    async def ask(self, case: Case) -> Reply:
        """A reply of one token."""
        replies, left = _KNOWN.get(case.id) or _known(case)
        tokens, draw = self.tokens, self.chance.random
        is_left = left and draw() < self.honoured and draw() >= self.noise
        return replies[int(draw() * (left if is_left else tokens))]


_KNOWN: dict[str, tuple[list[Reply], int]] = {}


def _known(case: Case) -> tuple[list[Reply], int]:
    # The reply of each token, and how many tokens the setting leaves; 0 where it leaves all.
    if case.id not in _KNOWN:
        exchange = Exchange(
            number=1, case=case.id, ordinal=0, request=case.request, answer=answer(200, {}), started=0
        )
        seen = Observation(contract=CONTRACT, case=case, exchange=exchange, dialect=Dialect.REST)
        told = {part.key: part.value for part in case.parts}
        is_set = told.get("temperature") == 0 or "top_k" in told or "top_p" in told
        replies = [Reply(seen, text=f"t{n:02}", usage={"completion_tokens": 1}) for n in range(TOKENS)]
        _KNOWN[case.id] = replies, (2 if told.get("top_k") == 2 else 1) if is_set else 0
    return _KNOWN[case.id]


@cache
def declared() -> dict[str, Claim]:
    """The claims that decide by statistics, by what they are about."""
    relations = plan_of(CONTRACT, Options(profile="deep")).relations
    rows = (*support.ROWS, *samples.ROWS, *support.ELSEWHERE)
    claims = [claim for one in relations if one.row in rows for claim in one.claims]
    return dict(_known_again(claim) for claim in claims)


def _known_again(claim: Claim) -> tuple[str, Claim]:
    # With requests that are made once.
    inner = claim.claim if isinstance(claim, Besides) else claim
    if isinstance(inner, support.Support):
        return inner.named, replace(inner, setting=cache(inner.setting))
    assert isinstance(inner, samples.SameSpread)
    return inner.what, replace(inner, one=cache(inner.one), other=cache(inner.other))


def blamed(hearing: Drawn, claims: Sequence[Claim], runs: int) -> int:
    """Runs in which any of some tests blames the target."""

    async def all_() -> int:
        found = 0
        for _ in range(runs):
            rulings = [await claim.rule(hearing) for claim in claims]
            found += any(ruling.kind is Kind.BROKEN for one in rulings for ruling in one)
        return found

    return asyncio.run(all_())


def alarms(noise: float, runs: int = RUNS, seed: int = 1) -> int:
    """Runs in which any of the tests blames a target that honours all settings but for noise."""
    return blamed(Drawn(noise=noise, chance=random.Random(seed)), [*declared().values()], runs)


def power(named: str, honoured: float, runs: int = 400, seed: int = 1) -> float:
    """The share of runs in which a setting that has only so much of its effect is blamed."""
    hearing = Drawn(noise=0.0, honoured=honoured, chance=random.Random(seed))
    return blamed(hearing, [declared()[named]], runs) / runs


def zipf(exponent: float, tokens: int = TOKENS) -> list[float]:
    """Shares of tokens that fall with their rank."""
    weights = [rank**-exponent for rank in range(1, tokens + 1)]
    return [weight / sum(weights) for weight in weights]


def told_apart(shares: Sequence[float], temperature: float, other: float, runs: int = 400, seed: int = 1) -> float:
    """The share of runs in which two kinds of answers are told apart, of which one is drawn at another temperature.

    Chance is told by the chi-square distribution, for speed.
    """
    chance = random.Random(seed)
    both = (shares, samples.warmed(shares, temperature, other))

    def apart(trials: int, alpha: float) -> bool:
        ones, others = (chance.choices(range(len(shares)), weights, k=trials) for weights in both)
        totals = Counter(ones) + Counter(others)
        freedom = len(totals) - 1
        return freedom > 0 and samples.unlike(ones, totals) > samples.critical(freedom, alpha)

    steps = ((samples.TRIALS, samples.SCREEN), (samples.DECIDING, support.ALPHA))
    return sum(all(apart(*step) for step in steps) for _ in range(runs)) / runs


# Confirmation, as the hearing does it


def confirmed(share: float, chance: random.Random, *, noisy: bool) -> bool:
    """Whether two requests that should be answered alike pass for different, asked again in turns."""

    def drawn() -> bool:
        return chance.random() < share

    one, other = drawn(), drawn()
    return one != other and all(drawn() == one and drawn() == other for _ in range(MOST_TURNS[noisy]))


def false_differences(share: float, runs: int = RUNS, seed: int = 1) -> int:
    """Runs in which any pair of `COMPARED` passes for different on two machines; a run that has seen noise looks
    longer."""
    chance = random.Random(seed)
    bad = 0
    for _ in range(runs):
        # Some thirty requests are asked again as planned: noise that is frequent has shown by then.
        noisy = any(chance.random() < 2 * share * (1 - share) for _ in range(30))
        for _ in range(COMPARED):
            if confirmed(share, chance, noisy=noisy):
                bad += 1
                break
            noisy = noisy or chance.random() < 2 * share * (1 - share)
    return bad


def _table(first: str, heads: Sequence[str], rows: Sequence[tuple[str, Callable[[int], str]]]) -> list[str]:
    return [
        f"| {first} | " + " | ".join(heads) + " |",
        "|---" * (len(heads) + 1) + "|",
        *("| " + " | ".join([name, *(cell(n) for n in range(len(heads)))]) + " |" for name, cell in rows),
    ]


def figures() -> list[str]:
    """The figures, as lines of Markdown."""
    single = [name for name, claim in declared().items() if isinstance(claim, support.Support)]
    default = next(spread for spread in declared().values() if isinstance(spread, samples.SameSpread)).temperature

    def ignored(name: str) -> Callable[[int], str]:
        return lambda n: f"{power(name, 1 - SHARES[n]):.0%}"

    def warmer(exponent: float) -> Callable[[int], str]:
        return lambda n: f"{told_apart(zipf(exponent), default, WARMER[n]):.0%}"

    return [
        f"{RUNS:,} simulated runs of all {len(declared())} tests; runs with a false alarm, where noise changes",
        "",
        *(f"- {noise:.0%} of answers: {alarms(noise)}" for noise in (0.0, 0.05, 0.1, 0.2)),
        "",
        "At most 10% is assumed. Runs of 100 in which a setting is blamed that is ignored in a share of answers:",
        "",
        *_table("setting", [f"{share:.0%}" for share in SHARES], [(name, ignored(name)) for name in single]),
        "",
        f"Runs of 100 in which answers at {default:g} are told from those at another temperature (profile deep):",
        "",
        *_table("first tokens", [f"{one:g}" for one in WARMER], [(n, warmer(one)) for n, one in MODELS.items()]),
        "",
        f"{RUNS:,} simulated runs of {COMPARED} comparisons on two machines; runs with a false difference, where",
        "the second answers",
        "",
        *(f"- {share:.1%} of requests: {false_differences(share)}" for share in (0.005, 0.025, 0.1, 0.3, 0.5)),
    ]
