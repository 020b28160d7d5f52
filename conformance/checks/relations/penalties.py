"""Penalties: each has an effect, and makes for fewer repetitions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from infercheck.cases import Case, distinct
from infercheck.checks.relations.claims import Differ, Same
from infercheck.checks.relations.language import (
    Claim,
    Claims,
    Hearing,
    Pair,
    Row,
    Ruling,
    broken,
    kept,
    troubled,
    undecided,
)
from infercheck.checks.relations.settings import SEEDS, by_chance, coin, coins, greedy, ordinary
from infercheck.generate.asks import COMPARING, Form
from infercheck.generate.texts import TEXTS
from infercheck.reply import Reply

STRONG = 1.9
LOW = {"repetition_penalty": 0.5}
"""A value that invites repetitions, of the penalty that can be below its neutral one."""

LONG = 64
LONGEST, PIECE = 12, 2
"""Characters of the longest word, and of the pieces that longer ones are cut into."""

REPEATED = 4
"""Words that stand in a text before, from which on a penalty must show."""

CHOSEN = 12
"""Such words in all answers together that do not always follow the word before them."""

PAIRS, REVERSED = 16, 14
"""Greedy pairs, and how many of them must have more repetitions with the penalty than without (a sign test: were
either as likely, 14 of 16 or more would come about in 2 cases of 1,000)."""

UNANSWERED = 10
"""Such pairs that are enough where none is the other way round (1 case of 1,000)."""

PENALTIES: Mapping[str, Any] = {"repetition_penalty": 1, "frequency_penalty": 0, "presence_penalty": 0}
"""The roles, and the value at which each has no effect."""

_WORD = re.compile(r"\w+|[^\w\s]")


def repetitions(text: str) -> int:
    """Words of a text that stand in it before."""
    words = _words(text)
    return len(words) - len(set(words))


def _words(text: str) -> list[str]:
    # Loops, and some languages, are written without spaces: what is too long for a word is cut in pieces.
    pieces: list[str] = []
    for word in _WORD.findall(text.casefold()):
        size = len(word) if len(word) <= LONGEST else PIECE
        pieces += [word[start : start + size] for start in range(0, len(word), size)]
    return pieces


@dataclass(frozen=True, kw_only=True)
class Fewer(Claim):
    """Greedy answers repeat less with the penalty than without; the first `planned` pairs are planned."""

    pairs: Sequence[Pair]
    planned: int

    @property
    def asks(self) -> Sequence[Case]:
        return distinct(case for pair in self.pairs[: self.planned] for case in pair)

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        more = fewer = 0
        replies: list[Reply] = []
        for count, pair in enumerate(self.pairs, start=1):
            without, with_it = [await hearing.ask(case) for case in pair]
            if trouble := troubled(hearing, without, with_it):
                return [undecided(trouble, without, with_it)]
            replies += (with_it, without)
            rate, usual = _rate(with_it.text), _rate(without.text)
            # What has no words repeats none, which is not to repeat less.
            told = bool(_words(with_it.text) and _words(without.text))
            more += told and rate > usual
            fewer += told and rate < usual
            if count >= self.planned and not more:
                return [kept(*replies)] if fewer else [undecided(_why_equal(with_it, without), *replies)]
            if more >= UNANSWERED and not fewer:
                break
            if fewer > PAIRS - REVERSED:
                few = f"{fewer} answers of {count} repeat less, {more} more"
                return [kept(*replies)] if fewer > more else [undecided(few, *replies)]
        if more < (REVERSED if fewer else UNANSWERED):
            return [undecided(f"{fewer} answers of {len(self.pairs)} repeat less, {more} more", *replies)]
        one, other = replies[:2]
        expected = f"fewer repetitions in answers to {one.case.title} than to {other.case.title}"
        observed = f"more, in {more} of {len(replies) // 2} pairs: {one.shown()}"
        return [broken(*replies, expected=expected, observed=observed)]


@dataclass(frozen=True, kw_only=True)
class Neutral(Claim):
    """Penalties that should have no effect have none: all together or, where these do, each alone."""

    usual: Case
    together: Case
    each: Sequence[tuple[str, Case]]

    @property
    def asks(self) -> Sequence[Case]:
        return [self.usual, self.together]

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        usual, together = await hearing.ask(self.usual), await hearing.ask(self.together)
        if trouble := troubled(hearing, usual, together):
            return [undecided(trouble, usual, together, requirement=id_) for id_, _ in self.each]
        if usual.said == together.said:
            return [kept(usual, together, requirement=id_) for id_, _ in self.each]
        return [
            ruling
            for id_, case in self.each
            for ruling in await Same(pairs=[(case, self.usual)], requirement=id_).rule(hearing)
        ]


def _why_equal(with_it: Reply, without: Reply) -> str:
    if with_it.said == without.said:
        return "the greedy answer is the same with the penalty as without it"
    return "the greedy answer repeats as much with the penalty as without it"


def _rate(text: str) -> float:
    return repetitions(text) / (len(_words(text)) or 1)


def repeats(replies: Sequence[Reply]) -> bool:
    """Whether so much stands twice in each of some answers, and where another word might, that a penalty shows."""
    if any(repetitions(reply.text) < REPEATED for reply in replies):
        return False
    texts = [_words(text) for text in {reply.text for reply in replies}]
    after: defaultdict[str, set[str]] = defaultdict(set)
    for words in texts:
        for one, next_ in pairwise(words):
            after[one].add(next_)
    # What always follows the word before it, as in a form letter, stands there whatever the penalty.
    chosen = sum(
        word in words[:index] and len(after[words[index - 1]]) > 1
        for words in texts
        for index, word in enumerate(words)
        if index
    )
    return chosen >= CHOSEN


def effect(form: Form, role: str) -> Iterator[Claim]:
    """Has an effect, above its neutral value and below."""
    yield _effect(form, {role: STRONG})
    if role in LOW:
        yield _effect(form, {role: LOW[role]})


def _effect(form: Form, strong: Mapping[str, Any]) -> Differ:
    settings = [(SEEDS[0], TEXTS[0]), *zip(SEEDS, TEXTS[1:6], strict=False)]
    pairs = [
        (ordinary(form, seed, text, output_limit=64), ordinary(form, seed, text, output_limit=64, **strong))
        for seed, text in settings
    ]
    # Where a penalty shows in no likely answer, it may in those whose next token is one of two.
    two = settings[:3] if form.has("top_k") else []
    last = [(coin(form, seed, text), coin(form, seed, text, **strong)) for seed, text in two]
    return Differ(
        pairs=pairs[:1],
        more=pairs[1:],
        last=last,
        telling=[by_chance(form)],
        free=coins(form),
        speaks=repeats,
        otherwise="the answers repeat too little, or nothing in them is left to chance",
    )


def direction(form: Form, role: str) -> Iterator[Claim]:
    """Fewer repetitions in greedy answers; broken only where 14 of 16 have more."""
    strong: dict[str, Any] = {role: STRONG}
    pairs = [
        (greedy(form, text=text, output_limit=LONG), greedy(form, text=text, output_limit=LONG, **strong))
        for text in TEXTS[:PAIRS]
    ]
    yield Fewer(pairs=pairs, planned=1)


def neutral(form: Form) -> Iterator[Claim]:
    """frequency_penalty 0, presence_penalty 0 and repetition_penalty 1 = omitted."""
    yield Neutral(
        usual=ordinary(form, output_limit=64),
        together=ordinary(form, output_limit=64, **dict(PENALTIES)),
        each=[
            (f"effect/{role}/neutral", ordinary(form, output_limit=64, **{role: value}))
            for role, value in PENALTIES.items()
        ],
    )


def _row(requirement: str, claims: Claims, role: str) -> Row:
    return Row(
        requirements=(requirement,),
        claims=claims,
        roles=(role, *COMPARING),
        greedy=True,
        closely=True,
    )


EFFECTS, DIRECTIONS = (
    [_row(f"effect/{role}{part}", partial(claims, role=role), role) for role in PENALTIES]
    for part, claims in (("", effect), ("/direction", direction))
)
NEUTRAL = Row(
    requirements=tuple(f"effect/{role}/neutral" for role in PENALTIES),
    claims=neutral,
    greedy=True,
    roles=(*PENALTIES, *COMPARING),
    first_only=True,
)
