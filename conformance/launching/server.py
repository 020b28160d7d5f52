"""The server of a run that we start ourselves: the user's own, or one around an engine or an application of his."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from infercheck.addresses import LIVE
from infercheck.contract_loader import DEFAULT, load
from infercheck.errors import UsageError
from infercheck.job import Job
from infercheck.launching.checkpoints import check_checkpoint, words_of
from infercheck.runners.loading import Place
from infercheck.runners.target import Target

LOG = "server.log"
"""What a server that is started says, beside the journal."""

START_TIMEOUT = 60.0
"""Seconds that a user's server has to become ready, where he says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A target whose server runs. `restart` ends a silent one, which is started again then; none where it is not
    ours. `startup` are the seconds that it took to become ready.
    """

    target: Target
    restart: Callable[[], None] | None = None
    startup: float = 0.0


def starts(job: Job) -> bool:
    """Whether a run starts a server in a process of its own."""
    return job.start is not None or Place.parse(job.target) is not None


def check_start(job: Job) -> None:
    """UsageError where a job starts a server for a target that has its own, or a checkpoint cannot be served."""
    if job.start is not None and (Place.parse(job.target) is not None or job.live is not None):
        raise UsageError(
            f"{job.target} is started by infercheck itself",
            hint="Leave `start` out: it is for targets that are URLs.",
        )
    check_checkpoint(job)


@contextmanager
def server_of(
    job: Job, target: Target, folder: Path, said: Callable[[str], None] = lambda line: None
) -> Iterator[Served]:
    """The server that a job starts, for the length of a `with` block; nothing is started where it starts none.

    Its log lies in the folder. TargetError where it does not come up, UsageError where an object is no engine.
    """
    if job.live is not None:
        with _live(job, target, folder) as served:
            yield served
        return
    if not starts(job):
        yield Served(target=target)
        return
    from infercheck.runners.hosting import remove_dead, socket_in, start_of
    from infercheck.runners.started import Start, started

    said(f"starting the server; its log is {folder / LOG}")
    secrets = target.link().secrets
    if (place := Place.parse(job.target)) is not None:
        target = replace(target, socket=socket_in(folder))
        start = start_of(
            job.target,
            socket=socket_in(folder),
            folder=folder,
            options=() if place.kind == "asgi" else [*_options(job), *words_of(job)],
            cwd=job.folder,
            ready_timeout=job.ready_timeout,
            memory=job.memory << 20 if job.memory else None,
            secrets=secrets,
        )
    else:
        assert job.start is not None  # noqa: S101 - for the type checker
        start = Start(
            command=job.start,
            target=target.link().url,
            ready=job.ready,
            timeout=job.ready_timeout or START_TIMEOUT,
            folder=folder,
            cwd=job.folder,
            memory=job.memory << 20 if job.memory else None,
            secrets=secrets,
        )
    began = time.monotonic()
    try:
        with started(start) as restart:
            yield Served(target=target, restart=restart, startup=time.monotonic() - began)
    finally:
        if target.socket is not None:  # a server that was killed leaves it behind
            remove_dead(target.socket)


def _options(job: Job) -> list[str]:
    options = ["--dialect", "worker" if job.dialect == "worker" else "rest"]
    options += ["--token-env", job.token_env] if job.token_env else ["--no-token"]
    if job.contract is not None:
        path = Path(job.contract)
        options += ["--contract", str(path.absolute()) if path.exists() else job.contract]
    return options


def live_address(live: Any, path: str = "") -> str:
    """What the target is called that is an object of this process; an application is asked at a path."""
    if path and not path.startswith("/"):
        raise UsageError(f"{path!r} is no path", hint="Write it as in /v1/run.")
    kind = live if isinstance(live, type) or hasattr(live, "__qualname__") else type(live)
    return f"{LIVE}{kind.__module__}.{kind.__qualname__}{path}"


@contextmanager
def _live(job: Job, target: Target, folder: Path) -> Iterator[Served]:
    from infercheck.runners.hosting import api_of, in_thread, socket_in
    from infercheck.runners.loading import application_of, engine_of, is_only_application

    if is_only_application(job.live):
        app, lifespan = application_of(job.live), True
    else:
        contract = load(job.contract or DEFAULT)
        engine = engine_of(job.live)
        api = api_of(engine, contract, dialect=job.dialect, token=target.link().token)
        app, lifespan = api.app(), False
    socket = socket_in(folder)
    with in_thread(app, socket, lifespan=lifespan):
        yield Served(target=replace(target, socket=socket))
