"""`infercheck init`: a config file to begin with."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import click

from infercheck.config import TEMPLATE
from infercheck.errors import UsageError
from infercheck.reports.files import write_file


def init(file: Path, force: bool) -> None:
    """Write the commented config file."""
    if file.exists() and not force:
        raise UsageError(f"{file} is there already", hint="--force writes over it.")
    template = importlib.resources.files("infercheck.schemas") / TEMPLATE
    write_file(file, template.read_bytes())
    click.echo(f"wrote {file}: give it the address of your server, then `infercheck doctor`, then `infercheck run`")
