"""A run from its header to its footer: what the front doors call."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infercheck import __version__
from infercheck.absences import absent_keys
from infercheck.addresses import names_model
from infercheck.cases import Need
from infercheck.checks.relations.support import TOLD
from infercheck.contract import Contract
from infercheck.dialect import Dialect
from infercheck.door import Budget, Door
from infercheck.errors import InfercheckError, JournalError
from infercheck.exchange import Runner
from infercheck.expectations import Expectations, Expected
from infercheck.fuzz.source import Task
from infercheck.journal import JournalWriter, Written
from infercheck.judge import Judge
from infercheck.keys import Keys
from infercheck.liveness import RESTART_WAIT
from infercheck.pace import Pace
from infercheck.plan import Options, Plan
from infercheck.record import Record
from infercheck.recording import Recording
from infercheck.suite import THE_RUN, Ending, Progress, Suite

INTERRUPTED = Ending(complete=False, reason="interrupted by the user")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a run goes about it. `rate` is in requests a second, `max_time` and `restart_wait` in seconds.

    `restart` ends a target that is silent, which is started again then.
    `folder` is where curl lines look for long bodies, beside the journal by default; `examples` the one that holds
    the requests that showed a defect in earlier runs.
    `address` is what the user wrote, `url` where requests go, `token_variable` the name that curl lines give.
    `serve_options` are those of `infercheck serve` for a target that we serve.
    """

    address: str
    url: str
    dialect: Dialect
    token_variable: str | None = None
    curl_options: tuple[str, ...] = ()
    serve_options: tuple[str, ...] = ()
    concurrency: int = 4
    rate: float | None = None
    max_time: float | None = None
    restart_wait: float = RESTART_WAIT
    restart: Callable[[], None] | None = None
    expected: tuple[Expected, ...] = ()
    folder: Path | None = None
    examples: Path | None = None
    command: tuple[str, ...] = ()


async def conduct(
    contract: Contract,
    plan: Plan,
    options: Options,
    runner: Runner,
    path: Path,
    settings: Settings,
    listener: Callable[[Progress], None] | None = None,
    *,
    earlier: Record | None = None,
    signals: bool = False,
) -> Ending:
    """Run a plan against a target and write its journal to `path`; with `earlier`, go on with that run.

    A task that is cancelled ends the run in order, with a footer that says so. With `signals`, for whoever has the
    process to himself, the first SIGINT or SIGTERM does the same; the second ends the process.
    TargetError where the target is out of reach from the start; the journal then says so too. JournalError where
    `earlier` is of another run.
    """
    if earlier is not None:
        check_same(earlier, contract, plan, settings)
        if earlier.complete:
            expect(earlier, path, settings.expected)
            return Ending()
    with JournalWriter(path, written=written(earlier) if earlier else None) as journal:
        if earlier is None:
            journal.header(_header(contract, plan, options, settings, path))
        else:
            journal.resumed(
                {"infercheck": __version__, "command": settings.command, "started": _now(), "url": settings.url}
            )
        if settings.expected or earlier:
            journal.expectations(_expectations(settings.expected))
        budget = Budget(
            requests=plan.budget,
            tokens=plan.tokens,
            extra_requests=plan.budget - plan.requests,
            extra_tokens=plan.tokens - plan.price,
            seconds=settings.max_time,
        )
        recording = Recording()
        if earlier is not None:
            # What got no answer is missing, and whether the target is there is to be asked anew.
            answered = [one for one in earlier.exchanges.values() if one.answer.status is not None]
            recording = Recording(answered, last_number=max(earlier.sent, default=0))
        door = Door(runner, journal, pace=Pace(settings.rate), budget=budget, recording=recording)
        judge = Judge(
            contract,
            plan,
            door,
            dialect=settings.dialect,
            lacks=_lacks(contract, settings),
            restart_wait=settings.restart_wait,
            restart=settings.restart,
            window=options.context_window,
        )
        task = Task(
            contract=contract.location,
            adapters=options.adapters,
            absent=tuple(absent_keys(contract, options.declare)),
            about=tuple(sorted(plan.selected)) if plan.selected <= {*contract.input_ids.values()} else (),
            seed=options.seed,
        )
        suite = Suite(
            plan,
            door,
            judge,
            journal,
            concurrency=settings.concurrency,
            listener=listener,
            task=task if plan.profile.draws else None,
            examples=settings.examples,
        )

        def footer(ending: Ending) -> None:
            journal.footer(
                {
                    "complete": ending.complete,
                    "reason": ending.reason,
                    "requests": door.requests,
                    "retries": door.retries,
                    "tokens": door.tokens,
                    "asked_again": suite.measure.asked,
                    "answered_alike": suite.measure.alike,
                    "unasked": door.unasked,
                    "noise": TOLD if suite.measure.alike < suite.measure.asked else "",
                    "seconds": round(door.seconds, 3),
                    "finished": _now(),
                }
            )

        try:
            ending = await (_until_interrupted(suite) if signals else suite.run())
        except asyncio.CancelledError:
            footer(INTERRUPTED)
            raise
        except JournalError:
            raise  # what cannot be written gets no footer
        except InfercheckError as error:
            footer(Ending(complete=False, reason=str(error)))
            raise
        footer(ending)
        return ending


def expect(earlier: Record, path: Path, expected: tuple[Expected, ...]) -> None:
    """Say of a complete run what is expected of it now."""
    if expected != earlier.expectations.entries:
        with JournalWriter(path, written=written(earlier)) as journal:
            journal.expectations(_expectations(expected))


def _expectations(expected: tuple[Expected, ...]) -> Mapping[str, Any]:
    return Expectations(entries=expected, date=_now()[:10]).line()


def check_same(earlier: Record, contract: Contract, plan: Plan, settings: Settings) -> None:
    """JournalError where a recorded run is not the one that the options ask for."""
    header = earlier.header
    for what, was, is_now in (
        ("of another version of infercheck", header["infercheck"], __version__),
        ("of another contract", header["contract"]["sha256"], contract.sha256),
        ("of another target", header["target"]["address"], settings.address),
        ("of another dialect", header["target"]["dialect"], settings.dialect),
        ("of another plan", header["plan"], plan.digest),
    ):
        if was != is_now:
            raise JournalError(
                f"the recorded run cannot be gone on with: it is {what} ({was}, not {is_now})",
                hint="Give the options that it began with, or leave --resume out to begin anew.",
            )


def written(earlier: Record) -> Written:
    """What the journal of an earlier run holds for good."""
    return Written(
        bodies=Keys(earlier.bodies),
        cases=Keys(earlier.cases),
        judged={case for case, judged in earlier.judged.items() if judged.is_final and case != THE_RUN.id},
        dialect=bool(earlier.dialect),
    )


def _lacks(contract: Contract, settings: Settings) -> dict[Need, str]:
    lacks = {}
    if settings.token_variable is None:
        lacks[Need.TOKEN] = f"needs {Need.TOKEN}"
    if not names_model(settings.url, contract.model):
        lacks[Need.MODEL] = f"needs {Need.MODEL}"
    return lacks


async def _until_interrupted(suite: Suite) -> Ending:
    running = asyncio.ensure_future(suite.run())
    with _interrupts(running.cancel):
        try:
            return await running
        except asyncio.CancelledError:
            return INTERRUPTED


@contextlib.contextmanager
def _interrupts(stop: Callable[[], object]) -> Iterator[None]:
    # Signals belong to the main thread; elsewhere there is nothing to take over.
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
            "location": contract.location,
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
            "serve_options": settings.serve_options,
        },
        "profile": plan.profile.name,
        "seed": options.seed,
        "options": asdict(options),
        "plan": plan.digest,
        "adapters": options.adapters,
        "concurrency": settings.concurrency,
        "command": settings.command,
        "folder": str((settings.folder or path.parent).absolute()),
        "started": _now(),
        "planned": {"requests": plan.requests, "tokens": plan.price, "left_out": plan.left_out, "cut": plan.cut},
        "requirements": [
            {
                "id": requirement.id,
                "level": requirement.level,
                "title": requirement.title,
                "clause": asdict(requirement.clause),
                "keyword": requirement.keyword,
                "exist": sorted(plan.exist.get(requirement.id, ())),
                "planned": sorted(planned.get(requirement.id, ())),
                "whole": requirement.id in plan.whole,
                "absent": plan.absent.get(requirement.id, ""),
            }
            for requirement in contract.requirements.values()
            if requirement.id in plan.selected
        ],
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
