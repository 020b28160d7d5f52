"""A comparison for people, as one HTML file that needs nothing else."""

from __future__ import annotations

from infercheck import __version__
from infercheck.reports.changes import MEANINGS, WORSE
from infercheck.reports.comparison import Comparison, agreement, regressions, tally
from infercheck.reports.exhibits import Exhibits
from infercheck.reports.page import page
from infercheck.reports.plain import tally as tally_of_run

SIDE = 600
"""Characters of each side of a finding that are shown; the run's own report has more."""


def render(comparison: Comparison) -> str:
    """The whole comparison as an HTML page: a pure function of it."""
    is_worse = bool(regressions(comparison))
    all_pass = all(run.results.verdict == "pass" for run in comparison.runs[1:])
    return page(
        "compare.html.jinja",
        version=__version__,
        tone="fail" if is_worse else "pass" if all_pass else "incomplete",
        title="worse" if is_worse else "not worse",
        tally=tally(comparison),
        agreement=agreement(comparison),
        comparison=comparison,
        tallies=[tally_of_run(run.results) for run in comparison.runs],
        # A page has room for so much of each run.
        exhibits={run.number: Exhibits(run.record) for run in comparison.runs},
        meanings=MEANINGS,
        WORSE=WORSE,
        SIDE=SIDE,
    )
