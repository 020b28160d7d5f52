"""Traffic: no answer depends on what was asked before it, in whatever order.

A state machine mixes requests, streams, streams that are left, adapters, requests at once and such as are refused,
and every answer that is known has to stay what it is (RFC 9110, section 3.3: each request can be understood in
isolation).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from infercheck.cases import Case
from infercheck.checks.relations.isolation import LATER
from infercheck.checks.relations.language import Claim, Hearing, Ruling, broken, kept
from infercheck.checks.relations.settings import LENGTH, SEEDS, lively
from infercheck.fuzz.source import Task, answered, heard, talking
from infercheck.generate.asks import COMPARING, Form
from infercheck.generate.texts import TEXTS
from infercheck.reply import Reply

Step: TypeAlias = tuple[str, tuple[int, ...]]
"""What is done (`ask`, `leave`, `wrong`, `together`), and with which requests."""

CALM = 2
"""Plain requests after which nothing should be left of what was asked before."""

SHRINKING = 120
"""Requests that are sent to make a sequence shorter, before what is left of it is looked at step by step."""

SURE = 3
"""How often a sequence must make an answer wrong that is right without it."""

REFUSED = 8
"""Requests that are to be refused, from all over the plan."""

FEWEST = 2
"""Requests whose answers are known, below which there is nothing to mix."""

REPRODUCIBLE, ADAPTERS, LEFT = "effect/seed/reproducible", "isolation/lora", "robust/disconnect"
REQUIREMENTS = (REPRODUCIBLE, ADAPTERS, LEFT)
"""What it is called, by what comes before the wrong answer."""


@dataclass(frozen=True, kw_only=True)
class Traffic(Claim):
    """Answers are the same whatever was asked before: to `asked`, the first of which is plain, with `adapted` ones
    among them; after streams that are left (`leave`), and refusals (`wrong`). At most so many requests are sent."""

    task: Task
    asked: Sequence[Case]
    adapted: frozenset[str]
    leave: Sequence[Case]
    wrong: Sequence[Case]
    most: int

    @property
    def asks(self) -> Sequence[Case]:
        return ()

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        if hearing.wavers:
            return []
        usual = [reply for case in self.asked if (reply := await self._usual(hearing, case))]
        if len(usual) < FEWEST or usual[0].case.id != self.asked[0].id:
            return []
        async with hearing.quiet():
            steps = await self._shortest(hearing, usual)
            if steps is None:
                return [kept(*usual)]
            steps = await self._trimmed(hearing, steps, usual)
            ruling = await self._made_sure(hearing, steps, usual)
            return [ruling] if ruling else []

    async def _usual(self, hearing: Hearing, case: Case) -> Reply | None:
        first = await hearing.ask(case)
        again = (await hearing.together([case]))[0]
        return None if first.problem or again.said != first.said else first

    async def _shortest(self, hearing: Hearing, usual: Sequence[Reply]) -> list[Step] | None:
        # The shortest sequence whose last answer was wrong.
        counts = {"ask": len(usual), "leave": len(self.leave), "wrong": len(self.wrong)}
        best: list[Step] | None = None
        steps: list[Step] = []
        sent, most = 0, self.most
        async with talking(self.task.line(traffic=counts)) as (questions, output):
            while sent < most and (said := await heard(output)) is not None:
                is_right = True
                if "begin" in said:
                    steps = []
                    sent += await self._calm(hearing)
                else:
                    steps.append((said["step"], tuple(said["of"])))
                    sent += len(said["of"])
                    is_right = await self._taken(hearing, steps[-1], usual)
                if not is_right and best is None:
                    most = sent + SHRINKING
                if not is_right and (best is None or len(steps) < len(best)):
                    best = list(steps)
                await answered(questions, is_right)
        return best

    async def _trimmed(self, hearing: Hearing, steps: list[Step], usual: Sequence[Reply]) -> list[Step]:
        # Without each of them that the wrong answer does not need: Hypothesis may not have come to its end.
        for index in reversed(range(len(steps) - 1)):
            fewer = steps[:index] + steps[index + 1 :]
            await self._calm(hearing)
            rights = [await self._taken(hearing, step, usual) for step in fewer]
            if not rights[-1]:
                steps = fewer
        return steps

    async def _calm(self, hearing: Hearing) -> int:
        for _ in range(CALM):
            await hearing.together(self.asked[:1])
        return CALM

    async def _taken(self, hearing: Hearing, step: Step, usual: Sequence[Reply]) -> bool:
        kind, indexes = step
        replies = await hearing.together([self._case(kind, index, usual) for index in indexes])
        if kind != "ask":
            return True  # what is said beside others may be another answer
        return all(
            bool(reply.problem) or reply.said == usual[index].said
            for index, reply in zip(indexes, replies, strict=True)
        )

    def _case(self, kind: str, index: int, usual: Sequence[Reply]) -> Case:
        return self.leave[index] if kind == "leave" else self.wrong[index] if kind == "wrong" else usual[index].case

    async def _made_sure(self, hearing: Hearing, steps: Sequence[Step], usual: Sequence[Reply]) -> Ruling | None:
        *before, (_, (index,)) = steps
        right = usual[index]
        leaves = any(kind == "leave" for kind, _ in before)
        shown: list[Reply] = []
        # An engine may go on for a while without its client, and calculate otherwise in company.
        for pause in [*[0.0] * (SURE - 1), LATER[-1] if leaves else 0.0]:
            await self._calm(hearing)
            without = (await hearing.together([right.case]))[0]
            await self._calm(hearing)
            for step in before:
                await self._taken(hearing, step, usual)
            await asyncio.sleep(pause)
            after = (await hearing.together([right.case]))[0]
            if after.problem or without.said != right.said or after.said == right.said:
                return None
            shown += (after, without)
        told = "; ".join(self._told(step, usual) for step in before) or "nothing else"
        return broken(
            *shown,
            expected=f"the same answer to {right.case.title} whatever was asked before: {right.shown(shown[0])}",
            observed=f"{shown[0].shown(right)}, {len(shown) // 2} times of {len(shown) // 2}, after: {told}",
            requirement=self._requirement(before, right, usual),
        )

    def _told(self, step: Step, usual: Sequence[Reply]) -> str:
        kind, indexes = step
        titles = " and ".join(self._case(kind, index, usual).title for index in indexes)
        words: dict[str, Any] = {
            "leave": f"{titles}, left in mid-answer",
            "wrong": f"{titles} (to be refused)",
            "together": f"{titles}, at once",
        }
        return str(words.get(kind, titles))

    def _requirement(self, before: Sequence[Step], right: Reply, usual: Sequence[Reply]) -> str:
        if any(kind == "leave" for kind, _ in before):
            return LEFT
        asked = {usual[index].case.id for kind, of in before if kind in ("ask", "together") for index in of}
        return ADAPTERS if asked & self.adapted and right.case.id not in self.adapted else REPRODUCIBLE


def mixed(forms: Sequence[Form], refused: Sequence[Case], task: Task, *, most: int) -> Traffic | None:
    """All that can be mixed, of forms that are not streamed and requests that are to be refused."""
    if not forms or not forms[0].has(*COMPARING):
        return None
    form = forms[0]
    streams = [stream for each in forms if (stream := each.stream)]
    adapted = [lively(each, adapter=name) for name in form.adapters for each in (form, *streams[:1])]
    return Traffic(
        task=task,
        asked=[*(lively(each) for each in (*forms, *streams)), lively(form, SEEDS[1], TEXTS[1]), *adapted],
        adapted=frozenset(case.id for case in adapted),
        leave=[stream.ask(TEXTS[4], drop=True, temperature=1, output_limit=2 * LENGTH) for stream in streams],
        wrong=refused[:: max(1, len(refused) // REFUSED)][:REFUSED],
        most=most,
    )
