"""The suite: sends the planned cases through the door, judges every exchange, and writes what it finds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from infercheck import conclusions
from infercheck.blame import Blame
from infercheck.cases import Case, Expectation
from infercheck.contract import Contract
from infercheck.door import BudgetSpent, Door, ThrottledForEver
from infercheck.errors import InfercheckError, TargetError
from infercheck.exchange import Exchange
from infercheck.findings import Finding, Verdict
from infercheck.journal import JournalWriter
from infercheck.observation import Observation, Outcome
from infercheck.plan import Plan

LIFE_WAITS = (0.0, 0.5, 1.0, 2.0)
"""Seconds before each question whether a target that did not answer is still there."""


SILENT = 3
"""Streams without an event that are no accident, where every other answer has a text."""


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


@dataclass(slots=True)
class _State:
    # What has been learnt so far that later verdicts need.
    alive: dict[str | None, bool] = field(default_factory=dict)
    context_limit: int | None = None
    refuses_without_json: bool = False
    texts: int = 0
    streams: int = 0
    silent_streams: list[Observation] = field(default_factory=list)


class Suite:
    """One run over one door. `listener` is told of progress, in the loop's thread."""

    def __init__(
        self,
        contract: Contract,
        plan: Plan,
        door: Door,
        journal: JournalWriter,
        *,
        concurrency: int = 4,
        listener: Callable[[Progress], None] | None = None,
    ) -> None:
        self._contract = contract
        self._plan = plan
        self._door = door
        self._journal = journal
        self._concurrency = concurrency
        self._listener = listener
        self._blame = Blame(contract, door)
        self._state = _State()
        self._progress = Progress(total=len(plan.cases))
        self._dead: Case | None = None

    async def run(self) -> Ending:
        """Send everything. TargetError where nobody is there, or everybody is refused, from the start."""
        smallest = [case for case in self._plan.cases if case.is_smallest]
        rest = [case for case in self._plan.cases if not case.is_smallest]
        try:
            await self._greet(smallest)
            await self._crew(rest)
        except (BudgetSpent, ThrottledForEver) as end:
            return Ending(complete=False, reason=str(end))
        silent = self._state.silent_streams
        if len(silent) == self._state.streams >= SILENT and self._state.texts:
            self._write(silent[0].case, [conclusions.of_silence(silent)])
        if self._dead:
            return Ending(complete=False, reason=f"the target stopped answering at {self._dead.id}")
        refused = [branch or "every branch" for branch, alive in self._state.alive.items() if not alive]
        if refused and any(not self._wants(case) for case in smallest):
            # Nobody asked about it, and yet nothing that was asked for could be seen.
            return Ending(complete=False, reason=f"the smallest valid request is refused: {', '.join(refused)}")
        if self._plan.cut:
            return Ending(complete=False, reason=f"{self._plan.cut} cases were left out for want of budget")
        return Ending()

    async def _greet(self, smallest: Sequence[Case]) -> None:
        # The smallest valid requests, one after the other: is anybody there, and does a refusal mean anything?
        seen: list[Observation] = []
        for case in smallest:
            exchange = await self._door.ask(case)
            observation = self._observe(case, exchange)
            failure = exchange.answer.failure
            if observation.outcome is Outcome.NO_ANSWER and not seen:
                message = failure.message if failure else "no answer"
                raise TargetError(
                    f"the target does not answer: {message}",
                    hint="Is the server running, and is the address right? `infercheck doctor` looks closer.",
                )
            seen.append(observation)
            if observation.outcome is not Outcome.ACCEPTED:
                # All that is said of a branch hangs on this answer, so a mood of the target must not decide it.
                observation = self._observe(case, await self._door.ask(case, fresh=True))
            self._state.alive[case.branch] = observation.outcome is Outcome.ACCEPTED
        _refuse_strangers(seen)
        for observation in seen:
            await self._conclude(observation)

    async def _crew(self, cases: Sequence[Case]) -> None:
        # A few workers share one queue; the first that cannot go on stops the others.
        queue = iter(cases)

        async def work() -> None:
            for case in queue:
                if self._dead:
                    return
                await self._handle(case)

        tasks = [asyncio.create_task(work()) for _ in range(self._concurrency)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _handle(self, case: Case) -> None:
        limit = self._state.context_limit
        if limit is not None and case.size and len(case.request.body) >= limit:
            reason = "not sent: a text of this size is over the target's context window"
            self._write(case, list(conclusions.of_unsent(case, reason)))
            return
        await self._conclude(self._observe(case, await self._door.ask(case)))

    def _observe(self, case: Case, exchange: Exchange) -> Observation:
        return Observation(contract=self._contract, case=case, exchange=exchange)

    async def _conclude(self, seen: Observation) -> None:
        try:
            await self._conclude_with_more(seen)
        except BudgetSpent as spent:
            reason = f"not asked again: {spent}"
            self._write(seen.case, list(conclusions.for_aims(seen, Verdict.INCONCLUSIVE, reason)))

    async def _conclude_with_more(self, seen: Observation) -> None:
        findings: list[Finding] = []
        if seen.outcome is Outcome.NO_ANSWER:
            again = self._observe(seen.case, await self._door.ask(seen.case, fresh=True))
            if again.outcome is Outcome.NO_ANSWER:
                living = await self._is_alive(seen.case)
                if not living:
                    self._dead = self._dead or seen.case
                self._write(seen.case, await self._unanswered(seen, again, living=living))
                return
            findings.append(conclusions.of_lost(seen))
            seen = again
        elif _looks_left_over(seen) and not self._state.refuses_without_json:
            again = self._observe(seen.case, await self._door.ask(seen.case, fresh=True))
            if (again.status, again.media_type) != (seen.status, seen.media_type):
                findings.append(conclusions.of_left_over(seen, again))
                seen = again
            else:
                self._state.refuses_without_json = True
        match seen.case.expectation:
            case Expectation.VALID:
                findings += conclusions.universal(seen)
                findings += await self._valid(seen)
            case Expectation.INVALID:
                findings += conclusions.universal(seen)
                accepted = self._accepts_valid(seen.case.branch)
                findings += conclusions.of_invalid(seen, valid_is_accepted=accepted)
            case Expectation.OPEN:
                findings += conclusions.of_open(seen)
        self._write(seen.case, findings)

    async def _unanswered(self, first: Observation, again: Observation, *, living: bool) -> list[Finding]:
        findings = list(conclusions.of_unanswered(first, again, others_are=living))
        if living and first.case.expectation is Expectation.VALID and first.case.parts:
            # Which of its values does the target not survive?
            findings += await self._blame.of(again)
        return findings

    def _write(self, case: Case, findings: Sequence[Finding]) -> None:
        wanted = [finding for finding in findings if finding.requirement in self._plan.selected]
        self._journal.case(case)
        self._journal.judged(case, wanted)
        progress = self._progress
        progress.done += 1
        progress.requests = self._door.requests
        progress.seconds = self._door.seconds
        progress.broken += sum(finding.verdict in (Verdict.FAIL, Verdict.WARN) for finding in wanted)
        if self._listener:
            self._listener(progress)

    async def _valid(self, seen: Observation) -> list[Finding]:
        if seen.outcome is Outcome.ACCEPTED:
            self._blame.acquit(seen.case)
            self._state.alive[seen.case.branch] = True
            self._listen(seen)
            return list(conclusions.of_accepted_valid(seen))
        if not self._wants(seen.case):
            return []
        if seen.about_context_window:
            if seen.case.size:
                # In bytes: a text of as many characters may have far fewer tokens.
                size = len(seen.case.request.body)
                self._state.context_limit = min(self._state.context_limit or size, size)
            return list(conclusions.for_aims(seen, Verdict.NOTE, "refused for the sake of the context window"))
        if seen.outcome is Outcome.THROTTLED:
            return list(conclusions.for_aims(seen, Verdict.INCONCLUSIVE, "throttled"))
        if not seen.case.is_smallest and not self._state.alive.get(seen.case.branch, True):
            reason = "the smallest valid request of this branch is refused too"
            return list(conclusions.for_aims(seen, Verdict.INCONCLUSIVE, reason))
        return await self._blame.of(seen)

    def _listen(self, seen: Observation) -> None:
        state = self._state
        if not seen.case.request.stream:
            result = seen.value.get("result") if isinstance(seen.value, dict) else None
            state.texts += bool(isinstance(result, dict) and result.get("response"))
            return
        state.streams += 1
        if seen.stream.events and not seen.payloads:
            state.silent_streams.append(seen)

    def _wants(self, case: Case) -> bool:
        # Where only some requirements are asked for, the others' faults are not chased.
        return any(id_ in self._plan.selected for id_ in (*case.requirements, conclusions.COMBINATIONS))

    def _accepts_valid(self, branch: str | None) -> bool:
        alive = self._state.alive
        return alive.get(branch, True) if branch else any(alive.values())

    async def _is_alive(self, case: Case) -> bool:
        probe = next((one for one in self._plan.cases if self._state.alive.get(one.branch)), case)
        for wait in LIFE_WAITS:
            await asyncio.sleep(wait)
            try:
                exchange = await self._door.ask(probe, fresh=True)
            except InfercheckError:
                return True  # nothing left to ask with: no claim is made
            if exchange.answer.status is not None:
                return True
        return False


def _looks_left_over(seen: Observation) -> bool:
    # Bytes of a body that the server left unread are taken for the next request on a kept connection, and get the
    # web server's own 400, not the API's.
    return seen.status == 400 and seen.exchange.answer.kept and not seen.labelled_json


def _refuse_strangers(seen: Sequence[Observation]) -> None:
    # A target that turns everybody away at the door cannot be judged; its user can tell why.
    statuses = {observation.status for observation in seen}
    if statuses and statuses <= {401, 403}:
        raise TargetError(
            f"the target refuses the token, or the lack of one: {seen[0].summary()}",
            hint="Give the name of the variable that holds it with --token-env.",
        )
    if statuses and all(status in (404, 405) or (status and 300 <= status < 400) for status in statuses):
        location = seen[0].exchange.answer.header("location")
        raise TargetError(
            f"nothing answers POST at this address: {seen[0].summary()}",
            hint=f"It redirects to {location}." if location else "Give the exact URL to POST to.",
        )
