"""report.json: the results for programs, as schemas/report.schema.json describes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infercheck.findings import Finding
from infercheck.record import Record
from infercheck.reports.curl import curl_of
from infercheck.results import Group, Result, Results


def render(results: Results) -> str:
    """The whole report as a JSON text."""
    return json.dumps(document(results), ensure_ascii=False, indent=1)


def document(results: Results) -> Mapping[str, Any]:
    """The whole report as a JSON value."""
    record = results.record
    footer = record.footer or {}
    total, both = results.keywords
    return {
        "infercheck": record.header["infercheck"],
        "contract": {key: record.header["contract"][key] for key in ("id", "sha256", "date")},
        "target": {
            "address": record.header["target"]["address"],
            "dialect": record.dialect or record.header["target"]["dialect"],
            "saw": record.saw or None,
        },
        "profile": record.header["profile"],
        "seed": record.header["seed"],
        "started": record.header["started"],
        "complete": record.complete,
        "incomplete_because": record.why_incomplete or None,
        "verdict": results.verdict,
        "requests": len(record.exchanges),
        "retries": footer.get("retries", 0),
        "seconds": footer.get("seconds", 0),
        "reproduced": {
            "asked_again": footer.get("asked_again", 0),
            "answered_alike": footer.get("answered_alike", 0),
        },
        "declared": record.header["options"]["declare"],
        "totals": {str(verdict): count for verdict, count in results.totals.items()},
        "keywords": {"total": total, "both_sides": both},
        "stale": [
            {"expectation": str(stale.entry), "why": stale.why, "place": stale.entry.place}
            for stale in results.stale
        ],
        "requirements": [_requirement(record, result) for result in results.results],
    }


def _requirement(record: Record, result: Result) -> Mapping[str, Any]:
    requirement = result.requirement
    clause = requirement.clause
    return {
        "id": requirement.id,
        "level": requirement.level,
        "title": requirement.title,
        "clause": {"pointer": clause.pointer, "quote": clause.quote, "source": clause.source},
        "verdict": result.verdict,
        "reason": result.reason or None,
        "cases": result.cases,
        "findings": [finding_of(record, group) for group in result.groups],
    }


def finding_of(record: Record, group: Group) -> Mapping[str, Any]:
    """A group of findings as a JSON value."""
    finding = group.finding
    own = record.own(finding)
    return {
        "verdict": finding.verdict,
        "case": finding.case,
        "expected": finding.expected,
        "observed": finding.observed,
        "reason": finding.reason or None,
        "count": group.count,
        "curl": curl_of(record, own.number if own else None),
        "versus": _versus(record, finding),
        "exchanges": [str(number) for number in finding.exchanges],
        "request_number": group.request_number,
        "confirmed": finding.confirmed,
    }


def _versus(record: Record, finding: Finding) -> Mapping[str, Any] | None:
    if finding.versus is None:
        return None
    return {"exchange": str(finding.versus), "curl": curl_of(record, finding.versus)}
