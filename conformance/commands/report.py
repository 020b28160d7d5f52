"""`infercheck report`: a report from a journal."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import click
from rich.console import Console

from infercheck.launching.recorded import journal_of
from infercheck.record import read
from infercheck.reports import badge, har, html, json_report, junit, markdown, terminal
from infercheck.reports.curl import BODIES
from infercheck.reports.files import to_bytes, write_file
from infercheck.results import Results, results_of

FORMS: Mapping[str, Callable[[Results], str]] = {
    "html": html.render,
    "json": json_report.render,
    "junit": junit.render,
    "markdown": markdown.render,
    "har": har.render,
    "badge-svg": badge.render_svg,
    "badge-json": badge.render_json,
}
"""The forms besides plain text."""


def report(journal: Path, form: str, output: Path | None) -> None:
    """Write a report of a recorded run to a file or to the terminal."""
    path = journal_of(journal)
    record = read(path)
    here = path.absolute().parent
    if (here / BODIES).is_dir() or not Path(record.header["folder"]).is_dir():
        # The run was moved or copied, as out of CI: curl lines read long bodies from where they are.
        record.header = {**record.header, "folder": str(here)}
    results = results_of(record)
    if form == "text":
        if output is None:
            terminal.summary(terminal.console(), results, "")
            return
        buffer = io.StringIO()
        terminal.summary(Console(file=buffer, width=120, markup=False, highlight=False), results, "")
        text = buffer.getvalue()
    else:
        text = FORMS[form](results)
    if output is None:
        click.echo(to_bytes(text), nl=False)
        return
    write_file(output, to_bytes(text))
