"""Between engines that block, or are asynchronous, and the event loop that carries their answers."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from itertools import islice
from typing import Any, TypeVar

import anyio
from anyio import from_thread, to_thread
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
        return _Driven(answer)
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


class _Driven(Iterator[Output]):
    """Asynchronous events as if they blocked. Driven in a worker thread of the event loop, left on the loop."""

    def __init__(self, events: AsyncIterator[Output]) -> None:
        self._events = events
        self._next: asyncio.Task[Output | None] | None = None
        self._left = False

    def __next__(self) -> Output:
        event = None if self._left else from_thread.run(self._event)
        if event is None:
            raise StopIteration
        return event

    async def _event(self) -> Output | None:
        self._next = asyncio.ensure_future(anext(self._events, None))
        try:
            await asyncio.wait((self._next,))
        finally:
            self._next.cancel()
        return None if self._left and self._next.cancelled() else self._next.result()

    def leave(self) -> None:
        """Cancel what makes the next event."""
        self._left = True
        if self._next is not None:
            self._next.cancel()

    def close(self) -> None:
        """End the generation."""
        if (aclose := getattr(self._events, "aclose", None)) is not None:
            from_thread.run(aclose)


class Begun(Iterator[Output]):
    """The same events, the first of them made already: whatever an engine refuses, it refuses now.

    Made in a worker thread of the event loop; the client of `while_connected` may leave meanwhile.
    """

    def __init__(self, events: Iterator[Output]) -> None:
        self._events = events
        with _told(events):
            self._first = list(islice(events, 1))

    def __next__(self) -> Output:
        return self._first.pop() if self._first else next(self._events)

    def leave(self) -> None:
        """Say that the client has left, though somebody may be waiting for the next."""
        leave_events(self._events)

    def close(self) -> None:
        """End the generation."""
        close_events(self._events)


@contextlib.contextmanager
def _told(events: Iterator[Output]) -> Iterator[None]:
    # Has events that can be left told when the client leaves.
    left = _left.get()
    if left is None or not hasattr(events, "leave"):
        yield
        return

    async def leave() -> None:
        await left.wait()
        leave_events(events)

    async def begin() -> asyncio.Task[None]:
        return asyncio.ensure_future(leave())

    telling = from_thread.run(begin)
    try:
        yield
    finally:
        from_thread.run_sync(telling.cancel)


def leave_events(events: Iterator[Output]) -> None:
    """Tell the events of an engine that the client has left, where they have an ear for it."""
    if (leave := getattr(events, "leave", None)) is not None:
        leave()


async def pump(frames: Iterator[bytes], events: Iterator[Output]) -> AsyncIterator[bytes]:
    """Drive a blocking iterator, made of an engine's events, from the loop; both are closed at the end.

    Events that have a method `leave` are told first, for whoever waits for the next would hold up their end.

    What comes within a millisecond comes together, since a thread costs more than a fast engine's token; a
    slow engine's tokens come one by one.
    """
    driven = threading.Lock()
    most = 1  # the first is there, and need not wait for the second
    try:
        while True:
            # Not waited for where the client leaves: it may go on for long.
            ready, error = await to_thread.run_sync(_pull, frames, driven, most, abandon_on_cancel=True)
            most = _MOST_FRAMES
            for frame in ready:
                yield frame
                await asyncio.sleep(0)  # else a lost connection is noticed only after the batch
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error  # the stream breaks off: to end it well would call half an answer whole
    finally:
        leave_events(events)
        with anyio.CancelScope(shield=True):
            await run_in_threadpool(_close_after, driven, frames, events)


def _close_after(driven: threading.Lock, *iterators: Iterator[Any]) -> None:
    # A server that stops gives up a pull that goes on in its thread; what runs cannot be closed.
    with driven:
        close_events(*iterators)


def close_events(*iterators: Iterator[Any]) -> None:
    """Close what can be closed."""
    for iterator in iterators:
        if (close := getattr(iterator, "close", None)) is not None:
            close()


def _pull(frames: Iterator[bytes], driven: threading.Lock, most: int) -> tuple[list[bytes], Exception | None]:
    """Return the next few frames, `most` at most, and how the iterator ended if it did."""
    ready: list[bytes] = []
    deadline = time.monotonic() + _PATIENCE
    try:
        with driven:
            while len(ready) < most:
                ready.append(next(frames))
                if time.monotonic() > deadline:
                    break
    except Exception as error:  # carried to the loop, raised there
        return ready, error
    return ready, None
