"""Judging a server, and showing to people what was found."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import harness
from direct import URL, Direct
from variants.engines import Generating

from infercheck.findings import Verdict
from infercheck.results import Results
from infercheck.runners.reference.model import LanguageModel
from mutants.altered import Altered
from mutants.conforming import Conforming
from mutants.registry import Mutant

HTTP = (
    "app",
    "handle",
    "authorize",
    "find_model",
    "read_body",
    "respond",
    "parse_body",
    "stream_events",
    "stream_response",
)
"""What a server does beside its engine, the JSON of its answers apart."""

BROKEN = (Verdict.FAIL, Verdict.WARN)


def judge_server(server: type[Conforming], *, model: LanguageModel | None = None, **options: Any) -> Results:
    """The results of a run against a server of this kind, with another model behind it if one is given.

    Over a real socket, unless it differs from a conforming server in nothing but what its engine says.
    """
    app = (server(model) if model else server()).app()
    if speaks_alone(server):
        return harness.judge(Direct(app), url=URL, restart_wait=10.0, **{"concurrency": 4, **options})
    with harness.served(app) as url:
        return harness.judge_url(url, **options)


def speaks_alone(server: type[Conforming]) -> bool:
    """Whether only what a server's engine is asked or says is its own, and its HTTP that of any other."""
    usual = all(getattr(server, name) is getattr(Conforming, name) for name in HTTP)
    return usual and server.secret is None and issubclass(server, Altered | Generating)


def first_true_finding(mutant: Mutant, results: Results) -> int | None:
    """The requests that were sent when the first finding about the broken promise could be made, if any could."""
    wanted = mutant.required
    numbers = (
        group.request_number
        for result in results.with_verdict(*BROKEN)
        if result.requirement.id in wanted
        for group in result.groups
        if group.finding.verdict in BROKEN
    )
    return min(numbers, default=None)


def shown(results: Results, wanted: Container[str]) -> list[str]:
    """The worst finding of each of some requirements."""
    return [
        f"{result.requirement.id}: {result.verdict} ({result.reason}): expected {group.finding.expected}; "
        f"observed {group.finding.observed} ({group.finding.case})"
        for result in results.results
        if result.requirement.id in wanted
        for group in result.groups[:1]
    ]
