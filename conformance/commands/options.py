"""From the command line's options, and the config file beside them, to a job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from infercheck.config import find_config, read_config
from infercheck.contract import Contract
from infercheck.contract_loader import DEFAULT, load
from infercheck.job import Job, job_of, left_out

FIELDS = {"contract_name": "contract"}
"""Options whose name is not that of their field of a job."""


def contract_of(name: str | None) -> Contract:
    """The contract that was named, or the default one."""
    return load(name or DEFAULT)


def given(options: dict[str, Any]) -> dict[str, Any]:
    """The fields of a job that were said on the command line, defaults apart."""
    source = click.get_current_context().get_parameter_source
    return {
        FIELDS.get(name, name): value
        for name, value in options.items()
        if source(name) is ParameterSource.COMMANDLINE
    }


def job_of_options(options: dict[str, Any], said: Callable[[str], None] = lambda line: None) -> Job:
    """The job that the options and the config file say: an option that was given goes before the file.

    `said` gets a line where a file is used.
    """
    path: Path | None = options["config"] or find_config(Path())
    config = read_config(path) if path and not options["no_config"] else None
    values = given(options)
    if config is not None:
        unused = ", ".join(sorted(left_out(config, values) - {"target"}))
        said(f"using {config.path}" + (f", but for its {unused}" if unused else ""))
    return job_of(config, values)
