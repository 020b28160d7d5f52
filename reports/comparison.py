"""Comparisons: what differs between the results of several runs, the first of which the others are held to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infercheck.findings import Verdict
from infercheck.record import Record
from infercheck.reports.changes import FOOTINGS, ORDER, WORSE, Change, Footing, change, worse
from infercheck.reports.plain import count
from infercheck.requirements import Level, Requirement
from infercheck.results import Group, Result, Results, breadth

GOOD = frozenset({Verdict.PASS, Verdict.NOTE, Verdict.SKIP, Verdict.EXPECTED})
"""What needs no look where all runs say the same."""

OF_THE_FIRST = frozenset({Change.MENDED, Change.DECIDED, Change.LEFT_OUT})
"""Changes that the first run's findings show."""

LEVELS = list(Level)

UNCOUNTED = {
    Change.FOUND_BROKEN: "broken in a later run, not decided in the first",
    Change.FOUND_UNDECIDED: "undecided in a later run, not judged in the first",
    Change.LEFT_OUT: "judged in the first run, not in a later one",
}
"""What one of two runs says nothing of, in words."""

NAMED = 5
"""Requirements that are named in a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One of the runs: its number, from 1, and a name that no other has."""

    number: int
    name: str
    results: Results

    @property
    def record(self) -> Record:
        """The run as its journal tells it."""
        return self.results.record


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What shows a change: a run, the first group of its findings, and its reason where it has none."""

    run: Run
    group: Group | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A requirement and its result in each run, None where a run does not have it."""

    requirement: Requirement
    results: tuple[Result | None, ...]
    change: Change
    shown: Shown | None
    """None where nothing changed, or no run tells more than its verdict; why it is open is told all the same."""

    @property
    def verdicts(self) -> tuple[Verdict | None, ...]:
        """Its verdict in each run."""
        return tuple(result.verdict if result else None for result in self.results)

    @property
    def changes(self) -> tuple[Change, ...]:
        """What became of it from the first run to each later one."""
        return _changes(self.results)

    @property
    def worse_in(self) -> tuple[int, ...]:
        """The numbers of the runs in which it is worse than in the first."""
        first, *later = self.verdicts
        return tuple(number for number, verdict in enumerate(later, start=2) if worse(first, verdict))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something about the runs that limits what can be compared, with its value in each."""

    what: str
    values: tuple[str, ...]
    limits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Requirements that only some runs have, and that are not broken or undecided there."""

    runs: tuple[int, ...]
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Runs beside each other. `agreed` counts the requirements that all have, with the same verdict, by verdict."""

    runs: tuple[Run, ...]
    differences: tuple[Difference, ...]
    rows: tuple[Row, ...]
    agreed: Mapping[Verdict, int]
    missing: tuple[Missing, ...]

    def worse(self, *, fail_on_should: bool = False) -> list[Row]:
        """The requirements of level MUST, or of SHOULD too, that are worse in a later run than in the first."""
        levels = (Level.MUST, Level.SHOULD) if fail_on_should else (Level.MUST,)
        return [row for row in self.rows if row.worse_in and row.requirement.level in levels]

    @property
    def cut_off(self) -> list[Run]:
        """The runs that are incomplete where the first is complete."""
        return [run for run in self.runs[1:] if self.runs[0].record.complete and not run.record.complete]

    @property
    def changes(self) -> Mapping[Change, int]:
        """How many rows show each change, in the order of the rows."""
        return Counter(row.change for row in self.rows)


def compare(results: Sequence[Results], places: Sequence[str] = ()) -> Comparison:
    """Hold runs to the first of them: a pure function of their results, of which there are two at least.

    Where their targets do not tell them apart, the `places` do that they were read from.
    """
    runs = tuple(
        Run(number=number, name=name, results=one)
        for number, (name, one) in enumerate(zip(_names(results, places), results, strict=True), start=1)
    )
    by_id = [{result.requirement.id: result for result in one.results} for one in results]
    rows: list[Row] = []
    agreed: Counter[Verdict] = Counter()
    missing: dict[tuple[int, ...], list[str]] = {}
    for id_ in dict.fromkeys(id_ for known in by_id for id_ in known):
        found = tuple(known.get(id_) for known in by_id)
        (verdict, *others) = {result.verdict for result in found if result}
        if others or verdict not in GOOD:
            rows.append(_row(runs, found))
        elif None in found:
            having = tuple(number for number, result in enumerate(found, start=1) if result)
            missing.setdefault(having, []).append(id_)
        else:
            agreed[verdict] += 1
    return Comparison(
        runs=runs,
        differences=tuple(_differences(runs)),
        rows=tuple(sorted(rows, key=_urgency)),
        agreed={verdict: agreed[verdict] for verdict in Verdict if agreed[verdict]},
        missing=tuple(Missing(runs=having, requirements=tuple(ids)) for having, ids in missing.items()),
    )


def regressions(comparison: Comparison, *, fail_on_should: bool = False) -> list[str]:
    """What is worse in a later run than in the first, in lines, a requirement each; empty where nothing is."""
    lines = [
        f"run {run.number} is incomplete, the first was not: {run.record.why_incomplete}"
        for run in comparison.cut_off
    ]
    for row in comparison.worse(fail_on_should=fail_on_should):
        # Of several runs each may be worse in its own way.
        for way in dict.fromkeys(one for one in row.changes if one in WORSE):
            where = ", ".join(str(number) for number, one in enumerate(row.changes, start=2) if one is way)
            lines.append(f"{way} in run {where}: {row.requirement.level} {row.requirement.id}")
    return lines


def uncounted(comparison: Comparison) -> list[str]:
    """What no gate counts, for one of the two runs did not decide it: in lines, one for each kind."""
    lines = []
    for what, words in UNCOUNTED.items():
        ids = [row.requirement.id for row in comparison.rows if row.change is what]
        if ids:
            more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
            lines.append(f"{count(len(ids), 'requirement')} {words}: {', '.join(ids[:NAMED])}{more}")
    return lines


def tally(comparison: Comparison) -> str:
    """What changed, in a line."""
    changes = [f"{number} {change}" for change, number in comparison.changes.items()]
    cut_off = [f"{count(len(comparison.cut_off), 'run')} cut off"] if comparison.cut_off else []
    return ", ".join([*cut_off, *changes]) or "nothing changed, and nothing is broken"


def agreement(comparison: Comparison) -> str:
    """How many requirements all runs agree on, in a line."""
    counted = ", ".join(f"{number} {verdict}" for verdict, number in comparison.agreed.items())
    number = sum(comparison.agreed.values())
    return f"The runs agree on {count(number, 'other requirement')}{f': {counted}' if counted else ''}."


def _row(runs: Sequence[Run], results: tuple[Result | None, ...]) -> Row:
    changes = _changes(results)
    # Where several runs came after, the one that changed most is what the row is about.
    most = min(changes, key=ORDER.index)
    return Row(
        # A contract may have been changed: what it says last holds.
        requirement=next(result.requirement for result in reversed(results) if result),
        results=results,
        change=most,
        shown=_shown(runs, results, changes, most),
    )


def _changes(results: Sequence[Result | None]) -> tuple[Change, ...]:
    first, *later = (result.verdict if result else None for result in results)
    return tuple(change(first, verdict) for verdict in later)


def _shown(
    runs: Sequence[Run], results: Sequence[Result | None], changes: Sequence[Change], most: Change
) -> Shown | None:
    if len({result.verdict if result else None for result in results}) == 1:
        # What was broken all along the reports of the runs show; why something is open is said in a line.
        last = results[-1]
        is_open = last is not None and FOOTINGS[last.verdict] is Footing.UNDECIDED and last.reason
        return Shown(run=runs[-1], group=None, reason=last.reason) if last and is_open else None
    later = [number for number, one in enumerate(changes, start=1) if one is most]
    order = [0, *later] if most in OF_THE_FIRST else [*later, 0]
    # Why the first run did not judge what is kept now is no news.
    for number in later if most is Change.JUDGED else order:
        result = results[number]
        if result and (result.groups or result.reason):
            group = result.groups[0] if result.groups else None
            return Shown(run=runs[number], group=group, reason="" if group else result.reason)
    return None


def _urgency(row: Row) -> tuple[int, int, int]:
    return ORDER.index(row.change), LEVELS.index(row.requirement.level), breadth(row.requirement.area)


def _names(results: Sequence[Results], places: Sequence[str]) -> list[str]:
    headers = [one.record.header for one in results]
    addresses = [str(header["target"]["address"]) for header in headers]
    times = [str(header["started"]).replace("T", " ").replace("+00:00", " UTC") for header in headers]
    whence = [f"{place}, {time}" for place, time in zip(places, times, strict=True)] if places else times
    timed = [
        f"{address} ({words})" if addresses.count(address) > 1 else address
        for address, words in zip(addresses, whence, strict=True)
    ]
    return [
        f"{name}, run {number}" if timed.count(name) > 1 else name for number, name in enumerate(timed, start=1)
    ]


def _selection(header: Mapping[str, Any]) -> str:
    words = [*header["options"]["only"], *(f"not {word}" for word in header["options"]["exclude"])]
    return ", ".join(words) or "all"


FACTS: tuple[tuple[str, str, Callable[[Record], str]], ...] = (
    (
        "contract",
        "what one run calls by an id may be another promise",
        lambda record: f"{record.header['contract']['id']}, SHA-256 {record.header['contract']['sha256']}",
    ),
    ("profile", "they did not ask the same", lambda record: str(record.header["profile"])),
    ("seed", "they did not ask the same", lambda record: str(record.header["seed"])),
    (
        "declared",
        "what a target is said to lack was not asked about",
        lambda record: ", ".join(record.header["options"]["declare"]) or "nothing",
    ),
    ("selection", "what was not selected was not asked about", lambda record: _selection(record.header)),
    (
        "adapters",
        "what needs an adapter was not asked about without one",
        lambda record: ", ".join(record.header["options"]["adapters"]) or "none",
    ),
    (
        "dialect",
        "a Worker promises less than the REST API",
        lambda record: str(record.dialect or record.header["target"]["dialect"]),
    ),
    ("infercheck", "another version may judge otherwise", lambda record: str(record.header["infercheck"])),
)
"""What runs have to have in common, what follows where they have not, and what a run has of it."""


def _differences(runs: Sequence[Run]) -> Iterator[Difference]:
    if not all(run.record.complete for run in runs):
        yield Difference(
            what="incomplete",
            values=tuple(run.record.why_incomplete or "complete" for run in runs),
            limits="what an incomplete run did not send is undecided",
        )
    for what, limits, value in FACTS:
        values = tuple(value(run.record) for run in runs)
        if len(set(values)) > 1:
            yield Difference(what=what, values=values, limits=limits)
