"""A run as its journal tells it: what reports are made from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from infercheck.cases import Expectation, Side
from infercheck.errors import JournalError
from infercheck.exchange import Exchange
from infercheck.exchanges import Exchanges
from infercheck.expectations import Expectations, from_line
from infercheck.findings import Finding, Verdict
from infercheck.journal import case_key
from infercheck.pages import Pages, Places
from infercheck.requirements import Clause, Level, Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A requirement of a run, with the sides of it that exist and those that this run planned to send.

    `whole` tells that the run left out no case of it, `absent` why nothing can decide it at this target.
    """

    requirement: Requirement
    exist: frozenset[str]
    planned: frozenset[str]
    whole: bool = True
    absent: str = ""


Kept: TypeAlias = tuple[tuple[str, Side | None], ...]
"""Requirements that were kept, each with the side of it that was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a run says of one case: what was found, and what was kept."""

    findings: tuple[Finding, ...]
    kept: Kept = ()

    @property
    def is_final(self) -> bool:
        """Whether going on with the run could add nothing."""
        return all(finding.confirmed and finding.verdict is not Verdict.INCONCLUSIVE for finding in self.findings)


class CaseLines:
    """The lines of cases by id, each read from the journal when it is looked at."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self.places = Places()

    def add(self, case: str, offset: int) -> None:
        """The line of a case stands there."""
        self.places.add(case_key(case), offset)

    def __call__(self, case: str) -> Mapping[str, Any]:
        """The line of a case; empty where there is none."""
        place = self.places.find(case_key(case))
        return {} if place is None else self._pages.line(place, "case", case=case)


@dataclass(slots=True, kw_only=True)
class Record:
    """A run. `footer` is None where the run was cut off. Exchanges without an answer were in flight then: their
    numbers stand in `sent` alone. `dialect` and `saw` are what answers were read in, and what showed it.

    Exchanges and cases are read from the journal when they are looked at: a long run has tens of thousands.
    `bodies` and `cases` are the keys of those that the journal holds, `streams` tells whether plain answers and
    streams came of what may be accepted.
    """

    header: Mapping[str, Any]
    footer: Mapping[str, Any] | None = None
    rows: tuple[Row, ...] = ()
    case: Callable[[str], Mapping[str, Any]] = field(default=lambda _: {}, repr=False)
    """The line of a case, by its id; empty where there is none."""
    cases: Collection[int] = ()
    sent: Collection[int] = ()
    bodies: Collection[int] = ()
    exchanges: Mapping[int, Exchange] = field(default_factory=dict)
    streams: frozenset[bool] = frozenset()
    judged: dict[str, Judged] = field(default_factory=dict)
    dialect: str = ""
    saw: str = ""
    expectations: Expectations = field(default_factory=Expectations)

    @property
    def findings(self) -> list[Finding]:
        """All that was found, but what passed."""
        return [finding for judged in self.judged.values() for finding in judged.findings]

    @property
    def passed(self) -> Iterator[Finding]:
        """All that passed: a finding for each case and each requirement that it keeps."""
        for case, judged in self.judged.items():
            for id_, side in judged.kept:
                yield Finding(requirement=id_, verdict=Verdict.PASS, case=case, side=side)

    def own(self, finding: Finding) -> Exchange | None:
        """The exchange to look at first, if it is there.

        Of two that are compared it is the first; else the last of the finding's own case, or the last of all.
        """
        if finding.versus is not None:
            return self.exchanges.get(finding.exchanges[0])
        known = (self.exchanges[number] for number in reversed(finding.exchanges) if number in self.exchanges)
        last = next(known, None)
        if last is None or last.case == finding.case:
            return last
        return next((exchange for exchange in known if exchange.case == finding.case), last)

    @property
    def complete(self) -> bool:
        """Whether the run was ended in order and left nothing out."""
        return self.footer is not None and bool(self.footer["complete"])

    @property
    def why_incomplete(self) -> str:
        """Why a run is not complete; empty where it is."""
        if self.footer is None:
            return "the run was cut off before its end"
        return "" if self.complete else str(self.footer["reason"])


def read(path: Path) -> Record:
    """Read a journal; JournalError says what is wrong with it, and where."""
    pages = Pages(path)
    lines = pages.lines()
    _, header = next(lines, (0, None))
    if header is None or header["type"] != "header":
        raise JournalError(f"{path}: line 1: expected the header of a journal")
    try:
        return _read(header, pages, lines)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise JournalError(f"{path}: is no journal of this version: {error!r}") from None


def _read(header: Mapping[str, Any], pages: Pages, lines: Iterator[tuple[int, Mapping[str, Any]]]) -> Record:
    cases, exchanges = CaseLines(pages), Exchanges(pages)
    record = Record(header=header, rows=tuple(_row(row) for row in header["requirements"]))
    kinds = _Kinds()
    kept: dict[tuple[str, Side | None], tuple[str, Side | None]] = {}  # each pair once
    for place, line in lines:
        match line["type"]:
            case "body":
                exchanges.has_body(line["sha256"], place)
            case "dialect":
                record.dialect, record.saw = line["dialect"], line["saw"]
            case "expectations":
                record.expectations = from_line(line)
            case "case":
                cases.add(line["case"], place)
                kinds.case(line)
            case "sent":
                kinds.sent(line)
                exchanges.was_sent(line["exchange"], place)
            case "exchange":
                kinds.answered(line["exchange"])
                exchanges.was_answered(line["exchange"], place)
            case "judged":
                record.judged.pop(line["case"], None)
                record.judged[line["case"]] = _judged(line, kept)
            case "resumed":
                record.footer = None
                target = {**record.header["target"], "url": line["url"]}  # the reference server has a new port
                record.header = {**record.header, "target": target}
            case "footer":
                record.footer = line
    record.case, record.cases, record.exchanges = cases, cases.places, exchanges
    record.sent, record.bodies, record.streams = exchanges.sent, exchanges.bodies, frozenset(kinds.streams)
    return record


class _Kinds:
    """Which kinds of answers came that may have been accepted: streams, plain ones. `True` stands for streams."""

    def __init__(self) -> None:
        self.streams: set[bool] = set()
        self._invalid: set[int] = set()
        self._under_way: dict[int, bool | None] = {}

    def case(self, line: Mapping[str, Any]) -> None:
        if line["expectation"] == Expectation.INVALID:
            self._invalid.add(case_key(line["case"]))

    def sent(self, line: Mapping[str, Any]) -> None:
        invalid = case_key(line["case"]) in self._invalid
        self._under_way[line["exchange"]] = None if invalid else line["stream"]

    def answered(self, number: int) -> None:
        if (stream := self._under_way.pop(number)) is not None:
            self.streams.add(stream)


def _judged(line: Mapping[str, Any], known: dict[tuple[str, Side | None], tuple[str, Side | None]]) -> Judged:
    pairs = ((id_, Side(side) if side else None) for id_, side in line["passed"])
    kept = tuple(known.setdefault(pair, pair) for pair in pairs)
    return Judged(findings=tuple(_finding(finding) for finding in line["findings"]), kept=kept)


def _row(row: Mapping[str, Any]) -> Row:
    clause = row["clause"]
    return Row(
        requirement=Requirement(
            id=row["id"],
            level=Level(row["level"]),
            title=row["title"],
            clause=Clause(pointer=clause["pointer"], quote=clause["quote"], source=clause["source"]),
            keyword=row["keyword"],
        ),
        exist=frozenset(row["exist"]),
        planned=frozenset(row["planned"]),
        whole=row["whole"],
        absent=row["absent"],
    )


def _finding(line: Mapping[str, Any]) -> Finding:
    side = line["side"]
    return Finding(
        **{
            **line,
            "verdict": Verdict(line["verdict"]),
            "exchanges": tuple(line["exchanges"]),
            "side": Side(side) if side else None,
        }
    )
