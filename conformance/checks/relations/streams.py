"""Streams: the same answer, piece by piece, as it is generated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from infercheck.cases import Case, distinct
from infercheck.checks.relations.claims import Besides
from infercheck.checks.relations.contexts import talk
from infercheck.checks.relations.language import (
    Claim,
    Hearing,
    Kind,
    Row,
    Ruling,
    broken,
    contest,
    kept,
    skipped,
    troubled,
    undecided,
)
from infercheck.checks.relations.partings import how, is_of_pieces, parting, told_twice
from infercheck.checks.relations.settings import (
    FAR,
    LENGTH,
    LONG_WINDED,
    SEEDS,
    combined,
    greedy,
    has_room,
    lively,
)
from infercheck.checks.stream import check
from infercheck.generate.asks import COMPARING, Form
from infercheck.reply import Reply
from infercheck.requirements import Level

COUNTS = ("completion_tokens", "prompt_tokens", "total_tokens")
"""Members of a usage."""

SPACE, USAGE, DONE = "stream/equivalence/white-space", "stream/usage", "stream/done"

ENOUGH_TOKENS = 32
"""Tokens of an answer from which on it has to come in more than one piece."""

FAST = 0.05
"""Seconds between the first token and the last, below which a stream that is held back is nobody's loss."""

SLOW = 0.5
"""Seconds between the first token and the last, from which on it shows when a stream begins."""

MANY = 8
"""Pieces of a stream that do not all come twice, or repeat all before them, by chance."""

SHARE = 0.8
"""Of that time, in which the first piece of a stream has to come."""

TIMES = 3

AGAIN = 2
"""How often what is counted is asked for again before it is blamed."""

PART = 0.05
"""Of the text of an answer, which has to have come by then: one token and then all the rest is no stream."""


@dataclass(frozen=True, kw_only=True)
class Equivalent(Claim):
    """The texts of a stream's events, one after the other, are the answer that is given without a stream."""

    plain: Case
    streamed: Case
    form: str = ""
    """The form of the stream, where others like it are compared as well."""
    requirement: str = ""

    @property
    def asks(self) -> Sequence[Case]:
        return [self.plain, self.streamed]

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        plain, streamed = await hearing.ask(self.plain), await hearing.ask(self.streamed)
        if trouble := troubled(hearing, plain, streamed):
            return [undecided(trouble, plain, streamed, requirement=self.requirement)]
        if says_the_same(plain, streamed):
            self._tell(hearing, alike=True)
            return [
                kept(plain, streamed, requirement=self.requirement),
                kept(plain, streamed, requirement=SPACE),
                await _usage(hearing, plain, streamed),
            ]
        if flaw := _flaw(streamed):
            reason = f"the stream is not as it should be ({flaw}), which may be why it says something else"
            return [undecided(reason, plain, streamed, requirement=self.requirement)]
        expected = f"the answer without a stream: {plain.shown(streamed)}"
        observed = f"{streamed.shown(plain)}{how(plain, streamed)}"
        if (plain.text.strip(), plain.said[1]) == (streamed.text.strip(), streamed.said[1]):
            ruling = await contest(hearing, streamed, plain, expected, observed, SPACE)
            return [
                kept(plain, streamed, requirement=self.requirement),
                replace(ruling, at=parting(streamed, plain)),
            ]
        ruling = await contest(hearing, streamed, plain, expected, observed, self.requirement)
        self._tell(hearing, alike=ruling.kind is not Kind.BROKEN or is_of_pieces(streamed, plain))
        return [replace(ruling, at=parting(streamed, plain))]

    def _tell(self, hearing: Hearing, *, alike: bool) -> None:
        if self.form:
            hearing.compared(self.form, self.streamed, alike=alike)


def _flaw(streamed: Reply) -> str:
    # What every stream is judged on comes first: one defect is not to be told twice.
    requirements = streamed.seen.contract.requirements
    # But where the last mark lacks no more than its blank line, all was said before.
    harmless = DONE if streamed.seen.is_marker_cut_off else ""
    broken_ = (said.requirement for said in check(streamed.seen) if not said.kept and said.requirement != harmless)
    return next((id_ for id_ in broken_ if requirements[id_].level is not Level.INFO), "")


def says_the_same(plain: Reply, streamed: Reply) -> bool:
    """Whether a stream says what the answer without one says."""
    # What the limit cuts in two shows as U+FFFD at the end, or is left out: either way.
    return (plain.text.rstrip("\ufffd"), plain.said[1]) == (streamed.text.rstrip("\ufffd"), streamed.said[1])


async def _usage(hearing: Hearing, plain: Reply, streamed: Reply) -> Ruling:
    if plain.tokens is None or streamed.tokens is None or _flaw(streamed):
        return skipped("no usage in both, the stream and the answer without one", requirement=USAGE)
    what = _counts_unlike(plain, streamed)
    if what is None:
        return kept(plain, streamed, requirement=USAGE)
    async with hearing.quiet():
        # What counts only what is in no cache counts less when it is asked again.
        for _ in range(AGAIN):
            one, other = await hearing.again(plain.case), await hearing.again(streamed.case)
            if one.usage != plain.usage or other.usage != streamed.usage:
                reason = "usage was counted otherwise when the same was asked again"
                return undecided(reason, plain, streamed, one, other, requirement=USAGE)
    return broken(
        streamed,
        plain,
        expected=f"{plain.usage[what]} {what}, as without a stream{_sum(plain)}",
        observed=f"{streamed.usage[what]} {what}{_sum(streamed)}",
        requirement=USAGE,
    )


def _counts_unlike(plain: Reply, streamed: Reply) -> str | None:
    both = (what for what in COUNTS if what in plain.usage and what in streamed.usage)
    return next((what for what in both if plain.usage[what] != streamed.usage[what]), None)


def _sum(reply: Reply) -> str:
    # Which of the two is wrong, where that is to be seen.
    answer, prompt, total = (reply.usage.get(what) for what in COUNTS)
    counts = [count for count in (answer, prompt, total) if isinstance(count, int)]
    if len(counts) < len(COUNTS) or counts[0] + counts[1] == counts[2]:
        return ""
    return f" (there {counts[1]} of the prompt and {counts[0]} of the answer are {counts[2]} in all)"


@dataclass(frozen=True, kw_only=True)
class ToldOnce(Claim):
    """No stream tells its pieces twice; shown by the stream alone, where nothing can be compared."""

    cases: Sequence[Case]

    @property
    def asks(self) -> Sequence[Case]:
        return self.cases

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        replies = [await hearing.ask(case) for case in self.cases]
        if any(reply.problem or len(reply.pieces) < MANY or not told_twice(reply.pieces) for reply in replies):
            return []
        expected = "events whose texts, one after the other, are the answer"
        observed = f"in {len(replies)} streams: {replies[0].shown()}{told_twice(replies[0].pieces)}"
        return [broken(*replies, expected=expected, observed=observed)]


@dataclass(frozen=True, kw_only=True)
class Incremental(Claim):
    """A stream has more than one piece, and its first comes long before the answer is finished."""

    streamed: Case
    whole: Case
    first: Case

    @property
    def asks(self) -> Sequence[Case]:
        return distinct((self.streamed, self.whole))

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        streamed, whole = await hearing.ask(self.streamed), await hearing.ask(self.whole)
        if problem := streamed.problem or whole.problem:
            return [undecided(problem, streamed, whole)]
        words = len(streamed.text.split())
        if max(streamed.tokens or 0, words) < ENOUGH_TOKENS:
            return [undecided(f"no streamed answer had {ENOUGH_TOKENS} tokens", streamed)]
        if len(streamed.pieces) == 1:
            expected = f"more than one piece for an answer of {streamed.tokens or words} tokens"
            return [broken(streamed, expected=expected, observed=f"one event with all of it: {streamed.shown()}")]
        if _is_spread(streamed) or whole.seconds < FAST:
            return [kept(streamed)]
        async with hearing.quiet():
            return [await self._timed(hearing, streamed)]

    async def _timed(self, hearing: Hearing, streamed: Reply) -> Ruling:
        shortest, whole = await hearing.again(self.first), await hearing.again(self.whole)
        if problem := shortest.problem or whole.problem:
            return undecided(problem, shortest, whole)
        if not shortest.text.strip():
            return undecided(
                "the first token of an answer says nothing, so when it could begin is not known", shortest
            )
        latest = shortest.seconds + SHARE * (whole.seconds - shortest.seconds)
        late: list[Reply] = []
        for _ in range(TIMES):
            reply = await hearing.again(self.streamed)
            if reply.problem:
                return undecided(reply.problem, reply)
            if reply.began is None or reply.share_by(latest) >= PART or _is_spread(reply):
                return kept(streamed, reply)
            late.append(reply)
        if whole.seconds - shortest.seconds < FAST:
            return kept(streamed)
        if whole.seconds - shortest.seconds < SLOW:
            return undecided("whole answers come too fast to tell a stream that is held back", *late)
        expected = f"text within {latest:.2f} s, as the whole answer takes {whole.seconds:.2f} s"
        times = ", ".join(f"{reply.began:.2f} s" for reply in late)
        most = max(reply.share_by(latest) for reply in late)
        held = f"held back until it is finished, but for {most:.0%}" if most else "held back until it is finished"
        return broken(*late, whole, expected=expected, observed=f"after {times}: {held}")


def _is_spread(reply: Reply) -> bool:
    # A good piece of the text came long before the last.
    return reply.began is not None and reply.share_by(SHARE * reply.ended) >= PART


def equivalence(form: Form) -> Iterator[Claim]:
    """Concatenated stream = unstreamed answer, usage too."""
    yield from _equivalent(form, lambda each: [lively(each), combined(each)[0]])


def equivalence_beside(form: Form) -> Iterator[Claim]:
    """The same whatever else is asked for."""

    def kinds(each: Form) -> Iterator[Case]:
        yield combined(each)[1]
        yield each.ask(seed=SEEDS[0])
        if form.is_first:
            yield greedy(each)
        if form.is_first and form.has("raw"):
            yield lively(each, raw=True)
        if each.is_conversation:
            yield talk(each, SEEDS[0], LENGTH)
        for name in each.adapters[-1:]:
            yield lively(each, adapter=name)

    yield from _equivalent(form, kinds)


def far(form: Form) -> Iterator[Claim]:
    """The same to the end of a long answer."""
    # Long enough to end by itself, and for what forgets after so many tokens; a window may refuse it.
    if has_room(form, FAR):
        yield from map(Besides, _equivalent(form, lambda each: [each.ask(output_limit=FAR, **LONG_WINDED[0])]))


def _equivalent(form: Form, kinds: Callable[[Form], Iterable[Case]]) -> Iterator[Claim]:
    streamed = form.stream
    if streamed is not None:
        for plain, other in zip(kinds(form), kinds(streamed), strict=True):
            yield Equivalent(plain=plain, streamed=other, form=streamed.name)


def told_once(form: Form) -> Iterator[Claim]:
    """No stream tells its pieces twice."""
    if form.stream is not None:
        yield ToldOnce(cases=[lively(form.stream), form.stream.ask(seed=SEEDS[0])])


def incremental(form: Form) -> Iterator[Claim]:
    """More than one content event; the first long before the last."""
    streamed = form.stream
    default = form.declared("output_limit", "default")
    limit: dict[str, Any] = {}
    if isinstance(default, int) and default < 2 * ENOUGH_TOKENS:
        limit["output_limit"] = 2 * ENOUGH_TOKENS
    if streamed is not None and (not limit or form.allows("output_limit", ENOUGH_TOKENS)):
        yield Incremental(
            streamed=streamed.ask(seed=SEEDS[0], **limit),
            whole=form.ask(seed=SEEDS[0], **limit),
            first=form.ask(seed=SEEDS[0], output_limit=1),
        )


_ROLES = ("stream", *COMPARING)
EQUIVALENCE, EQUIVALENCE_BESIDE = (
    Row(
        requirements=("stream/equivalence", SPACE, USAGE),
        claims=claims,
        roles=_ROLES,
        greedy=True,
    )
    for claims in (equivalence, equivalence_beside)
)
TO_THE_END = Row(requirements=("stream/equivalence", SPACE, USAGE), claims=far, roles=_ROLES, first_only=True)
TOLD_ONCE = Row(requirements=("stream/equivalence",), claims=told_once, roles=_ROLES, on_noise=True)
INCREMENTAL = Row(requirements=("stream/incremental",), claims=incremental, roles=_ROLES, without=True)
