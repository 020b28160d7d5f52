"""The suite: sends the planned cases through the door, judges every exchange, and writes what it finds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from infercheck.blame import Blame, passed
from infercheck.cases import Case, Expectation
from infercheck.checks import judge
from infercheck.checks.rules import Said
from infercheck.contract import Contract
from infercheck.door import BudgetSpent, Door, ThrottledForEver
from infercheck.errors import InfercheckError, TargetError
from infercheck.exchange import Exchange
from infercheck.findings import Finding, Verdict, broken
from infercheck.journal import JournalWriter
from infercheck.observation import Observation, Outcome
from infercheck.plan import Plan

LIFE_WAITS = (0.0, 0.5, 1.0, 2.0)
"""Seconds before each question whether a target that did not answer is still there."""


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
        smallest = [case for case in self._plan.cases if case.id.endswith("/smallest")]
        rest = [case for case in self._plan.cases if not case.id.endswith("/smallest")]
        try:
            await self._greet(smallest)
            await self._crew(rest)
        except BudgetSpent as spent:
            return Ending(complete=False, reason=str(spent))
        except ThrottledForEver as throttled:
            return Ending(complete=False, reason=str(throttled))
        if self._dead:
            return Ending(complete=False, reason=f"the target stopped answering at {self._dead.id}")
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
        if limit is not None and case.size >= limit:
            self._write(case, list(self._settled(case)))
            return
        await self._conclude(self._observe(case, await self._door.ask(case)))

    def _observe(self, case: Case, exchange: Exchange) -> Observation:
        return Observation(contract=self._contract, case=case, exchange=exchange)

    async def _conclude(self, seen: Observation) -> None:
        if seen.outcome is Outcome.NO_ANSWER:
            again = self._observe(seen.case, await self._door.ask(seen.case, fresh=True))
            if again.outcome is Outcome.NO_ANSWER:
                self._write(seen.case, await self._unanswered(seen, again))
                return
            self._write(seen.case, [_lost(seen)])
            seen = again
        findings = list(self._universal(seen))
        match seen.case.expectation:
            case Expectation.VALID:
                findings += await self._valid(seen)
            case Expectation.INVALID:
                findings += self._invalid(seen)
            case Expectation.OPEN:
                findings += self._open(seen)
        self._write(seen.case, findings)

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

    # What an exchange says

    def _universal(self, seen: Observation) -> Iterator[Finding]:
        said: dict[str, Said] = {}
        for one in judge(seen):
            if one.requirement not in said or (said[one.requirement].kept and not one.kept):
                said[one.requirement] = one
        for id_, one in said.items():
            yield Finding(
                requirement=id_,
                verdict=Verdict.PASS if one.kept else broken(self._contract.requirements[id_]),
                case=seen.case.id,
                expected=one.expected,
                observed="" if one.kept else one.observed,
                exchanges=(seen.exchange.number,),
            )

    async def _valid(self, seen: Observation) -> list[Finding]:
        if seen.outcome is Outcome.ACCEPTED:
            self._blame.acquit(seen.case)
            return list(passed(seen.case, seen))
        if seen.about_context_window:
            if seen.case.size:
                self._state.context_limit = min(self._state.context_limit or seen.case.size, seen.case.size)
            return self._for_aims(seen, Verdict.NOTE, "refused for the sake of the context window")
        if seen.outcome is Outcome.THROTTLED:
            return self._for_aims(seen, Verdict.INCONCLUSIVE, "throttled")
        smallest = seen.case.id.endswith("/smallest")
        if not smallest and not self._state.alive.get(seen.case.branch, True):
            reason = "the smallest valid request of this branch is refused too"
            return self._for_aims(seen, Verdict.INCONCLUSIVE, reason)
        return await self._blame.of(seen)

    def _invalid(self, seen: Observation) -> list[Finding]:
        if seen.outcome is Outcome.ACCEPTED:
            return [
                Finding(
                    requirement=aim.requirement,
                    verdict=broken(self._contract.requirements[aim.requirement]),
                    case=seen.case.id,
                    expected=f"a refusal with a 4xx: {seen.case.title}",
                    observed=seen.summary(),
                    exchanges=(seen.exchange.number,),
                    side=aim.side,
                )
                for aim in seen.case.aims
            ]
        if seen.outcome is Outcome.SERVER_ERROR:
            reason = f"answered {seen.status}, which neither accepts nor refuses; see http/server-error"
            return self._for_aims(seen, Verdict.INCONCLUSIVE, reason)
        if seen.outcome is Outcome.THROTTLED:
            return self._for_aims(seen, Verdict.INCONCLUSIVE, "throttled")
        alive = self._state.alive
        if not (alive.get(seen.case.branch, True) if seen.case.branch else any(alive.values())):
            reason = "valid requests of this branch are refused too, so this refusal says nothing"
            return self._for_aims(seen, Verdict.INCONCLUSIVE, reason)
        return self._for_aims(seen, Verdict.PASS, "")

    def _open(self, seen: Observation) -> list[Finding]:
        verb = f"{seen.outcome}: {seen.summary()}"
        found = [
            Finding(
                requirement=seen.case.question or "",
                verdict=Verdict.NOTE,
                case=seen.case.id,
                expected="anything but a server error",
                observed=verb,
                exchanges=(seen.exchange.number,),
            )
        ]
        if seen.outcome is Outcome.ACCEPTED:
            found += passed(seen.case, seen)
        return found

    def _settled(self, case: Case) -> Iterator[Finding]:
        for aim in case.aims:
            yield Finding(
                requirement=aim.requirement,
                verdict=Verdict.NOTE,
                case=case.id,
                reason="not sent: a text of this size is over the target's context window",
                side=aim.side,
            )

    def _for_aims(self, seen: Observation, verdict: Verdict, reason: str) -> list[Finding]:
        aims = [*seen.case.aims, *(aim for part in seen.case.parts for aim in part.aims)]
        observed = "" if verdict is Verdict.PASS else seen.summary()
        return [
            Finding(
                requirement=aim.requirement,
                verdict=verdict,
                case=seen.case.id,
                observed=observed,
                reason=reason,
                exchanges=(seen.exchange.number,),
                side=aim.side,
            )
            for aim in aims
        ]

    # Targets that do not answer

    async def _unanswered(self, first: Observation, again: Observation) -> list[Finding]:
        numbers = (first.exchange.number, again.exchange.number)
        reason = "not answered, twice"
        undecided = self._for_aims(again, Verdict.INCONCLUSIVE, reason)
        living = await self._is_alive(again.case)
        if not living:
            self._dead = self._dead or first.case
        finding = Finding(
            requirement="http/answer",
            verdict=broken(self._contract.requirements["http/answer"]),
            case=first.case.id,
            expected="an answer, whatever its status",
            observed=f"{again.summary()}, twice; " + ("others are answered" if living else "and none since"),
            exchanges=numbers,
        )
        return [finding, *undecided]

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


def _lost(seen: Observation) -> Finding:
    # Connections are lost on the way, too: no promise is broken by one that is.
    return Finding(
        requirement="http/answer",
        verdict=Verdict.NOTE,
        case=seen.case.id,
        expected="an answer",
        observed=seen.summary(),
        reason="not answered once, answered when asked again",
        exchanges=(seen.exchange.number,),
    )


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
