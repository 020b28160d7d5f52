"""What `--github` does in a job of GitHub Actions: annotations, the job's summary, and a log that obeys nobody."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from infercheck.errors import InfercheckError, UsageError
from infercheck.reports import github, markdown
from infercheck.reports.files import to_bytes
from infercheck.reports.visible import visible_lines
from infercheck.results import Results

SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable with the path of the file that becomes the job's summary."""


@contextmanager
def quoted(*, active: bool) -> Iterator[None]:
    """What is printed meanwhile quotes a target, whose words the log must not take for commands."""
    if not active:
        yield
        return
    token = secrets.token_hex(16)
    click.echo(github.stop_commands(token))
    try:
        yield
    finally:
        click.echo(github.resume_commands(token))


def tell(error: InfercheckError) -> None:
    """Print what kept a run from its results as an annotation, and in the log."""
    click.echo(to_bytes(github.trouble(str(error), error.hint)))
    with quoted(active=True):  # the end of a server's log may stand in it
        click.echo(visible_lines(f"infercheck: {error}\n  {error.hint}".rstrip()))


def annotate(results: Results, file: Path | None) -> None:
    """Print the annotations, shown at a file, and add to the job's summary where there is one."""
    shown = None if file is None else os.path.relpath(file, os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
    if commands := github.annotations(results, file=shown):
        click.echo(to_bytes(commands))
    if path := os.environ.get(SUMMARY):
        try:
            with Path(path).open("ab") as summary:
                summary.write(to_bytes(markdown.render(results)) + b"\n")
        except OSError as error:
            raise UsageError(f"{path} of {SUMMARY}: cannot be written: {error.strerror}") from None
