"""Support: how many first tokens a setting leaves, of a target that draws anew whatever the seed.

Where no answer comes twice, nothing can be compared, but some settings leave one token or two to choose from,
whoever draws. A few answers screen; where they vary, fresh ones decide, and only where so many vary that it is no
noise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

from infercheck.cases import Case
from infercheck.checks.relations.language import (
    Claim,
    Claims,
    Hearing,
    Row,
    Ruling,
    broken,
    kept,
    problem_of,
    undecided,
)
from infercheck.checks.relations.settings import greedy, hot
from infercheck.generate.asks import COMPARING, Form
from infercheck.generate.texts import TEXTS
from infercheck.reply import Reply

DECLARED = 40
"""Tests among which the chance of a false alarm in a run is divided (Bonferroni)."""

ALPHA = 1e-4 / DECLARED
"""The greatest chance of one in a test: one run in 10,000 may have any."""

NOISE = 0.1
"""The greatest share of answers that noise may change, which is assumed."""

CONTEXTS, FREE, SHARE = 3, 10, 0.3
"""Texts, free answers to a text, and the greatest share that the commonest of their first tokens may have."""

SHOWN = 4
"""First tokens that are shown."""

SCREENED, TRIALS, ALARM = 8, 32, 14
"""Answers that screen, those that decide, and how many of these must begin otherwise than the commonest do."""

SEVERAL = 4
"""Tokens beyond those that the setting leaves which must be seen: machines that calculate otherwise have fewer."""

FEW = 4
"""Answers that screen in other forms than the first."""

STEADY = 6
"""How many may, where the setting is honoured: ignored, it would leave as few in less than 1 case of 100,000."""

FIRST_SEED = 20_000
"""Of the seeds of all trials, each of which has its own."""


def tail(trials: int, least: int, share: float) -> float:
    """The chance that `least` or more of some trials come out, where each has this chance: a binomial tail."""
    terms = (math.comb(trials, n) * share**n * (1 - share) ** (trials - n) for n in range(least, trials + 1))
    return math.fsum(terms)


def visible_share() -> float:
    """The least share of answers that begin otherwise which is shown, 95 times of 100."""
    return next(share / 100 for share in range(100) if tail(TRIALS, ALARM, share / 100) >= 0.95)


TOLD = (
    f"A setting that leaves one token is blamed where {ALARM} of {TRIALS} fresh answers or more begin with others: "
    f"by chance once in {round(1 / tail(TRIALS, ALARM, NOISE)):,} tests, if noise changes at most 1 answer in "
    f"{round(1 / NOISE)}, which is assumed. Others in {visible_share():.0%} of answers are seen 95 times of 100; "
    f"fewer may not be. At temperature 0, requests are compared as always where the same is answered alike."
)
"""What can be told of a target that draws anew, for people."""


@dataclass(frozen=True, kw_only=True)
class Support(Claim):
    """All answers in a setting begin with one of so many tokens, where those without it begin with many.

    `free` are requests without it, by text; `setting` makes the request with it, from a text and a seed.
    """

    most: int
    free: Sequence[Sequence[Case]]
    setting: Callable[[str, int], Case]
    named: str
    decides: bool = True
    """Whether the requirement is kept where nothing is found; else nothing is said then."""
    screened: int = SCREENED
    """Answers that screen."""

    @property
    def asks(self) -> Sequence[Case]:
        return ()

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        text, free = await self._varied(hearing)
        if problem := problem_of(*free):
            return [undecided(problem, *free)]
        if text is None:
            return self._open("free answers begin with the same few tokens", free)
        seeds = iter(range(FIRST_SEED, FIRST_SEED + self.screened + TRIALS))
        screened = [await hearing.ask(self.setting(text, next(seeds))) for _ in range(self.screened)]
        if problem := problem_of(*screened):
            return [undecided(problem, *screened)]
        if not self._others(screened):
            return [kept(*screened)] if self.decides else []
        # What was seen made us look; only what is seen now decides.
        fresh = [await hearing.ask(self.setting(text, seed)) for seed in seeds]
        if problem := problem_of(*fresh):
            return [undecided(problem, *fresh)]
        others = self._others(fresh)
        tokens = Counter(reply.first_token for reply in fresh)
        if len(tokens) < self.most + SEVERAL:
            return self._open("answers begin with a few tokens, as those of a few machines may", fresh)
        if others < ALARM:
            if others <= STEADY and self.decides:
                return [kept(*fresh)]
            return self._open(f"{others} of {TRIALS} answers begin otherwise, where {ALARM} decide", fresh)
        left = "one first token" if self.most == 1 else f"at most {self.most} first tokens"
        shown = ", ".join(f"{token!r} {count}" for token, count in tokens.most_common(SHOWN))
        chance = f"{ALARM} or more would come about once in {round(1 / tail(TRIALS, ALARM, NOISE)):,} tests"
        expected = f"{left} with {self.named}, whoever draws"
        observed = (
            f"others in {others} of {TRIALS} answers, each with another seed: {shown} and so on; "
            f"if noise changed 1 answer in {round(1 / NOISE)}, {chance}"
        )
        return [broken(*_unlike(fresh), expected=expected, observed=observed)]

    async def _varied(self, hearing: Hearing) -> tuple[str | None, list[Reply]]:
        # The first text to which free answers vary enough; of the last, else, its answers.
        replies: list[Reply] = []
        for text, cases in zip(TEXTS, self.free, strict=False):
            replies = [await hearing.ask(case) for case in cases]
            if problem_of(*replies):
                break
            if _common(replies, self.most) <= SHARE * len(replies) + self.most - 1:
                return text, replies
        return None, replies

    def _others(self, replies: Sequence[Reply]) -> int:
        return len(replies) - _common(replies, self.most)

    def _open(self, reason: str, replies: Sequence[Reply]) -> list[Ruling]:
        return [undecided(reason, *replies)] if self.decides else []


def _common(replies: Sequence[Reply], most: int) -> int:
    return sum(count for _, count in Counter(reply.first_token for reply in replies).most_common(most))


def _unlike(replies: Sequence[Reply]) -> list[Reply]:
    # One for each first token, so that the first two differ.
    return list({reply.first_token: reply for reply in replies}.values())


def one_token_at_zero(form: Form) -> Iterator[Claim]:
    """Temperature 0 leaves one first token, whoever draws."""
    yield _support(form, form, *ZERO)


def one_token_of_top_k(form: Form) -> Iterator[Claim]:
    """top_k 1 leaves one first token, whoever draws."""
    yield _support(form, form, *TOP_K_ONE)


def two_tokens_of_top_k(form: Form) -> Iterator[Claim]:
    """top_k 2 leaves two first tokens at most, whoever draws."""
    if form.allows("top_k", 2):
        yield replace(_support(form, form, partial(hot, top_k=2), "top_k 2"), most=2, decides=False)


def one_token_of_top_p(form: Form) -> Iterator[Claim]:
    """top_p 0 leaves one first token, whoever draws."""
    yield _support(form, form, *TOP_P_ZERO)


def zero_elsewhere(form: Form) -> Iterator[Claim]:
    """Temperature 0 leaves one first token in other forms, too."""
    yield from _elsewhere(form, *ZERO)


def top_k_elsewhere(form: Form) -> Iterator[Claim]:
    """top_k 1 leaves one first token in other forms, too."""
    yield from _elsewhere(form, *TOP_K_ONE)


def top_p_elsewhere(form: Form) -> Iterator[Claim]:
    """top_p 0 leaves one first token in other forms, too."""
    yield from _elsewhere(form, *TOP_P_ZERO)


Setting: TypeAlias = Callable[..., Case]
ZERO: tuple[Setting, str] = (greedy, "temperature 0")
TOP_K_ONE: tuple[Setting, str] = (partial(hot, top_k=1), "top_k 1")
TOP_P_ZERO: tuple[Setting, str] = (partial(hot, top_p=0), "top_p 0")
"""Settings that leave one token, and their names."""


def _support(form: Form, other: Form, asked: Setting, named: str, **more: Any) -> Support:
    # Of a setting in some form, where answers without it vary in the first. What ignores temperature 0 draws at the
    # default temperature: there it must be seen.
    def free(text: str, seed: int) -> Case:
        return (
            form.ask(text, seed=seed, output_limit=1) if asked is greedy else hot(form, seed, text, output_limit=1)
        )

    return Support(
        most=1,
        free=[[free(text, seed) for seed in range(1, FREE + 1)] for text in TEXTS[:CONTEXTS]],
        setting=lambda text, seed: asked(other, seed, text, output_limit=1),
        named=named if other is form else f"{named}, {other.name.replace('+', ', ')}",
        **more,
    )


def _elsewhere(form: Form, asked: Setting, named: str) -> Iterator[Support]:
    # A few answers in every other form, where many will be asked for if one is another.
    for other in (form.stream, form.other, form.other.stream if form.other else None):
        if other is not None:
            yield _support(form, other, asked, named, decides=False, screened=FEW)


def _row(requirement: str, claims: Claims, *roles: str, last: bool = False) -> Row:
    return Row(
        requirements=(requirement,),
        claims=claims,
        roles=(*COMPARING, *roles),
        first_only=True,
        on_noise=True,
        last=last,
    )


ROWS = (
    _row("effect/temperature/zero", one_token_at_zero),
    _row("effect/top_k", two_tokens_of_top_k, "top_k"),
    _row("effect/top_k/one", one_token_of_top_k, "top_k"),
    _row("effect/top_p/zero", one_token_of_top_p, "top_p"),
)
ELSEWHERE = (
    _row("effect/temperature/zero", zero_elsewhere, last=True),
    _row("effect/top_k/one", top_k_elsewhere, "top_k", last=True),
    _row("effect/top_p/zero", top_p_elsewhere, "top_p", last=True),
)
