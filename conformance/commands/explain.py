"""`infercheck explain`: what a requirement means."""

from __future__ import annotations

from collections.abc import Iterator

import click

from infercheck import jsontext
from infercheck.cases import Case, Expectation
from infercheck.commands.options import contract_of
from infercheck.contract import Contract
from infercheck.plan import Options, make_plan
from infercheck.reports.visible import visible
from infercheck.requirements import Requirement
from infercheck.selection import select

BODY = 160
"""Characters of a request body that are shown."""

CASES = 12
"""Cases of a requirement that are shown."""


def explain(pattern: str | None, contract_name: str | None) -> None:
    """Print the ids, or all about those that a pattern selects."""
    contract = contract_of(contract_name)
    if pattern is None:
        for requirement in contract.requirements.values():
            click.echo(f"{requirement.level:<7}{requirement.id}")
        return
    selected = select(contract, (pattern,), ())
    if len(selected) > 1 and pattern not in selected:
        for requirement in contract.requirements.values():
            if requirement.id in selected:
                click.echo(f"{requirement.level:<7}{requirement.id}  {requirement.title}")
        return
    cases = make_plan(contract, Options()).cases
    _explain(contract, contract.requirements[pattern if pattern in selected else selected.pop()], cases)


def _why_invalid(contract: Contract, case: Case) -> Iterator[str]:
    # In the words of whoever refuses it: a reader of JSON, or the schema's validator.
    if case.expectation is not Expectation.INVALID:
        return
    try:
        yield from contract.oracle.explain(jsontext.parse(case.request.body).value)
    except jsontext.NotJSON as fault:
        yield f"the body {fault}"


def _explain(contract: Contract, requirement: Requirement, cases: tuple[Case, ...]) -> None:
    clause = requirement.clause
    click.echo(f"{requirement.id}\n  {requirement.level}: {requirement.title}")
    if clause.source:
        click.echo(f"  from: {clause.source}")
    if clause.pointer is not None:
        click.echo(f"  at: {clause.pointer or '/'}")
    if clause.quote:
        click.echo(f"  says: {clause.quote}")
    mine = [case for case in cases if requirement.id in case.requirements]
    # What is about this requirement alone says most.
    mine.sort(key=lambda case: (case.expectation is not Expectation.INVALID, len(case.parts)))
    if not mine:
        click.echo("  tested on every exchange that it applies to")
        return
    click.echo(f"  tested by {len(mine)} request{'s' * (len(mine) > 1)} of profile standard:")
    for case in mine[:CASES]:
        body = visible(case.request.body.decode("utf-8", "replace"), BODY)
        click.echo(f"\n  {case.id}\n    {visible(case.title, 2 * BODY)}\n    {body or '(no body)'}")
        for line in _why_invalid(contract, case):
            click.echo(f"      {visible(line, 2 * BODY)}")
    if len(mine) > CASES:
        click.echo(f"\n  and {len(mine) - CASES} more: infercheck plan --only '{requirement.id}'")
