"""The terminal: how far a run is, and what came out of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from infercheck.findings import Verdict
from infercheck.reports.files import drop_stdout
from infercheck.reports.plain import count, drawn, others, served, server_log, steadiness, tally
from infercheck.reports.visible import visible
from infercheck.reports.words import areas, by_cause, commands, dialect_of, worst
from infercheck.requirements import Level
from infercheck.results import Result, Results

STYLES = {
    Verdict.FAIL: "bold red",
    Verdict.WARN: "yellow",
    Verdict.ERROR: "magenta",
    Verdict.INCONCLUSIVE: "magenta",
    Verdict.NOTE: "cyan",
    Verdict.PASS: "green",
    Verdict.SKIP: "dim",
    Verdict.EXPECTED: "dim",
}
WORDS = {"pass": "bold green", "fail": "bold red", "incomplete": "bold magenta"}
SHOWN = 5
"""Requirements of the worst findings that are shown whole."""

REASONS = 3
"""Reasons why promises were left out that are told."""

LISTED = 20
"""Requirements that are listed after them, one line each."""


class _Console(Console):
    # Whoever reads only the beginning, as head does, has not said that a promise is broken.
    def on_broken_pipe(self) -> None:
        self.quiet = True
        drop_stdout()


def console(*, stderr: bool = False, quiet: bool = False) -> Console:
    """A console that takes nothing that it prints for markup."""
    return _Console(stderr=stderr, quiet=quiet, markup=False, emoji=False)


@contextmanager
def progress(console: Console, total: int) -> Iterator[Listener]:
    """Shows how far a run is: a bar on a terminal, else a plain line now and then."""
    if not console.is_terminal:
        yield _Plain(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[found]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield _Bar(bar, total)


class Listener:
    """Is told how far a run is."""

    def update(self, done: int, total: int, requests: int, broken: int, seconds: float) -> None:
        """After each case or relation: how many are done of how many, requests sent, findings of broken promises,
        and seconds so far. There may be more of them as a run goes on."""
        raise NotImplementedError


class _Bar(Listener):
    def __init__(self, bar: Progress, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task("sending", total=total, rate="", found="")

    def update(self, done: int, total: int, requests: int, broken: int, seconds: float) -> None:
        rate = f"{requests / seconds:.0f}/s" if seconds else ""
        found = f"{broken} broken" if broken else ""
        self._bar.update(self._task, completed=done, total=total, rate=rate, found=found)


class _Plain(Listener):
    EVERY = 5.0

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = time.monotonic()

    def update(self, done: int, total: int, requests: int, broken: int, seconds: float) -> None:
        now = time.monotonic()
        if now - self._last < self.EVERY:
            return
        self._last = now
        left = (total - done) * seconds / done if done else 0
        self._console.print(
            f"{done} of {total} cases and relations, {requests} requests, {requests / seconds:.1f}/s, "
            f"about {left:.0f} s left, {broken} finding{'' if broken == 1 else 's'}",
            soft_wrap=True,
        )


def summary(console: Console, results: Results, folder: str) -> None:
    """The verdict, the areas, the worst findings whole, and where the rest is."""
    _headline(console, results)
    _areas(console, results)
    for stale in results.stale:
        where = f" ({stale.entry.place})" if stale.entry.place else ""
        console.print(Text("  stale        ", "bold red").append(visible(f"{stale}{where}")), soft_wrap=True)
    if results.stale:
        console.print()
    broken = worst(results)
    for number, result in enumerate(broken[:SHOWN], start=1):
        _finding(console, results, number, result)
    for result in broken[SHOWN : SHOWN + LISTED]:
        _line(console, result, f"expected {result.groups[0].finding.expected}")
    _rest(console, len(broken) - SHOWN - LISTED, "broken")
    undecided = results.with_verdict(Verdict.INCONCLUSIVE, Verdict.ERROR)
    # What leaves the run itself undecided comes first.
    undecided.sort(key=lambda result: result.requirement.level is not Level.MUST)
    parts = by_cause(undecided)
    for cause, results_ in parts[:SHOWN]:
        alike = count(len(results_), "requirement") if cause else ""
        _line(console, results_[0], results_[0].reason, alike=alike)
    _rest(console, sum(len(part) for _, part in parts[SHOWN:]), "that could not be decided")
    if expected := results.totals[Verdict.EXPECTED]:
        console.print(f"  {count(expected, 'requirement')} broken as expected")
    for why, number in _unjudged(results).most_common(REASONS):
        console.print(f"  {number} not judged: {visible(why, 200)}", soft_wrap=True)
    if notes := results.totals[Verdict.NOTE]:
        console.print(f"  {count(notes, 'note')} on what the page leaves open: the reports have them")
    if folder:
        console.print(f"\nreports: {visible(folder)}", soft_wrap=True)


def _unjudged(results: Results) -> Counter[str]:
    # Why promises were left out, the most common reason first.
    skipped = results.with_verdict(Verdict.SKIP)
    return Counter(result.reason for result in skipped if result.requirement.level is Level.MUST)


def _line(console: Console, result: Result, words: str, *, alike: str = "") -> None:
    line = Text("  ").append(f"{result.verdict:<13}", STYLES[result.verdict])
    line.append(f"{alike or visible(result.requirement.id)}: {visible(words, 120)}")
    console.print(line, soft_wrap=True)


def _rest(console: Console, count: int, what: str) -> None:
    if count > 0:
        console.print(f"  and {count} more {what}")


def _headline(console: Console, results: Results) -> None:
    record = results.record
    header = record.header
    console.print(
        f"\n{visible(header['target']['address'])} ({visible(dialect_of(record))}) "
        f"against {visible(header['contract']['id'])}, profile {header['profile']}, seed {header['seed']}"
        + "".join(f", {absence}" for absence in header["options"]["declare"]),
        highlight=False,
        soft_wrap=True,
    )
    console.print(
        Text(results.verdict.upper(), WORDS[results.verdict]).append(f"  {tally(results)}"), soft_wrap=True
    )
    if (record.footer or {}).get("noise"):
        console.print(f"not steady: {steadiness(record)} (effect/seed/reproducible)", soft_wrap=True)
    if between := drawn(record):
        console.print(
            f"{between}, beside {count(header['planned']['requests'], 'planned request')}", soft_wrap=True
        )
    if words := served(record):
        console.print(visible(words, 400), soft_wrap=True, highlight=False)
    if left_out := header["planned"]["left_out"]:
        console.print(f"{left_out} cases are not part of profile {header['profile']}")
    if not record.complete:
        console.print(Text(f"INCOMPLETE: {visible(record.why_incomplete)}", "bold magenta"), soft_wrap=True)


def _areas(console: Console, results: Results) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("area")
    shown = [verdict for verdict in Verdict if results.totals[verdict]]
    for verdict in shown:
        table.add_column(str(verdict), justify="right", style=STYLES[verdict])
    for area, counts in areas(results).items():
        table.add_row(visible(area), *(str(counts[verdict] or "") for verdict in shown))
    console.print()
    console.print(table)
    console.print()


def _finding(console: Console, results: Results, number: int, result: Result) -> None:
    requirement, clause = result.requirement, result.requirement.clause
    head = Text(f"{number}. ").append(str(result.verdict).upper(), STYLES[result.verdict])
    head.append(f" {visible(requirement.id)}  {visible(requirement.title)}")
    console.print(head, soft_wrap=True)
    source = " ".join(part for part in (clause.source, clause.pointer) if part)
    quote = f'"{clause.quote}"' if clause.quote and not clause.pointer else clause.quote or ""
    _field(console, "clause", f"{requirement.level}  {source}  {quote}")
    group = result.groups[0]
    _field(console, "case", group.finding.case)
    _field(console, "expected", group.finding.expected)
    times = f"  ({group.count} times)" if group.count > 1 else ""
    _field(console, "observed", f"{group.finding.observed}{times}")
    if also := others(group):
        _field(console, "also", also)
    if requirement.id == "http/server-error" and (log := server_log(results.record)):
        _field(console, "log", log)
    for name, line in commands(results.record, group.finding):
        # Not wrapped and not shortened: it is there to be copied.
        console.print(Text(f"   {name:<10}").append(visible(line)), soft_wrap=True)
    if more := len(result.groups) - 1:
        _field(console, "", f"and {count(more, 'other finding')} of this requirement")
    console.print()


def _field(console: Console, name: str, value: str) -> None:
    console.print(Text(f"   {name:<10}").append(visible(value, 400)), soft_wrap=True)
