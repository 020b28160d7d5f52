"""The judge: from the answer to a case to findings, asking again where one answer is not enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Unpack

from infercheck import conclusions
from infercheck.blame import Blame
from infercheck.cases import Case, Expectation, Need
from infercheck.checks.limits import is_too_long
from infercheck.contract import Contract
from infercheck.dialect import UNTOLD, Dialect, Guess, guess
from infercheck.door import Door, How
from infercheck.errors import NotToBeHad
from infercheck.exchange import Exchange
from infercheck.findings import Finding, Verdict
from infercheck.fuzz.cases import FUZZ
from infercheck.learnt import SURE, Learnt, too_many
from infercheck.liveness import Answered, Gone, Killed, Liveness, Unanswered
from infercheck.lives import Lives
from infercheck.observation import Observation, Outcome
from infercheck.patience import Patience
from infercheck.plan import Plan
from infercheck.pulse import Pulse

LULL = 0.5
"""Seconds that a target which may be gone is given where there is no budget left to ask for it."""


class Judge:
    """Judges the cases of one run, in whatever order they come. `lacks` are the needs that the way to the target
    does not meet, each with the reason; `window` is the target's context window in tokens, where it is known."""

    def __init__(
        self,
        contract: Contract,
        plan: Plan,
        door: Door,
        *,
        dialect: Dialect,
        lacks: Mapping[Need, str],
        restart_wait: float,
        restart: Callable[[], None] | None = None,
        window: int | None = None,
    ) -> None:
        self.contract = contract
        self._window = window
        self._plan = plan
        self._door = door
        self._lacks = dict(lacks)
        self._learnt = Learnt()
        self.guess: Guess | None = None
        self.dialect = Dialect.REST
        if dialect is not Dialect.AUTO:
            self.take(Guess(dialect=dialect, saw=""))
        self.lives = Lives(few=restart is not None)
        self.liveness = Liveness(door, self.observe, restart_wait=restart_wait, restart=restart)
        self._blame = Blame(contract, self.liveness.trial, few_lives=self.lives.few)
        self.patience = Patience()
        self.left_out = 0
        """Cases that were not sent, because others like them were never answered to the end."""

    # What a target is like

    def take(self, guess: Guess) -> None:
        """Judge by this dialect from now on."""
        self.guess = guess
        self.dialect = guess.dialect
        if guess.dialect is Dialect.WORKER:
            self._lacks[Need.REST] = f"needs {Need.REST}"

    def greet(self, seen: Observation) -> Observation:
        """Learn from the answer to a smallest valid request; returns it as the dialect that it shows has it."""
        if self.guess is None:
            shown = guess(seen.value, choices=self.contract.has_choices)
            if shown is None:
                return seen
            self.take(shown)
        elif (
            (shown := guess(seen.value, choices=self.contract.has_choices))
            and shown.dialect is not self.dialect
            and not self.guess.saw
        ):
            self.guess = Guess(dialect=self.dialect, saw=f"{shown.saw}, as in dialect {shown.dialect}")
        return replace(seen, dialect=self.dialect)

    def settle(self) -> None:
        """No more answers tell the dialect."""
        if self.guess is None:
            self.take(UNTOLD)

    def accepts(self, seen: Observation) -> None:
        """Learn whether the smallest valid request of a branch is accepted."""
        self._learnt.alive[seen.case.branch] = seen.outcome is Outcome.ACCEPTED
        if seen.exchange.answer.status is not None and self.liveness.prober.probe is None:
            self.liveness.prober.probe = seen.case

    @property
    def refused_branches(self) -> list[str]:
        """The branches whose smallest valid request is refused."""
        return [branch or "every branch" for branch, alive in self._learnt.alive.items() if not alive]

    # Asking

    def observe(self, case: Case, exchange: Exchange) -> Observation:
        """What an exchange says."""
        seen = Observation(
            contract=self.contract, case=case, exchange=exchange, dialect=self.dialect, window=self._window
        )
        self.liveness.note(seen)
        self.patience.note(seen)
        return seen

    async def ask(self, case: Case, **how: Unpack[How]) -> Observation:
        """The answer to a case, asked as the door is told to."""
        return self.observe(case, await self._door.ask(case, **how))

    async def ask_for_life(self) -> None:
        """Ask what the target is known to answer; ThrottledForEver where it does not any more."""
        if self.liveness.prober.probe:
            await self._door.ask(self.liveness.prober.probe, fresh=True)

    def spare(self, case: Case) -> Case:
        """A case without the values that are known to get no answer at all."""
        return self._blame.spare(case)

    def spared(self, case: Case) -> list[Finding]:
        """What remains open of a case for want of these values."""
        return list(self._blame.spared(case))

    # Judging

    def unsent(self, case: Case) -> list[Finding] | None:
        """What is said of a case that need not be sent; None where it is to be sent."""
        for need in sorted(case.needs):
            if need in self._lacks:
                return list(conclusions.of_inapplicable(case, self._lacks[need]))
        limit = self._learnt.context_limit
        if limit is not None and case.size and len(case.request.body) >= limit:
            reason = "not sent: a text of this size is over the target's context window"
            return list(conclusions.of_unsent(case, Verdict.NOTE, reason))
        if reason := self.patience.lost_with(case):
            self.left_out += 1
            return list(conclusions.of_unsent(case, Verdict.INCONCLUSIVE, reason))
        return None

    async def judge(self, seen: Observation) -> list[Finding]:
        """All that is said of a case, given its first answer."""
        self._learnt.asked[seen.case.request.stream] += 1
        try:
            return await self._judge(seen)
        except NotToBeHad as spent:
            if seen.outcome is Outcome.NO_ANSWER:
                self._learnt.lose(seen)
                # Nothing is left to wait for it with: let it come back before the next is sent.
                await asyncio.sleep(LULL)
            reason = f"not asked again: {spent}"
            open_ = list(conclusions.for_aims(seen, Verdict.INCONCLUSIVE, reason))
            return [*open_, *conclusions.of_doubt(seen, reason)] if seen.outcome is Outcome.NO_ANSWER else open_

    async def _judge(self, seen: Observation) -> list[Finding]:
        findings: list[Finding] = []
        if seen.outcome is Outcome.NO_ANSWER:
            # One after the other: what the first is found to get no answer for, the next is not sent again with.
            async with self.lives.looking:
                if known := self._blame.known_lost(seen):
                    self.liveness.clear(seen)
                    return known
                found = await self.liveness.inquire(seen)
                if not isinstance(found, Answered):
                    return await self._unanswered(seen, found)
            findings.append(self._lost(seen))
            if found.killer:
                findings += conclusions.of_unanswered(*found.killer, slow=False)
            seen = found.again
        else:
            try:
                seen = await self._made_sure(seen, findings)
            except NotToBeHad as spent:
                # What one answer shows stands, but nobody has made sure of it.
                return [*findings, *(_unsure(one, f"not asked again: {spent}") for one in await self._judged(seen))]
        return [*findings, *await self._judged(seen)]

    async def _judged(self, seen: Observation) -> list[Finding]:
        match seen.case.expectation:
            case Expectation.VALID:
                return [*conclusions.universal(seen), *await self._valid(seen)]
            case Expectation.INVALID:
                accepted = self._accepts_valid(seen.case.branch)
                found = conclusions.of_invalid(seen, valid_is_accepted=accepted)
                return [*conclusions.universal(seen), *found]
            case Expectation.OPEN:
                return list(conclusions.of_open(seen))

    async def _made_sure(self, seen: Observation, findings: list[Finding]) -> Observation:
        # The answer to judge: odd ones are asked for again, until a target is known for them.
        learnt = self._learnt
        if seen.is_broken_off and learnt.broken_off < SURE:
            again, after = await self.liveness.again(seen, known=learnt.broken_off > 0)
            if after not in (Pulse.THERE, Pulse.UNTOLD):
                killed = Killed(again=again, pulse=after)
                findings += conclusions.of_unanswered(seen, killed, slow=self.liveness.is_slow_for(again))
            if again.is_broken_off or again.outcome is Outcome.NO_ANSWER:
                learnt.broken_off += 1
                return seen
            findings.append(self._lost(seen))
            return again
        if seen.outcome is Outcome.SERVER_ERROR and learnt.server_errors < SURE:
            again = await self.ask(seen.case, fresh=True)
            if again.outcome in (Outcome.SERVER_ERROR, Outcome.NO_ANSWER, Outcome.THROTTLED):
                learnt.server_errors += 1
                return seen
            findings.append(conclusions.of_passing_error(seen, again))
            # It may have been the answer to another request: from now on no connection is kept.
            self._door.apart = self._door.apart or seen.exchange.answer.reused
            return again
        if self._looks_left_over(seen):
            again = await self.ask(seen.case, fresh=True)
            if _kind(again) == _kind(seen):
                learnt.not_left_over += 1
                return seen
            left_over = conclusions.of_left_over(seen, again)
            # It may be another's answer because both were under way at once, which is no matter of connections.
            findings.append(_unsure(left_over, "others were under way") if is_too_long(seen) else left_over)
            self._door.apart = True
            return again
        return seen

    def _lost(self, seen: Observation) -> Finding:
        self._learnt.lose(seen)
        return conclusions.of_lost(seen)

    async def _unanswered(self, seen: Observation, found: Unanswered | Killed | Gone) -> list[Finding]:
        if isinstance(found, Gone):
            return list(
                conclusions.for_aims(
                    seen, Verdict.INCONCLUSIVE, "the target was gone before it could be asked again"
                )
            )
        slow = self.liveness.is_slow_for(found.again)
        findings = list(conclusions.of_unanswered(seen, found, slow=slow))
        if slow or self.liveness.over or not seen.case.parts or seen.case.expectation is not Expectation.VALID:
            died = isinstance(found, Killed)
            reason = (
                f"the target died of it ({conclusions.LIVENESS})"
                if died
                else "not answered, however often sent (http/answer)"
            )
            return [*findings, *conclusions.for_aims(found.again, Verdict.INCONCLUSIVE, reason)]
        # Which of its values does the target not survive?
        blamed = await self._blame.of_lost(found.again, died=isinstance(found, Killed))
        guilty = next((one for one in blamed if one.verdict is Verdict.FAIL), None)
        if guilty and isinstance(found, Killed):
            expected = conclusions.survival(guilty.expected.removeprefix("accepted: "))
            findings = [
                replace(one, case=guilty.case, exchanges=guilty.exchanges, expected=expected) for one in findings
            ]
        return [*findings, *blamed]

    async def _valid(self, seen: Observation) -> list[Finding]:
        if seen.outcome is Outcome.ACCEPTED:
            if seen.case.group != FUZZ:  # what is drawn is hardly drawn twice
                self._blame.acquit(seen.case)
            self._learnt.alive[seen.case.branch] = True
            self._learnt.listen(seen)
            return list(conclusions.of_accepted_valid(seen))
        if not self.wants(seen.case):
            return []
        if seen.about_context_window:
            if seen.case.size:
                # In bytes: a text of as many characters may have far fewer tokens.
                size = len(seen.case.request.body)
                self._learnt.context_limit = min(self._learnt.context_limit or size, size)
            return list(conclusions.for_aims(seen, Verdict.NOTE, "refused for the sake of the context window"))
        if seen.outcome is Outcome.THROTTLED:
            return list(conclusions.for_aims(seen, Verdict.INCONCLUSIVE, "throttled"))
        if not seen.case.is_smallest and not self._learnt.alive.get(seen.case.branch, True):
            reason = "the smallest valid request of this branch is refused too"
            return list(conclusions.for_aims(seen, Verdict.INCONCLUSIVE, reason))
        return await self._blame.of(seen)

    def _looks_left_over(self, seen: Observation) -> bool:
        # On a kept connection lies whatever the target left there: a second answer to an earlier request is taken
        # for the answer to this one, and bytes of a body that it left unread get the web server's own 400. What is
        # odd there is asked again on a connection of its own, until it has turned out to be no accident.
        if not seen.exchange.answer.reused or self._learnt.not_left_over >= SURE:
            return False
        match seen.case.expectation, seen.outcome:
            case Expectation.INVALID, Outcome.ACCEPTED:
                return True
            case Expectation.VALID, Outcome.ACCEPTED:
                return seen.case.request.stream != seen.labelled_stream or is_too_long(seen)
            case Expectation.VALID, Outcome.REFUSED if seen.labelled_json:
                return False  # asked again before anything is blamed
            case _:
                return seen.status == 400 and not seen.labelled_json

    def wants(self, case: Case) -> bool:
        """Whether somebody asked about a case: the faults of what nobody asked about are not chased."""
        return any(id_ in self._plan.selected for id_ in (*case.requirements, conclusions.COMBINATIONS))

    def _accepts_valid(self, branch: str | None) -> bool:
        alive = self._learnt.alive
        return alive.get(branch, True) if branch else any(alive.values())

    # At the end of a run

    def sum_up(self) -> list[Finding]:
        """What only the whole run shows."""
        learnt, liveness = self._learnt, self.liveness
        gone = [seen for absence in liveness.absences for seen in absence]
        slow = bool(gone) and all(map(liveness.is_slow_for, gone))
        findings = [*conclusions.of_liveness(liveness, slow=slow), *self._blame.left_open()]
        if too_many(len(learnt.lost), sum(learnt.asked.values())):
            findings.append(conclusions.of_losses("http/answer", learnt.lost, sum(learnt.asked.values())))
        streams = [seen for seen in learnt.lost if seen.is_stream and seen.status is not None]
        if too_many(len(streams), learnt.asked[True]):
            findings.append(conclusions.of_losses("stream/complete", streams, learnt.asked[True]))
        silent = [branch.silent for branch in learnt.branches.values() if branch.is_silent]
        return [*findings, *map(conclusions.of_silence, silent)]


def _kind(seen: Observation) -> tuple[int | None, str, bool]:
    return seen.status, seen.media_type, is_too_long(seen)


def _unsure(finding: Finding, reason: str) -> Finding:
    return replace(finding, confirmed=False, reason=finding.reason or reason) if finding.is_broken else finding
