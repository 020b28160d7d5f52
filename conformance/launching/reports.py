"""What a run leaves beside its journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from infercheck.reports import badge, html, json_report, junit, markdown
from infercheck.reports.curl import needs_file, write_body
from infercheck.reports.files import to_bytes, write_file
from infercheck.results import Results

REPORTS: Mapping[str, Callable[[Results], str]] = {
    "report.html": html.render,
    "report.json": json_report.render,
    "junit.xml": junit.render,
    "summary.md": markdown.render,
    "badge.svg": badge.render_svg,
    "badge.json": badge.render_json,
}
"""The reports, by the name of their file."""


def write_reports(folder: Path, results: Results, *, fail_on_should: bool = False) -> None:
    """Write the reports of a run, and the bodies that curl lines read, to a folder.

    With `fail_on_should` a broken SHOULD is a failure where tools count failures: in junit.xml.
    """
    for name, render in REPORTS.items():
        if name == "junit.xml":
            render = partial(junit.render, fail_on_should=fail_on_should)
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
