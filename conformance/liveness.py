"""Liveness: whether a target that did not answer still lives, and which request it died of.

A request that got no answer is sent again, alone, between two questions whether the target is there. Where it is
there before and not after, that request is what it died of. Where it is gone already and comes back, everything
that was under way when it went is sent again in this way, one after the other; where it stays away, all of it is
named.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from infercheck.cases import Case
from infercheck.door import Door
from infercheck.errors import TargetGone, ThrottledForEver
from infercheck.exchange import Exchange
from infercheck.observation import Observation, Outcome
from infercheck.pulse import BACK, LOST, Prober, Pulse

RESTART_WAIT = 10.0
"""Seconds that a target that is gone has to come back, where the user says nothing."""

DEATHS = 30
"""How often a target may die before the run is given up."""

ATTEMPTS = 3
"""How often a request must be lost again, others being answered, before it is not the network that loses it."""

DYING = 0.2
"""Seconds that a target is given to die of what it has answered."""

RECENT = 4
"""Answers before a target is gone that may have to do with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The request was answered when it was sent again."""

    again: Observation
    killer: tuple[Observation, Killed] | None = None
    """What the target turned out to have gone of meanwhile: its first answer, and what followed the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """The request was not answered again, and others are."""

    again: Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """The target was there before the request, and gone or silent after it."""

    again: Observation
    pulse: Pulse


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The target was gone or silent before the request could be sent again."""


Inquest = Answered | Unanswered | Killed | Gone


class Liveness:
    """Watches every exchange of a run. `restart_wait`, in seconds, is infinite for a recorded run, whose answers
    come at once or never; for `restart` see `Prober`."""

    def __init__(
        self,
        door: Door,
        observe: Callable[[Case, Exchange], Observation],
        *,
        restart_wait: float,
        restart: Callable[[], None] | None = None,
    ) -> None:
        self._door = door
        self._observe = observe
        self._restart_wait = restart_wait
        self.prober = Prober(door, restart_wait=restart_wait, restart=restart)
        self._one_at_a_time = asyncio.Lock()
        self._suspects: dict[int, Observation] = {}
        self._recent: deque[Observation] = deque(maxlen=RECENT)
        self.died_of: list[str] = []
        """The cases that the target died of, by id."""
        self.absences: list[tuple[Observation, ...]] = []
        """What was under way, or had just been answered, each time that the target was gone, nobody knows why."""
        self._unanswered = 0
        self._left = False
        self.slowest = 0.0
        """Seconds that the slowest answer to an ordinary request took."""
        self.over = ""
        """Why no more can be asked; empty while the target is there."""

    def note(self, seen: Observation) -> None:
        """Take notice of an exchange: whoever answers with success lives, whatever was suspected before."""
        answer = seen.exchange.answer
        if seen.outcome is Outcome.NO_ANSWER:
            if _reached(seen):
                self._suspects[seen.exchange.number] = seen
            return
        self._recent.append(seen)
        self._left = self._left or answer.cut
        if seen.outcome is Outcome.SERVER_ERROR:
            self._suspects[seen.exchange.number] = seen
            return
        if answer.failure is None and seen.is_ordinary:
            self.slowest = max(self.slowest, answer.seconds)
        if seen.outcome is Outcome.ACCEPTED:
            self._suspects = {
                number: one for number, one in self._suspects.items() if _ended(one) > seen.exchange.started
            }

    @property
    def last(self) -> Observation | None:
        """The last exchange that was answered."""
        return self._recent[-1] if self._recent else None

    @property
    def suspects(self) -> list[Observation]:
        """What was not answered, or answered with a server error, since the target was last seen alive."""
        return sorted(self._suspects.values(), key=lambda seen: seen.exchange.number)

    async def inquire(self, seen: Observation) -> Inquest:
        """What becomes of a request that was not answered, when it is sent again alone."""
        async with self._one_at_a_time, self._door.quiet():
            if self.over:
                return Gone()
            known = self._unanswered >= ATTEMPTS  # for not answering: each need not be made so sure of again
            before = Pulse.THERE if known else await self.prober.pulse()
            suspects, recent = tuple(self.suspects), tuple(self._recent)
            if before in (Pulse.GONE, Pulse.SILENT):
                self.absences.append(suspects or recent)
                self._bury(seen)
                return Gone()
            self.clear(seen)
            again, after = await self._tried(seen.case, 1 if known else ATTEMPTS, fresh=True)
            if again.outcome is not Outcome.NO_ANSWER:
                killer = await self._among_the_answered(seen) if before is Pulse.BACK else None
                if before in BACK and killer is None:
                    self.absences.append(suspects or recent)
                return Answered(again=again, killer=killer)
            if after in (Pulse.THERE, Pulse.UNTOLD):
                self._unanswered += 1
                return Unanswered(again=again)
            self._count(seen, after)
            return Killed(again=again, pulse=after) if _reached(again) else Gone()

    async def _among_the_answered(self, seen: Observation) -> tuple[Observation, Killed] | None:
        # A target may answer a request and die of it all the same: what it answered last is sent again, one by one.
        for one in list(self._recent)[::-1]:
            if one.case.id in (seen.case.id, *self.died_of) or one.outcome is Outcome.ACCEPTED:
                continue
            again = self._observe(one.case, await self._door.ask(one.case, fresh=True, held=True))
            await asyncio.sleep(0 if self._restart_wait == math.inf else DYING)
            pulse = await self.prober.pulse()
            if pulse not in (Pulse.THERE, Pulse.UNTOLD):
                self._count(one, pulse)
                return one, Killed(again=again, pulse=pulse)
        return None

    async def farewell(self) -> None:
        """At the end of a run: whether the target has survived the last requests, too."""
        async with self._one_at_a_time, self._door.quiet():
            if self.over or not self._recent:
                return
            recent = tuple(self._recent)
            with contextlib.suppress(ThrottledForEver):
                if await self.prober.pulse() in (Pulse.GONE, Pulse.SILENT):
                    self.absences.append(recent)
                    self.over = "the target stopped answering after the last request"

    async def again(self, seen: Observation, *, known: bool) -> tuple[Observation, Pulse]:
        """A request whose answer was broken off, sent again alone, and what became of the target if it is again.

        `known` tells that the target is known for it, so that once is enough.
        """
        async with self._one_at_a_time, self._door.quiet():
            for _ in range(1 if known else ATTEMPTS):
                again = self._observe(seen.case, await self._door.ask(seen.case, fresh=True, held=True))
                if not again.is_broken_off:
                    return again, Pulse.THERE
            after = await self.prober.pulse()
            if after not in (Pulse.THERE, Pulse.UNTOLD):
                self._count(seen, after)
            return again, after

    async def trial(self, case: Case, *, fresh: bool) -> Observation:
        """The answer to a case that is sent alone, none where it is lost again or the target died of it.

        TargetGone where it is not there any more.
        """
        async with self._one_at_a_time, self._door.quiet():
            if self.over:
                raise TargetGone(self.over)
            seen, after = await self._tried(case, 2, fresh=fresh)
            if seen.outcome is Outcome.NO_ANSWER and after not in (Pulse.THERE, Pulse.UNTOLD):
                self._count(seen, after)
                if self.over:
                    raise TargetGone(self.over)
            return seen

    async def _tried(self, case: Case, attempts: int, *, fresh: bool) -> tuple[Observation, Pulse]:
        # Until it is answered, or lost that often, or the target is not there just afterwards. What never reached
        # the target, since nobody took the connection, says nothing of the request.
        unreached = faltered = 0
        while True:
            seen = self._observe(case, await self._door.ask(case, fresh=fresh, extra=True, held=True))
            fresh = True
            if seen.outcome is not Outcome.NO_ANSWER:
                return seen, Pulse.THERE
            pulse = await self.prober.pulse()
            if pulse is Pulse.UNTOLD and self.prober.spent and attempts > 1:
                raise self.prober.spent  # one more loss alone is no reason to say that it is never answered
            reached = _reached(seen)
            self.clear(seen)
            faltered += reached and self.prober.faltered
            if pulse is Pulse.THERE and faltered >= LOST:
                pulse = Pulse.BACK  # started again so fast that it is hardly missed, each time
            if not reached and pulse in (Pulse.THERE, *BACK) and unreached < ATTEMPTS:
                unreached += 1
                continue
            attempts -= 1
            failure = seen.exchange.answer.failure
            if pulse is not Pulse.THERE or attempts <= 0 or (failure and failure.is_ours):
                return seen, pulse

    def _count(self, seen: Observation, pulse: Pulse) -> None:
        self.died_of.append(seen.case.id)
        # It was gone before because of this one, too: now somebody knows why.
        self.absences = [absence for absence in self.absences if seen not in absence]
        if pulse not in BACK:
            self._bury(seen)
        elif len(self.died_of) >= DEATHS:
            self.over = self.over or f"the target died {len(self.died_of)} times"

    def _bury(self, seen: Observation) -> None:
        self.over = self.over or f"the target stopped answering at {seen.case.id}"

    def clear(self, seen: Observation) -> None:
        """What was said of a request needs no more suspicion."""
        self._suspects.pop(seen.exchange.number, None)

    def is_slow_for(self, seen: Observation) -> bool:
        """Whether our patience may have ended before an answer that is merely slow."""
        failure = seen.exchange.answer.failure
        if failure is None or not failure.is_ours:
            return False
        # A stream that we left may still be written, and keep the target from everything else.
        return self._left or not seen.is_ordinary or seen.exchange.answer.seconds < 20 * self.slowest


def _reached(seen: Observation) -> bool:
    failure = seen.exchange.answer.failure
    return failure is None or failure.kind != "connect"


def _ended(seen: Observation) -> float:
    return seen.exchange.started + seen.exchange.answer.seconds
