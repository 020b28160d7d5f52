"""Simulated runs against noisy conforming targets, without a network: how often noise is blamed, and what is seen.

The claims are the suite's own; only what they ask is drawn here rather than sent.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from fakes import CONTRACT, answer
from harness import Options, plan_of

from infercheck.cases import Case
from infercheck.checks.relations import support
from infercheck.checks.relations.language import Kind
from infercheck.dialect import Dialect
from infercheck.exchange import Exchange
from infercheck.observation import Observation
from infercheck.reply import Reply
from infercheck.steadiness import MOST_TURNS

RUNS = 10_000
"""Simulated runs of each target."""

COMPARED = 120
"""Pairs of answers that a run compares."""


@dataclass
class Drawn:
    """A hearing whose replies are drawn: the likeliest token where the setting leaves one, and noise."""

    noise: float
    """The share of answers that noise changes, whatever the setting."""
    honoured: float = 1.0
    """How much of its effect a setting has: 1 leaves the likeliest token alone, 0 nothing but chance."""
    tokens: int = 50
    """Tokens that are as likely as each other where nothing is set."""
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    async def ask(self, case: Case) -> Reply:
        """A reply of one token."""
        seen, left = _known(case)
        tokens, draw = self.tokens, self.chance.random
        is_left = left and draw() < self.honoured and draw() >= self.noise
        token = int(draw() * (left if is_left else tokens))
        return Reply(seen, text=f"t{token:02}", usage={"completion_tokens": 1})


_KNOWN: dict[str, tuple[Observation, int]] = {}


def _known(case: Case) -> tuple[Observation, int]:
    # What stands for the exchange, and how many tokens the setting leaves; 0 where it leaves all.
    if case.id not in _KNOWN:
        exchange = Exchange(
            number=1, case=case.id, ordinal=0, request=case.request, answer=answer(200, {}), started=0
        )
        seen = Observation(contract=CONTRACT, case=case, exchange=exchange, dialect=Dialect.REST)
        told = {part.key: part.value for part in case.parts}
        is_set = told.get("temperature") == 0 or "top_k" in told or "top_p" in told
        _KNOWN[case.id] = seen, (2 if told.get("top_k") == 2 else 1) if is_set else 0
    return _KNOWN[case.id]


@cache
def declared() -> tuple[support.Support, ...]:
    """The claims that decide by statistics."""
    relations = plan_of(CONTRACT, Options()).relations
    claims = [claim for one in relations if one.row in support.ROWS for claim in one.claims]
    return tuple(replace(claim, setting=cache(claim.setting)) for claim in claims)  # type: ignore[arg-type, type-var]


def blamed(hearing: Drawn, claims: Sequence[support.Support], runs: int) -> int:
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
    return blamed(Drawn(noise=noise, chance=random.Random(seed)), declared(), runs)


def power(honoured: float, runs: int = 400, seed: int = 1) -> float:
    """The share of runs in which a setting that has only so much of its effect is blamed."""
    hearing = Drawn(noise=0.0, honoured=honoured, chance=random.Random(seed))
    return blamed(hearing, declared()[:1], runs) / runs


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


def figures() -> list[str]:
    """The figures, as lines of Markdown."""
    return [
        f"{RUNS:,} simulated runs of {len(declared())} tests each; runs with a false alarm, where noise changes",
        "",
        *(f"- {noise:.0%} of answers: {alarms(noise)}" for noise in (0.0, 0.05, 0.1, 0.2)),
        "",
        "A setting that is ignored in a share of answers is blamed in so many runs of 100:",
        "",
        *(f"- {1 - honoured:.0%}: {power(honoured):.0%}" for honoured in (0.8, 0.6, 0.5, 0.4, 0.3, 0.2, 0.0)),
        "",
        f"{RUNS:,} simulated runs of {COMPARED} comparisons on two machines; runs with a false difference, where",
        "the second answers",
        "",
        *(f"- {share:.1%} of requests: {false_differences(share)}" for share in (0.005, 0.025, 0.1, 0.3, 0.5)),
    ]
