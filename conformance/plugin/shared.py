"""One run that all items of a config file share, and under pytest-xdist all workers.

Whoever comes first takes a file lock and runs the requirements that are selected; the others wait for it and read
the journal. If the holder dies the lock is free, and the next goes on where the journal ends: nothing is sent
twice.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from infercheck.addresses import leads_to_loopback
from infercheck.config import read_config
from infercheck.contract import Contract
from infercheck.contract_loader import DEFAULT, load
from infercheck.errors import InfercheckError
from infercheck.job import Job, job_of
from infercheck.record import read
from infercheck.reports.plain import tally
from infercheck.reports.visible import visible
from infercheck.requirements import Requirement
from infercheck.results import Results, results_of
from infercheck.selection import select

if TYPE_CHECKING:
    from infercheck.launching.launch import Launch

# What sends is imported where something is sent: collecting alone needs no HTTP client.

OUTCOME = "outcome.json"
"""Written beside the journal once nothing is left to be sent: what went wrong, or nothing."""

COMMAND = ("pytest", "--infercheck")
"""What the journal says was called: pytest's other options are the user's, secrets among them perhaps."""


class RunError(InfercheckError):
    """The run of a config file did not come to results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to: results, or what went wrong."""

    results: Results | None = None
    error: str = ""
    hint: str = ""


class SharedRun:
    """The run of one config file. `folder` is this session's own."""

    def __init__(self, path: Path, *, url: str, folder: Path) -> None:
        self.path = path
        self._url = url
        self.folder = folder
        self._outcome: Outcome | None = None

    @cached_property
    def job(self) -> Job:
        """What the file says, and the command line; UserError where it makes no sense."""
        values: dict[str, Any] = {"target": self._url} if self._url else {}
        return job_of(read_config(self.path) if self.path.is_file() else None, values)

    @cached_property
    def contract(self) -> Contract:
        """The contract that it tests against."""
        return load(self.job.contract or DEFAULT)

    @cached_property
    def requirements(self) -> Sequence[Requirement]:
        """The requirements that can be asked about, in the order of the contract."""
        ids = select(self.contract, self.job.only, self.job.exclude)
        return [requirement for id_, requirement in self.contract.requirements.items() if id_ in ids]

    def launch(self, ids: Iterable[str]) -> Launch:
        """The run of these requirements; UserError where it makes no sense."""
        from infercheck.launching.launch import prepare

        wanted = set(ids)
        job = self.job
        if any(requirement.id not in wanted for requirement in self.requirements):
            chosen = tuple(requirement.id for requirement in self.requirements if requirement.id in wanted)
            job = replace(job, only=chosen or job.only)
        return prepare(job)

    def foretold(self, ids: Sequence[str]) -> str:
        """What is about to be sent, in a line; empty where it stays on this machine or makes no sense."""
        from infercheck.launching.launch import target_of
        from infercheck.launching.recorded import recorded_path

        try:
            if self.job.target == "reference" or recorded_path(self.job.target):
                return ""
            url = target_of(self.contract, self.job).link().url
            if leads_to_loopback(url):
                return ""
            plan = self.launch(ids).plan
        except InfercheckError:
            return ""  # the items say so
        return f"{plan.requests} requests, {plan.price:,} output tokens at most, go to {visible(url)}"

    def results(self, ids: Callable[[], Sequence[str]]) -> Results:
        """The results of the run, which is made if nobody has yet; RunError where there are none.

        `ids` says which requirements are selected, where that has to be known.
        """
        if self._outcome is None:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with FileLock(self.folder / "lock"):
                self._outcome = self.outcome() or self._run(ids())
        if self._outcome.results is None:
            raise RunError(self._outcome.error, hint=self._outcome.hint)
        return self._outcome.results

    def outcome(self) -> Outcome | None:
        """What the run came to, whoever made it; None where it is not at its end."""
        from infercheck.journal import JOURNAL

        try:
            written = json.loads((self.folder / OUTCOME).read_text("utf-8"))
        except FileNotFoundError:
            return None
        return Outcome(**written, results=None if written["error"] else results_of(read(self.folder / JOURNAL)))

    def _run(self, ids: Sequence[str]) -> Outcome:
        from infercheck.launching.background import Background
        from infercheck.launching.launch import perform

        outcome = Outcome()
        try:
            launch = self.launch(ids)
            self.reports.mkdir(parents=True, exist_ok=True)  # before anything is sent
            work = Background(
                lambda running: perform(
                    launch, self.folder, home=self.reports, resume=True, command=COMMAND, running=running
                )
            )
            results = work.wait()
            self._leave(results)
            outcome = Outcome(results=results)
        except InfercheckError as error:
            outcome = Outcome(error=str(error), hint=error.hint)
        except OSError as error:
            outcome = Outcome(error=f"{error.filename}: {error.strerror}")
        written = {"error": outcome.error, "hint": outcome.hint}
        (self.folder / OUTCOME).write_text(json.dumps(written), "utf-8")
        return outcome

    def _leave(self, results: Results) -> None:
        from infercheck.journal import JOURNAL
        from infercheck.launching.reports import write_reports
        from infercheck.launching.server import LOG

        if self.reports != self.folder:
            for name in (JOURNAL, LOG):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(self.folder / name, self.reports / name)
        write_reports(self.reports, results, fail_on_should=self.job.fail_on_should)

    def summary(self) -> Iterator[str]:
        """How the run ended, in lines for the terminal; none where there was no run."""
        outcome = self._outcome or self.outcome()
        if outcome is None or outcome.results is None:
            return
        results = outcome.results
        yield f"{visible(self.job.target)}: {results.verdict.upper()}  {tally(results)}"
        if not results.record.complete:
            yield f"INCOMPLETE: {visible(results.record.why_incomplete)}"
        yield f"report: {visible(str(self.reports / 'report.html'))}"

    @property
    def reports(self) -> Path:
        """The folder of the reports: the one that the config file names, else this session's own."""
        return Path(self.job.output) if self.job.output else self.folder
