"""Servers for several tests: each module has its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import served
from projects import Broken, Counting


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
