"""What all interop tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from unskipped import pytest_make_collect_report, pytest_runtest_makereport

from interop.cloud import Cloud, cloud

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]


@pytest.fixture(scope="session")
def _cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with cloud(tmp_path_factory.mktemp("certificates")) as everybodys:
        yield everybodys


@pytest.fixture
def sky(_cloud: Cloud) -> Cloud:
    """api.cloudflare.com, to which nothing has been sent yet."""
    _cloud.recorder.exchanges()
    _cloud.strangers.clear()
    return _cloud
