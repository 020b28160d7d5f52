"""The user's own server, started for a run, shared between processes, and ended when the last of them has left.

All agreement is in locks of the files below `.server` in the folder, which end with the process that holds them,
however that ends:

- `users`: shared, by everybody who uses the server. Nobody can have it alone while the server is in use.
- `running`: by the supervisor, as long as it lives. Free again, the server is gone.
- `starting`: by who starts the server, until it is ready. It says why the last start failed.
- `leaving`: by who leaves, so that one of two who leave at once knows to be the last.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from infercheck.errors import TargetError, UsageError
from infercheck.runners.masking import SHORTEST, Mask
from infercheck.runners.places import missing, place_of, shown, taken
from infercheck.runners.serving import ServerStartError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOG = "server.log"
"""The file in the folder that has what the server said."""

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_STATE = ".server"
_LOCKS = "users", "running", "starting", "leaving"
_PAUSES = 0.05, 0.5
_TAIL = 15
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A server to start, and how to know that it is ready.

    `command` is a text for `/bin/sh`, or words that need no shell; `cwd` where it runs. `target` is the URL that
    requests go to. The server is ready once `ready`, a URL that is asked with GET, answers with a status below 500;
    without it, once the target's host and port, or its Unix `socket`, take connections. It must be within `timeout`
    seconds. `folder` gets its log, in which `secrets` are masked, and what its users agree by: all who name the
    same folder share the server. Where it takes more than `memory` bytes it is ended.
    """

    command: str | tuple[str, ...]
    target: str
    socket: Path | None = None
    ready: str | None = None
    timeout: float = 60.0
    folder: Path
    cwd: Path | None = None
    memory: int | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)


@contextmanager
def started(start: Start) -> Iterator[Callable[[], None]]:
    """Have the server run for the length of a `with` block; where others have it running, share theirs.

    A server that ends by itself once it was ready is started again, three times at most, and so is one that the
    function is called for which the block is given: it ends a server that has gone silent. Who leaves last waits
    until every process of the server is gone.

    Raises `ServerStartError` where it does not become ready, `TargetError` where another server is there already,
    and `UsageError` where an address or the folder cannot be used, or the system has no POSIX file locks.
    """
    if fcntl is None:
        raise UsageError(
            "`start` needs a POSIX system", hint="Start the server by hand, and leave `start` and `ready` out."
        )
    user = _User(start)
    try:
        user.enter()
        try:
            yield user.end_server
        finally:
            user.leave()
    finally:
        user.close()


class _User:
    """One of those who use the server of a folder."""

    def __init__(self, start: Start) -> None:
        self._start = start
        urls = [url for url in (start.target, start.ready) if url is not None]
        self._places = [start.socket] if start.socket is not None else list(dict.fromkeys(map(place_of, urls)))
        self._log = start.folder.absolute() / LOG
        self._folder = folder = start.folder.absolute() / _STATE
        self._state = folder / "state.json"
        self._ready = folder / "ready"
        self._files: list[int] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in _LOCKS:
                self._files.append(os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o644))
        except OSError as error:
            self.close()
            raise UsageError(f"{folder}: cannot be used for a server: {error.strerror}") from None
        self._users, self._running, self._starting, self._leaving = self._files

    def close(self) -> None:
        """Close the files; their locks end with it."""
        while self._files:
            os.close(self._files.pop())

    def enter(self) -> None:
        """Use the server, starting it where it does not run."""
        with self._turn_to_start():
            fcntl.flock(self._users, fcntl.LOCK_SH)  # waits for the end of a server that nobody uses any more
            try:
                if not self._runs():
                    self._launch()
                self._await()
            except BaseException:
                self.leave()
                raise

    def leave(self) -> None:
        """Use it no more; the last one ends it, and waits until it is gone."""
        with _locked(self._leaving):
            fcntl.flock(self._users, fcntl.LOCK_UN)
            last = _locks(self._users, fcntl.LOCK_EX)
            # Where not even a share is to be had, the supervisor has seen before us that nobody is left.
            if last or not _locks(self._users, fcntl.LOCK_SH):
                self._ask_to_end()
                fcntl.flock(self._running, fcntl.LOCK_SH)
                fcntl.flock(self._running, fcntl.LOCK_UN)
            fcntl.flock(self._users, fcntl.LOCK_UN)

    @contextmanager
    def _turn_to_start(self) -> Iterator[None]:
        before = self._last_failure()
        with _locked(self._starting):
            failure = self._last_failure()
            if failure != before:
                # Somebody tried while we waited. It would take us as long to fail as it took them.
                raise ServerStartError(failure.partition("\n")[2], hint=self._hint())
            try:
                yield
            except ServerStartError as error:
                os.ftruncate(self._starting, 0)
                os.pwrite(self._starting, f"{time.time_ns()}\n{error}".encode(), 0)
                raise

    def _last_failure(self) -> str:
        return os.pread(self._starting, 1 << 20, 0).decode("utf-8", "replace")

    def _runs(self) -> bool:
        if not _locks(self._running, fcntl.LOCK_SH):
            return True
        fcntl.flock(self._running, fcntl.LOCK_UN)
        return False

    def _launch(self) -> None:
        for place in self._places:
            if taken(place) is None:
                raise TargetError(
                    f"a server is there already at {shown(place)}, and not the one of `start` would be tested",
                    hint="Stop that server, or leave `start` out to test it.",
                )
        for stale in (self._state, self._ready):
            stale.unlink(missing_ok=True)
        with self._log.open("wb") as log, (self._folder / "running").open("rb+") as running:
            # Locked for the supervisor, which inherits the lock with the file: there is no moment without it.
            fcntl.flock(running, fcntl.LOCK_EX)
            subprocess.run(  # noqa: S603 - our own interpreter and file
                [sys.executable, "-I", "-S", str(_SUPERVISOR)],
                input=json.dumps(self._job(running.fileno())).encode(),
                stdout=subprocess.DEVNULL,
                stderr=log,
                pass_fds=(running.fileno(),),
                start_new_session=True,  # Ctrl-C is for us
                check=False,
            )

    def _job(self, running: int) -> dict[str, Any]:
        return {
            "command": self._start.command,
            "cwd": None if self._start.cwd is None else str(self._start.cwd),
            "users": str(self._folder / "users"),
            "state": str(self._state),
            "ready": str(self._ready),
            "running": running,
            "memory": self._start.memory,
            "secrets": _spellings(self._start.secrets),
        }

    def _told(self) -> dict[str, Any]:
        # What the supervisor says of itself: its process id, and how the server ended where it has given it up.
        try:
            told: dict[str, Any] = json.loads(self._state.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return told

    def _await(self) -> None:
        deadline = time.monotonic() + self._start.timeout
        pause, longest = _PAUSES
        while True:
            self._raise_if_ended()
            if self._ready.exists():
                return
            lacking = missing(self._start.ready, self._places[0], deadline - time.monotonic())
            left = deadline - time.monotonic()
            if lacking is None:
                self._ready.touch()
            elif left <= 0:
                raise self._error(f"was not ready after {self._start.timeout:g} s: {lacking}")
            else:
                time.sleep(min(pause, left))
                pause = min(pause * 1.5, longest)

    def _raise_if_ended(self) -> None:
        ended = self._told().get("ended")
        if ended is not None:
            raise self._error(ended)
        if not self._runs():
            raise self._error("is gone, and so is the process that keeps it")

    def end_server(self) -> None:
        """Have the supervisor end the server, and start it again if it may."""
        pid = self._told().get("pid")
        if pid is not None and self._runs():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGUSR1)

    def _ask_to_end(self) -> None:
        # A supervisor that has just been started tells its process id once it can be asked.
        while self._runs():
            pid = self._told().get("pid")
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
                return
            time.sleep(0.005)

    def _error(self, what: str) -> ServerStartError:
        lines = _COLOURS.sub("", self._end_of_log()).splitlines()[-_TAIL:]
        said = "".join(f"\n    {line[:300]}" for line in lines)
        text = f"the server {what}; " + (f"its log ends with{said}" if lines else "it said nothing")
        return ServerStartError(Mask(*self._start.secrets).text(text), hint=self._hint())

    def _end_of_log(self) -> str:
        try:
            with self._log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 16384))
                return file.read().decode("utf-8", "replace").rstrip()
        except FileNotFoundError:
            return ""

    def _hint(self) -> str:
        ours = self._start.socket is not None
        return f"All that it said is in {self._log}." + (
            "" if ours else " The command of `start` must stay in the foreground."
        )


@contextmanager
def _locked(file: int) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _locks(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _spellings(secrets: tuple[str, ...]) -> list[str]:
    # Of "Bearer abc" the server may say "abc" alone, as it is, or as JSON, Python and URLs spell it.
    parts = [part for secret in secrets for part in (secret, secret.partition(" ")[2]) if len(part) >= SHORTEST]
    return sorted(
        {way for part in parts for way in (part, json.dumps(part)[1:-1], repr(part)[1:-1], quote(part, safe=""))}
    )
