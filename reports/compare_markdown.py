"""A comparison in GitHub's Markdown, short enough for the summary of a job; what is no word of ours is code."""

from __future__ import annotations

from collections.abc import Iterator

from infercheck.reports.changes import WORSE
from infercheck.reports.comparison import Comparison, Row, Run, Shown, agreement, regressions, tally
from infercheck.reports.markdown import FIELD, LISTED, SHOWN, code, curls, folded, sides, titled, within
from infercheck.reports.plain import count
from infercheck.reports.plain import tally as tally_of_run

CUT = "**Parts are left out to keep this summary small; `infercheck compare --format html` has them all.**"
VERDICTS = {"pass": "✅", "fail": "❌", "incomplete": "⚠️"}


def render(comparison: Comparison) -> str:
    """The comparison, never longer than markdown.LIMIT: a pure function of it."""
    return within(_blocks(comparison), agreement(comparison), CUT)


def _blocks(comparison: Comparison) -> Iterator[str]:
    yield f"## {'❌ infercheck: worse' if regressions(comparison) else '✅ infercheck: not worse'}"
    yield f"**{tally(comparison)}**"
    yield "\n".join(map(_run, comparison.runs))
    if comparison.differences:
        lines = [
            f"- **{one.what}** ({one.limits}): "
            + "; ".join(f"run {number} {code(value)}" for number, value in enumerate(one.values, start=1))
            for one in comparison.differences
        ]
        yield "### ⚠️ The runs are not alike, which limits what can be compared\n\n" + "\n".join(lines)
    if comparison.rows:
        yield _table(comparison)
    changed = [(row, row.shown) for row in comparison.rows if row.shown]
    for row, shown in changed[:SHOWN]:
        yield _shown(row, shown)
    if (more := len(changed) - SHOWN) > 0:
        yield f"and {count(more, 'more change')}, in the HTML"
    for missing in comparison.missing:
        runs = f"run{'s' if missing.runs[1:] else ''} {', '.join(map(str, missing.runs))}"
        title = f"only {runs} have {count(len(missing.requirements), 'requirement')}"
        yield folded(title, [code(id_) for id_ in missing.requirements])


def _run(run: Run) -> str:
    return f"{run.number}. {code(run.name)} {VERDICTS[run.results.verdict]} {tally_of_run(run.results)}"


def _table(comparison: Comparison) -> str:
    rows = [["change", "level", "requirement", *(f"run {run.number}" for run in comparison.runs)]]
    rows.append(["---"] * len(rows[0]))
    # In a table a bar ends the cell even within a code span.
    rows += [
        [
            f"**{row.change}**" if row.change in WORSE else str(row.change),
            str(row.requirement.level),
            code(row.requirement.id).replace("|", r"\|"),
            *(str(verdict or "") for verdict in row.verdicts),
        ]
        for row in comparison.rows[:LISTED]
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    more = len(comparison.rows) - LISTED
    return f"{table}\n\nand {count(more, 'more requirement')}, in the HTML" if more > 0 else table


def _shown(row: Row, shown: Shown) -> str:
    title = f": {titled(row.requirement.title)}" if row.requirement.title else ""
    head = f"### {row.change}: {row.requirement.level} {code(row.requirement.id)}{title}"
    said = f"- run: {shown.run.number}"
    if shown.group is None:
        return f"{head}\n\n{said}\n- reason: {code(shown.reason, FIELD)}"
    fields = "\n".join([said, *sides(shown.group)])
    return "\n\n".join([head, fields, *curls(shown.run.record, shown.group.finding)])
