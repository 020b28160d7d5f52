"""What a run leaves beside its journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from infercheck.reports import html, json_report
from infercheck.reports.curl import needs_file, write_body
from infercheck.reports.files import to_bytes, write_file
from infercheck.results import Results

REPORTS: Mapping[str, Callable[[Results], str]] = {
    "report.json": json_report.render,
    "report.html": html.render,
}
"""The reports, by the name of their file."""


def write_reports(folder: Path, results: Results) -> None:
    """Write the reports of a run, and the bodies that curl lines read, to a folder."""
    for name, render in REPORTS.items():
        write_file(folder / name, to_bytes(render(results)))
    for number in _shown(results):
        exchange = results.record.exchanges[number]
        if needs_file(exchange.request):
            write_body(folder, exchange.request)


def _shown(results: Results) -> set[int]:
    return {
        number
        for result in results.results
        for group in result.groups
        for number in group.finding.exchanges
        if number in results.record.exchanges
    }
