"""The pulse of a target: whether it is there, asked with a request that it is known to answer."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from enum import StrEnum

from infercheck.cases import Case
from infercheck.door import Door
from infercheck.errors import NotToBeHad

WAITS = (0.0, 0.2, 0.5, 1.0)
"""Seconds before each question whether the target is there; the last again and again while there is patience."""

LOST = 2
"""Questions lost in a row before a target counts as gone; one connection that is refused is enough."""

SILENCES = 2
"""Questions that may go unanswered, for as long as the user's patience lasts, before a target counts as silent."""


class Pulse(StrEnum):
    """What came of asking whether a target is there."""

    THERE = "there"
    BACK = "there again after a while in which nobody answered"
    GONE = "gone: nobody answers any more"
    SILENT = "silent: our patience ended"
    REVIVED = "silent, and there again once it was started anew"
    UNTOLD = "not asked: the budget is spent"


BACK = frozenset({Pulse.BACK, Pulse.REVIVED})
"""A target that was not there, and is now."""


class Prober:
    """Asks for the pulse with `probe`, once there is one.

    `restart_wait`, in seconds, is how long a target that is gone has to come back. `restart` ends one that has gone
    silent, which somebody starts again then.
    """

    def __init__(self, door: Door, *, restart_wait: float, restart: Callable[[], None] | None) -> None:
        self._door = door
        self._restart_wait = restart_wait
        self._restart = restart
        self.probe: Case | None = None
        self.faltered = False
        """Whether a question was lost before the last one that was answered."""
        self.spent: NotToBeHad | None = None
        """Why the last question could not be asked."""

    async def pulse(self) -> Pulse:
        """Ask."""
        # A refused connection says that nobody is there, and so do two that are lost in a row; one is lost now and
        # then, and our own patience says nothing of the kind.
        if self.probe is None:
            return Pulse.UNTOLD
        lost, silences = 0, 0
        until = time.monotonic() + self._restart_wait
        for wait in _waits():
            await asyncio.sleep(0 if self._restart_wait == math.inf else wait)
            try:
                exchange = await self._door.ask(self.probe, fresh=True, held=True)
            except NotToBeHad as spent:
                self.spent = spent
                return Pulse.GONE if lost >= LOST else Pulse.UNTOLD
            if exchange.answer.status is not None:
                self.faltered = lost > 0
                return Pulse.BACK if lost >= LOST else Pulse.THERE
            failure = exchange.answer.failure
            if failure and failure.is_ours:
                silences += 1
                if silences >= SILENCES:
                    return Pulse.REVIVED if await self._revived() else Pulse.SILENT
            else:
                lost += LOST if failure and failure.kind == "connect" else 1
            if lost >= LOST and time.monotonic() >= until:
                return Pulse.GONE
        raise AssertionError  # the waits have no end

    async def _revived(self) -> bool:
        # One that we can start again is started again: what it went silent of is then told from what came after.
        if self._restart is None or self.probe is None:
            return False
        self._restart()
        until = time.monotonic() + self._restart_wait
        for wait in _waits():
            await asyncio.sleep(wait or WAITS[1])
            try:
                exchange = await self._door.ask(self.probe, fresh=True, held=True)
            except NotToBeHad as spent:
                self.spent = spent
                return False
            if exchange.answer.status is not None:
                return True
            if time.monotonic() >= until:
                return False
        raise AssertionError  # the waits have no end


def _waits() -> Iterator[float]:
    yield from WAITS
    while True:
        yield WAITS[-1]
