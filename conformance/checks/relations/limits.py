"""Limits: max_tokens cuts an answer off, where it says, and changes nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from infercheck.cases import Case, distinct
from infercheck.checks.relations.claims import Besides, FirstDecided
from infercheck.checks.relations.language import (
    Claim,
    Hearing,
    Row,
    Ruling,
    broken,
    contest,
    kept,
    problem_of,
    troubled,
    undecided,
)
from infercheck.checks.relations.settings import (
    FAR,
    FARTHEST,
    HOT,
    LENGTH,
    LONG_WINDED,
    SEEDS,
    combined,
    has_room,
    is_told_from_longer,
    lively,
)
from infercheck.generate.asks import COMPARING, Form
from infercheck.generate.texts import TEXTS
from infercheck.reply import Reply

ENDINGS, FEW = 3, 100
"""Answers as long as each other, and longer than all others, which shows that a limit ended them. Where they have
fewer tokens than the other number they may end there by themselves: all must, after a power of two."""

LOOKED = 3
"""Answers two of which must end after as many tokens for others to be asked for."""

LEAST = 8
"""Tokens that an answer has at least whose end is taken for a limit that nobody asked for."""

SHORT = (9, 20)
"""Limits of streams that have as many pieces where each is a token."""


@dataclass(frozen=True, kw_only=True)
class Prefix(Claim):
    """The text at a lower limit is the beginning of the text at a higher one, and as long as the limit says."""

    shorter: Case
    longer: Case
    limit: int

    @property
    def asks(self) -> Sequence[Case]:
        return distinct((self.shorter, self.longer))

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        one, other = await hearing.ask(self.shorter), await hearing.ask(self.longer)
        if trouble := troubled(hearing, one, other):
            return [undecided(trouble, one, other)]
        # A character that is cut in two may show as U+FFFD at the end.
        text = one.text.rstrip("\ufffd")
        if not other.text.startswith(text):
            expected = f"the beginning of the answer to {other.case.title}: {other.shown(one)}"
            observed = f"to {one.case.title}: {one.shown(other)}"
            return [await contest(hearing, one, other, expected, observed, "")]
        if one.tokens is not None and one.tokens > self.limit:
            expected = f"at most {self.limit} tokens in the answer to {one.case.title}"
            return [broken(one, expected=expected, observed=f"{one.tokens}, as its usage says: {one.shown()}")]
        if not _goes_on(one, other):
            return [undecided(f"no answer was longer than {self.limit} tokens", one, other)]
        if one.tokens is not None and one.tokens != self.limit:
            expected = f"{self.limit} tokens, as the answer to {one.case.title} goes on beyond them"
            return [broken(one, other, expected=expected, observed=f"{one.tokens}, as its usage says")]
        return [kept(one, other)]


def _goes_on(shorter: Reply, longer: Reply) -> bool:
    # White space at the end may be cut off; but where the target counts its tokens, these tell.
    if shorter.tokens is not None and longer.tokens is not None and shorter.text != longer.text:
        return longer.tokens > shorter.tokens
    return shorter.text.rstrip("\ufffd").strip() != longer.text.strip()


@dataclass(frozen=True, kw_only=True)
class Uncapped(Claim):
    """No lower limit than the one that is asked for: answers to several texts do not end after as many tokens."""

    below: Case | None
    """The same as `above` with a limit of one token less, where that tells that an answer goes on."""
    above: Case
    others: Sequence[Case]
    streams: Sequence[Case]
    """`above` and the others as streams, where there are any."""
    short: Sequence[Case] = ()
    """Streams with low limits, which show whether a piece is a token."""
    limit: int

    @property
    def asks(self) -> Sequence[Case]:
        return [self.below, self.above] if self.below else [self.above, *self.others[: LOOKED - 1]]

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        asked = [await hearing.ask(case) for case in (self.below, self.above) if case]
        if problem := problem_of(*asked):
            return [undecided(problem, *asked)]
        other = asked[-1]
        # Of a target that draws anew, two texts tell nothing, and how long they are does.
        unlike = len({one.text for one in asked}) > 1 and not hearing.unsteady(*asked)
        if unlike or other.tokens == self.limit:
            return [kept(*asked)]
        # Where the target does not count tokens, a stream of as many pieces each time may tell as much.
        counted = (self.above, *self.others) if other.tokens is not None else self.streams
        if not counted or not (other.tokens is not None or await self._are_tokens(hearing)):
            return [undecided("how long an answer is cannot be told", *asked)]
        replies: list[Reply] = []
        for case in counted:
            replies.append(await hearing.ask(case))
            ends = self._ends(replies)
            many = bool(ends) and _size(ends[0]) >= FEW
            if many and len(ends) >= ENDINGS and len(replies) > ENDINGS:
                break
            hopeless = len(ends) < len(replies) if not many else len(ends) < 2 and len(replies) >= LOOKED
            if hopeless or not ends:
                return [undecided(f"no answer was longer than {self.limit - 1} tokens", *asked, *replies)]
        if len(ends) < ENDINGS:
            return [undecided(f"no answer was longer than {self.limit - 1} tokens", *asked, *replies)]
        if len({reply.text for reply in ends}) < len(ends):
            return [undecided("different texts get the same answer, which ends where it ends", *replies)]
        if _size(ends[0]) < FEW and _size(ends[0]) & (_size(ends[0]) - 1):
            reason = f"all answers end after {_size(ends[0])} tokens, by a limit or by themselves"
            return [undecided(reason, *replies)]
        what = "tokens" if other.tokens is not None else "pieces"
        expected = f"answers to {other.case.title}, and to other texts, that end where they end"
        observed = f"{len(ends)} of {len(replies)} answers to different texts end after {_size(ends[0])} {what}"
        return [broken(*ends, expected=expected, observed=f"{observed}, and none later")]

    async def _are_tokens(self, hearing: Hearing) -> bool:
        replies = [await hearing.ask(case) for case in self.short]
        return bool(replies) and all(len(reply.pieces) == SHORT[n] for n, reply in enumerate(replies))

    def _ends(self, replies: Sequence[Reply]) -> list[Reply]:
        # The longest answers, where several are as long: some may have ended before by themselves.
        longest = max(map(_size, replies))
        ends = [reply for reply in replies if _size(reply) == longest and not reply.problem]
        return ends if LEAST <= longest < self.limit else []


def _size(reply: Reply) -> int:
    return reply.tokens if reply.tokens is not None else len(reply.pieces)


def max_tokens(form: Form) -> Iterator[Claim]:
    """text(n) is a prefix of text(n+k); n tokens where it is a proper one."""
    most = form.within("output_limit", [LENGTH])[0]
    for limit in form.within("output_limit", [1, 9]):
        if limit == most:
            continue
        yield Prefix(shorter=lively(form, output_limit=limit), longer=lively(form), limit=limit)


def uncapped(form: Form) -> Iterator[Claim]:
    """Not silently capped, at the default or beyond."""
    default = form.declared("output_limit", "default")
    if is_told_from_longer(form, default):
        yield FirstDecided([_uncapped(form, default, **one) for one in LONG_WINDED])
        yield Besides(FirstDecided([_prefix(form, default, **one) for one in LONG_WINDED]))
        far, limit = (form.stream, FARTHEST) if form.stream else (form, FAR)
        if form.is_first and has_room(form, limit) and form.allows("output_limit", limit):
            yield Besides(replace(_uncapped(far, limit - 1, **LONG_WINDED[0]), below=None))


def _prefix(form: Form, limit: int, **one: Any) -> Prefix:
    shorter, longer = (form.ask(output_limit=each, **one) for each in (limit, limit + 1))
    return Prefix(shorter=shorter, longer=longer, limit=limit)


def _uncapped(form: Form, limit: int, **one: Any) -> Uncapped:
    def longer(each: Form) -> list[Case]:
        asked = zip(TEXTS[3:8], SEEDS[3:8], (0.6, 1, HOT, 0.9, 1.5), strict=True)
        others = [
            each.ask(text, seed=seed, output_limit=limit + 1, temperature=warmth) for text, seed, warmth in asked
        ]
        return [each.ask(output_limit=limit + 1, **one), *others]

    above, *others = longer(form)
    return Uncapped(
        below=form.ask(output_limit=limit, **one),
        above=above,
        others=others,
        streams=longer(form.stream) if form.stream else (),
        short=[lively(form.stream, output_limit=short) for short in SHORT] if form.stream else (),
        limit=limit + 1,
    )


def beside_others(form: Form) -> Iterator[Claim]:
    """The same beside other parameters, and in every form."""
    # Each pair by itself, for they carry other parameters; chance may end an answer early, so others stand by.
    indexes = (0, 1) if form.other else (0,)
    for index, low, high in zip(indexes, (LENGTH - 7, LENGTH + 3), (LENGTH - 1, 2 * LENGTH - 3), strict=False):
        limit, most = (form.within("output_limit", [each])[0] for each in (low, high))
        if limit >= most:
            continue
        yield FirstDecided(
            [
                Prefix(
                    shorter=combined(form, output_limit=limit, **other)[index],
                    longer=combined(form, **other)[index],
                    limit=limit,
                )
                for other in ({}, *({"seed": seed} for seed in SEEDS[4:7]))
            ]
        )


CUT, UNCAPPED = (
    Row(
        requirements=("effect/max_tokens",),
        claims=claims,
        roles=COMPARING,
        closely=True,
        without=without,
        greedy=not without,
    )
    for claims, without in ((max_tokens, False), (uncapped, True))
)
CUT_BESIDE = Row(requirements=("effect/max_tokens",), claims=beside_others, roles=COMPARING, greedy=True)
