"""Expectations: broken promises that are known, so that a run fails only on others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from infercheck.findings import Finding, Verdict
from infercheck.selection import matches

BREAKS = (Verdict.FAIL, Verdict.WARN)
"""What can be expected."""

KEPT = "what it expects to be broken is kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A broken promise that is known: of the requirements that a pattern means, of the cases, or of both.

    `expires` is the last day on which it holds, as in 2027-01-31, empty where it holds for good. With `sometimes`
    it may be kept now and then. `place` is where it was written, `meant` how many requirements of the contract it
    means.
    """

    requirement: str = ""
    case: str = ""
    reason: str = ""
    expires: str = ""
    sometimes: bool = False
    place: str = ""
    meant: int = 1

    def means(self, requirement: str) -> bool:
        """Whether it is about a requirement."""
        return not self.requirement or matches(requirement, self.requirement)

    def covers(self, case: str) -> bool:
        """Whether it is about a case, or about the one that the case was split from."""
        return not self.case or matches(case, self.case) or matches(case.partition("~")[0], self.case)

    def has_expired(self, date: str) -> bool:
        """Whether it held no more on a day."""
        return bool(self.expires) and self.expires < date

    def __str__(self) -> str:
        return " ".join(part for part in (self.requirement, f"case {self.case}" if self.case else "") if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What is expected of one run. `date` is the day of the run."""

    entries: tuple[Expected, ...] = ()
    date: str = ""

    def line(self) -> Mapping[str, Any]:
        """As the journal holds it."""
        return {"date": self.date, "entries": [asdict(entry) for entry in self.entries]}

    def apply(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings, those that are expected with the reason for it."""
        alive = [entry for entry in self.entries if not entry.has_expired(self.date)]
        return [_expected(finding, alive) for finding in findings]


def from_line(line: Mapping[str, Any]) -> Expectations:
    """The expectations of a journal's line."""
    return Expectations(date=line["date"], entries=tuple(Expected(**entry) for entry in line["entries"]))


def _expected(finding: Finding, entries: Sequence[Expected]) -> Finding:
    if finding.verdict not in BREAKS or not finding.confirmed:
        return finding
    for entry in entries:
        if entry.means(finding.requirement) and entry.covers(finding.case):
            return replace(finding, verdict=Verdict.EXPECTED, reason=entry.reason)
    return finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """An expectation that has to be looked at: why, and the requirements of this run that it is about."""

    entry: Expected
    why: str
    requirements: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.entry}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What a run says of the requirements and cases that expectations may be about."""

    whole: Mapping[str, bool]
    """By requirement of this run, whether no case of it was left out."""
    kept: Mapping[str, bool]
    """By requirement, whether what was asked of it was kept."""
    findings: Sequence[Finding]
    """All that was found, what passed included."""
    cases: Sequence[str]
    complete: bool = True


def stale(expectations: Expectations, coverage: Coverage) -> list[Stale]:
    """The expectations that are out of date: they have expired, mean nothing, or what they expect is kept now."""
    found = []
    for entry in expectations.entries:
        about = tuple(filter(entry.means, coverage.whole))
        why = _why_stale(entry, expectations.date, about, coverage)
        if why:
            found.append(Stale(entry=entry, why=why, requirements=about if entry.requirement else ()))
    return found


def _why_stale(entry: Expected, date: str, about: Sequence[str], coverage: Coverage) -> str:
    if entry.has_expired(date):
        return f"it expired on {entry.expires}"
    if not entry.meant:
        return "no requirement of the contract has such an id"
    # What was asked about in part may be broken in the rest.
    if entry.sometimes or not coverage.complete or len(about) < entry.meant:
        return ""
    verdicts = {
        finding.verdict
        for finding in coverage.findings
        if entry.means(finding.requirement) and entry.covers(finding.case)
    }
    # Anything but passes says that it is broken, or that it may be: a refusal for the context window's sake, say.
    if verdicts - {Verdict.PASS} or not all(coverage.whole[id_] for id_ in about):
        return ""
    if not entry.case:
        return KEPT if all(coverage.kept[id_] for id_ in about) else ""
    if verdicts:
        return KEPT
    return "" if any(map(entry.covers, coverage.cases)) else "no case has such an id"
