"""Between engines that block, or are asynchronous, and the event loop that carries their answers."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from itertools import islice
from typing import Any, TypeVar

import anyio
from anyio import from_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from infercheck.runners.engine import Output, Result

T = TypeVar("T")

_PATIENCE = 0.001
_MOST_FRAMES = 32
_left: ContextVar[asyncio.Event | None] = ContextVar("left", default=None)


class ClientLeft(Exception):
    """The client closed its connection before it was answered; nobody is there to be told."""


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """Wait for work whose client may leave meanwhile; what an engine awaits for it is cancelled then."""
    left = asyncio.Event()
    _left.set(left)

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        left.set()

    watching = asyncio.ensure_future(watch())
    try:
        return await work
    finally:
        watching.cancel()


def settled(answer: Result) -> Output | Iterator[Output]:
    """What an engine answered, as if it had blocked. Called in a worker thread of the event loop.

    Raises `ClientLeft` where the client leaves before an asynchronous engine has answered, `TypeError` where what
    it answered is neither a mapping nor an iterator.
    """
    if inspect.isawaitable(answer):
        answer = from_thread.run(unless_left, answer)
    if isinstance(answer, AsyncIterator):
        return _driven(answer)
    if isinstance(answer, Mapping):
        return answer
    if not isinstance(answer, Iterable) or isinstance(answer, str | bytes):
        raise TypeError(f"an engine answers with a mapping or an iterator of mappings, not {type(answer).__name__}")
    return iter(answer)


async def unless_left(work: Awaitable[Any]) -> Any:
    """What is awaited; `ClientLeft`, and its end, where the client of `while_connected` leaves before."""
    left = _left.get()
    task = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(left.wait() if left else asyncio.Event().wait())
    try:
        await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not task.done() or (left is not None and left.is_set()):
            raise ClientLeft
        return task.result()
    finally:
        leaving.cancel()
        task.cancel()


def _driven(events: AsyncIterator[Output]) -> Iterator[Output]:
    try:
        # For the first the client may have to wait long, and leave.
        event = from_thread.run(unless_left, anext(events, None))
        while event is not None:
            yield event
            event = from_thread.run(anext, events, None)
    finally:
        if (aclose := getattr(events, "aclose", None)) is not None:
            from_thread.run(aclose)


class Begun(Iterator[Output]):
    """The same events, the first of them made already: whatever an engine refuses, it refuses now."""

    def __init__(self, events: Iterator[Output]) -> None:
        self._events = events
        self._first = list(islice(events, 1))

    def __next__(self) -> Output:
        return self._first.pop() if self._first else next(self._events)

    def close(self) -> None:
        """End the generation."""
        _close(self._events)


async def pump(frames: Iterator[bytes], events: Iterator[Output]) -> AsyncIterator[bytes]:
    """Drive a blocking iterator, made of an engine's events, from the loop; both are closed at the end.

    What comes within a millisecond comes together, since a thread costs more than a fast engine's token; a
    slow engine's tokens come one by one.
    """
    driven = threading.Lock()
    try:
        while True:
            ready, error = await run_in_threadpool(_pull, frames, driven)
            for frame in ready:
                yield frame
                await asyncio.sleep(0)  # else a lost connection is noticed only after the batch
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error  # the stream breaks off: to end it well would call half an answer whole
    finally:
        with anyio.CancelScope(shield=True):
            await run_in_threadpool(_close_after, driven, frames, events)


def _close_after(driven: threading.Lock, *iterators: Iterator[Any]) -> None:
    # A server that stops gives up a pull that goes on in its thread; what runs cannot be closed.
    with driven:
        _close(*iterators)


def _close(*iterators: Iterator[Any]) -> None:
    for iterator in iterators:
        if (close := getattr(iterator, "close", None)) is not None:
            close()


def _pull(frames: Iterator[bytes], driven: threading.Lock) -> tuple[list[bytes], Exception | None]:
    """Return the next few frames, and how the iterator ended if it did."""
    ready: list[bytes] = []
    deadline = time.monotonic() + _PATIENCE
    try:
        with driven:
            while len(ready) < _MOST_FRAMES:
                ready.append(next(frames))
                if time.monotonic() > deadline:
                    break
    except Exception as error:  # carried to the loop, raised there
        return ready, error
    return ready, None
