"""A comparison on the terminal: whatever came from a target or a user, all of it prints."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from infercheck.findings import Verdict
from infercheck.reports.changes import WORSE, Change
from infercheck.reports.comparison import Comparison, Difference, Row, Run, Shown, agreement, regressions, tally
from infercheck.reports.plain import count
from infercheck.reports.plain import tally as tally_of_run
from infercheck.reports.terminal import STYLES, WORDS
from infercheck.reports.visible import visible
from infercheck.reports.words import commands, evidence
from infercheck.reports.words import line as line_of

SHOWN = 20
"""Changed requirements whose findings are shown."""
LISTED = 100
"""Requirements that are listed, a line each."""
NAMED = 5
"""Requirements that only some runs have that are named."""
NAME = 200
"""Characters of an id that is named beside others."""
FIELD = 400
"""Characters of a value that are shown."""
COLUMN = max(map(len, Verdict)) + 2
ABSENT = "-"


def summary(console: Console, comparison: Comparison) -> None:
    """The runs, what limits the comparison, the requirements that differ or are not kept, and what agrees."""
    style = "bold red" if regressions(comparison) else "bold"
    console.print(Text(f"\n{tally(comparison)}", style), soft_wrap=True)
    for run in comparison.runs:
        _run(console, run)
    console.print()
    for difference in comparison.differences:
        _difference(console, difference)
    if comparison.rows:
        _rows(console, comparison)
    console.print(agreement(comparison))
    for missing in comparison.missing:
        ids = ", ".join(line_of(id_, NAME) for id_ in missing.requirements[:NAMED])
        more = len(missing.requirements) - NAMED
        runs = f"run{'s' if missing.runs[1:] else ''} {', '.join(map(str, missing.runs))}"
        console.print(
            f"Only {runs} have {count(len(missing.requirements), 'requirement')}: "
            f"{ids}{f' and {more} more' if more > 0 else ''}.",
            soft_wrap=True,
            highlight=False,
        )


def _run(console: Console, run: Run) -> None:
    line = Text(f"  {run.number}  ").append(line_of(run.name, FIELD)).append("  ")
    line.append(run.results.verdict.upper(), WORDS[run.results.verdict])
    console.print(line.append(f"  {tally_of_run(run.results)}"), soft_wrap=True)


def _difference(console: Console, difference: Difference) -> None:
    console.print(
        Text(f"! {difference.what.upper()} ", "bold magenta").append(f"is not alike: {difference.limits}"),
        soft_wrap=True,
    )
    for number, value in enumerate(difference.values, start=1):
        console.print(f"    {number}  {line_of(value, FIELD)}", soft_wrap=True, highlight=False)
    console.print()


def _rows(console: Console, comparison: Comparison) -> None:
    # The verdicts stand before the ids, which may be longer than a line.
    heads = "".join(f"{run.number:<{COLUMN}}" for run in comparison.runs)
    console.print(f"  {heads}{'':<17}level   requirement", soft_wrap=True, highlight=False)
    left = SHOWN
    for row in comparison.rows[:LISTED]:
        console.print(_line(row), soft_wrap=True)
        if row.shown is not None and left:
            left -= 1
            _evidence(console, row.shown)
    if (rest := len(comparison.rows) - LISTED) > 0:
        console.print(f"  and {rest} more; --format json has them all")
    console.print()


def _line(row: Row) -> Text:
    line = Text("  ")
    for verdict in row.verdicts:
        line.append(f"{verdict or ABSENT:<{COLUMN}}", STYLES[verdict] if verdict else "dim")
    line.append(f"{row.change:<17}", _style(row.change))
    return line.append(f"{row.requirement.level:<8}{line_of(row.requirement.id, FIELD)}")


def _style(change: Change) -> str:
    return "bold red" if change in WORSE else "green" if change is Change.MENDED else ""


def _evidence(console: Console, shown: Shown) -> None:
    if shown.group is None:
        _field(console, f"run {shown.run.number}", line_of(shown.reason, FIELD))
        return
    _field(console, "run", str(shown.run.number))
    for name, value in evidence(shown.group, FIELD):
        _field(console, name, value)
    for name, line in commands(shown.run.record, shown.group.finding):
        # Not wrapped and not shortened: it is there to be copied.
        _field(console, name, visible(line))


def _field(console: Console, name: str, value: str) -> None:
    console.print(Text(f"      {name:<10}").append(value), soft_wrap=True)
