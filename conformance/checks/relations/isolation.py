"""Isolation: no answer depends on what else the target does, or has just left off doing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infercheck.cases import Case, distinct
from infercheck.checks.relations.contexts import talk
from infercheck.checks.relations.language import (
    Claim,
    Hearing,
    Row,
    Ruling,
    Standing,
    broken,
    kept,
    problem_of,
    troubled,
    undecided,
)
from infercheck.checks.relations.settings import LENGTH, LIVELY, SEEDS, combined, lively, ordinary
from infercheck.generate.asks import COMPARING, Form
from infercheck.generate.texts import TEXTS
from infercheck.reply import Reply

LOAD = "isolation/load"
NOTICE = 0.1
"""Seconds that a target is given to notice that a client has left."""

ROUNDS = 2
LATER, MANY = (0.3, 1.2, 3.5), 8
"""Seconds after which an answer must be wrong again each time, for an engine that goes on without its client may
compute otherwise as long as it has company; and how often in all where the target is not steady anyhow."""

SURE = 4
"""How often an answer must be what it is alone before another's is blamed."""

OFTEN = 6
"""How often an answer is asked for beside another that may be why it changes; but for once, it must."""

LONG_ENOUGH = 80
"""Characters of an answer, 32 tokens or thereabouts, that two requests do not share by chance."""


@dataclass(frozen=True, kw_only=True)
class Apart(Claim):
    """Answers to requests that are under way together are those that each gets alone."""

    cases: Sequence[Case]

    @property
    def asks(self) -> Sequence[Case]:
        return distinct(self.cases)

    @property
    def repeats(self) -> Sequence[Case]:
        return [*self.cases] * (1 + ROUNDS)

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        # First answers may have been given beside others.
        serial = [await hearing.again(case) for case in self.cases]
        if problem := problem_of(*serial) or hearing.unsteady(*serial):
            return [undecided(problem, *serial)]
        replies: list[Reply] = []
        moved: list[tuple[Reply, Reply]] = []
        cut = 0
        for count in range(2 * ROUNDS):
            if count >= ROUNDS and not 0 < cut < ROUNDS:
                break  # what was cut off once is looked at again
            together = await hearing.together(self.cases)
            replies += together
            for mine, alone in zip(together, serial, strict=True):
                if mine.problem or mine.said == alone.said:
                    continue
                moved.append((mine, alone))
                cut += _is_cut(mine, alone, serial)
                for theirs in serial:
                    # Answers that begin alike anyhow tell nothing.
                    if _is_theirs(mine, theirs) and not _is_theirs(alone, theirs):
                        # Two machines may have each other's answers where a parameter is ignored.
                        now = [await hearing.again(each.case) for each in (theirs, *[alone] * SURE)]
                        if now[0].said != theirs.said or any(reply.said != alone.said for reply in now[1:]):
                            return [
                                undecided("answers are others by now, with nothing beside them too", alone, *now)
                            ]
                        expected = f"the answer to {alone.case.title}: {alone.shown(mine)}"
                        observed = (
                            f"that to {theirs.case.title}, which was under way beside it: {mine.shown(alone)}"
                        )
                        return [broken(mine, theirs, alone, expected=expected, observed=observed)]
        if problem := problem_of(*replies):
            return [undecided(problem, *replies)]
        if not moved:
            return [kept(*replies), kept(*replies, requirement=LOAD)]
        mine, alone = moved[0]
        if cut >= ROUNDS:
            expected = f"the whole answer to {alone.case.title}: {alone.tokens} tokens"
            observed = (
                f"{mine.tokens}, the limit of a request beside it, in {cut} of {len(replies)}: {mine.shown()}"
            )
            return [broken(mine, alone, expected=expected, observed=observed)]
        expected = f"the answer that it gets alone: {alone.shown(mine)}"
        observed = f"beside others, in {len(moved)} of {len(replies)}: {mine.shown(alone)}"
        return [
            kept(*replies),
            broken(mine, alone, expected=expected, observed=observed, requirement=LOAD),
        ]


def _is_cut(mine: Reply, alone: Reply, others: Sequence[Reply]) -> bool:
    # Ended where another's limit ends it, and its own does not.
    ended = mine.tokens and mine.tokens < mine.case.price and alone.tokens and alone.tokens <= mine.case.price
    if not ended or mine.text == alone.text or not alone.text.startswith(mine.text):
        return False
    return any(mine.tokens == other.tokens for other in others if other is not alone)


@dataclass(frozen=True, kw_only=True)
class Unmoved(Claim):
    """An answer is the same beside a request without a seed, where it is beside that request with one."""

    case: Case
    seedless: Case
    seeded: Case

    @property
    def asks(self) -> Sequence[Case]:
        return [self.case]

    @property
    def repeats(self) -> Sequence[Case]:
        return [self.case, self.seedless]

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        usual = await hearing.ask(self.case)
        if trouble := troubled(hearing, usual):
            return [undecided(trouble, usual)]
        others = await self._others(hearing, usual, self.seedless, 1)
        if not others:
            return [kept(usual)]
        # Answers may depend on whatever is under way, as where an engine calculates in batches.
        others += await self._others(hearing, usual, self.seedless, OFTEN - 1)
        if len(others) < OFTEN - 1 or await self._others(hearing, usual, self.seeded, OFTEN):
            return [undecided("answers depend on what else is under way", usual, *others)]
        expected = f"the answer that it gets alone, and beside other seeds: {usual.shown(others[0])}"
        observed = f"beside a request without a seed, in {len(others)} of {OFTEN}: {others[0].shown(usual)}"
        return [broken(others[0], usual, *others[1:], expected=expected, observed=observed)]

    async def _others(self, hearing: Hearing, usual: Reply, beside: Case, times: int) -> list[Reply]:
        replies = [(await hearing.together([self.case, beside]))[0] for _ in range(times)]
        return [reply for reply in replies if not reply.problem and reply.said != usual.said]


def _is_theirs(mine: Reply, theirs: Reply) -> bool:
    # Their whole answer, or a long beginning of it: a mixture begins with a piece of one's own.
    if mine.text == theirs.text:
        return len(theirs.text) >= LONG_ENOUGH // 2
    return len(theirs.text) >= LONG_ENOUGH and mine.text[:LONG_ENOUGH] == theirs.text[:LONG_ENOUGH]


@dataclass(frozen=True, kw_only=True)
class Untroubled(Claim):
    """An answer is the same after streams that were left in mid-answer."""

    left: Sequence[Case]
    cases: Sequence[Case]

    @property
    def asks(self) -> Sequence[Case]:
        return self.cases

    @property
    def repeats(self) -> Sequence[Case]:
        pairs = zip(self.left, self.cases, strict=False)
        return [each for left, case in pairs for each in (case, left, case)]

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        before = [await hearing.ask(case) for case in self.cases]
        if problem := problem_of(*before):
            return [undecided(problem, *before)]
        replies: list[Reply] = []
        async with hearing.quiet():
            for left, usual in zip(self.left, before, strict=False):
                control = await hearing.again(usual.case)
                if control.said != usual.said and control.said != (await hearing.again(usual.case)).said:
                    return [undecided(Standing.UNSTEADY, usual, control)]
                await self._leave(hearing, left)
                after = await hearing.again(usual.case)
                replies += (control, after)
                if problem := control.problem or after.problem:
                    return [undecided(problem, *replies)]
                if after.said != control.said:
                    doubtful = hearing.wavers or control.said != usual.said
                    return [await self._again(hearing, left, control, after, doubtful=doubtful)]
        return [kept(*replies)]

    async def _leave(self, hearing: Hearing, left: Case, seconds: float = NOTICE) -> None:
        await hearing.again(left)
        await asyncio.sleep(seconds)

    async def _again(self, hearing: Hearing, left: Case, before: Reply, after: Reply, *, doubtful: bool) -> Ruling:
        # Without a stream that is left the answer stays what it is; after another one it is wrong again, or still.
        # Of a target that wavers anyhow, it must be right again each time before.
        for seconds in [*LATER, *[NOTICE] * (MANY - len(LATER))] if doubtful else LATER:
            still = [await hearing.again(before.case) for _ in range(2)]
            await self._leave(hearing, left, seconds)
            again = await hearing.again(before.case)
            if any(reply.problem for reply in (*still, again)) or still[0].said != still[1].said:
                return undecided(Standing.UNSTEADY, before, after, again)
            recovers = still[1].said == before.said != again.said
            changes = again.said != still[1].said or still[1].said == after.said
            if not (recovers if doubtful else changes):
                return undecided(Standing.UNSTEADY, before, after, again)
        expected = f"the same answer to {before.case.title} as just before: {before.shown(after)}"
        observed = f"after a stream that its client left: {after.shown(before)}"
        return broken(after, before, again, expected=expected, observed=observed)


def apart(form: Form) -> Iterator[Claim]:
    """Parallel answers = serial answers, and none is another's."""
    chat, stream = form.other or form, form.stream or form
    third = lively(stream, adapter=form.adapters[0]) if form.adapters else combined(stream)[1]
    yield Apart(
        cases=[
            ordinary(form, output_limit=2 * LENGTH),
            # The same prompt with another seed: what is kept by the prompt alone would be taken for its answer.
            lively(form),
            third,
            talk(chat.stream or chat, SEEDS[0], LENGTH)
            if chat.is_conversation
            else combined(chat.stream or chat)[0],
        ]
    )


def unmoved(form: Form) -> Iterator[Claim]:
    """The same answer beside a request without a seed."""
    yield Unmoved(
        case=lively(form),
        seedless=form.ask(TEXTS[5], output_limit=LENGTH, temperature=LIVELY),
        seeded=lively(form, SEEDS[5], TEXTS[5]),
    )


def untroubled(form: Form) -> Iterator[Claim]:
    """After streams dropped midway the target still gives the same answer."""
    streams = [each.stream for each in (form, form.other or form)]
    yield Untroubled(
        left=[
            stream.ask(text, drop=True, temperature=1, output_limit=2 * LENGTH)
            for stream, text in zip(streams, TEXTS[4:], strict=False)
            if stream
        ],
        cases=[lively(form), *(lively(stream) for stream in streams[1:] if stream)],
    )


APART = Row(
    requirements=("isolation/concurrency", LOAD),
    claims=apart,
    greedy=True,
    first_only=True,
    roles=COMPARING,
    ordered=True,
)
UNMOVED = Row(
    requirements=("effect/seed/reproducible",), claims=unmoved, first_only=True, roles=COMPARING, ordered=True
)
UNTROUBLED = Row(
    requirements=("robust/disconnect",),
    claims=untroubled,
    greedy=True,
    first_only=True,
    roles=(*COMPARING, "stream"),
    ordered=True,
)
