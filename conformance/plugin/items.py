"""The items that pytest runs: one for each requirement of a config file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from infercheck.errors import BrokenShould, InfercheckError
from infercheck.expectations import Stale
from infercheck.findings import Verdict
from infercheck.plugin.session import session_of
from infercheck.plugin.shared import RunError, SharedRun
from infercheck.pytest_plugin import CONFIG, asked
from infercheck.reports.plain import told
from infercheck.reports.visible import visible, visible_lines
from infercheck.requirements import Level, Requirement
from infercheck.results import Results

EXPECTATIONS = "expectations"
"""The item that fails for expectations out of date that are about several requirements, or none."""

HOW = "nothing is sent unless asked: pytest --infercheck, or `infercheck = run` in the ini file"


class ConfigFile(pytest.File):
    """An `infercheck.yaml`, or the target of the command line in its place."""

    @property
    def run(self) -> SharedRun:
        """The run that its items share."""
        return session_of(self.config).run_of(self.path)

    def collect(self) -> Iterator[pytest.Item]:
        """One item a requirement, and one for the expectations where there are any."""
        try:
            requirements, job = self.run.requirements, self.run.job
        except InfercheckError as error:
            raise self.CollectError(_said(error)) from None
        for area in dict.fromkeys(requirement.area for requirement in requirements):
            self.config.addinivalue_line("markers", f"infercheck_{area}: a requirement of area {area}")
        for requirement in requirements:
            yield RequirementItem.from_parent(self, name=requirement.id, requirement=requirement)
        if job.expect:
            yield ExpectationsItem.from_parent(self, name=EXPECTATIONS)


class _Item(pytest.Item):
    # What the items share: the run, and how they end.
    parent: ConfigFile

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.add_marker("infercheck")
        if not asked(self.config):
            self.add_marker(pytest.mark.skip(reason=HOW))
        if self.config.pluginmanager.hasplugin("timeout"):
            # The first item carries the whole run, which has timeouts of its own for every request.
            self.add_marker(pytest.mark.timeout(0))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where pytest says that it is."""
        return self.path, 0, f"infercheck {self.name}"

    def results(self) -> Results:
        """The results of the run; without them there is an error, and no traceback of ours."""
        try:
            return self.parent.run.results(self._selected)
        except RunError as error:
            trouble = _said(error)
        return _end(trouble)  # out here, so that no exception of ours stands before it

    def _selected(self) -> list[str]:
        return [
            item.name
            for item in self.session.items
            if isinstance(item, RequirementItem) and item.parent.path == self.path
        ]


class RequirementItem(_Item):
    """One requirement."""

    def __init__(self, *, requirement: Requirement, **more: Any) -> None:
        super().__init__(**more)
        self.requirement = requirement
        self.add_marker(f"infercheck_{requirement.level.lower()}")
        self.add_marker(f"infercheck_{requirement.area}")
        clause = requirement.clause
        self.user_properties.append(("level", str(requirement.level)))
        self.user_properties.append(("clause", visible(clause.pointer or clause.quote or clause.source or "", 400)))

    def setup(self) -> None:
        """See to it that the run was made; what is no fault of the target is an error."""
        results = self.results()
        self.result = next(one for one in results.results if one.requirement.id == self.requirement.id)
        if self.result.groups:
            self.user_properties.append(("request_number", str(self.result.groups[0].request_number)))
        if self.result.verdict is Verdict.ERROR:
            _end(told(results, self.result))
        undecided = self.result.verdict is Verdict.INCONCLUSIVE and not self.parent.run.job.allow_undecided
        if undecided and not results.record.complete:
            _end(f"the run is incomplete: {visible(results.record.why_incomplete)}")

    def runtest(self) -> None:
        """Pass, fail, warn or skip as the verdict says."""
        results, result = self.results(), self.result
        for stale in results.stale:
            if stale.requirements == (self.requirement.id,) and result.verdict is not Verdict.FAIL:
                _end(_outdated(stale))
        match result.verdict:
            case Verdict.FAIL:
                _end(told(results, result) + "".join(f"\n{_outdated(one)}" for one in self._about(results)))
            case Verdict.WARN:
                self._warn(told(results, result))
            case Verdict.EXPECTED:
                pytest.xfail(visible(result.reason))
                _end(told(results, result))  # only with --runxfail
            case Verdict.SKIP | Verdict.INCONCLUSIVE:
                _skip(visible(result.reason) or str(result.verdict))
            case Verdict.NOTE if self.requirement.level is Level.INFO:
                self.add_report_section("call", "infercheck", told(results, result))
            case Verdict.NOTE:
                # Something stood in the way of a verdict, such as the target's context window.
                _skip(f"not decided: {visible(result.reason or result.groups[0].finding.observed, 300)}")

    def _about(self, results: Results) -> list[Stale]:
        return [stale for stale in results.stale if self.requirement.id in stale.requirements]

    def _warn(self, text: str) -> None:
        fail_on = self.config.getoption("infercheck_fail_on") or self.parent.run.job.fail_on
        if fail_on != "should":
            try:
                self.warn(BrokenShould(text))
                return
            except BrokenShould:
                pass  # the user makes errors of warnings
        _end(text)


class ExpectationsItem(_Item):
    """The expectations that are out of date and that are not about one requirement, whose item would fail."""

    def runtest(self) -> None:
        """Fail where there are any."""
        others = [stale for stale in self.results().stale if len(stale.requirements) != 1]
        if others:
            _end("\n".join(map(_outdated, others)))


def add_items(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Add the items of a target that was named, where no config file was collected."""
    if session.testsfailed or any(isinstance(item, RequirementItem) for item in items):
        return
    config = session.config
    path = config.rootpath / CONFIG
    if config.getoption("infercheck"):
        items.extend(ConfigFile.from_parent(session, path=path).collect())
    elif not path.is_file():
        raise pytest.UsageError(
            f"--infercheck: there is no {CONFIG} in {config.rootpath}; `infercheck init` writes one, and "
            "--infercheck=URL needs none"
        )


def _outdated(stale: Stale) -> str:
    where = f" ({stale.entry.place})" if stale.entry.place else ""
    return f"the expectation {visible(str(stale.entry))}{where} is out of date: {visible(stale.why)}"


def _said(error: InfercheckError) -> str:
    return visible_lines(f"{error}\n  {error.hint}" if error.hint else str(error))


def _end(text: str) -> NoReturn:
    pytest.fail(text, pytrace=False)


def _skip(reason: str) -> NoReturn:
    skipped = pytest.skip.Exception(reason)
    # So that the summary names the config file and not this module; where pytest does not know it, no harm is done.
    skipped._use_item_location = True
    raise skipped
