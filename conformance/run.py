"""A run from its header to its footer: what the front doors call."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infercheck import __version__
from infercheck.contract import Contract
from infercheck.door import Budget, Door
from infercheck.errors import InfercheckError
from infercheck.exchange import Runner
from infercheck.journal import JournalWriter
from infercheck.pace import Pace
from infercheck.plan import Options, Plan
from infercheck.suite import Ending, Progress, Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a run goes about it. `rate` is in requests a second, `max_time` in seconds.

    `address` is what the user wrote, `url` where requests go, `token_variable` the name that curl lines give.
    """

    address: str
    url: str
    dialect: str
    token_variable: str | None = None
    curl_options: tuple[str, ...] = ()
    concurrency: int = 4
    rate: float | None = None
    max_time: float | None = None
    command: tuple[str, ...] = ()


async def conduct(
    contract: Contract,
    plan: Plan,
    options: Options,
    runner: Runner,
    path: Path,
    settings: Settings,
    listener: Callable[[Progress], None] | None = None,
) -> Ending:
    """Run a plan against a target and write its journal to `path`.

    The first SIGINT or SIGTERM ends the run in order, with a footer that says so; the second ends the process.
    TargetError where the target is out of reach from the start; the journal then says so too.
    """
    with JournalWriter(path) as journal:
        journal.header(_header(contract, plan, options, settings, path))
        budget = Budget(
            requests=plan.budget,
            tokens=plan.tokens,
            extra_requests=plan.budget - len(plan.cases),
            extra_tokens=plan.tokens - plan.price,
            seconds=settings.max_time,
        )
        door = Door(runner, journal, pace=Pace(settings.rate), budget=budget)
        suite = Suite(contract, plan, door, journal, concurrency=settings.concurrency, listener=listener)
        began = time.monotonic()

        def footer(ending: Ending) -> None:
            journal.footer(
                {
                    "complete": ending.complete,
                    "reason": ending.reason,
                    "requests": door.requests,
                    "retries": door.retries,
                    "tokens": door.tokens,
                    "seconds": round(time.monotonic() - began, 3),
                    "finished": _now(),
                }
            )

        try:
            ending = await _until_interrupted(suite)
        except InfercheckError as error:
            footer(Ending(complete=False, reason=str(error)))
            raise
        footer(ending)
        return ending


async def _until_interrupted(suite: Suite) -> Ending:
    running = asyncio.ensure_future(suite.run())
    with _interrupts(running.cancel):
        try:
            return await running
        except asyncio.CancelledError:
            return Ending(complete=False, reason="interrupted by the user")


@contextlib.contextmanager
def _interrupts(stop: Callable[[], object]) -> Iterator[None]:
    # Signals belong to the main thread; elsewhere (in a plugin's own loop) there is nothing to take over.
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def first() -> None:
        for number in signals:
            loop.remove_signal_handler(number)
        stop()

    try:
        for number in signals:
            loop.add_signal_handler(number, first)
    except (ValueError, RuntimeError, NotImplementedError):
        yield
        return
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _header(contract: Contract, plan: Plan, options: Options, settings: Settings, path: Path) -> Mapping[str, Any]:
    planned = plan.planned
    return {
        "infercheck": __version__,
        "python": platform.python_version(),
        "contract": {
            "id": contract.id,
            "title": contract.title,
            "model": contract.model,
            "sha256": contract.sha256,
            "date": contract.provenance["date"],
            "source": contract.provenance["source"],
        },
        "target": {
            "address": settings.address,
            "url": settings.url,
            "dialect": settings.dialect,
            "token_variable": settings.token_variable,
            "curl_options": settings.curl_options,
        },
        "profile": plan.profile.name,
        "seed": options.seed,
        "adapters": options.adapters,
        "concurrency": settings.concurrency,
        "command": settings.command,
        "folder": str(path.parent.absolute()),
        "started": _now(),
        "planned": {"requests": len(plan.cases), "tokens": plan.price, "left_out": plan.left_out, "cut": plan.cut},
        "requirements": [
            {
                "id": requirement.id,
                "level": requirement.level,
                "title": requirement.title,
                "clause": asdict(requirement.clause),
                "keyword": requirement.keyword,
                "exist": sorted(plan.exist.get(requirement.id, ())),
                "planned": sorted(planned.get(requirement.id, ())),
            }
            for requirement in contract.requirements.values()
            if requirement.id in plan.selected
        ],
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
