"""Tests that need PyTorch: without it they are skipped, and say how to get it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from missing import missing


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Skip every module here that could not be imported."""
    return missing(("torch", "transformers", "peft"), "checkpoints", module_path, parent)


def pytest_itemcollected(item: pytest.Item) -> None:
    """The three libraries warn of each other's names, which change faster than their releases."""
    if Path(__file__).parent in item.path.parents:
        for kind in (FutureWarning, DeprecationWarning):
            item.add_marker(pytest.mark.filterwarnings(f"ignore::{kind.__name__}"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkpoint `base` and the adapters `poet` and `pirate`."""
    from checkpoints.tiny import make

    return make(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def engine(tiny: Path) -> Iterator[Any]:
    """The engine over it, where every answer has its own steps."""
    from checkpoints.asking import opened

    with opened(tiny) as made:
        yield made


@pytest.fixture(scope="session")
def batching(tiny: Path) -> Iterator[Any]:
    """The engine over it, where eight answers share their steps."""
    from checkpoints.asking import opened

    with opened(tiny, batch=8) as made:
        yield made
