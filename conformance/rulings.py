"""Rulings: what relations come to, as findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from infercheck.cases import Side
from infercheck.checks.relations.language import Kind, Relation, Ruling
from infercheck.contract import Contract
from infercheck.findings import Finding, Verdict, broken

SHOWN = 2
"""Broken claims of a relation, each of which was made sure of, after which its others need not be looked at."""


def of_rulings(contract: Contract, relation: Relation, rulings: Sequence[Ruling]) -> list[Finding]:
    """The findings that some rulings on a relation are, and those on its other requirements that follow."""
    # What leaves the first requirement of a row undecided leaves its others so, unless something is said of them.
    open_ = next((ruling for ruling in rulings if ruling.kind is Kind.UNDECIDED and not ruling.requirement), None)
    told = {ruling.requirement for ruling in rulings}
    others = [id_ for id_ in relation.requirements[1:] if id_ not in told] if open_ else []
    all_ = [*rulings, *(replace(open_, requirement=id_) for id_ in others if open_)]
    return [_finding(contract, relation, ruling) for ruling in all_]


def is_shown(relation: Relation, findings: Sequence[Finding]) -> bool:
    """Whether so much is shown of a relation that no more of its claims need be made."""
    told = Counter(finding.requirement for finding in findings if finding.confirmed and finding.is_broken)
    left = set(relation.requirements) - {finding.requirement for finding in findings}
    return told[relation.requirements[0]] >= SHOWN and not left


def _finding(contract: Contract, relation: Relation, ruling: Ruling) -> Finding:
    id_ = ruling.requirement or relation.row.requirements[0]
    verdict = {
        Kind.KEPT: Verdict.PASS,
        Kind.BROKEN: broken(contract.requirements[id_]),
        Kind.UNDECIDED: Verdict.INCONCLUSIVE,
        Kind.SKIPPED: Verdict.SKIP,
    }[ruling.kind]
    numbers = tuple(dict.fromkeys(reply.number for reply in ruling.replies if reply.number))
    return Finding(
        requirement=id_,
        verdict=verdict,
        case=ruling.replies[0].case.id if numbers else relation.id,
        expected=ruling.expected,
        observed=ruling.observed,
        reason=ruling.reason,
        exchanges=numbers,
        confirmed=ruling.confirmed,
        at=ruling.at,
        versus=_versus(ruling) if ruling.kind is Kind.BROKEN else None,
        side=Side.VALID,
    )


def _versus(ruling: Ruling) -> int | None:
    # The first reply to another request than the one that the finding is about.
    digests = [reply.case.request.digest for reply in ruling.replies]
    return next(
        (reply.number for reply, digest in zip(ruling.replies, digests, strict=True) if digest != digests[0]),
        None,
    )
