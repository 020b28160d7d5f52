"""Results as plain lines of text, for logs and test reports."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator

from infercheck.addresses import SERVED
from infercheck.contract_loader import DEFAULT
from infercheck.findings import Verdict
from infercheck.fuzz.cases import FUZZ, REMEMBERED, TWINS
from infercheck.record import Record
from infercheck.reports.visible import visible
from infercheck.reports.words import commands, kept
from infercheck.requirements import Level
from infercheck.results import Group, Result, Results

GROUPS = 3
"""Findings of one requirement that are told whole."""

ALSO = 3
"""Other cases of a finding that are named."""

COMMAND = 4_000
"""Characters up to which a curl line is told."""


def tally(results: Results) -> str:
    """How many promises are kept and broken, in a line."""
    totals, record = results.totals, results.record
    number, musts = kept(results)
    parts = [f"{number} of {musts} MUST kept", f"{totals[Verdict.FAIL]} broken"]
    if totals[Verdict.EXPECTED]:
        parts.append(f"{totals[Verdict.EXPECTED]} more as expected")
    if results.stale:
        parts.append(f"{count(len(results.stale), 'expectation')} out of date")
    parts += [count(totals[Verdict.WARN], "warning"), f"{len(results.undecided)} undecided"]
    others = [
        one for one in results.with_verdict(Verdict.SKIP, Verdict.NOTE) if one.requirement.level is Level.MUST
    ]
    if others:
        parts.append(f"{len(others)} not judged")
    seconds = (record.footer or {}).get("seconds", 0)
    return f"{', '.join(parts)}; {len(record.exchanges)} requests in {seconds:.1f} s"


def steadiness(record: Record) -> str:
    """How often the target gave the same answer again; empty where nothing was asked again."""
    footer = record.footer or {}
    asked, alike = footer.get("asked_again", 0), footer.get("answered_alike", 0)
    return f"{alike} of {count(asked, 'request')} answered alike when asked again" if asked else ""


def drawn(record: Record) -> str:
    """How many requests were drawn beside the planned ones, and what came of it; empty where none was."""
    groups = Counter(case.partition("/")[0] for case in record.judged)
    told = ((FUZZ, "drawn at random"), (TWINS, "put in two ways and compared"), (REMEMBERED, "remembered"))
    return ", ".join(f"{groups[group]:,} {words}" for group, words in told if groups[group])


def served(record: Record) -> str:
    """How an engine or an application was served, and how curl lines reach it; empty for a target with a URL."""
    target = record.header["target"]
    address = str(target["address"])
    if address.startswith("live:"):
        return (
            "The target ran in a thread of the process that tested it, with no protection: what crashes, blocks or "
            "fills that process takes the run along. Serve it yourself for the curl lines."
        )
    if not address.startswith(SERVED):
        return ""
    words = ["infercheck", "serve", address]
    if (location := record.header["contract"]["location"]) != DEFAULT:
        words += ["--contract", location]
    if not address.startswith("asgi:"):
        words += ["--dialect", "worker"] if target["dialect"] == "worker" else []
        words += ["--token-env", target["token_variable"]] if target["token_variable"] else ["--no-token"]
        words += target.get("serve_options", ())
    return f"For the curl lines serve it first: {shlex.join(words)}"


def count(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def told(results: Results, result: Result) -> str:
    """What a run found of a requirement: its clause, what was expected and observed, and the curl line."""
    return "\n".join(_lines(results, result))


def _lines(results: Results, result: Result) -> Iterator[str]:
    requirement = result.requirement
    # The title first: where lines are cut short, the id stands beside them.
    yield f"{visible(requirement.title)}: {str(result.verdict).upper()} {visible(requirement.id)}"
    yield f"  clause    {requirement.level}  {visible(clause_of(result), 400)}"
    for group in result.groups[:GROUPS]:
        finding = group.finding
        times = f"  ({group.count} times)" if group.count > 1 else ""
        yield f"  case      {visible(finding.case)}"
        yield f"  expected  {visible(finding.expected, 400)}"
        yield f"  observed  {visible(finding.observed, 400)}{times}"
        if finding.reason:
            yield f"  reason    {visible(finding.reason, 400)}"
        if also := others(group):
            yield f"  also      {visible(also, 400)}"
        for name, line in commands(results.record, finding):
            shown = visible(line) if len(line) <= COMMAND else "its curl line is in report.json"
            yield f"  {name:<10}{shown}"
    if (rest := len(result.groups) - GROUPS) > 0:
        yield f"  and {rest} more findings of this requirement"


def others(group: Group) -> str:
    """The other cases that showed the same, as far as a line has room; they need not have the same cause."""
    rest = [case for case in group.cases if case != group.finding.case]
    more = f" and {len(rest) - ALSO} more" if len(rest) > ALSO else ""
    return ", ".join(rest[:ALSO]) + more


def server_log(record: Record) -> str:
    """Where the words of a server lie that this run has started; empty where it is not known to have one."""
    address = str(record.header["target"]["address"])
    return f"{record.header['folder']}/server.log" if address.startswith(SERVED) else ""


def clause_of(result: Result) -> str:
    """Where a requirement comes from, in a line."""
    clause = result.requirement.clause
    quote = f'"{clause.quote}"' if clause.quote and not clause.pointer else clause.quote or ""
    return "  ".join(part for part in (" ".join(filter(None, (clause.source, clause.pointer))), quote) if part)
