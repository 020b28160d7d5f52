"""Keeps the server that a user starts, for as long as anybody uses it: a process of its own, standard library only.

`infercheck.runners.started` runs it by path. It is told its job as JSON on stdin, because command lines are for all
to see, and its stderr is the server's log. It ends once it can lock the file of the users, or on SIGTERM.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CAP = 16 * 1024 * 1024
"""Bytes of the server's output that its log keeps."""

RESTARTS = 3
"""Times that a server which was ready once, and ended by itself, is started again."""

_TICK, _GRACE = 0.1, 5.0
_CHUNK = 65536
_SHORTEST = 4
_RESIDENT = re.compile(r"^Rss(Anon|Shmem):\s+(\d+) kB", re.MULTILINE)
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


class Log:
    """What the server says, every secret in it as `***`, and never more than `CAP` bytes of it.

    What may be the beginning of a secret waits for what comes next; everything else is written at once.
    """

    def __init__(self, file: int, secrets: Sequence[bytes]) -> None:
        self._file = file
        self._secrets = sorted(secrets, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, self._secrets)) or rb"(?!)")
        self._held = b""
        self._room = CAP
        self._line_open = False

    def feed(self, data: bytes) -> None:
        """Write more of the output."""
        if not self._room:
            return
        data = self._held + data
        cut = self._beginning(data)
        for match in self._pattern.finditer(data):
            if match.start() < cut:
                cut = max(cut, match.end())
        self._held = data[cut:]
        self._write(self.masked(data[:cut]))

    def flush(self) -> None:
        """Write what waits: nothing more comes."""
        rest, self._held = self._held, b""
        self._write(b"***" if len(rest) >= _SHORTEST else rest)

    def note(self, line: str) -> None:
        """Write a line of our own."""
        self.flush()
        text = self.masked(f"-- infercheck: {line}\n".encode("utf-8", "replace"))
        self._put(b"\n" + text if self._line_open else text)

    def masked(self, data: bytes) -> bytes:
        """The bytes, every secret in them as `***`."""
        return self._pattern.sub(b"***", data)

    def _beginning(self, data: bytes) -> int:
        # Where the longest end of the data lies that a secret begins with.
        for length in range(min(len(data), len(self._secrets[0]) - 1 if self._secrets else 0), 0, -1):
            if any(len(secret) > length and secret.startswith(data[-length:]) for secret in self._secrets):
                return len(data) - length
        return len(data)

    def _write(self, data: bytes) -> None:
        if not self._room:
            return
        self._put(data[: self._room])
        self._room = max(0, self._room - len(data))
        if not self._room:
            self.note(f"the log has {CAP >> 20} MiB; what the server says from here on is not kept")

    def _put(self, data: bytes) -> None:
        if not data:
            return
        self._line_open = not data.endswith(b"\n")
        with contextlib.suppress(OSError):  # a full disk is no reason to leave the server alone
            while data:
                data = data[os.write(self._file, data) :]


class Supervisor:
    """Starts the server, starts it again where it crashes, and ends it with all that it has started."""

    def __init__(self, job: dict[str, Any]) -> None:
        command = job["command"]
        self._command = ["/bin/sh", "-c", command] if isinstance(command, str) else command
        self._cwd = job["cwd"]
        self._state, self._ready = Path(job["state"]), Path(job["ready"])
        self._running: int = job["running"]
        self._memory: int | None = job["memory"]
        self._users = os.open(job["users"], os.O_RDWR)
        self._log = Log(sys.stderr.fileno(), [secret.encode("utf-8", "replace") for secret in job["secrets"]])
        self._server: subprocess.Popen[bytes] | None = None
        self._output: int | None = None
        self._restarts = 0
        self._asked = self._silent = False
        # A signal wakes `_wait`: the end of a child, and the wish of the last user, are acted on at once.
        self._wake, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGUSR1):
            signal.signal(number, self._on_signal)
        _adopt_orphans()

    def run(self) -> None:
        """Keep the server until nobody uses it."""
        try:
            self._tell()
            self._start()
            while not self._over():
                self._wait(_TICK)
                self._look_after()
                if self._server is not None and self._server.returncode is not None:
                    self._after(self._server.returncode)
        finally:
            self._end()
            self._state.unlink(missing_ok=True)
            self._ready.unlink(missing_ok=True)
            # In this order: who gets in as a user must not find us running.
            os.close(self._running)
            os.close(self._users)

    def _on_signal(self, number: int, frame: object) -> None:
        self._asked = self._asked or number in (signal.SIGTERM, signal.SIGINT)
        self._silent = self._silent or number == signal.SIGUSR1

    def _look_after(self) -> None:
        # What ends here is started again by `_after`, which sees the end as that of any server.
        if self._server is None or self._server.returncode is not None:
            return
        much = self._memory is not None and _memory_of(tree_of(self._server.pid)) > self._memory
        if much or self._silent:
            self._log.note(f"the server {'takes too much memory' if much else 'is silent'}, and is ended")
            self._silent = False
            _signal_group(self._server.pid, signal.SIGKILL)

    def _over(self) -> bool:
        if self._asked:
            return True
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _tell(self, ended: str | None = None) -> None:
        new = self._state.with_suffix(".new")
        new.write_text(json.dumps({"pid": os.getpid(), "ended": ended}), "utf-8")
        new.replace(self._state)

    def _start(self) -> None:
        self._output, theirs = os.pipe()
        os.set_blocking(self._output, False)
        try:
            self._server = subprocess.Popen(  # noqa: S603 - the user's own command
                self._command,
                cwd=self._cwd,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = self._log.masked(str(error).encode("utf-8", "replace")).decode("utf-8", "replace")
            self._tell(f"could not be started: {reason}")
        else:
            _first_to_go(self._server.pid)
        finally:
            os.close(theirs)

    def _after(self, status: int) -> None:
        name = next((one.name for one in signal.Signals if one == -status), f"signal {-status}")
        how = f"ended with status {status}" if status >= 0 else f"was ended by {name}"
        self._end()
        if not self._ready.exists():
            self._tell(f"{how} before it was ready")
        elif self._restarts == RESTARTS:
            how += " and was not started again"
            self._log.note(f"the server {how}")
            self._tell(how)
        elif not self._over():
            self._restarts += 1
            self._log.note(f"the server {how} and was started again ({self._restarts} of {RESTARTS})")
            self._start()

    def _end(self) -> None:
        """End every process of the server."""
        server, self._server = self._server, None
        if server is not None:
            for number in (signal.SIGTERM, signal.SIGKILL):
                if self._ended_by(server, number):
                    break
            else:
                self._log.note("a process of the server cannot be ended")
        self._read_rest()

    def _ended_by(self, server: subprocess.Popen[bytes], number: int) -> bool:
        deadline = time.monotonic() + _GRACE
        told: set[int] = set()
        _signal_group(server.pid, number)
        while self._reap(server) or _signal_group(server.pid, 0):
            # What has left the group is found once its parent has gone.
            for pid in _children(os.getpid()) - told:
                with contextlib.suppress(OSError):
                    if os.getpgid(pid) != server.pid:
                        os.kill(pid, number)
                told.add(pid)
            if time.monotonic() > deadline:
                return False
            self._wait(0.02)
        return True

    def _wait(self, seconds: float) -> None:
        """Wait for output, a signal or the time, and take what there is."""
        watched = [self._wake] if self._output is None else [self._wake, self._output]
        found, _, _ = select.select(watched, [], [], seconds)
        if self._wake in found:
            os.read(self._wake, _CHUNK)
        if self._output in found:
            self._read()
        if self._server is not None:
            self._reap(self._server)

    def _read(self) -> bool:
        # Whether there was anything. Others may hold the pipe open for ever: its end is no sign of anything.
        if self._output is None:
            return False
        try:
            data = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            os.close(self._output)
            self._output = None
            return False
        self._log.feed(data)
        return True

    def _read_rest(self) -> None:
        for _ in range(32):  # more than a pipe holds; without a bound, one that escaped could keep us here
            if not self._read():
                break
        self._log.flush()
        if self._output is not None:
            os.close(self._output)
            self._output = None

    def _reap(self, server: subprocess.Popen[bytes]) -> bool:
        # Whether there are children left. Orphans come to us too, so Popen's own wait is not enough.
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if not pid:
                return True
            if pid == server.pid:
                server.returncode = os.waitstatus_to_exitcode(status)


def _signal_group(group: int, number: int) -> bool:
    # Whether there is anybody in the group who may be told.
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _adopt_orphans() -> None:
    # On Linux, what the server leaves behind becomes our child, whatever session it has gone to. Elsewhere, or with
    # a Python that was built without ctypes, only its group is ended.
    if sys.platform == "linux":
        with contextlib.suppress(ImportError):
            import ctypes

            ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def _first_to_go(pid: int) -> None:
    # Where memory runs out, Linux ends the server rather than those who test it.
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("800", "ascii")


def _memory_of(pids: set[int]) -> int:
    # Bytes that processes have for themselves and, once, what they share; mapped files can be had back.
    own, shared = 0, 0
    for pid in pids:
        with contextlib.suppress(OSError):  # it has just ended
            found = dict(_RESIDENT.findall(Path(f"/proc/{pid}/status").read_text("utf-8", "replace")))
            own, shared = own + int(found.get("Anon", 0)), max(shared, int(found.get("Shmem", 0)))
    return (own + shared) * 1024


def tree_of(pid: int) -> set[int]:
    """A process and all that it has started, as Linux tells of them."""
    return {pid}.union(*map(tree_of, _children(pid)))


def _children(pid: int) -> set[int]:
    pids: set[int] = set()
    with contextlib.suppress(OSError):  # a thread that has just ended
        for listed in Path(f"/proc/{pid}/task").glob("*/children"):
            pids.update(map(int, listed.read_text("ascii").split()))
    return pids


def main() -> None:
    """Read the job, leave the process that called us, and do it."""
    job = json.load(sys.stdin)
    # The caller neither waits for us nor keeps us as a zombie.
    if os.fork():
        os._exit(0)
    Supervisor(job).run()


if __name__ == "__main__":
    main()
