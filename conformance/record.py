"""A run as its journal tells it: what reports are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infercheck.cases import Side
from infercheck.errors import JournalError
from infercheck.exchange import Answer, Chunk, Exchange, Failure
from infercheck.expectations import Expectations, from_line
from infercheck.findings import Finding, Verdict
from infercheck.journal import body_of, read_lines, request_of
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a run says of one case."""

    findings: tuple[Finding, ...]
    passed: tuple[Finding, ...]

    @property
    def is_final(self) -> bool:
        """Whether going on with the run could add nothing."""
        return all(finding.confirmed and finding.verdict is not Verdict.INCONCLUSIVE for finding in self.findings)


@dataclass(slots=True, kw_only=True)
class Record:
    """A run. `footer` is None where the run was cut off. Exchanges without an answer were in flight then: their
    numbers stand in `sent` alone. `dialect` and `saw` are what answers were read in, and what showed it."""

    header: Mapping[str, Any]
    footer: Mapping[str, Any] | None = None
    rows: tuple[Row, ...] = ()
    cases: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    sent: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    exchanges: dict[int, Exchange] = field(default_factory=dict)
    judged: dict[str, Judged] = field(default_factory=dict)
    dialect: str = ""
    saw: str = ""
    expectations: Expectations = field(default_factory=Expectations)

    @property
    def findings(self) -> list[Finding]:
        """All that was found, but what passed."""
        return [finding for judged in self.judged.values() for finding in judged.findings]

    @property
    def passed(self) -> list[Finding]:
        """All that passed."""
        return [finding for judged in self.judged.values() for finding in judged.passed]

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
    lines = read_lines(path)
    header = next(lines, None)
    if header is None or header["type"] != "header":
        raise JournalError(f"{path}: line 1: expected the header of a journal")
    try:
        return _read(header, lines)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise JournalError(f"{path}: is no journal of this version: {error!r}") from None


def _read(header: Mapping[str, Any], lines: Any) -> Record:
    record = Record(header=header, rows=tuple(_row(row) for row in header["requirements"]))
    for line in lines:
        match line["type"]:
            case "body":
                record.bodies[line["sha256"]] = body_of(line)
            case "dialect":
                record.dialect, record.saw = line["dialect"], line["saw"]
            case "expectations":
                record.expectations = from_line(line)
            case "case":
                record.cases[line["case"]] = line
            case "sent":
                record.sent[line["exchange"]] = line
            case "exchange":
                number = line["exchange"]
                record.exchanges[number] = _exchange(line, record.sent[number], record.bodies)
            case "judged":
                record.judged.pop(line["case"], None)
                record.judged[line["case"]] = _judged(line)
            case "resumed":
                record.footer = None
                target = {**record.header["target"], "url": line["url"]}  # the reference server has a new port
                record.header = {**record.header, "target": target}
            case "footer":
                record.footer = line
    return record


def _judged(line: Mapping[str, Any]) -> Judged:
    return Judged(
        findings=tuple(_finding(finding) for finding in line["findings"]),
        passed=tuple(
            Finding(requirement=id_, verdict=Verdict.PASS, case=line["case"], side=Side(side) if side else None)
            for id_, side in line["passed"]
        ),
    )


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


def _exchange(line: Mapping[str, Any], sent: Mapping[str, Any], bodies: Mapping[str, bytes]) -> Exchange:
    body, position, chunks = bodies[line["body"]], 0, []
    for size, time in line["chunks"]:
        chunks.append(Chunk(data=body[position : position + size], time=time))
        position += size
    return Exchange(
        number=line["exchange"],
        case=sent["case"],
        ordinal=sent["ordinal"],
        request=request_of(sent, bodies),
        started=sent["started"],
        retries=line["retries"],
        answer=Answer(
            status=line["status"],
            headers=tuple((name, value) for name, value in line["headers"]),
            chunks=tuple(chunks),
            seconds=line["seconds"],
            failure=Failure(**line["failure"]) if line["failure"] else None,
            cut=line["cut"],
            echoed=line["echoed"],
            kept=line["kept"],
        ),
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
