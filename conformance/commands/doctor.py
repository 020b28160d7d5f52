"""`infercheck doctor`: three requests that tell whether a run makes sense."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from infercheck import jsontext
from infercheck.cases import Case, Expectation, Request
from infercheck.checks import judge
from infercheck.commands.options import contract_of, job_of_options
from infercheck.conclusions import universal
from infercheck.contract import Contract
from infercheck.dialect import UNTOLD, Dialect, guess
from infercheck.exchange import Answer, Exchange
from infercheck.findings import Verdict
from infercheck.launching.launch import target_of
from infercheck.launching.server import server_of
from infercheck.observation import Observation, Outcome
from infercheck.plan import Options, make_plan
from infercheck.reports.visible import visible
from infercheck.runners.target import Target, check, open_target


def doctor(**options: Any) -> int:
    """Ask, say what came back and what to mend; returns the exit status."""
    job = job_of_options(options, click.echo)
    contract = contract_of(job.contract)
    target = target_of(contract, job)
    check(target)
    with tempfile.TemporaryDirectory() as folder, server_of(job, target, Path(folder)) as served:
        return asyncio.run(_examine(contract, served.target, Dialect(job.dialect or "rest")))


async def _examine(contract: Contract, target: Target, dialect: Dialect) -> int:
    healthy = True
    async with open_target(target) as opened:
        # A socket of ours has no URL that others could ask.
        click.echo(f"target {visible(target.address if target.socket else opened.url)}")
        for name, case in _questions(contract):
            answer = await opened.runner.send(case.request)
            seen = Observation(contract=contract, case=case, exchange=_exchange(case, answer), dialect=dialect)
            if dialect is Dialect.AUTO:
                found = guess(seen.value, choices=seen.contract.has_choices) or UNTOLD
                dialect = found.dialect
                seen = replace(seen, dialect=dialect)
                click.echo(f"dialect {dialect}: {found.saw}")
            complaints = list(_complaints(seen, token_given=bool(target.token_env)))
            click.echo(f"{'ok   ' if not complaints else 'mend '} {name}: {visible(seen.summary())}")
            for line in (*complaints, *(() if complaints else _foretold(seen))):
                click.echo(f"      {visible(line)}")
            healthy = healthy and not complaints
            if seen.outcome is Outcome.NO_ANSWER:
                break
    click.echo("a run makes sense" if healthy else "mend this first, then run")
    return 0 if healthy else 3


def _questions(contract: Contract) -> Iterator[tuple[str, Case]]:
    smallest = next(case for case in make_plan(contract, Options()).cases if case.is_smallest)
    yield "a valid request", smallest
    stream = contract.roles.get("stream")
    if stream:
        body = jsontext.dump({**jsontext.parse(smallest.request.body).value, stream: True})
        yield "the same, streamed", replace(smallest, request=Request(body=body, stream=True))
    invalid = Request(body=b"{}")
    yield "an invalid request", replace(smallest, expectation=Expectation.INVALID, request=invalid)


def _exchange(case: Case, answer: Answer) -> Exchange:
    return Exchange(number=0, case=case.id, ordinal=0, request=case.request, answer=answer, started=0.0)


def _complaints(seen: Observation, *, token_given: bool) -> Iterator[str]:
    valid = seen.case.expectation is Expectation.VALID
    status = seen.status
    if seen.outcome is Outcome.NO_ANSWER:
        yield "Is the server running, and is the host and port right?"
    elif status in (401, 403):
        yield (
            "The token is refused: is it the right one, with the right to run models?"
            if token_given
            else "A token is asked for: give the name of the variable that holds it with --token-env."
        )
    elif status in (404, 405) or (status and 300 <= status < 400):
        to = seen.exchange.answer.header("location")
        there = f"It redirects to {to}; give that address." if to else ""
        yield there or "Nothing answers POST here, or not for this model: give the exact URL."
    elif valid and seen.outcome is not Outcome.ACCEPTED:
        yield f"A valid request is {seen.outcome}; a run will show which ones are not."
    elif not valid and seen.outcome is Outcome.ACCEPTED:
        yield "An empty object is accepted as a request: nothing seems to validate what comes in."
    found = (
        guess(seen.value, choices=seen.contract.has_choices) if valid and seen.outcome is Outcome.ACCEPTED else None
    )
    if found and found.dialect is not seen.dialect:
        yield f"This is {found.saw}: give --dialect {found.dialect}."
    elif any(said.requirement == "envelope/result" and not said.kept for said in judge(seen)):
        yield "The dialect rest wraps answers as the REST API does: {result, success, errors, messages}."


def _foretold(seen: Observation) -> Iterator[str]:
    # Broken promises stand in no run's way: the run is there to show them.
    for finding in universal(seen):
        if finding.is_broken:
            yield f"a run will show {finding.requirement}: expected {finding.expected}"
        elif finding.verdict is Verdict.INCONCLUSIVE:
            yield f"a run could not decide {finding.requirement}: {finding.reason}"
