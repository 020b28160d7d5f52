"""`infercheck report`: a report from a journal."""

from __future__ import annotations

import io
from pathlib import Path

import click
from rich.console import Console

from infercheck.launching.recorded import journal_of
from infercheck.record import read
from infercheck.reports import html, json_report, terminal
from infercheck.reports.files import to_bytes, write_file
from infercheck.results import results_of


def report(journal: Path, form: str, output: Path | None) -> None:
    """Write a report of a recorded run to a file or to the terminal."""
    results = results_of(read(journal_of(journal)))
    if form == "text":
        if output is None:
            terminal.summary(terminal.console(), results, "")
            return
        buffer = io.StringIO()
        terminal.summary(Console(file=buffer, width=120, markup=False, highlight=False), results, "")
        text = buffer.getvalue()
    else:
        text = html.render(results) if form == "html" else json_report.render(results)
    if output is None:
        click.echo(to_bytes(text), nl=False)
        return
    write_file(output, to_bytes(text))
