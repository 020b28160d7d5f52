"""Engines and applications as targets: behind HTTP on a Unix socket, in a process of their own or in a thread."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infercheck.errors import UsageError
from infercheck.runners.memory import free
from infercheck.runners.places import taken
from infercheck.runners.serving import Server, ServerStartError, listen_at
from infercheck.runners.started import Start
from infercheck.runners.target import BASE

READY_TIMEOUT = 600.0
"""Seconds that an engine has to load, where the user says nothing."""

SHARE = 0.9
"""What an engine may take of the memory that is free when it is started."""


def socket_in(folder: Path) -> Path:
    """The Unix socket of the server that belongs to a folder, the same for all who name the folder.

    It lies in a folder of this user's below the temporary one: a socket's path has room for about a hundred
    characters. `UsageError` where somebody else has taken that folder.
    """
    if not hasattr(os, "getuid"):
        raise UsageError("engines need a POSIX system", hint="Serve it by hand, and give the URL.")
    room = Path(tempfile.gettempdir()) / f"infercheck-{os.getuid()}"
    room.mkdir(mode=0o700, exist_ok=True)
    found = room.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise UsageError(f"{room} is not this user's alone", hint="Name another temporary folder in TMPDIR.")
    return room / hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]


def remove_dead(socket: Path) -> None:
    """Remove a socket that nobody listens on."""
    if taken(socket) is not None:
        socket.unlink(missing_ok=True)


def start_of(
    address: str,
    *,
    socket: Path,
    folder: Path,
    options: Sequence[str] = (),
    cwd: Path | None = None,
    ready_timeout: float | None = None,
    memory: int | None = None,
    secrets: tuple[str, ...] = (),
) -> Start:
    """How to start `infercheck serve` for an address, on a Unix socket. `memory` is in bytes."""
    # With -m the folder that the command runs in is on the path, as it is for `python -m pytest`.
    return Start(
        command=(sys.executable, "-m", "infercheck", "serve", address, "--unix", str(socket), *options),
        target=BASE,
        socket=socket,
        timeout=ready_timeout or READY_TIMEOUT,
        folder=folder,
        cwd=cwd,
        memory=memory or int(SHARE * free()) or None,
        secrets=secrets,
    )


@contextmanager
def in_thread(app: Any, socket: Path, *, lifespan: bool) -> Iterator[None]:
    """Serve an ASGI application from a thread of this process for the length of a `with` block."""
    ready = threading.Event()
    with listen_at(socket) as listener:
        server = Server(app, ready.set, lifespan=lifespan)

        def serve() -> None:
            try:
                server.run(sockets=[listener])
            finally:
                ready.set()

        thread = threading.Thread(target=serve, name="infercheck serve", daemon=True)
        thread.start()
        try:
            ready.wait()
            if not server.started:
                raise ServerStartError("the application did not start; its log may say why")
            yield
        finally:
            server.should_exit = True
            thread.join(timeout=10)
            socket.unlink(missing_ok=True)
