"""Judging a server, and showing to people what was found."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import harness
from direct import URL, Direct

from infercheck.findings import Verdict
from infercheck.results import Results
from infercheck.runners.reference.model import LanguageModel
from mutants.conforming import Conforming
from mutants.registry import Mutant

HTTP = (
    "app",
    "handle",
    "authorize",
    "find_model",
    "stream_response",
)
"""What a server does between its socket and the bytes of its bodies."""

BROKEN = (Verdict.FAIL, Verdict.WARN)


def judge_server(server: type[Conforming], *, model: LanguageModel | None = None, **options: Any) -> Results:
    """The results of a run against a server of this kind, with another model behind it if one is given.

    Over a real socket, unless its HTTP is that of a conforming server.
    """
    app = (server(model) if model else server()).app()
    if speaks_alone(server) and "timeouts" not in options:
        return harness.judge(Direct(app), url=URL, restart_wait=10.0, **{"concurrency": 4, **options})
    with harness.served(app) as url:
        return harness.judge_url(url, **options)


def speaks_alone(server: type[Conforming]) -> bool:
    """Whether a server's HTTP is that of any other."""
    return (
        not server.is_coded
        and server.secret is None
        and all(getattr(server, name) is getattr(Conforming, name) for name in HTTP)
    )


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
