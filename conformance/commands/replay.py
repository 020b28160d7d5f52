"""`infercheck replay`: one case of a recorded run, sent again."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from infercheck.alone import of_one
from infercheck.cases import Case, Expectation
from infercheck.commands.options import contract_of, given, job_of_options
from infercheck.contract import Contract
from infercheck.dialect import Dialect
from infercheck.errors import JournalError, UsageError
from infercheck.exchange import Exchange
from infercheck.expectations import BREAKS
from infercheck.findings import Verdict
from infercheck.job import job_of
from infercheck.launching.launch import server_of, target_of
from infercheck.launching.recorded import journal_of, options_of
from infercheck.observation import Observation, Outcome
from infercheck.plan import Options, make_plan
from infercheck.record import Record, read
from infercheck.reports.sidebyside import side_by_side
from infercheck.reports.terminal import console
from infercheck.reports.visible import visible
from infercheck.runners.target import Target, check, open_target

LISTED = 10
"""Cases that are named where a pattern means several."""


def replay(journal: Path, pattern: str, **options: Any) -> int:
    """Send a recorded case again and show both answers side by side; returns the exit status."""
    record = read(journal_of(journal))
    exchange = _recorded(record, pattern)
    header = record.header["target"]
    contract = contract_of(options["contract_name"] or record.header["contract"]["id"])
    job = job_of_options(options)
    if "target" not in given(options) and job.target != header["address"]:
        job = job_of(None, given(options))  # the file in this folder is about another target
        job = replace(job, target="reference" if header["address"] == "reference" else header["url"])
    if header["token_variable"] and job.token_env is None and job.target not in ("reference", "cloudflare"):
        # Not taken from the journal, which may be anybody's: it would send any variable to any address.
        raise UsageError(
            "the recorded run carried a token, and a journal is not asked which",
            hint=f"Say so: --token-env {header['token_variable']}",
        )
    target = target_of(contract, job)
    check(target)
    case = _case(contract, record, exchange)
    dialect = Dialect(job.dialect or record.dialect or Dialect.REST)
    # Not in the run's folder: its server.log is the run's.
    with tempfile.TemporaryDirectory() as folder, server_of(job, target, Path(folder)):
        now = asyncio.run(_again(exchange, target))
    click.echo(f"{visible(case.id)}: {visible(case.title, 200)} (expected: {case.expectation})\n")
    side_by_side(console(), exchange, now)
    seen = [Observation(contract=contract, case=case, exchange=one, dialect=dialect) for one in (exchange, now)]
    said = [[finding for finding in of_one(one) if finding.verdict in BREAKS] for one in seen]
    for name, findings in zip(("recorded", "now"), said, strict=True):
        for finding in findings:
            line = f"{name:<9} {finding.verdict:<5} {finding.requirement}: expected {finding.expected}"
            click.echo(visible(line, 400))
        if not findings:
            click.echo(f"{name:<9} nothing is broken")
    if seen[1].outcome is Outcome.NO_ANSWER:
        return 3
    return 1 if any(finding.verdict is Verdict.FAIL for finding in said[1]) else 0


def _recorded(record: Record, pattern: str) -> Exchange:
    # The last answer to a case is the one that a finding rests on.
    found = [one for one in record.exchanges.values() if one.case == pattern or str(one.number) == pattern]
    if not found:
        matching = {one.case: one for one in record.exchanges.values() if fnmatchcase(one.case, pattern)}
        if len(matching) > 1:
            names = ", ".join(list(matching)[:LISTED])
            raise UsageError(f"{pattern!r} means {len(matching)} cases", hint=f"Give one of them: {names}")
        found = list(matching.values())
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
    line = record.cases.get(exchange.case, {})
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
