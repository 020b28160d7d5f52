"""Adapters: each changes the answer, none changes anybody else's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infercheck.cases import Case
from infercheck.checks.relations.claims import Besides, Differ
from infercheck.checks.relations.language import (
    Claim,
    Hearing,
    Row,
    Ruling,
    Standing,
    broken,
    kept,
    problem_of,
    undecided,
)
from infercheck.checks.relations.settings import SEEDS, by_chance, lively
from infercheck.generate.asks import COMPARING, Form
from infercheck.generate.texts import TEXTS
from infercheck.reply import Reply

STEADY = 3
"""How often an answer is asked for again until it comes twice in a row."""

ROUNDS = 4
"""How often an answer must be wrong again after an adapter whose words it is not."""

SEEDLESS = "answers are alike whatever is drawn, so nothing can be told of the adapter"

NOBODY = "infercheck-no-such-adapter"
"""The name of no adapter."""


@dataclass(frozen=True, kw_only=True)
class Unchanged(Claim):
    """Answers without an adapter are the same after each request with one."""

    plain: Sequence[Case]
    adapted: Sequence[Case]
    between: Case
    """Another request without an adapter: what an answer is after that, it may be after any request."""

    @property
    def asks(self) -> Sequence[Case]:
        return self.plain

    @property
    def repeats(self) -> Sequence[Case]:
        return [case for adapted in self.adapted for case in (adapted, *self.plain)]

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        before: list[Reply] = []
        async with hearing.quiet():
            for case in self.plain:
                usual = await self._before(hearing, case)
                if usual is None:
                    return [undecided(Standing.UNSTEADY, *before)]
                before.append(usual)
            replies = list(before)
            for adapted in self.adapted:
                other = await hearing.again(adapted)
                for usual in before:
                    after = await hearing.again(usual.case)
                    replies += (other, after)
                    if problem := problem_of(usual, after, other):
                        return [undecided(problem, *replies)]
                    if after.said != usual.said:
                        return [await self._again(hearing, usual, other, after)]
        if all(reply.said in {other.said for other in replies if other.case in self.adapted} for reply in before):
            # It may have stayed with the adapter before anybody looked.
            return [undecided("answers with an adapter are those without one, so nothing can be told", *replies)]
        return [kept(*replies)]

    async def _before(self, hearing: Hearing, case: Case) -> Reply | None:
        # What is known to be the answer before all adapters; else, what is now, twice in a row.
        last = await hearing.ask(case)
        if hearing.settled(case) or last.problem:
            return last
        for _ in range(STEADY):
            last, before = await hearing.again(case), last
            if before.said == last.said:
                return last
        return None

    async def _again(self, hearing: Hearing, before: Reply, other: Reply, after: Reply) -> Ruling:
        # Once more: what follows a request with the adapter is the same wrong answer, or the adapter's.
        theirs, again = await hearing.again(other.case), await hearing.again(before.case)
        if hearing.wavers:
            shown = await self._leaks(hearing, before.case)
        else:
            # An adapter's own words, where none was asked for, are no chance: after it, or before, from another.
            leaked = after.said == other.said and again.said == theirs.said
            leaked = leaked or before.said == other.said == theirs.said
            shown = leaked or await self._goes_on(hearing, before, other, after)
        if not shown:
            hearing.waver(after, again)
            return undecided(Standing.UNSTEADY, before, after, again)
        if before.said == other.said:
            before, after = after, before
        whose = " (the adapter's)" if after.said == other.said else ""
        expected = f"the base model's answer to {before.case.title}: {before.shown(after)}"
        observed = f"after {other.case.title}, or another adapter: {after.shown(before)}{whose}"
        return broken(after, other, before, again, expected=expected, observed=observed)

    async def _goes_on(self, hearing: Hearing, before: Reply, other: Reply, after: Reply) -> bool:
        # Words that are nobody's: another machine, or the same in another mood, may say them too, but not each time
        # after the adapter, and never without it.
        for _ in range(ROUNDS):
            await hearing.again(self.between)
            without = await hearing.again(before.case)
            await hearing.again(other.case)
            after_it = await hearing.again(before.case)
            if without.said != before.said or after_it.said != after.said:
                return False
        return True

    async def _leaks(self, hearing: Hearing, plain: Case) -> bool:
        # Of a target that wavers anyhow, only the words of two adapters, each after its own, are no chance.
        words = set()
        for adapted in (*self.adapted, *self.adapted):
            theirs, after = await hearing.again(adapted), await hearing.again(plain)
            if theirs.problem or theirs.said != after.said:
                return False
            words.add(theirs.said)
        return len(words) > 1


@dataclass(frozen=True, kw_only=True)
class Refused(Claim):
    """A request is refused."""

    case: Case
    base: Case
    what: str

    @property
    def asks(self) -> Sequence[Case]:
        return [self.case, self.base]

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        reply, base = await hearing.ask(self.case), await hearing.ask(self.base)
        if reply.problem:
            if reply.is_refused:
                return [kept(reply)]
            return [undecided(reply.problem, reply)]
        whose = ", the base model's answer" if not base.problem and base.said == reply.said else ""
        expected = f"a refusal (4xx) of {self.what}"
        return [broken(reply, base, expected=expected, observed=f"accepted: {reply.shown()}{whose}")]


def effect(form: Form) -> Iterator[Claim]:
    """Named adapters change the answer, in streams too."""
    # Each by itself, and the last one in a stream as well.
    asked = [(form, name) for name in form.adapters]
    if form.stream:
        asked += [(form.stream, name) for name in form.adapters[-1:]]
    for each, name in asked:
        yield _unlike(each, {"adapter": name}, {})
    if len(form.adapters) > 1:
        one, other, *_ = form.adapters
        yield Besides(_unlike(form, {"adapter": one}, {"adapter": other}))
    if form.adapters and form.has("raw"):
        # Neither of the two is left out for the sake of the other.
        adapted = {"adapter": form.adapters[0]}
        yield _unlike(form, {"raw": True, **adapted}, {"raw": True})
        yield Besides(_unlike(form, {"raw": True, **adapted}, adapted))


def _unlike(form: Form, one: Mapping[str, Any], other: Mapping[str, Any]) -> Differ:
    pairs = [
        (lively(form, seed, text, **one), lively(form, seed, text, **other))
        for seed, text in zip(SEEDS, TEXTS[:6], strict=False)
    ]
    return Differ(pairs=pairs[:1], more=pairs[1:], telling=[by_chance(form)], otherwise=SEEDLESS)


def unchanged(form: Form) -> Iterator[Claim]:
    """An answer without an adapter is the same before and after one with."""
    if form.adapters:
        # Two names, so that one that was kept from earlier requests shows as well; one of them with a stream.
        adapted = [
            lively(each, adapter=name)
            for each, name in zip((form, form.stream or form), (form.adapters * 2)[:2], strict=True)
        ]
        plain = [lively(each) for each in (form, form.stream, form.other) if each]
        yield Unchanged(plain=plain, adapted=adapted, between=lively(form, SEEDS[1], TEXTS[1]))


def unknown(form: Form) -> Iterator[Claim]:
    """Unknown names are refused, in streams too."""
    for each in (form, form.stream) if form.adapters else ():
        if each:
            # With raw, as adapters are meant to be used, where it is a stream.
            raw: dict[str, Any] = {"raw": True} if each.streamed and each.has("raw") else {}
            yield Refused(
                case=lively(each, adapter=NOBODY, is_open=True, **raw),
                base=lively(each),
                what="an adapter that does not exist",
            )


_ROLES = ("adapter", *COMPARING)
EFFECT = Row(requirements=("lora/effect",), claims=effect, roles=_ROLES, closely=True, greedy=True)
UNKNOWN = Row(requirements=("lora/unknown",), claims=unknown, roles=_ROLES, without=True)
UNCHANGED = Row(requirements=("isolation/lora",), claims=unchanged, roles=_ROLES, ordered=True, greedy=True)
