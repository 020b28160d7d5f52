"""Serving an ASGI application over HTTP, here or in a process of our own."""

from __future__ import annotations

import errno
import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import uvicorn

from infercheck.errors import TargetError

TOKEN_VARIABLE = "INFERCHECK_REFERENCE_TOKEN"
"""Environment variable in which `LocalServer` hands its token to the child."""

_GRACE = 2
_LAST_GRACE = 2.0
# Above the five seconds for which clients keep an idle connection: who closes first may lose a request.
_KEEP_ALIVE = 75


class ServerStartError(TargetError):
    """A server of ours did not come up."""


def serve(
    app: Any,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    at: Path | None = None,
    lifespan: bool = False,
    on_ready: Callable[[str], None],
) -> None:
    """Serve an ASGI application over HTTP/1.1 until SIGINT or SIGTERM, then return: what a process is there for.

    `port` 0 takes any free one; `at` is the path of a Unix socket to listen on instead; a dead one is replaced.
    `on_ready` gets the base URL, such as `http://127.0.0.1:8787`, or the path of the socket, once connections are
    accepted. With `lifespan` the application is told of start and end. Open answers have two seconds to end, and
    what blocks a thread two more, after which the process ends.

    Raises `OSError` where the address cannot be had, `ServerStartError` where the application does not start.
    """
    listener, url = _listening(host, port, at)
    with listener, _signals_swallowed():
        server = Server(app, lambda: on_ready(url), lifespan=lifespan)
        server.on_stop = lambda: _end_soon(at)
        server.run(sockets=[listener])
    if at is not None:
        at.unlink(missing_ok=True)
    _end_children()
    if not server.started:
        raise ServerStartError("the application did not start")


def _config(app: Any, *, lifespan: bool) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,
        http="h11",
        lifespan="auto" if lifespan else "off",
        log_level="warning",
        loop="asyncio",
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=_KEEP_ALIVE,
        use_colors=False,
        ws="none",
    )


class Server(uvicorn.Server):
    """Tells when it accepts, and says nothing of the streams that it cuts off when asked to stop."""

    def __init__(self, app: Any, on_ready: Callable[[], None], *, lifespan: bool) -> None:
        super().__init__(_config(app, lifespan=lifespan))
        self._on_ready = on_ready
        self.on_stop: Callable[[], None] = lambda: None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End in order, within the grace."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
        self.on_stop()
        await super().shutdown(sockets)


def _end_soon(at: Path | None) -> None:
    # A thread that an engine blocks cannot be ended, and Python waits for it.
    def end() -> None:
        if at is not None:
            at.unlink(missing_ok=True)
        _end_children()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    timer = threading.Timer(_GRACE + _LAST_GRACE, end)
    timer.daemon = True
    timer.start()


def _end_children() -> None:
    # A process that an engine has forked holds our socket, too.
    if os.name != "posix":
        return
    from infercheck.runners.supervisor import tree_of  # where there are POSIX locks

    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in tree_of(os.getpid()) - {os.getpid()}:
            with suppress(OSError):
                os.kill(pid, number)
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            try:
                ended, _ = os.waitpid(-1, os.WNOHANG)
            except OSError:
                return  # there are none
            if not ended:
                time.sleep(0.01)


def _listening(host: str, port: int, at: Path | None) -> tuple[socket.socket, str]:
    if at is not None:
        return listen_at(at), str(at)
    listener = _listen(host, port)
    bound = listener.getsockname()[1]
    return listener, f"http://[{host}]:{bound}" if listener.family == socket.AF_INET6 else f"http://{host}:{bound}"


def listen_at(path: Path) -> socket.socket:
    """A Unix socket at a path, for this user alone; one that nobody listens on any more is replaced."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            if other.connect_ex(str(path)) == 0:
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        if path.is_socket():
            path.unlink()
        listener.bind(str(path))
        path.chmod(0o600)
    except OSError:
        listener.close()
        raise
    return listener


def _listen(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    # With the protocol left at 0, asyncio would not turn Nagle off: 40 ms a request, and streams in lumps.
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it lets two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


@contextmanager
def _signals_swallowed() -> Iterator[None]:
    """Keep SIGINT and SIGTERM, which uvicorn raises again once it has stopped, from killing us."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def swallow(number: int, frame: FrameType | None) -> None:
        pass

    before = {number: signal.signal(number, swallow) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class LocalServer:
    """The reference server in a child process, for the length of a `with` block.

    `arguments` are further options of `python -m infercheck.runners.reference`; `token` the one it asks for
    (none: a fresh one); `timeout` the seconds that it may take to come up, else `ServerStartError`. The child
    ends with its parent, however that ends.
    """

    def __init__(self, *, arguments: Sequence[str] = (), token: str | None = None, timeout: float = 20) -> None:
        self.token = token or secrets.token_urlsafe(24)
        self._arguments = arguments
        self._timeout = timeout
        self._process: subprocess.Popen[str] | None = None
        self._url: str | None = None

    @property
    def url(self) -> str:
        """The URL to POST to."""
        if self._url is None:
            raise ServerStartError("the reference server is not running: use it in a with block")
        return self._url

    def __enter__(self) -> LocalServer:
        command = [sys.executable, "-P", "-m", "infercheck.runners.reference", "--port", "0"]
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
            process = self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [*command, "--exit-with-parent", "--token-env", TOKEN_VARIABLE, *self._arguments],
                env={**os.environ, TOKEN_VARIABLE: self.token},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                encoding="utf-8",
                # Ctrl-C is for the parent, which ends its streams in order and then this server.
                start_new_session=os.name == "posix",
            )
            line = self._first_line(process)
            try:
                self._url = json.loads(line)["url"]
            except (ValueError, KeyError, TypeError):
                self.__exit__(None, None, None)
                complaints.seek(0)
                said = complaints.read()[-2000:].strip() or f"no address within {self._timeout:g} s"
                raise ServerStartError(f"the reference server did not start: {said}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._process, self._url = self._process, None, None
        if process is None:
            return
        process.terminate()
        try:
            process.communicate(timeout=_GRACE + 3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()

    def _first_line(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        timer = threading.Timer(self._timeout, process.kill)
        timer.daemon = True
        timer.start()
        try:
            return process.stdout.readline()
        finally:
            timer.cancel()
