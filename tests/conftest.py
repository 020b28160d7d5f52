"""Servers for several tests: each module has its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import served
from projects import Broken, Counting


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of the tests' own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFERCHECK_CACHE_DIR", str(folder))
        yield folder


@pytest.fixture(scope="module")
def broken() -> Iterator[Broken]:
    """A server that breaks a MUST and a SHOULD, at `url`."""
    server = Broken()
    with served(server.app()) as server.url:
        yield server


@pytest.fixture(scope="module")
def sound() -> Iterator[Counting]:
    """A conforming server, at `url`."""
    server = Counting()
    with served(server.app()) as server.url:
        yield server
