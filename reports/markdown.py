"""summary.md: the results in GitHub's Markdown, short enough for the summary of a job.

Whatever comes from a target or a user stands in a code span or a fence, where nothing is markup and GitHub makes
no link of a name, a number or an address. Only a title of harmless characters is text.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence

from infercheck.expectations import Stale
from infercheck.findings import Finding, Verdict
from infercheck.record import Record
from infercheck.reports.plain import clause_of, count, drawn, served, tally
from infercheck.reports.words import areas, by_cause, commands, dialect_of, evidence, fitted, line, worst
from infercheck.results import Group, Result, Results

LIMIT = 60_000
"""Characters of a summary: GitHub takes 1 MiB of a job's, and people less."""
SHOWN = 10
"""Broken requirements that are shown whole, and undecided ones and expectations that are listed."""
LISTED = 40
"""Ids that a folded list holds, and areas of the table."""
NAME = 200
"""Characters of an id, a title or a reason that are shown."""
FIELD = 400
"""Characters of each side of a finding that are shown."""
COMMAND = 2_000
"""Characters of a curl line that are shown."""

HEADLINES = {
    "pass": "✅ infercheck passed",
    "fail": "❌ infercheck failed",
    "incomplete": "⚠️ infercheck incomplete",
}
MARKS = {Verdict.FAIL: "❌", Verdict.WARN: "⚠️"}
CUT = "**Parts are left out to keep this summary small; report.html has them all.**"

# What GitHub would make a link of: an address, an issue, a commit.
_LINKED = re.compile(r"www\.|gh-|[0-9a-f]{7}", re.IGNORECASE)
_HARMLESS = re.compile(r"""[\w ,.;()'"/\[\]*^=-]+""")
_MARKUP = re.compile(r"[\[\]_*]")


def render(results: Results) -> str:
    """The summary, never longer than LIMIT: a pure function of the results."""
    return within(_blocks(results), _again(results), CUT)


def within(blocks: Iterable[str], last: str, said: str) -> str:
    """As many blocks as LIMIT has room for, then the last one; `said` stands before it where any is left out."""
    kept: list[str] = []
    room, cut = LIMIT - len(last) - len(said) - 4, False
    for block in blocks:
        if len(block) + 2 <= room:
            room -= len(block) + 2
            kept.append(block)
        else:
            cut = True
    return "\n\n".join([*kept, *([said] if cut else []), last]) + "\n"


def code(text: object, limit: int = NAME) -> str:
    """Any text as a code span of one line; `limit` counts the characters within."""
    shown = line(text, limit) or " "
    ticks = _ticks(shown, 1)
    # One space on either side is taken away again, where there is one on both.
    pad = " " if shown[0] in " `" or shown[-1] in " `" else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def _ticks(text: str, least: int) -> str:
    longest = max(map(len, re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def fenced(text: str) -> str:
    """Lines for a shell, in a fence that they cannot end."""
    fence = _ticks(text, 3)
    return f"{fence}sh\n{text}\n{fence}"


def titled(text: str) -> str:
    """A title: text where its characters are harmless, else a code span."""
    shown = line(text, NAME)
    if _HARMLESS.fullmatch(shown) and not _LINKED.search(shown):
        return _MARKUP.sub(r"\\\g<0>", shown)
    return code(shown)


def _blocks(results: Results) -> Iterator[str]:
    record = results.record
    header = record.header
    yield f"## {HEADLINES[results.verdict]}"
    yield f"**{tally(results)}**"
    if between := drawn(record):
        yield f"Beside the planned requests, {between}."
    if not record.complete:
        yield f"**⚠️ INCOMPLETE: {code(record.why_incomplete or 'no reason was recorded', FIELD)}**"
    yield (
        f"{code(header['target']['address'])} ({code(dialect_of(record))}) "
        f"against {code(header['contract']['id'])}, profile {code(header['profile'])}, seed {code(header['seed'])}"
    )
    if words := served(record):
        yield code(words, FIELD)
    if results.stale:
        yield f"### ❌ Expectations out of date\n\n{_list([*map(_stale, results.stale)], SHOWN)}"
    yield _table(results)
    broken = worst(results)
    for number, result in enumerate(broken[:SHOWN], start=1):
        yield _finding(results, number, result)
    if rest := [f"{MARKS[result.verdict]} {code(result.requirement.id)}" for result in broken[SHOWN:]]:
        yield folded(f"and {len(rest)} more broken", rest)
    if undecided := results.undecided:
        parts = [_reason(part[0], alike=len(part) if cause else 1) for cause, part in by_cause(undecided)]
        yield f"### ⚠️ {count(len(undecided), 'MUST requirement')} undecided\n\n{_list(parts, SHOWN)}"
    if expected := [_reason(result) for result in results.with_verdict(Verdict.EXPECTED)]:
        yield folded(f"{count(len(expected), 'requirement')} broken as expected", expected)


def _list(items: Sequence[str], most: int) -> str:
    lines = [f"- {item}" for item in items[:most]]
    if len(items) > most:
        lines.append(f"- and {len(items) - most} more, in report.html")
    return "\n".join(lines)


def folded(summary: str, items: Sequence[str]) -> str:
    """A list that its summary opens."""
    # Without the empty lines the list would be HTML, and its text markup.
    return f"<details>\n<summary>{summary}</summary>\n\n{_list(items, LISTED)}\n\n</details>"


def _stale(stale: Stale) -> str:
    where = f" ({code(stale.entry.place)})" if stale.entry.place else ""
    return f"{code(stale, FIELD)}{where}"


def _reason(result: Result, *, alike: int = 1) -> str:
    reason = f": {code(result.reason)}" if result.reason else ""
    return f"{code(result.requirement.id) if alike == 1 else count(alike, 'requirement')}{reason}"


def _table(results: Results) -> str:
    shown = [verdict for verdict in Verdict if results.totals[verdict]]
    found = areas(results)
    rows = [["area", *map(str, shown)], ["---", *("--:" for _ in shown)]]
    # In a table a bar ends the cell even within a code span.
    rows += [
        [code(area, 60).replace("|", r"\|"), *(str(counts[verdict] or "") for verdict in shown)]
        for area, counts in list(found.items())[:LISTED]
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    more = len(found) - LISTED
    return f"{table}\n\nand {count(more, 'more area')}, in report.html" if more > 0 else table


def _finding(results: Results, number: int, result: Result) -> str:
    requirement, group = result.requirement, result.groups[0]
    title = f": {titled(requirement.title)}" if requirement.title else ""
    head = f"### {MARKS[result.verdict]} {number}. {requirement.level} {code(requirement.id)}{title}"
    fields = [f"- clause: {code(clause_of(result), FIELD)}", *sides(group)]
    parts = [head, "\n".join(fields), *curls(results.record, group.finding)]
    if others := len(result.groups) - 1:
        parts.append(f"and {count(others, 'other finding')} of this requirement, in report.html")
    return "\n\n".join(parts)


def sides(group: Group) -> Iterator[str]:
    """What shows a verdict, as items of a list."""
    yield from (f"- {name}: {code(value, FIELD + 20)}" for name, value in evidence(group, FIELD))


def curls(record: Record, finding: Finding) -> Iterator[str]:
    """The curl lines of a finding, as blocks."""
    for name, whole in commands(record, finding):
        curl, remark = fitted(whole, COMMAND)
        if name == "versus":
            yield "compared with the answer to"
        yield fenced(curl)
        if remark:
            yield f"({remark})"


def _again(results: Results) -> str:
    """How to look into it: with the id of the worst requirement, and the options of this run where they fit."""
    broken = worst(results)
    id_ = broken[0].requirement.id if broken else "ID"
    words = [word for word in results.record.header["command"] if word != "--github"]
    run = shlex.join(words)
    if words[:2] != ["infercheck", "run"] or "--only" in run or not run.isprintable() or len(run) > FIELD:
        run = "infercheck run …"
    word = line(shlex.quote(id_), NAME)
    commands = f"infercheck explain {word}\n{run} --only {word}"
    return f"### Look into it\n\n{fenced(commands)}"
