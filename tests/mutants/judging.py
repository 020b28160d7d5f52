"""Judging a server over a real socket, and showing to people what was found."""

from __future__ import annotations

from collections.abc import Container
from typing import Any
from unittest.mock import patch

import harness

from infercheck.contract import Contract
from infercheck.findings import Verdict
from infercheck.plan import Options, Plan, make_plan
from infercheck.results import Results
from mutants.conforming import Conforming
from mutants.registry import Mutant, expand

BROKEN = (Verdict.FAIL, Verdict.WARN)

_PLANS: dict[Options, Plan] = {}


def judge_server(server: type[Conforming], **options: Any) -> Results:
    """The results of a run against a server of this kind."""
    with harness.served(server().app()) as url, patch.object(harness, "make_plan", _plan):
        return harness.judge_url(url, **options)


def _plan(contract: Contract, options: Options) -> Plan:
    # The plan is the same for the same options, and making it is an eighth of a run.
    if options not in _PLANS:
        _PLANS[options] = make_plan(contract, options)
    return _PLANS[options]


def first_true_finding(mutant: Mutant, results: Results) -> int | None:
    """The requests that were sent when the first finding about the broken promise could be made, if any could."""
    wanted = {id_ for pattern in mutant.must_fail for id_ in expand(pattern)}
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
