"""Engines and applications as targets: behind HTTP on a Unix socket, in a process of their own or in a thread."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from infercheck.contract import Contract
from infercheck.errors import UsageError
from infercheck.runners.engine import Engine
from infercheck.runners.memory import free
from infercheck.runners.places import taken
from infercheck.runners.server import Api
from infercheck.runners.serving import Server, ServerStartError, listen_at
from infercheck.runners.started import Start
from infercheck.runners.target import BASE
from infercheck.runners.worker import WorkerApi

READY_TIMEOUT = 600.0
"""Seconds that an engine has to load, where the user says nothing."""

CONCURRENCY = 16
"""Answers made at once, where neither the user nor the engine says anything."""

LONGEST = 103
"""Bytes that the path of a Unix socket may have, on whatever system."""

SHARE = 0.9
"""What an engine may take of the memory that is free when it is started."""


def api_of(
    engine: Engine,
    contract: Contract,
    *,
    dialect: str | None,
    token: str | None,
    adapters: Sequence[str] = (),
    concurrency: int | None = None,
) -> Api:
    """An engine behind the documented API, in the dialect `worker`, else `rest`.

    `adapters` and `concurrency` are what the user says of them; without, what the engine itself says holds.
    `UsageError` where that makes no sense.
    """
    own, names = getattr(engine, "concurrency", None), getattr(engine, "adapters", None)
    if own is not None and (type(own) is not int or own < 1):
        raise UsageError(f"the engine's concurrency is {own!r}", hint="It is how many answers it makes at once.")
    if names is not None and not (isinstance(names, Sequence) and _are_names(names)):
        raise UsageError(f"the engine's adapters are {names!r}"[:200], hint="They are a list of names.")
    kind = WorkerApi if dialect == "worker" else Api
    return kind(
        engine,
        input_schema=dict(contract.input),
        token=token,
        model=contract.model,
        adapters=adapters or None,
        concurrency=concurrency or own or CONCURRENCY,
    )


def _are_names(names: Sequence[Any]) -> bool:
    return not isinstance(names, str | bytes) and all(isinstance(name, str) for name in names)


def socket_in(folder: Path) -> Path:
    """The Unix socket of the server that belongs to a folder, the same for all who name the folder.

    It lies in a folder of this user's below the temporary one: a socket's path has room for about a hundred
    characters. `UsageError` where somebody else has taken that folder.
    """
    if not hasattr(os, "getuid"):
        raise UsageError("engines need a POSIX system", hint="Serve it by hand, and give the URL.")
    room = Path(tempfile.gettempdir()) / f"infercheck-{os.getuid()}"
    if len(os.fsencode(room)) > LONGEST - 17:
        raise UsageError(
            f"no socket can be made in {tempfile.gettempdir()}: its path is too long",
            hint="Name another temporary folder in TMPDIR.",
        )
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
        log = logging.getLogger("uvicorn.error")
        level = log.level
        server = Server(app, ready.set, lifespan=lifespan)

        def serve() -> None:
            try:
                with suppress(SystemExit):  # how uvicorn says that an application did not start
                    server.run(sockets=[listener])
            finally:
                log.setLevel(level)  # it is that of the user's own servers, too
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
