"""The suite: sends the planned cases through the door, has every answer judged, and writes what is found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from infercheck.campaign import Campaign
from infercheck.cases import RELATION, Case, Expectation, Request
from infercheck.checks.relations import traffic
from infercheck.checks.relations.language import Relation, Row
from infercheck.checks.relations.traffic import mixed
from infercheck.conclusions import LIVENESS, of_mistake, of_unsent
from infercheck.crew import crew
from infercheck.door import Door
from infercheck.errors import BudgetSpent, InfercheckError, NotRecorded, TargetError, ThrottledForEver
from infercheck.findings import Finding, Verdict
from infercheck.fuzz.cases import Cases
from infercheck.fuzz.examples import Examples
from infercheck.fuzz.source import Task
from infercheck.generate.asks import Form, forms
from infercheck.generate.boundary import Boundary
from infercheck.generate.builder import Builder
from infercheck.hearing import Hearing
from infercheck.journal import JournalWriter
from infercheck.judge import Judge
from infercheck.likeness import LEFT, Likeness
from infercheck.observation import Observation, Outcome
from infercheck.plan import Plan
from infercheck.steadiness import Measure
from infercheck.steps import Step
from infercheck.twins import Twinning

LOG = logging.getLogger("infercheck")

THE_RUN = Case(id="run", title="the run as a whole", expectation=Expectation.OPEN, request=Request(body=b""))
"""What stands for a case where only all answers together show something."""


MIXED, SHARE = 400, 6
"""Requests that are mixed to see whether one changes another's answer: so many at most, or one of so many that are
left."""

LOSABLE = ("closed", "protocol")
"""Failures of a connection that may be lost on the way."""

GREETINGS = 2
"""How often the first request is sent again, where its connection is lost, before nobody is there."""


@dataclass(slots=True)
class Progress:
    """How far a run is; handed to the listener after every case."""

    done: int = 0
    total: int = 0
    requests: int = 0
    broken: int = 0
    seconds: float = 0.0


@dataclass(slots=True, kw_only=True)
class Ending:
    """How a run ended: `complete`, or why it is not."""

    complete: bool = True
    reason: str = ""


class Suite:
    """One run over one door. `listener` is told of progress, in the loop's thread.

    `task` is what to draw, `examples` the folder of what is remembered of earlier runs.
    """

    def __init__(
        self,
        plan: Plan,
        door: Door,
        judge: Judge,
        journal: JournalWriter,
        *,
        concurrency: int = 4,
        listener: Callable[[Progress], None] | None = None,
        task: Task | None = None,
        examples: Path | None = None,
    ) -> None:
        self._task = task
        self._examples = examples
        self._plan = plan
        self._door = door
        self._judge = judge
        self._journal = journal
        self._concurrency = concurrency
        self._listener = listener
        self._hearing = Hearing(plan, door, judge, alone=concurrency == 1)
        self._progress = Progress(total=len(plan.steps))
        self._broken: set[str] = set()

    @property
    def measure(self) -> Measure:
        """How steady the target is, as far as the run has come."""
        return self._hearing.steadiness.measure

    async def run(self) -> Ending:
        """Send everything. TargetError where nobody is there, or everybody is refused, from the start."""
        smallest = [case for case in self._plan.cases if case.is_smallest]
        rest = [step for step in self._plan.steps if not (isinstance(step, Case) and step.is_smallest)]
        spent = ""
        try:
            await self._greet(smallest)
            on_suspicion = [step for step in rest if isinstance(step, Relation) and not step.planned]
            await self._crew([step for step in rest if isinstance(step, Case) or step.planned])
            self._door.release()
            on_suspicion.sort(key=self._urgency)
            await self._crew(on_suspicion)
            await self._draw()
        except (BudgetSpent, ThrottledForEver) as end:
            spent = str(end)
        if not spent:
            await self._judge.liveness.farewell()
        doubts = await self._hearing.sum_up()
        self._write(THE_RUN, [*self._judge.sum_up(), *doubts])
        if reason := spent or self._judge.liveness.over or self._judge.patience.over:
            return Ending(complete=False, reason=reason)
        if self._judge.left_out:
            return Ending(
                complete=False, reason=f"{self._judge.left_out} cases were not sent: others like them hung"
            )
        if self._judge.liveness.died_of and LIVENESS not in self._plan.selected:
            # Nobody asked about it, but whoever asked about anything has to know.
            died_of = ", ".join(dict.fromkeys(self._judge.liveness.died_of))
            return Ending(complete=False, reason=f"the target died of {died_of} ({LIVENESS})")
        refused = self._judge.refused_branches
        if refused and any(not self._judge.wants(case) for case in smallest):
            # Nobody asked about it, and yet nothing that was asked for could be seen.
            return Ending(complete=False, reason=f"the smallest valid request is refused: {', '.join(refused)}")
        if self._plan.cut:
            return Ending(complete=False, reason=f"{self._plan.cut} cases were left out for want of budget")
        return Ending()

    async def _draw(self) -> None:
        # Requests that nobody planned, for as long as the budget lasts.
        if self._task is None or self._judge.liveness.over or self._judge.patience.over:
            return
        contract, task = self._judge.contract, self._task
        builder = Builder(contract)
        boundary = Boundary(builder, task.adapters)
        all_ = forms(boundary, self._plan.pricing, streams=contract.roles.get("stream") not in task.absent)
        cases = Cases(builder, self._plan.pricing)
        examples = Examples(contract, self._examples)
        self._progress.total += max(0, self._door.left - LEFT)
        await self._mix(task, boundary, all_)
        campaign = Campaign(
            self._judge,
            self._door,
            cases,
            task,
            self._write,
            likeness=self._likeness(task, cases, all_, examples),
            examples=examples,
            everything=self._plan.wants_every_answer,
        )
        await campaign.run(self._concurrency)

    async def _mix(self, task: Task, boundary: Boundary, all_: Sequence[Form]) -> None:
        # Requests of all kinds in any order, none of which may change a later answer.
        if not self._plan.selected & set(traffic.REQUIREMENTS):
            return
        claim = mixed(all_, list(boundary.invalid()), task, most=min(MIXED, self._door.left // SHARE))
        if claim is None:
            return
        row = Row(requirements=traffic.REQUIREMENTS[:1], claims=lambda form: [claim], without=True)
        relation = Relation(row=row, form=all_[0], planned=True, case=replace(THE_RUN, id="traffic"))
        self._write(relation.case, await self._hearing.hear(relation))

    def _likeness(self, task: Task, cases: Cases, all_: Sequence[Form], examples: Examples) -> Likeness | None:
        if not all_:
            return None
        twinning = Twinning(self._judge.contract, cases, task.absent)
        # What is shown already need not be shown again, and what does not apply cannot be.
        wanted = self._plan.selected - self._broken - self._plan.absent.keys()
        return Likeness(
            self._judge, self._door, self._hearing, twinning, all_[0], task, examples, wanted.__contains__
        )

    def _urgency(self, relation: Relation) -> tuple[bool, bool, bool, int]:
        # What decides most of a target that draws anew comes first: statistics, then what leaves nothing to chance.
        row, suspicion = relation.row, self._hearing.suspicions.of(relation)
        return row.last, not row.on_noise, not relation.on_noise, suspicion

    async def _greet(self, smallest: Sequence[Case]) -> None:
        # The smallest valid requests, one after the other: is anybody there, and does a refusal mean anything?
        judge = self._judge
        seen: list[Observation] = []
        for case in smallest:
            first = await judge.ask(case)
            for _ in range(GREETINGS):
                failure = first.exchange.answer.failure
                if first.outcome is not Outcome.NO_ANSWER or seen or (failure and failure.kind not in LOSABLE):
                    break  # one connection that is lost says little
                first = await judge.ask(case, fresh=True)
            failure = first.exchange.answer.failure
            if first.outcome is Outcome.NO_ANSWER and not seen:
                message = failure.message if failure else "no answer"
                raise TargetError(
                    f"the target does not answer: {message}",
                    hint="Is the server running, and is the address right? `infercheck doctor` looks closer.",
                )
            first = judge.greet(first)
            seen.append(first)
            if first.outcome is not Outcome.ACCEPTED:
                # All that is said of a branch hangs on this answer, so a mood of the target must not decide it.
                first = judge.greet(await judge.ask(case, fresh=True))
            judge.accepts(first)
        judge.settle()
        _refuse_strangers(seen)
        if judge.guess:
            self._journal.dialect(judge.guess)
        for first in seen:
            self._write(first.case, await judge.judge(judge.greet(first)))

    async def _crew(self, steps: Sequence[Step]) -> None:
        queue = iter(steps)

        async def work() -> None:
            for step in queue:
                if self._judge.liveness.over or self._judge.patience.over:
                    return
                case = step if isinstance(step, Case) else step.case
                try:
                    findings = await (self._handle(step) if isinstance(step, Case) else self._hearing.hear(step))
                except InfercheckError:
                    raise
                except Exception as error:  # a mistake of ours: nobody else's verdict hangs on it
                    LOG.exception("%s could not be judged", case.id)
                    findings = list(of_mistake(case, step.requirements, error))
                self._write(case, findings)

        await crew(self._concurrency, work)

    async def _handle(self, case: Case) -> Sequence[Finding]:
        findings = self._judge.unsent(case)
        if findings is not None:
            return findings
        if case.group == RELATION and not self._hearing.needs(case):
            return []
        try:
            case = self._hearing.apart(case) if case.group == RELATION else case
            await self._judge.lives.calm()
            seen = await self._judge.ask(self._judge.spare(case))
        except NotRecorded as missing:
            return list(of_unsent(case, Verdict.INCONCLUSIVE, str(missing)))
        except ThrottledForEver as end:
            await self._judge.ask_for_life()  # raises the same where the target throttles everybody
            return list(of_unsent(case, Verdict.INCONCLUSIVE, f"{end}, though others are answered"))
        return [*self._judge.spared(case), *await self._judge.judge(seen)]

    def _write(self, case: Case, findings: Sequence[Finding]) -> None:
        wanted = [finding for finding in findings if finding.requirement in self._plan.selected]
        self._journal.case(case)
        self._journal.judged(case, wanted)
        self._broken.update(finding.requirement for finding in wanted if finding.is_broken)
        progress = self._progress
        progress.done += 1
        progress.requests = self._door.requests
        progress.seconds = self._door.seconds
        progress.broken += sum(finding.is_broken for finding in wanted)
        if self._listener:
            self._listener(progress)


def _refuse_strangers(seen: Sequence[Observation]) -> None:
    # A target that turns everybody away at the door cannot be judged; its user can tell why.
    statuses = {observation.status for observation in seen}
    if statuses and statuses <= {401, 403}:
        raise TargetError(
            f"the target refuses the token, or the lack of one: {seen[0].summary()}",
            hint="Is it the right one? --token-env gives the name of the variable that holds it.",
        )
    if statuses and all(status in (404, 405) or (status and 300 <= status < 400) for status in statuses):
        location = seen[0].exchange.answer.header("location")
        raise TargetError(
            f"nothing answers POST at this address: {seen[0].summary()}",
            hint=f"It redirects to {location}."
            if location
            else "Give the exact URL to POST to; of an application the path: asgi:MODULE:APP/PATH, or path=PATH.",
        )
