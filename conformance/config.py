"""`infercheck.yaml`: what the options of the command line say, in a file."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infercheck.errors import UsageError
from infercheck.schema import Schema
from infercheck.yamlfile import check, fault_of, load

NAME = "infercheck.yaml"
"""What the file is called."""

TEMPLATE = "config.template.yaml"
"""The file with every key that users begin with; by its own name no test runner would take it for a user's."""

LISTS = ("lora", "declare", "only", "exclude", "expect")
"""Keys that take one text for a list of one."""

PATHS = ("ca_bundle", "output", "baseline")
"""Keys whose values are paths, whether something is there or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A config file. `values` has the keys that it sets, checked, as JSON would have them; paths are texts.

    Paths that are relative in the file have its folder before them.
    """

    path: Path
    values: Mapping[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)

    def line_of(self, key: str) -> int:
        """The line, from 1, where a key stands; 1 where it is not set."""
        return self.lines.get(key, 1)


def find_config(folder: Path) -> Path | None:
    """The config file of a folder; None where it has none. The folders above are not looked at."""
    path = folder / NAME
    return path if path.is_file() else None


def read_config(path: Path) -> Config:
    """Read a config file; ConfigError with its line for the first thing that is wrong with it."""
    file = load(path)
    check(file, _form())
    return Config(
        path=path,
        values={key: _resolved(key, _listed(key, value), path.parent) for key, value in file.value.items()},
        lines={key: file.line((key,)) for key in file.value},
    )


def check_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a program says by the keys of the file, as the file would say it; UsageError where it makes no sense."""
    if (fault := fault_of(values, _form())) is not None:
        _, text, hint = fault
        raise UsageError(text, hint=hint)
    return {key: _listed(key, value) for key, value in values.items()}


def _listed(key: str, value: Any) -> Any:
    return [value] if key in LISTS and isinstance(value, str) else value


def _resolved(key: str, value: Any, folder: Path) -> Any:
    if key in PATHS:
        return str(folder / value)
    # These may be names as well: a path is what leads somewhere.
    if key == "contract":
        return str(folder / value) if _leads(folder / value, to_folder=True) else value
    if key == "expect":
        return [str(folder / entry) if _leads(folder / entry) else entry for entry in value]
    return value


def _leads(path: Path, *, to_folder: bool = False) -> bool:
    try:
        return path.is_dir() if to_folder else path.exists()
    except OSError:  # a text that is too long to be a path
        return False


def _form() -> Schema:
    file = importlib.resources.files("infercheck.schemas") / "config.schema.json"
    form: Schema = json.loads(file.read_text("utf-8"))
    return form
