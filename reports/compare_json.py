"""A comparison for programs, as schemas/comparison.schema.json describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infercheck import __version__
from infercheck.reports.changes import Change
from infercheck.reports.comparison import Comparison, Row, Run, regressions
from infercheck.reports.json_report import finding_of


def render(comparison: Comparison) -> str:
    """The whole comparison as a JSON text."""
    return json.dumps(document(comparison), ensure_ascii=False, indent=1)


def document(comparison: Comparison) -> Mapping[str, Any]:
    """The whole comparison as a JSON value."""
    return {
        "infercheck": __version__,
        "runs": [_run(run) for run in comparison.runs],
        "differences": [
            {"what": one.what, "values": list(one.values), "limits": one.limits} for one in comparison.differences
        ],
        "worse": bool(regressions(comparison)),
        "worse_with_should": bool(regressions(comparison, fail_on_should=True)),
        "cut_off": [run.number for run in comparison.cut_off],
        "changes": {
            str(change): comparison.changes.get(change, 0) for change in Change if change is not Change.NONE
        },
        "agreed": {str(verdict): number for verdict, number in comparison.agreed.items()},
        "only_in": [
            {"runs": list(missing.runs), "requirements": list(missing.requirements)}
            for missing in comparison.missing
        ],
        "requirements": [_row(row) for row in comparison.rows],
    }


def _run(run: Run) -> Mapping[str, Any]:
    record = run.record
    header = record.header
    return {
        "number": run.number,
        "name": run.name,
        "infercheck": header["infercheck"],
        "target": header["target"]["address"],
        "contract": {"id": header["contract"]["id"], "sha256": header["contract"]["sha256"]},
        "profile": header["profile"],
        "seed": header["seed"],
        "declared": header["options"]["declare"],
        "started": header["started"],
        "complete": record.complete,
        "incomplete_because": record.why_incomplete or None,
        "verdict": run.results.verdict,
        "totals": {str(verdict): count for verdict, count in run.results.totals.items()},
    }


def _row(row: Row) -> Mapping[str, Any]:
    return {
        "id": row.requirement.id,
        "level": row.requirement.level,
        "title": row.requirement.title,
        "change": row.change,
        "verdicts": list(row.verdicts),
        "worse_in": list(row.worse_in),
        "shown": _shown(row),
    }


def _shown(row: Row) -> Mapping[str, Any] | None:
    if row.shown is None:
        return None
    run, group = row.shown.run, row.shown.group
    return {
        "run": run.number,
        "reason": row.shown.reason or None,
        "finding": finding_of(run.record, group) if group else None,
    }
