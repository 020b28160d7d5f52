"""`infercheck explain`: what a requirement means."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence

from infercheck import jsontext
from infercheck.cases import Case, Expectation
from infercheck.checks.relations import ROWS
from infercheck.checks.relations.language import Relation, Row
from infercheck.commands.options import contract_of
from infercheck.commands.saying import say
from infercheck.contract import Contract
from infercheck.plan import Options, Plan, make_plan
from infercheck.reports.plain import count
from infercheck.reports.visible import visible
from infercheck.requirements import Requirement
from infercheck.selection import select

BODY = 160
"""Characters of a request body that are shown."""

CASES = 12
"""Cases of a requirement that are shown."""

ADAPTER = "NAME"
"""What stands for the name of an adapter, where a requirement is about one."""


def explain(pattern: str | None, contract_name: str | None) -> None:
    """Print the ids, or all about those that a pattern selects."""
    contract = contract_of(contract_name)
    if pattern is None:
        for requirement in contract.requirements.values():
            say(f"{requirement.level:<7}{requirement.id}")
        return
    selected = select(contract, (pattern,), ())
    if len(selected) > 1 and pattern not in selected:
        for requirement in contract.requirements.values():
            if requirement.id in selected:
                say(f"{requirement.level:<7}{requirement.id}  {requirement.title}")
        return
    requirement = contract.requirements[pattern if pattern in selected else selected.pop()]
    for line in _about(requirement):
        say(line)
    rows = [row for row in ROWS if requirement.id in row.requirements]
    for line in _compared(contract, requirement, rows) if rows else _judged(contract, requirement):
        say(line)


def _about(requirement: Requirement) -> Iterator[str]:
    clause = requirement.clause
    yield f"{requirement.id}\n  {requirement.level}: {requirement.title}"
    if clause.source:
        yield f"  from: {clause.source}"
    if clause.pointer is not None:
        yield f"  at: {clause.pointer or '/'}"
    if clause.quote:
        yield f"  says: {clause.quote}"


def _judged(contract: Contract, requirement: Requirement) -> Iterator[str]:
    mine = [case for case in make_plan(contract, Options()).cases if requirement.id in case.requirements]
    # What is about this requirement alone says most.
    mine.sort(key=lambda case: (case.expectation is not Expectation.INVALID, len(case.parts)))
    if not mine:
        yield "  tested on every exchange that it applies to"
        return
    yield f"  tested by {count(len(mine), 'request')} of profile standard:"
    yield from _shown(contract, requirement, mine)


def _compared(contract: Contract, requirement: Requirement, rows: Sequence[Row]) -> Iterator[str]:
    yield "  told by comparing answers:"
    for line in dict.fromkeys(map(_promise, rows)):
        yield f"    {line}"
    plan = make_plan(contract, Options())
    if why := plan.absent.get(requirement.id):
        yield f"  not part of every run: {why}"
        plan = make_plan(contract, Options(adapters=(ADAPTER,)))
    relation = _first(plan, requirement)
    if relation is None:
        return
    asks = relation.asks
    again = f", and {count(len(relation.repeats), 'repeat')}" if relation.repeats else ""
    yield f"  the first comparison needs {count(len(asks), 'request')}{again}:"
    yield from _shown(contract, requirement, asks)
    more = " --lora NAME" if why else ""
    yield f"\n  all of its comparisons: infercheck plan --only '{requirement.id}'{more}"


def _first(plan: Plan, requirement: Requirement) -> Relation | None:
    # One that is named after it tells more than one that decides it beside others.
    mine = [relation for relation in plan.relations if requirement.id in relation.requirements]
    mine.sort(key=lambda relation: relation.requirements[0] != requirement.id)
    return mine[0] if mine else None


def _promise(row: Row) -> str:
    return " ".join((inspect.getdoc(row.function) or "").split())


def _shown(contract: Contract, requirement: Requirement, cases: Sequence[Case]) -> Iterator[str]:
    for case in cases[:CASES]:
        body = visible(case.request.body.decode("utf-8", "replace"), BODY)
        yield f"\n  {case.id}\n    {visible(case.title, 2 * BODY)}\n    {body or '(no body)'}"
        for line in _why_invalid(contract, case):
            yield f"      {visible(line, 2 * BODY)}"
    if len(cases) > CASES:
        yield f"\n  and {len(cases) - CASES} more: infercheck plan --only '{requirement.id}'"


def _why_invalid(contract: Contract, case: Case) -> Iterator[str]:
    # In the words of whoever refuses it: a reader of JSON, or the schema's validator.
    if case.expectation is not Expectation.INVALID:
        return
    try:
        yield from contract.oracle.explain(jsontext.parse(case.request.body).value)
    except jsontext.NotJSON as fault:
        yield f"the body {fault}"
