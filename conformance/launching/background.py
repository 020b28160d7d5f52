"""Work in a thread of its own, so that whoever waits for it keeps his event loop and his signals."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from infercheck.launching.launch import Cancel

T = TypeVar("T")

GRACE = 10.0
"""Seconds that cancelled work has to end in order."""

_TICK = 0.1


class Background(Generic[T]):
    """Runs `work` in a daemon thread. It is handed a function to which it gives what cancels it."""

    def __init__(self, work: Callable[[Callable[[Cancel], None]], T]) -> None:
        self._work = work
        self._cancel: Cancel | None = None
        self._cancelled = False
        self._result: list[T] = []
        self._error: BaseException | None = None
        # An event, since an interrupted Thread.join takes a thread that runs on for one that has ended.
        self._ended = threading.Event()

    def wait(self) -> T:
        """Do the work and return what it returns, or raise what it raises.

        Whatever interrupts the waiting (Ctrl-C, a timeout by signal) cancels the work, and is raised once it has
        ended in order, or has had the time to.
        """
        threading.Thread(target=self._run, name="infercheck", daemon=True).start()
        try:
            while not self._ended.wait(_TICK):
                pass  # in pieces: a signal has to get through
        except BaseException:
            self.cancel()
            self._ended.wait(GRACE)
            raise
        if self._error is not None:
            raise self._error
        return self._result[0]

    def cancel(self) -> None:
        """Cancel the work, now or as soon as it can be."""
        self._cancelled = True
        if self._cancel is not None:
            self._cancel()

    def _run(self) -> None:
        try:
            self._result.append(self._work(self._take))
        except BaseException as error:
            self._error = error
        finally:
            self._ended.set()

    def _take(self, cancel: Cancel) -> None:
        self._cancel = cancel
        if self._cancelled:
            cancel()
