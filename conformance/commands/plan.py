"""`infercheck plan`: what a run would send."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any

import click

from infercheck.cases import Case
from infercheck.commands.options import contract_of, job_of_options
from infercheck.plan import make_plan


def plan(form: str, **options: Any) -> None:
    """Print the plan, as a table for people or as one JSON line a case."""
    job = job_of_options(options, lambda line: click.echo(line, err=True))
    made = make_plan(contract_of(job.contract), job.options)
    if form == "ndjson":
        for case in made.cases:
            click.echo(json.dumps(_vector(case), ensure_ascii=False))
        return
    for number, case in enumerate(made.cases, start=1):
        size = len(case.request.body)
        click.echo(f"{number:>4}  {case.expectation:<8}{case.price:>6} tokens {size:>7} bytes  {case.id}")
    groups = Counter(case.group for case in made.cases)
    click.echo(f"\n{len(made.cases)} requests: " + ", ".join(f"{n} {group}" for group, n in groups.items()))
    kept = made.budget - len(made.cases)
    click.echo(f"{made.price:,} output tokens at most by price, {made.bytes_out / 1e6:.1f} MB of input")
    click.echo(f"up to {kept} more requests to split and confirm what is refused")
    if made.absent:
        click.echo(f"{len(made.absent)} requirements are skipped: {', '.join(job.declare)}")
    if made.left_out:
        click.echo(f"{made.left_out} cases are not part of profile {made.profile.name}")
    if made.cut:
        click.echo(f"{made.cut} cases are left out: --max-requests or --max-tokens has no room for them")


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
