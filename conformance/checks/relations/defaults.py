"""Defaults: what is left out is what the page says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infercheck.cases import Case
from infercheck.checks.relations.claims import Differ, FirstDecided, Same
from infercheck.checks.relations.language import (
    Claim,
    Hearing,
    Kind,
    Row,
    Ruling,
    broken,
    kept,
    problem_of,
    undecided,
)
from infercheck.checks.relations.settings import LONG_WINDED, SEEDS, by_chance, is_told_from_longer, lively
from infercheck.generate.asks import COMPARING, Form
from infercheck.generate.texts import TEXTS

COUNTS, SURE, LEAST = 4, 3, 8
"""Answers whose tokens are counted, how many of them a limit ends after as many, and after how many at least."""


@dataclass(frozen=True, kw_only=True)
class SameLimit(Same):
    """The first answer of a pair, without a limit, is the second one, with a limit of so many tokens."""

    limit: int

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        rulings = await super().rule(hearing)
        return [self._blamed(ruling) if ruling.kind is Kind.BROKEN else ruling for ruling in rulings]

    def _blamed(self, ruling: Ruling) -> Ruling:
        # The one without a limit is as long as it should be: it is the stated limit that is not kept.
        omitted, stated = ruling.replies[:2]
        cut = omitted.text.startswith(stated.text) or stated.text.startswith(omitted.text)
        if cut and omitted.tokens == self.limit:
            reason = f"without a limit an answer has {self.limit} tokens; a limit of as many is not kept"
            return undecided(f"{reason} (effect/max_tokens)", *ruling.replies)
        return ruling


def max_tokens(form: Form) -> Iterator[Claim]:
    """Omitted = 256, where 257 gives more than 256."""
    default = form.declared("output_limit", "default")
    if not is_told_from_longer(form, default):
        return
    tries = []
    for one in LONG_WINDED:
        omitted = form.ask(**one)
        stated, longer = (form.ask(output_limit=limit, **one) for limit in (default, default + 1))
        tries.append(
            SameLimit(
                limit=default,
                pairs=[(omitted, stated)],
                telling=[(stated, longer)],
                otherwise=f"no answer was longer than {default} tokens",
            )
        )
    yield FirstDecided(tries)


@dataclass(frozen=True, kw_only=True)
class Counted(Claim):
    """Answers without a limit have no more tokens than the default, and not all as many where that is fewer."""

    omitted: Sequence[Case]
    longer: Case
    limit: int

    @property
    def asks(self) -> Sequence[Case]:
        return [*self.omitted, self.longer]

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        replies = [await hearing.ask(case) for case in self.omitted]
        if problem := problem_of(*replies):
            return [undecided(problem, *replies)]
        counts = [reply.tokens for reply in replies]
        longest = max((count for count in counts if count is not None), default=0)
        if None in counts:
            return [undecided("how long an answer is cannot be told", *replies)]
        if longest == self.limit and counts.count(longest) >= SURE:
            return [kept(*replies)]
        longer = await hearing.ask(self.longer)
        if longer.problem or counts.count(longest) < SURE or longest < LEAST or (longer.tokens or 0) <= longest:
            return [undecided(f"no answer was longer than {self.limit} tokens", *replies)]
        expected = f"answers of up to {self.limit} tokens where no limit is given"
        observed = f"{counts.count(longest)} of {len(counts)} end after {longest} tokens, and none later"
        return [broken(*replies, longer, expected=expected, observed=observed)]


def counted(form: Form) -> Iterator[Claim]:
    """As many tokens as the default says, by the target's own count."""
    default = form.declared("output_limit", "default")
    if not is_told_from_longer(form, default):
        return
    texts = zip(TEXTS[:COUNTS], SEEDS, (0.6, 1, 1.2, 0.9), strict=False)
    yield Counted(
        omitted=[form.ask(text, seed=seed, temperature=warmth) for text, seed, warmth in texts],
        longer=form.ask(output_limit=default + 1, **LONG_WINDED[0]),
        limit=default,
    )


def temperature(form: Form) -> Iterator[Claim]:
    """Omitted = 0.6 over several seeds, where 0.6 ≠ 0.7 for some of them."""
    default = form.declared("temperature", "default")
    if default is None:
        return
    other_one = default + 0.1 if form.allows("temperature", default + 0.1) else default - 0.1
    tries = []
    for seeds, text in ((SEEDS[:2], TEXTS[0]), (SEEDS[2:5], TEXTS[1]), (SEEDS[5:8], TEXTS[2])):
        omitted, stated, other = (
            [form.ask(text, output_limit=48, seed=seed, **given) for seed in seeds]
            for given in ({}, {"temperature": default}, {"temperature": round(other_one, 6)})
        )
        tries.append(
            Same(
                pairs=list(zip(omitted, stated, strict=True)),
                telling=list(zip(stated, other, strict=True)),
                otherwise=f"temperature {other_one:g} gave the same answers as {default:g}",
            )
        )
    yield FirstDecided(tries)


def raw(form: Form) -> Iterator[Claim]:
    """Omitted = false; raw true ≠ raw false."""
    yield Same(pairs=[(lively(form), lively(form, raw=False))])
    true = [
        (lively(form, seed, text), lively(form, seed, text, raw=True))
        for seed, text in zip(SEEDS, TEXTS, strict=False)
    ]
    yield Differ(
        pairs=true[:1],
        more=true[1:6],
        telling=[by_chance(form)],
        otherwise="answers do not depend on the seed either, so nothing can be told of raw",
    )


MAX_TOKENS = Row(
    requirements=("default/max_tokens",),
    claims=max_tokens,
    roles=("output_limit", "seed"),
    closely=True,
    greedy=True,
)
COUNTED = Row(
    requirements=("default/max_tokens",),
    claims=counted,
    roles=COMPARING,
    first_only=True,
    on_noise=True,
)
TEMPERATURE = Row(
    requirements=("default/temperature",),
    claims=temperature,
    roles=COMPARING,
    closely=True,
)
RAW = Row(
    requirements=("default/raw",),
    claims=raw,
    roles=("raw", "seed", "text"),
    closely=True,
    absent="no-template",
    greedy=True,
)
