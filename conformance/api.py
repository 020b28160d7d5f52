"""The Python API: run the suite from a program.

run = infercheck.run("http://127.0.0.1:8787/…", token_env="MY_TOKEN", profile="quick")
assert run.verdict == "pass", run.text()
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

from infercheck.config import check_values, read_config
from infercheck.errors import UsageError
from infercheck.findings import Verdict
from infercheck.job import header_lines, job_of
from infercheck.launching.background import Background
from infercheck.launching.launch import Cancel, Launch, perform, prepare
from infercheck.launching.reports import write_reports
from infercheck.launching.server import live_address
from infercheck.reports.plain import served, steadiness, tally, told
from infercheck.reports.visible import visible
from infercheck.results import Result, Results
from infercheck.runners.engine import Engine
from infercheck.suite import Progress

PREFIX = "infercheck-"
CONFIGURED = ""
"""The target that the config file names, else the reference server."""
COMMAND = ("infercheck.run",)
"""What the journal says was called."""


class Wishes(TypedDict, total=False):
    """What may be said of a run, by the names of `infercheck.yaml`; the command line's help tells what each does.

    `timeout`, `max_time`, `restart_wait` and `ready_timeout` are in seconds, `memory` in MiB. A list may be one
    text.
    """

    contract: str
    dialect: str
    token_env: str
    token: str
    """The token itself, for who has it in no variable."""
    headers: Mapping[str, str]
    timeout: float
    proxy: str
    ca_bundle: str
    insecure: bool
    profile: str
    seed: int
    lora: str | Sequence[str]
    context_window: int
    declare: str | Sequence[str]
    only: str | Sequence[str]
    exclude: str | Sequence[str]
    max_requests: int
    max_tokens: int
    max_time: float
    concurrency: int
    rate: str
    restart_wait: float
    fail_on: str
    allow_undecided: bool
    expect: str | Sequence[str]
    baseline: str
    start: str | Sequence[str]
    ready: str
    ready_timeout: float
    memory: int
    batch: int
    dtype: str
    device: str
    warm_up: bool


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Run:
    """A run that has ended. `folder` holds its journal and reports."""

    results: Results
    folder: Path
    exit_status: int
    """What the command would have exited with: 0, 1 or 4."""

    def __repr__(self) -> str:
        return f"<{self.verdict.upper()}  {tally(self.results)}>"

    @property
    def verdict(self) -> str:
        """`pass`, `fail` or `incomplete`."""
        return self.results.verdict

    @property
    def requirements(self) -> Mapping[str, Result]:
        """What is said of each requirement, by its id."""
        return {result.requirement.id: result for result in self.results.results}

    @property
    def broken(self) -> Sequence[Result]:
        """The promises of level MUST that were broken unexpectedly, those that concern most answers first."""
        return self.results.with_verdict(Verdict.FAIL)

    @property
    def stale(self) -> Sequence[str]:
        """The expectations that are out of date, each with the reason."""
        return [str(stale) for stale in self.results.stale]

    def text(self) -> str:
        """The verdict, every broken promise with its curl lines, and what could not be decided, as text."""
        worst = self.results.with_verdict(Verdict.FAIL, Verdict.WARN)
        head = f"{self.verdict.upper()}  {tally(self.results)}"
        record, open_ = self.results.record, self.results.with_verdict(Verdict.INCONCLUSIVE, Verdict.ERROR)
        why = record.why_incomplete
        about = [*filter(None, (f"incomplete: {why}" if why else "", steadiness(record), served(record)))]
        undecided = [f"{one.verdict} {one.requirement.id}: {visible(one.reason, 200)}" for one in open_]
        broken = [told(self.results, result) for result in worst]
        return "\n\n".join(filter(None, [head, "\n".join(about), *broken, "\n".join(undecided), *self.stale]))


def run(
    target: str | Engine | Callable[..., Any] = CONFIGURED,
    *,
    path: str = "",
    config: Path | str | None = None,
    output: Path | str | None = None,
    resume: bool = False,
    listener: Callable[[Progress], None] | None = None,
    **wishes: Unpack[Wishes],
) -> Run:
    """Test a target, wait for the end, and return what came of it.

    `target` is an address as the command takes it (by default what `config` says, else `reference`), or an object:
    an `Engine`, a function of the request, or an ASGI application, which is asked at `path` (that of the documented
    API by default). It is served from a thread of this process: what kills or blocks this takes the run along.
    `config` is the path of an `infercheck.yaml`, before which all else goes, `output` the
    folder for journal and reports (a new temporary one by default).
    `resume` goes on with the run whose journal lies in `output`. `listener` is told of progress in another thread.

    UserError where something makes no sense, TargetError where the target is out of reach. May be called where an
    event loop runs, which it blocks; there `run_async` is better. Ctrl-C ends the run in order.
    """
    return _background(_named(target, path), config, output, resume, listener, dict(wishes)).wait()


async def run_async(
    target: str | Engine | Callable[..., Any] = CONFIGURED,
    *,
    path: str = "",
    config: Path | str | None = None,
    output: Path | str | None = None,
    resume: bool = False,
    listener: Callable[[Progress], None] | None = None,
    **wishes: Unpack[Wishes],
) -> Run:
    """The same for programs with an event loop, which stays free. Cancelling it ends the run in order."""
    work = _background(_named(target, path), config, output, resume, listener, dict(wishes))
    waiting = asyncio.ensure_future(asyncio.to_thread(work.wait))
    try:
        return await asyncio.shield(waiting)
    except asyncio.CancelledError:
        work.cancel()
        await asyncio.wait([waiting])
        raise


def _background(
    named: dict[str, Any],
    config: Path | str | None,
    output: Path | str | None,
    resume: bool,
    listener: Callable[[Progress], None] | None,
    wishes: dict[str, Any],
) -> Background[Run]:
    values = _values(wishes) | named
    launch = prepare(job_of(read_config(Path(config)) if config else None, values))
    own = output or launch.job.output
    folder = Path(own or tempfile.mkdtemp(prefix=PREFIX))

    def work(running: Callable[[Cancel], None]) -> Run:
        try:
            results = perform(launch, folder, resume=resume, command=COMMAND, listener=listener, running=running)
            return _left(launch, results, folder)
        except BaseException:
            if not own:
                with suppress(OSError):  # something is in it
                    folder.rmdir()
            raise

    return Background(work)


def _named(target: Any, path: str) -> dict[str, Any]:
    if target is None:
        raise UsageError("the target is None", hint="A fixture may have forgotten to return it.")
    if isinstance(target, str) and path:
        raise UsageError("`path` is for an application that is an object", hint="An address has its own path.")
    if isinstance(target, str):
        return {"target": target} if target else {}
    return {"target": live_address(target, path), "live": target}


def _left(launch: Launch, results: Results, folder: Path) -> Run:
    job = launch.job
    write_reports(folder, results, fail_on_should=job.fail_on_should)
    status = results.exit_status(fail_on_should=job.fail_on_should, allow_undecided=job.allow_undecided)
    return Run(results=results, folder=folder, exit_status=status)


def _values(wishes: dict[str, Any]) -> dict[str, Any]:
    # What a config file would say, and the token, which it never does.
    token = wishes.pop("token", None)
    plain = {key: list(value) if isinstance(value, tuple | set) else value for key, value in wishes.items()}
    values = check_values(plain)
    if "headers" in values:
        values["headers"] = header_lines(values["headers"])
    return values if token is None else {**values, "token": token}
