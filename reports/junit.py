"""junit.xml: the results as the test report that CI systems read, one testcase for each requirement.

XML 1.0 has no place for most control characters and for halves of surrogate pairs, and not every writer refuses
them: all text goes through `line` or `fitted`, which leave only what prints.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from xml.etree import ElementTree

from junitparser import Error, Failure, JUnitXml, Properties, Property, Skipped, TestCase, TestSuite

from infercheck.expectations import Stale
from infercheck.findings import Verdict
from infercheck.record import Record
from infercheck.reports.plain import clause_of, count
from infercheck.reports.words import commands, dialect_of, evidence, fitted, line, message
from infercheck.requirements import Level
from infercheck.results import Result, Results

NAME = 300
"""Characters of an id, a title or a reason that are shown."""
FIELD = 500
"""Characters of each side of a finding that are shown."""
COMMAND = 2_000
"""Characters of a curl line that are shown."""
GROUPS = 3
"""Groups of findings of one requirement that are shown."""
GENEROUS = 1_000_000
"""Characters of findings after which each requirement shows one group, and no curl line."""


def render(results: Results, *, fail_on_should: bool = False) -> str:
    """The whole report as an XML text, to be written in UTF-8: a pure function of the results.

    With `fail_on_should` a SHOULD that is not kept is a failure; without, it passes and says so.
    """
    record = results.record
    suite = TestSuite("infercheck")
    suite.timestamp = line(record.header["started"], NAME)
    for name, value in _facts(record):
        suite.add_property(name, line(value, NAME))
    suite.add_testcases(list(_cases(results, fail_on_should)))
    root = JUnitXml("infercheck")
    root.add_testsuite(suite)
    root.update_statistics()
    # The statistics have added up the times of the testcases, which have none: requests are shared among them.
    suite.time = root.time = (record.footer or {}).get("seconds", 0)
    tree = ElementTree.fromstring(root.tostring())  # noqa: S314  (our own)
    ElementTree.indent(tree)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(tree, encoding="unicode")}\n'


def _facts(record: Record) -> Iterator[tuple[str, object]]:
    header = record.header
    yield "target", header["target"]["address"]
    yield "contract", header["contract"]["id"]
    yield "profile", header["profile"]
    yield "dialect", dialect_of(record)
    yield "seed", header["seed"]
    yield "infercheck", header["infercheck"]


def _cases(results: Results, fail_on_should: bool) -> Iterator[TestCase]:
    spent = 0
    for result in results.results:
        text = _text(results.record, result, brief=spent > GENEROUS) if result.groups else ""
        spent += len(escape(text, quote=False))
        yield _case(result, text, fail_on_should)
    for stale in results.stale:
        yield _stale(stale)
    if not results.record.complete:
        yield _incomplete(results)


def _case(result: Result, text: str, fail_on_should: bool) -> TestCase:
    requirement = result.requirement
    case = _named(requirement.id, requirement.area)
    properties = Properties()
    for name, value in _properties(result):
        properties.add_property(Property(name, line(value, NAME)))
    case.append(properties)
    reason = result.reason or str(result.verdict)
    outcome: Failure | Error | Skipped
    match result.verdict:
        case Verdict.PASS:
            return case
        case Verdict.NOTE if requirement.level is Level.INFO:
            case.system_out = text
            return case
        case Verdict.NOTE:
            # Something stood in the way of a verdict, such as the target's context window: that is no pass.
            outcome = Skipped(line(f"not decided: {reason}", NAME), "note")
        case Verdict.WARN if not fail_on_should:
            case.system_out = text
            return case
        case Verdict.FAIL | Verdict.WARN:
            said = message(result.groups[0].finding, NAME)
            outcome = Failure(said, str(requirement.level))
        case Verdict.ERROR:
            outcome = Error(line(reason, NAME), "error")
        case Verdict.EXPECTED:
            outcome = Skipped(line(f"expected: {reason}", NAME), "expected")
        case _:
            outcome = Skipped(line(reason, NAME), str(result.verdict))
    outcome.text = text
    case.append(outcome)
    return case


def _named(name: str, area: str) -> TestCase:
    return TestCase(line(name, NAME), line(f"infercheck.{area}", NAME))


def _properties(result: Result) -> Iterator[tuple[str, object]]:
    yield "level", result.requirement.level
    yield "clause", clause_of(result)
    if result.groups and result.groups[0].request_number:
        yield "request_number", result.groups[0].request_number
    yield "verdict", result.verdict
    yield "cases", result.cases


def _text(record: Record, result: Result, *, brief: bool) -> str:
    """What shows the verdict of a requirement, for people."""
    requirement, groups = result.requirement, result.groups[: 1 if brief else GROUPS]
    lines = [line(requirement.title, NAME)]
    lines.append(_field("clause", line(f"{requirement.level}  {clause_of(result)}", FIELD)))
    for group in groups:
        lines.append("")
        if group.finding.verdict is not result.verdict:
            lines.append(_field("verdict", str(group.finding.verdict)))
        lines += [_field(name, value) for name, value in evidence(group, FIELD)]
        if brief:
            lines.append(_field("try", "left out to keep this file small; it is in report.json"))
            continue
        for name, whole in commands(record, group.finding):
            curl, remark = fitted(whole, COMMAND)
            lines.append(_field(name, curl))
            if remark:
                lines.append(_field("", f"({remark})"))
    if others := len(result.groups) - len(groups):
        lines += ["", f"and {count(others, 'other finding')} of this requirement, in report.json"]
    return "\n".join(lines)


def _field(name: str, value: str) -> str:
    return f"{name:<10}{value}"


def _stale(stale: Stale) -> TestCase:
    where = f" ({stale.entry.place})" if stale.entry.place else ""
    case = _named(f"{stale.entry}{where}", "expectations")
    outcome = Failure(line(f"out of date: {stale.why}", NAME), "stale")
    outcome.text = "Take it out, or mend it."
    case.append(outcome)
    return case


def _incomplete(results: Results) -> TestCase:
    case = _named("run/complete", "run")
    why = results.record.why_incomplete or "no reason was recorded"
    outcome = Error(line(f"the run is incomplete: {why}", NAME), "incomplete")
    outcome.text = f"{count(len(results.undecided), 'MUST')} undecided. `infercheck run … --resume` goes on."
    case.append(outcome)
    return case
