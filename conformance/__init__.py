"""infercheck: does a text-generation endpoint keep the promises of its documentation page?

What stands in `__all__` is the Python API; it is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infercheck.api import Run, run, run_async
    from infercheck.errors import BrokenShould, InfercheckError, TargetError, UserError
    from infercheck.findings import Finding, Verdict
    from infercheck.requirements import Level, Requirement
    from infercheck.results import Group, Result
    from infercheck.runners.engine import Engine, Refusal
    from infercheck.testing import BrokenPromise, ContractCase, parametrize

__version__ = "0.1.0"

__all__ = [
    "BrokenPromise",
    "BrokenShould",
    "ContractCase",
    "Engine",
    "Finding",
    "Group",
    "InfercheckError",
    "Level",
    "Refusal",
    "Requirement",
    "Result",
    "Run",
    "TargetError",
    "UserError",
    "Verdict",
    "__version__",
    "parametrize",
    "run",
    "run_async",
]

_HOMES = {
    "api": ("Run", "run", "run_async"),
    "errors": ("BrokenShould", "InfercheckError", "TargetError", "UserError"),
    "findings": ("Finding", "Verdict"),
    "requirements": ("Level", "Requirement"),
    "results": ("Group", "Result"),
    "runners.engine": ("Engine", "Refusal"),
    "testing": ("BrokenPromise", "ContractCase", "parametrize"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"infercheck.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
