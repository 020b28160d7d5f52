"""Tiers with an environment of their own: where that is not there, tests are skipped and say how to get it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest


class Missing(pytest.Module):
    """A module that is not imported."""

    why = ""

    def collect(self) -> Any:
        pytest.skip(self.why)


def missing(names: Sequence[str], target: str, path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """What stands for a module of tests where libraries are missing that a target of make installs; else None."""
    lacking = [name for name in names if find_spec(name) is None]
    if not lacking:
        return None
    module: Missing = Missing.from_parent(parent, path=path)
    module.why = f"{', '.join(lacking)} missing: `make {target}` installs all that this needs, and runs it"
    return module
