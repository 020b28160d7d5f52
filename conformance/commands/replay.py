"""`infercheck replay`: one case of a recorded run, sent again."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from infercheck.addresses import LIVE, SERVED
from infercheck.alone import of_one
from infercheck.cases import Case, Expectation
from infercheck.checks.relations import COMPARED
from infercheck.commands.options import contract_of, given, job_of_options
from infercheck.contract import Contract
from infercheck.dialect import Dialect
from infercheck.errors import JournalError, UsageError
from infercheck.exchange import Exchange
from infercheck.expectations import BREAKS
from infercheck.findings import Finding, Verdict
from infercheck.job import job_of
from infercheck.launching.launch import target_of
from infercheck.launching.recorded import journal_of, options_of
from infercheck.launching.server import server_of
from infercheck.observation import Observation, Outcome
from infercheck.plan import Options, make_plan
from infercheck.record import Record, read
from infercheck.reply import reply_of
from infercheck.reports.sidebyside import side_by_side
from infercheck.reports.terminal import console
from infercheck.reports.visible import visible
from infercheck.runners.target import Target, check, open_target

LISTED = 10
"""Cases that are named where a pattern means several."""

MOST_TOLD = 3
"""Findings that are told of an answer that was compared with others."""


def replay(journal: Path, pattern: str, **options: Any) -> int:
    """Send a recorded case again and show both answers side by side; returns the exit status."""
    record = read(journal_of(journal))
    exchange = _recorded(record, pattern)
    header = record.header["target"]
    contract = contract_of(options["contract_name"] or record.header["contract"]["location"])
    job = job_of_options(options)
    if "target" not in given(options) and job.target != header["address"]:
        job = job_of(None, given(options))  # the file in this folder is about another target
        if header["address"].startswith((*SERVED, LIVE)):
            # Nor is it asked which module to import.
            raise UsageError(
                f"the recorded target was {header['address']}",
                hint=f"A journal is not asked what to start. Say so: --target {header['address']}, or a URL.",
            )
        job = replace(job, target="reference" if header["address"] == "reference" else header["url"])
    if header["token_variable"] and job.token_env is None and job.target not in ("reference", "cloudflare"):
        # Not taken from the journal, which may be anybody's: it would send any variable to any address.
        raise UsageError(
            "the recorded run carried a token, and a journal is not asked which",
            hint=f"Say so: --token-env {header['token_variable']}",
        )
    target = target_of(contract, job)
    check(target)
    compared = _compared(record, exchange)
    case = _case(contract, record, exchange)
    dialect = Dialect(job.dialect or record.dialect or Dialect.REST)
    # Not in the run's folder: its server.log is the run's.
    with tempfile.TemporaryDirectory() as folder, server_of(job, target, Path(folder)) as served:
        now = asyncio.run(_again(exchange, served.target))
    click.echo(f"{visible(case.id)}: {visible(case.title, 200)} (expected: {case.expectation})\n")
    side_by_side(console(), exchange, now)
    seen = [Observation(contract=contract, case=case, exchange=one, dialect=dialect) for one in (exchange, now)]
    said = [[finding for finding in of_one(one) if finding.verdict in BREAKS] for one in seen]
    for name, findings in zip(("recorded", "now"), said, strict=True):
        for finding in findings:
            line = f"{name:<9} {finding.verdict:<5} {finding.requirement}: expected {finding.expected}"
            click.echo(visible(line, 400))
        if not findings:
            click.echo(f"{name:<9} nothing is broken{' in this answer by itself' if compared else ''}")
    if seen[1].outcome is Outcome.NO_ANSWER:
        return 3
    for line in _comparisons(record, exchange, seen, compared):
        click.echo(visible(line, 400))
    return _status(said[1], compared)


def _status(now: Sequence[Finding], compared: Sequence[Finding]) -> int:
    if any(finding.verdict is Verdict.FAIL for finding in now):
        return 1
    # Whether what several answers showed is mended, one cannot tell.
    return 4 if any(finding.verdict is Verdict.FAIL for finding in compared) else 0


def _compared(record: Record, exchange: Exchange) -> list[Finding]:
    # What was found by comparing the answer to this case with others; what it is the first of stands first.
    def cases(finding: Finding) -> set[str]:
        return {record.exchanges[number].case for number in finding.exchanges if number in record.exchanges}

    found = [
        finding
        for finding in record.findings
        if finding.requirement in COMPARED
        and finding.verdict in (*BREAKS, Verdict.NOTE)
        and exchange.case in cases(finding)
    ]
    return sorted(found, key=lambda finding: finding.case != exchange.case)


def _comparisons(
    record: Record, exchange: Exchange, seen: Sequence[Observation], compared: Sequence[Finding]
) -> Iterator[str]:
    if not compared:
        return
    before, now = map(reply_of, seen)
    if not (before.problem or now.problem):
        yield f"{'':<9} the model says {'the same' if before.said == now.said else 'something else'}"
    for finding in compared[:MOST_TOLD]:
        yield ""
        yield f"{finding.verdict} {finding.requirement}: {_with_whom(record, exchange, finding)}"
        yield f"  expected {finding.expected}"
        yield f"  observed {finding.observed}"
    if len(compared) > MOST_TOLD:
        yield f"and {len(compared) - MOST_TOLD} more findings of answers that this one was compared with"
    ids = " ".join(dict.fromkeys(f"--only {finding.requirement}" for finding in compared[:MOST_TOLD]))
    yield ""
    yield f"one answer does not tell whether that is mended: infercheck run … {ids}"


def _with_whom(record: Record, exchange: Exchange, finding: Finding) -> str:
    if finding.versus is None:
        several = len(finding.exchanges) > 1
        return f"told by comparing {len(finding.exchanges)} answers, this among them" if several else "seen in it"
    own = record.own(finding)
    number = finding.versus if own is None or own.case == exchange.case else own.number
    other = record.exchanges.get(number)
    return f"compared with the answer to {other.case if other else 'another request'} (request {number})"


def _recorded(record: Record, pattern: str) -> Exchange:
    # The last answer to a case is the one that a finding rests on; but of two that are compared, the first.
    for finding in record.findings:
        if finding.case == pattern and finding.versus is not None and (own := record.own(finding)):
            return own
    found = [one for one in record.exchanges.values() if one.case == pattern or str(one.number) == pattern]
    if not found:
        matching = {one.case: one for one in record.exchanges.values() if fnmatchcase(one.case, pattern)}
        if len(matching) > 1:
            names = ", ".join(list(matching)[:LISTED])
            raise UsageError(f"{pattern!r} means {len(matching)} cases", hint=f"Give one of them: {names}")
        found = list(matching.values())
    if not found and pattern in record.judged:
        numbers = [one for finding in record.judged[pattern].findings for one in finding.exchanges]
        compared = dict.fromkeys(record.exchanges[number].case for number in numbers if number in record.exchanges)
        raise UsageError(
            f"{pattern} is no request: it compares the answers to several",
            hint=f"Give one of them: {', '.join(list(compared)[:LISTED])}"
            if compared
            else "All that it compares is as it should be, and findings alone name what they rest on.",
        )
    about = dict.fromkeys(finding.case for finding in record.findings if finding.requirement == pattern)
    if not found and about:
        raise UsageError(
            f"{pattern} is a requirement, not a case",
            hint=f"Its findings are about: {', '.join(list(about)[:LISTED])}",
        )
    if not found:
        raise JournalError(
            f"no case {pattern!r} was recorded",
            hint="Findings name their cases; the number of a request will do, too.",
        )
    return max(found, key=lambda one: one.number)


def _case(contract: Contract, record: Record, exchange: Exchange) -> Case:
    # A case of the plan, or what splitting made of one.
    options = options_of(record, Options())
    for case in make_plan(contract, options).cases:
        if case.id == exchange.case:
            return case
    line = record.case(exchange.case)
    return Case(
        id=exchange.case,
        title=str(line.get("title", "")),
        expectation=Expectation(line.get("expectation", "open")),
        request=exchange.request,
        branch=line.get("branch"),
    )


async def _again(recorded: Exchange, target: Target) -> Exchange:
    async with open_target(target) as opened:
        answer = await opened.runner.send(recorded.request, alone=True)
    return Exchange(
        number=recorded.number,
        case=recorded.case,
        ordinal=recorded.ordinal + 1,
        request=recorded.request,
        answer=answer,
        started=0.0,
    )
