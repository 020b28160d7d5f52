"""`infercheck plan`: what a run would send."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

import click

from infercheck.cases import Case, distinct
from infercheck.checks.relations.language import Relation
from infercheck.commands.options import contract_of, job_of_options
from infercheck.commands.saying import say
from infercheck.plan import Plan, make_plan
from infercheck.reports.plain import count


def plan(form: str, **options: Any) -> None:
    """Print the plan, as a table for people or as one JSON line a case and a relation."""
    job = job_of_options(options, lambda line: click.echo(line, err=True))
    made = make_plan(contract_of(job.contract), job.options)
    if form == "text":
        say("\n".join(_text(made)))
        return
    for line in _lines(made):
        click.echo(line)


def _text(plan: Plan) -> Iterator[str]:
    for number, case in enumerate(plan.cases, start=1):
        size = len(case.request.body)
        yield f"{number:>4}  {case.expectation:<8}{case.price:>6} tokens {size:>7} bytes  {case.id}"
    on_noise = [relation for relation in plan.relations if relation.on_noise]
    planned = [relation for relation in plan.relations if relation.planned]
    if planned:
        yield "\nrelations between answers; they share many of their requests"
        yield "requests  repeats  tokens  relation"
    for relation in planned:
        needed, again = len(relation.asks), len(relation.repeats)
        yield f"{needed:>8} {again:>8} {_price(relation):>7}  {relation.id}"
    if rest := len(plan.relations) - len(planned) - len(on_noise):
        yield f"{rest} more are looked at only where an answer shows that something is wrong with their like"
    if on_noise:
        yield f"{len(on_noise)} are heard instead of many others where the same request is not answered alike twice"
    groups = Counter(case.group for case in plan.cases)
    parts = [f"{number} {group}" for group, number in groups.items()]
    if plan.repeats:
        parts.append(count(len(plan.repeats), "repeat"))
    yield f"\n{count(plan.requests, 'request')}: {', '.join(parts)}"
    yield f"{plan.price:,} output tokens at most by price, {plan.bytes_out / 1e6:.1f} MB of input"
    more = f"{plan.budget - plan.requests} more requests"
    if plan.profile.draws:
        yield f"{more} are drawn, compared and made smaller, or split and confirm what is broken"
    else:
        yield f"up to {more} to split and confirm what is broken"
    for why, number in Counter(plan.absent.values()).items():
        yield f"{count(number, 'requirement')} skipped: {why}"
    if plan.left_out:
        yield f"{plan.left_out} cases are not part of profile {plan.profile.name}"
    if plan.cut:
        yield f"{plan.cut} cases are left out: --max-requests or --max-tokens has no room for them"


def _lines(plan: Plan) -> Iterator[str]:
    # What is only sent as a repeat, a stream that is left for one, has a line as well: relations name it.
    cases = distinct((*plan.cases, *plan.repeats))
    names = {case.request.digest: case.id for case in cases}
    for case in cases:
        yield json.dumps(_vector(case), ensure_ascii=False)
    for relation in plan.relations:
        yield json.dumps(_relation(relation, names), ensure_ascii=False)


def _price(relation: Relation) -> int:
    return sum(case.price for case in chain(relation.asks, relation.repeats))


def _relation(relation: Relation, names: dict[str, str]) -> dict[str, Any]:
    # A request that another case sends, too, goes by the name that it has there.
    return {
        "relation": relation.id,
        "requirements": relation.requirements,
        "asks": [names.get(case.request.digest, case.id) for case in relation.asks],
        "repeats": [names.get(case.request.digest, case.id) for case in relation.repeats],
        "price": _price(relation),
        "planned": relation.planned,
    }


def _vector(case: Case) -> dict[str, Any]:
    request = case.request
    try:
        body = {"body": request.body.decode("utf-8")}
    except UnicodeDecodeError:
        body = {"body_base64": base64.b64encode(request.body).decode("ascii")}
    return {
        "case": case.id,
        "title": case.title,
        "expect": case.expectation,
        "branch": case.branch,
        "requirements": case.requirements,
        "price": case.price,
        "method": request.method,
        "content_type": request.content_type,
        "token": request.token,
        "model": request.model,
        "stream": request.stream,
        **body,
    }
