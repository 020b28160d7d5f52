"""Results: one verdict for each requirement of a run, from the findings that its record holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from infercheck.cases import Side
from infercheck.dialect import FORM_OF_ERRORS, Dialect
from infercheck.expectations import Coverage, Stale, stale
from infercheck.findings import Finding, Verdict
from infercheck.record import Record, Row
from infercheck.requirements import Level, Requirement

WORST_FIRST = (
    Verdict.FAIL,
    Verdict.WARN,
    Verdict.EXPECTED,
    Verdict.ERROR,
    Verdict.INCONCLUSIVE,
    Verdict.NOTE,
)


SELDOM = frozenset({"output/whole-tool-calls", "stream/whole-tool-calls", "stream/present"})
"""Requirements of every answer of a kind that many answers do not put to the test."""

REST_ALONE = ("envelope/", "http/server-error", *sorted(FORM_OF_ERRORS))
"""What is promised of the REST API alone."""

BROADEST = frozenset({"http", "error", "envelope", "output", "stream", "default", "example"})
"""Areas whose defects touch many answers, or the page's own calls: they are told before single keywords."""


def breadth(area: str) -> int:
    """Tells in which order areas are told: what a target dies of stands before all else."""
    return 0 if area == "robust" else 1 if area in BROADEST else 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Findings of one requirement that say the same: the first of them, how many there are, and of which cases."""

    finding: Finding
    count: int
    cases: tuple[str, ...]
    request_number: int
    """The requests that were sent when the first of them could be made; 0 where none was needed."""


@dataclass(slots=True)
class Passed:
    """In how many cases a requirement was kept, and which sides of it were seen."""

    cases: int = 0
    sides: set[Side] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A requirement with its verdict. `cases` counts the cases that decided it; groups stand worst first."""

    requirement: Requirement
    verdict: Verdict
    reason: str
    cases: int
    groups: tuple[Group, ...]
    sides: frozenset[str]
    """The sides of a keyword that were decided: `valid`, `invalid`."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One finding of each group."""
        return tuple(group.finding for group in self.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The results of a run, in the order of the contract, and the expectations that are out of date."""

    # Not shown: asyncio asks for the representation of what a task returns, and this one is that of a whole run.
    record: Record = field(repr=False)
    results: tuple[Result, ...] = field(repr=False)
    stale: tuple[Stale, ...] = ()

    def with_verdict(self, *verdicts: Verdict) -> list[Result]:
        """Results of these verdicts, those of areas that concern every answer first."""
        found = [result for result in self.results if result.verdict in verdicts]
        return sorted(found, key=lambda result: breadth(result.requirement.area))

    @property
    def totals(self) -> Mapping[Verdict, int]:
        """How many requirements have each verdict."""
        counts = Counter(result.verdict for result in self.results)
        return {verdict: counts[verdict] for verdict in Verdict}

    @property
    def undecided(self) -> list[Result]:
        """The MUSTs that this run planned to decide and could not."""
        return [
            result
            for result in self.with_verdict(Verdict.INCONCLUSIVE, Verdict.ERROR)
            if result.requirement.level is Level.MUST
        ]

    @property
    def verdict(self) -> str:
        """`fail`, `incomplete` or `pass`, as DESIGN says of the whole run."""
        if self.with_verdict(Verdict.FAIL) or self.stale:
            return "fail"
        return "incomplete" if self.undecided or not self.record.complete else "pass"

    @property
    def keywords(self) -> tuple[int, int]:
        """Keywords of the input schema in this run, and how many of them were decided on every side they have."""
        results = [
            result
            for result in self.results
            if result.requirement.keyword is not None and result.requirement.area == "input"
        ]
        both = sum(result.sides >= {"valid", "invalid"} for result in results)
        return len(results), both

    def exit_status(self, *, fail_on_should: bool = False, allow_undecided: bool = False) -> int:
        """0 decided and kept, 1 a promise is broken or an expectation stale, 4 incomplete or undecided."""
        totals = self.totals
        if totals[Verdict.FAIL] or self.stale or (fail_on_should and totals[Verdict.WARN]):
            return 1
        if not self.record.complete or (self.undecided and not allow_undecided):
            return 4
        return 0


def results_of(record: Record) -> Results:
    """The results of a recorded run: a pure function of its record."""
    findings: dict[str, list[Finding]] = defaultdict(list)
    passed: dict[str, Passed] = defaultdict(Passed)
    for finding in record.expectations.apply(record.findings):
        findings[finding.requirement].append(finding)
    for judged in record.judged.values():
        for id_, side in judged.kept:
            if side:
                passed[id_].sides.add(side)
        for id_ in {id_ for id_, _ in judged.kept}:
            passed[id_].cases += 1
    results = tuple(
        _result(record, row, findings[row.requirement.id], passed[row.requirement.id]) for row in record.rows
    )
    outdated = stale(record.expectations, _coverage(record, results)) if record.expectations.entries else ()
    return Results(record=record, results=results, stale=tuple(outdated))


def _coverage(record: Record, results: Sequence[Result]) -> Coverage:
    # A pass on a part of the cases does not say that what was known to be broken is mended.
    return Coverage(
        whole={row.requirement.id: row.whole for row in record.rows},
        kept={result.requirement.id: result.verdict is Verdict.PASS for result in results},
        findings=[*record.findings, *record.passed],
        cases=list(record.judged),
        complete=record.complete,
    )


def _result(record: Record, row: Row, findings: Sequence[Finding], passed: Passed) -> Result:
    # What could not be confirmed is not reported as broken (DESIGN, "Confirmation").
    findings = [
        finding if finding.confirmed else replace(finding, verdict=Verdict.INCONCLUSIVE) for finding in findings
    ]
    skipped = next((finding.reason for finding in findings if finding.verdict is Verdict.SKIP), "")
    findings = [finding for finding in findings if finding.verdict is not Verdict.SKIP]
    decided = [finding for finding in findings if finding.verdict is not Verdict.INCONCLUSIVE]
    seen = {finding.side for finding in decided if finding.side} | passed.sides
    sides = frozenset("valid" if side.is_valid else "invalid" for side in seen)
    verdict, reason = _verdict(record, row, findings, passed, sides)
    if skipped and not findings and not passed.cases:
        verdict, reason = Verdict.SKIP, skipped
    return Result(
        requirement=row.requirement,
        verdict=verdict,
        reason=reason,
        cases=passed.cases + len(_also(record, row.requirement.id, findings)),
        groups=tuple(_groups(findings)),
        sides=sides,
    )


def _also(record: Record, id_: str, findings: Sequence[Finding]) -> set[str]:
    # Cases of findings that did not pass in other ways as well.
    def passed(case: str) -> bool:
        return case in record.judged and any(kept == id_ for kept, _ in record.judged[case].kept)

    return {case for case in {finding.case for finding in findings} if not passed(case)}


def _verdict(
    record: Record, row: Row, findings: Sequence[Finding], passed: Passed, sides: frozenset[str]
) -> tuple[Verdict, str]:
    # What was not sent leaves undecided only what nothing else decides.
    unsent = [finding for finding in findings if _was_not_sent(finding)]
    for verdict in WORST_FIRST:
        of_this = [finding for finding in findings if finding.verdict is verdict and not _was_not_sent(finding)]
        if of_this:
            return verdict, of_this[0].reason
    missing = row.exist - sides
    if not missing and passed.cases:
        return Verdict.PASS, ""
    if unsent:
        return Verdict.INCONCLUSIVE, unsent[0].reason
    if passed.cases and not missing & row.planned:
        side = " and ".join(sorted(missing))
        return Verdict.SKIP, f"its {side} side is not part of this run ({record.header['profile']})"
    if row.absent:
        return Verdict.SKIP, row.absent
    if row.exist or row.planned:
        if not row.planned:
            return Verdict.SKIP, f"not part of this run ({record.header['profile']})"
        why = record.why_incomplete or "no request that decides it could be judged"
        return Verdict.INCONCLUSIVE, why
    if record.dialect == Dialect.WORKER and row.requirement.id.startswith(REST_ALONE):
        return Verdict.SKIP, "a Worker answers without an envelope, and any status but success is a refusal"
    if _was_asked_for(record, row.requirement):
        return Verdict.INCONCLUSIVE, _not_seen(row.requirement)
    return Verdict.SKIP, _not_seen(row.requirement)


def _was_not_sent(finding: Finding) -> bool:
    return finding.verdict is Verdict.INCONCLUSIVE and not finding.exchanges and finding.confirmed


def _was_asked_for(record: Record, requirement: Requirement) -> bool:
    # A promise that every answer of a kind shows is not skipped where such answers were asked for and none came.
    # One that few answers show, or that belongs to a member that an answer may lack, is.
    seldom = requirement.level is Level.INFO or requirement.id in SELDOM or requirement.id.count("/") > 1
    match requirement.area:
        case "stream":
            return not seldom and True in record.streams
        case "output" | "envelope" | "default":
            return not seldom and False in record.streams
        case _:
            return False


def _not_seen(requirement: Requirement) -> str:
    id_ = requirement.id
    if "tool_calls" in id_ or "tool-calls" in id_:
        return "no answer carried such a member of a tool call"
    match requirement.area:
        case "stream":
            return "no stream showed it"
        case "error":
            return "nothing was refused"
        case "input":
            return "no request could be made that is about it alone"
        case _:
            return "no answer showed it"


def _groups(findings: Sequence[Finding]) -> list[Group]:
    alike: dict[tuple[Verdict, str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        alike[finding.verdict, finding.expected, finding.reason].append(finding)
    groups = []
    for same in alike.values():
        # The one that was made sure of shows the defect alone; the others merely met it again.
        shown = max(same, key=lambda finding: len(finding.exchanges))
        groups.append(
            Group(
                finding=shown,
                count=len(same),
                cases=tuple(dict.fromkeys(finding.case for finding in same)),
                request_number=max(shown.exchanges, default=0),
            )
        )
    order = [*WORST_FIRST, Verdict.PASS, Verdict.SKIP]
    return sorted(groups, key=lambda group: (order.index(group.finding.verdict), group.request_number))
