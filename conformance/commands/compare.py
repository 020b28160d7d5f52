"""`infercheck compare`: recorded runs beside each other, and a gate for what got worse."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console

from infercheck.errors import UsageError
from infercheck.launching.recorded import journal_of
from infercheck.record import read
from infercheck.reports import compare_html, compare_json, compare_markdown, compare_text, terminal
from infercheck.reports.comparison import Comparison, regressions, uncounted
from infercheck.reports.comparison import compare as compared
from infercheck.reports.files import to_bytes, write_file
from infercheck.reports.visible import visible
from infercheck.results import results_of

FORMS: Mapping[str, Callable[[Comparison], str]] = {
    "html": compare_html.render,
    "json": compare_json.render,
    "markdown": compare_markdown.render,
}
"""The forms besides plain text."""
WORSE = 1
"""Exit status of a gate that does not open."""


def compare(journals: Sequence[Path], form: str, output: Path | None, *, gate: bool, fail_on: str | None) -> int:
    """Write the comparison of recorded runs to a file or to the terminal; returns the exit status."""
    if len(journals) < 2:
        raise UsageError("a run is compared with another", hint="Name two journals, or folders of runs, or more.")
    if fail_on is not None and not gate:
        raise UsageError("--fail-on says what --gate fails on", hint="Give --gate too.")
    results = [results_of(read(journal_of(journal))) for journal in journals]
    comparison = compared(results, [str(journal) for journal in journals])
    if output is not None:
        write_file(output, to_bytes(_text(comparison) if form == "text" else FORMS[form](comparison)))
    elif form == "text":
        compare_text.summary(terminal.console(), comparison)
    else:
        click.echo(to_bytes(FORMS[form](comparison)), nl=False)
    return _gate(comparison, fail_on_should=fail_on == "should") if gate else 0


def _text(comparison: Comparison) -> str:
    buffer = io.StringIO()
    compare_text.summary(Console(file=buffer, width=120, markup=False, emoji=False, highlight=False), comparison)
    return buffer.getvalue()


def _gate(comparison: Comparison, *, fail_on_should: bool) -> int:
    # Beside the comparison, which may be for a program: why a job is red has to stand in its log.
    lines = regressions(comparison, fail_on_should=fail_on_should)
    for line in lines:
        click.echo(f"infercheck: {visible(line)}", err=True)
    if not lines:
        click.echo("infercheck: nothing is worse than in the first run", err=True)
    for line in uncounted(comparison):
        click.echo(f"infercheck: not counted: {visible(line)}", err=True)
    if comparison.differences:
        words = ", ".join(difference.what for difference in comparison.differences)
        click.echo(f"infercheck: the runs are not alike, which limits what can be compared: {words}", err=True)
    return WORSE if lines else 0
