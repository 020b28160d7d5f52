"""Nothing is skipped in a tier with an environment of its own: what is not there was not tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


def _fail(report: Any) -> Any:
    if report.skipped:
        report.outcome = "failed"
        vars(report).pop("wasxfail", None)
        report.longrepr = f"skipped, which a test of this tier may not be: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """A test that skips fails, and so does one that is expected to fail."""
    return _fail((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """A module that skips fails."""
    return _fail((yield))
