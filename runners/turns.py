"""How many answers a server makes at once."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio.to_thread

from infercheck.runners.engine import Refusal

OUT_OF_CAPACITY = 3040
SPARE = 24
"""Threads beside those that answers are made in."""

_KEY = "infercheck.turn"


class Turns:
    """ASGI middleware: `most` requests take their turn at once, `waiting` more wait, the rest is refused.

    A turn lasts until the answer is sent, or the client has left.
    """

    def __init__(self, app: Any, *, most: int, waiting: int) -> None:
        self._app = app
        # An answer that is made has a thread of the loop's, and so has what is read and sent meanwhile.
        threads = anyio.to_thread.current_default_thread_limiter()
        threads.total_tokens = max(threads.total_tokens, most + SPARE)
        self._free = asyncio.Semaphore(most)
        self._waiting = 0
        self._most_waiting = waiting

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        turn = Turn(self)
        try:
            await self._app({**scope, _KEY: turn}, receive, send)
        finally:
            turn.end()

    async def take(self) -> None:
        """Wait for a free turn; `Refusal` where too many wait."""
        if self._free.locked() and self._waiting >= self._most_waiting:
            raise Refusal(429, OUT_OF_CAPACITY, "AiError: Capacity temporarily exceeded, please try again.")
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1

    def give_back(self) -> None:
        """A turn is free again."""
        self._free.release()


class Turn:
    """One request's turn."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._taken = False

    async def take(self) -> None:
        """Wait for it. Refused with 429 where too many wait."""
        await self._turns.take()
        self._taken = True

    def end(self) -> None:
        """Let the next one have it."""
        if self._taken:
            self._taken = False
            self._turns.give_back()


def turn_of(scope: Any) -> Turn | None:
    """The turn of a request; None where any number is served at once."""
    turn: Turn | None = scope.get(_KEY)
    return turn
