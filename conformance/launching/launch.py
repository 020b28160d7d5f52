"""Launching: from a job to the results of its run."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from infercheck.addresses import names_model
from infercheck.conduct import Settings, check_same, conduct, expect
from infercheck.contract import Contract
from infercheck.contract_loader import DEFAULT, load
from infercheck.dialect import Dialect
from infercheck.errors import TargetError, UsageError
from infercheck.expectation_files import of_baseline, read_expectations
from infercheck.expectations import Expected
from infercheck.job import Job
from infercheck.journal import JOURNAL, check_free
from infercheck.launching.checkpoints import words_of
from infercheck.launching.recorded import begun, journal_of, open_recorded, options_of, recorded_path
from infercheck.launching.reports import REPORTS
from infercheck.launching.server import LOG, Served, check_start, server_of, starts
from infercheck.pace import parse_rate
from infercheck.plan import Options, Plan, make_plan
from infercheck.record import Record, read
from infercheck.results import Results, results_of
from infercheck.runners.http import Network, Timeouts
from infercheck.runners.target import Opened, Target, check, open_target, parse_headers
from infercheck.suite import Progress

CACHE = "INFERCHECK_CACHE_DIR"
"""The variable that names the cache folder; empty, nothing is kept there."""

ASIDE = ".before"
"""Where the run before lies until a target answers."""

OUTPUT = "out"
"""The folder of a run, where nobody says another."""

RUN = "/ai/run/"
"""What stands before the model in an address of the documented API."""

Cancel: TypeAlias = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A job that makes sense: its contract, target and plan, and what is expected. Nothing was sent."""

    job: Job
    contract: Contract
    target: Target
    options: Options
    plan: Plan
    expected: tuple[Expected, ...]
    recorded: Path | None
    """The journal that stands for the target, where it is a recorded run."""
    baseline: Path | None = None
    """The journal of the run to compare with."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no output."""
        here = self.recorded or self.job.target == "reference"
        return self.target.network.secrets if here else self.target.link().secrets


def prepare(job: Job) -> Launch:
    """Look at all that a job says; UserError where something of it makes no sense."""
    contract = load(job.contract or DEFAULT)
    path = recorded_path(job.target)
    record = read(path) if path else None
    check_start(job)
    target = target_of(contract, job)
    if record is None:
        check(target)
    parse_rate(job.rate or "1/s")
    options = options_of(record, job.options) if record else job.options
    if record is not None and job.dialect is None:
        job = replace(job, dialect=record.header["target"]["dialect"])
    plan = make_plan(contract, options)
    expected = read_expectations(job.expect, contract)
    baseline = journal_of(Path(job.baseline)) if job.baseline is not None else None
    if baseline is not None:
        expected += of_baseline(read(baseline), str(baseline), plan.digest)
    return Launch(
        job=job,
        contract=contract,
        target=target,
        options=options,
        plan=plan,
        expected=expected,
        baseline=baseline,
        recorded=path,
    )


def target_of(contract: Contract, job: Job) -> Target:
    """The target of a job; UsageError where it has none, or a header or a proxy makes no sense."""
    if not job.target:
        raise UsageError(
            "no target is named", hint="Write `target:` with the URL to POST to in the config file, or name one."
        )
    headers, shown, secrets = parse_headers(job.headers)
    if job.proxy and "://" not in job.proxy:
        raise UsageError("--proxy is no URL", hint="Write it as a URL, as in http://proxy:3128.")
    return Target(
        address=job.target,
        model=contract.model,
        token_env=job.token_env,
        token=job.token,
        reference=() if contract.id == DEFAULT == contract.location else ("--contract", contract.location),
        network=Network(
            headers=headers,
            shown_headers=shown,
            secrets=secrets,
            timeouts=Timeouts(first=job.timeout, between=job.timeout, whole=10 * job.timeout),
            connections=job.concurrency,
            proxy=job.proxy,
            ca_bundle=job.ca_bundle,
            insecure=job.insecure,
        ),
    )


def perform(
    launch: Launch,
    folder: Path,
    *,
    home: Path | None = None,
    resume: bool = False,
    signals: bool = False,
    command: tuple[str, ...] = (),
    said: Callable[[str], None] = lambda line: None,
    listener: Callable[[Progress], None] | None = None,
    running: Callable[[Cancel], None] | None = None,
) -> Results:
    """Run a job and write its journal to a folder; with `resume` go on with the run whose journal lies there.

    `home` is the folder of the reports, where it is another: curl lines read long bodies from there.
    `said` gets a line where something takes long, `listener` the progress, `running` what cancels the run from
    another thread. The calling thread must have no event loop. TargetError where the target is out of reach.
    """
    journal = folder / JOURNAL
    for kept, what in ((launch.recorded, "judged again"), (launch.baseline, "compared with")):
        if kept and journal.resolve() == kept.resolve() and not (resume and what == "compared with"):
            raise UsageError(f"{journal} is the run to be {what}", hint="Give another folder with --output.")
    earlier = begun(journal) if resume else None
    settings = _settings(launch, command, home or folder)
    if earlier is not None:
        said(f"going on with {journal}, which has {len(earlier.exchanges)} answers")
        check_same(earlier, launch.contract, launch.plan, settings)
        if earlier.complete:
            expect(earlier, journal, launch.expected)
            return results_of(read(journal))
    if RUN in launch.target.address and not names_model(launch.target.address, launch.contract.model):
        said(f"the address is of another model than the contract, which is {launch.contract.model} (--contract)")
    aside = _aside(folder, said) if earlier is None else contextlib.nullcontext()
    with aside, _served(launch, folder, said) as served, _hinting(launch.job, folder):
        asyncio.run(_conduct(launch, served, journal, earlier, settings, signals, said, listener, running))
    return results_of(read(journal))


def _served(launch: Launch, folder: Path, said: Callable[[str], None]) -> contextlib.AbstractContextManager[Served]:
    if launch.recorded:
        return contextlib.nullcontext(Served(target=launch.target))
    return server_of(launch.job, launch.target, folder, said)


@contextlib.contextmanager
def _hinting(job: Job, folder: Path) -> Iterator[None]:
    # A server that we started may have said why it does not answer.
    try:
        yield
    except TargetError as error:
        if starts(job):
            error.hint = f"{error.hint} The server that was started may have said why: {folder / LOG}".strip()
        raise


async def _conduct(
    launch: Launch,
    served: Served,
    journal: Path,
    earlier: Record | None,
    settings: Settings,
    signals: bool,
    said: Callable[[str], None],
    listener: Callable[[Progress], None] | None,
    running: Callable[[Cancel], None] | None,
) -> None:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if running is not None and task is not None:
        running(lambda: loop.call_soon_threadsafe(task.cancel))
    async with open_recorded(launch.recorded) if launch.recorded else open_target(served.target) as opened:
        if launch.job.warm_up and not launch.recorded:
            await _warm_up(launch, opened, said)
        settings = replace(
            settings,
            url=opened.url,
            token_variable=opened.token_variable,
            curl_options=opened.curl_options,
            rate=settings.rate or opened.rate,
            # It takes as long to come back as it took to come.
            restart_wait=max(settings.restart_wait, 3 * served.startup),
            restart=served.restart,
        )
        await conduct(
            launch.contract,
            launch.plan,
            launch.options,
            opened.runner,
            journal,
            settings,
            listener,
            earlier=earlier,
            signals=signals,
        )


async def _warm_up(launch: Launch, opened: Opened, said: Callable[[str], None]) -> None:
    # What a target loads at its first request is nobody's business: neither counted nor judged.
    smallest = next(case for case in launch.plan.cases if case.is_smallest)
    answer = await opened.runner.send(smallest.request)
    came = f"status {answer.status}" if answer.status else "no answer"
    said(f"warm-up: {came} after {answer.seconds:.1f} s")


def _settings(launch: Launch, command: tuple[str, ...], home: Path) -> Settings:
    job = launch.job
    return Settings(
        address=launch.target.address,
        serve_options=words_of(job),
        url="",  # known when the target is open
        dialect=Dialect(job.dialect or "rest"),
        concurrency=1 if launch.recorded else job.concurrency,
        rate=parse_rate(job.rate) if job.rate else None,
        max_time=job.max_time,
        restart_wait=math.inf if launch.recorded else job.restart_wait,
        expected=launch.expected,
        folder=home,
        examples=examples_folder() if launch.plan.profile.draws and not launch.recorded else None,
        command=command,
    )


def examples_folder() -> Path | None:
    """Where requests that showed a defect are kept for later runs: in the user's cache, unless the environment says
    where else, or (an empty `INFERCHECK_CACHE_DIR`) that nothing is to be kept."""
    named = os.environ.get(CACHE)
    if named is not None:
        return Path(named) / "examples" if named else None
    import platformdirs  # few runs draw anything

    return platformdirs.user_cache_path("infercheck", appauthor=False) / "examples"


@contextlib.contextmanager
def _aside(folder: Path, said: Callable[[str], None]) -> Iterator[None]:
    # The reports of an earlier run must not be taken for those of one that did not get that far; and a server that
    # somebody forgot to start must not cost him that run.
    aside = folder / ASIDE
    check_free(folder / JOURNAL)
    moved: list[str] = []
    with contextlib.suppress(OSError):  # whoever writes the journal says why nothing can be written
        for name in (name for name in (JOURNAL, *REPORTS) if (folder / name).is_file()):
            aside.mkdir(exist_ok=True)
            (folder / name).replace(aside / name)
            moved.append(name)
    try:
        yield
    except TargetError:
        if JOURNAL in moved:
            for name in moved:
                (aside / name).replace(folder / name)
            said(f"{folder} still holds the run before")
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
