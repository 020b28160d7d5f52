"""Where expectations come from: a file, a name that the contract knows, or the record of an earlier run."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from infercheck.contract import Contract
from infercheck.errors import UsageError
from infercheck.expectations import BREAKS, Expected
from infercheck.findings import Finding
from infercheck.record import Record
from infercheck.results import Result, Results
from infercheck.yamlfile import check, load

FEW = 5
"""Cases of a requirement that every answer may break up to which they are named one by one."""

SHARED = ("boundary/valid", "pairwise", "relation/")
"""The cases whose requests carry many values."""


def read_expectations(names: Iterable[str], contract: Contract) -> tuple[Expected, ...]:
    """The entries of these files; a name that is no file is one of the contract's known deviations.

    UsageError where there is neither, ConfigError with file and line where a file is not one.
    """
    return tuple(entry for name in names for entry in _read(name, contract))


def _read(name: str, contract: Contract) -> Iterator[Expected]:
    path = Path(name)
    if path.is_file():
        yield from _entries(path, contract)
    elif name in contract.deviations:
        with importlib.resources.as_file(contract.deviations[name]) as shipped:
            yield from _entries(shipped, contract)
    else:
        known = ", ".join(contract.deviations) or "none"
        raise UsageError(
            f"there are no expectations {name}: no such file, and none of that name in the contract",
            hint=f"Give a file, or a name that the contract knows: {known}.",
        )


def _entries(path: Path, contract: Contract) -> Iterator[Expected]:
    file = load(path)
    form = importlib.resources.files("infercheck.schemas") / "expectations.schema.json"
    check(file, json.loads(form.read_text("utf-8")))
    for index, row in enumerate(file.value["expect"]):
        entry = Expected(**row, place=f"{path.name}:{file.line(['expect', index])}")
        yield replace(entry, meant=sum(map(entry.means, contract.requirements)))


def of_baseline(record: Record, name: str, plan: str) -> tuple[Expected, ...]:
    """What was broken in an earlier run, as expectations that never become stale.

    `plan` is the digest of the plan that is compared with it: where it is another one, the requests that carry many
    values are others, and known by their kind alone.
    """
    reason = f"broken in the baseline of {record.header['started'][:10]} too"
    found: dict[tuple[str, str], None] = {}
    for finding in record.findings:
        if finding.verdict in BREAKS and finding.confirmed:
            cases = _alike(finding, same_plan=record.header["plan"] == plan)
            found |= dict.fromkeys((finding.requirement, case) for case in cases)
    return tuple(
        Expected(requirement=requirement, case=case, reason=reason, sometimes=True, place=name)
        for requirement, case in found
    )


def _alike(finding: Finding, *, same_plan: bool) -> Iterable[str]:
    # Which of the requests that share it shows that a value is refused hangs on what else is refused.
    stem = finding.case.partition("~")[0]
    of_a_value = finding.side is not None and finding.side.is_valid
    return SHARED if stem.startswith(SHARED) and (of_a_value or not same_plan) else (stem,)


def to_yaml(results: Results, kept: Sequence[Expected]) -> str:
    """An expectations file for what is broken in a run: the entries that were used, then one for all else."""
    date = results.record.header["started"][:10]
    rows: list[Mapping[str, Any]] = [_row(entry) for entry in kept]
    for result in results.with_verdict(*BREAKS):
        rows += _rows(result, date)
    lines = [
        "# Broken promises that are known. An entry has a requirement (an id, its beginning, a pattern), a case,",
        "# or both; a reason; where wanted, expires: the last day on which it holds. What is mended fails a run.",
        "expect:" if rows else "expect: []",
    ]
    for row in rows:
        text = yaml.safe_dump([row], sort_keys=False, allow_unicode=True, width=110)
        lines += [f"  {line}" for line in text.rstrip("\n").split("\n")]
    return "\n".join(lines) + "\n"


def _row(entry: Expected) -> Mapping[str, Any]:
    row: dict[str, Any] = {"requirement": entry.requirement, "case": entry.case, "reason": entry.reason}
    row |= {"expires": entry.expires, "sometimes": entry.sometimes}
    return {key: value for key, value in row.items() if value}


def _rows(result: Result, date: str) -> Iterator[Mapping[str, Any]]:
    # What every answer may break is not expected everywhere because one case breaks it.
    id_ = result.requirement.id
    reason = f"found on {date}; say why it stays"
    cases: dict[str, None] = {}
    for group in result.groups:
        if group.finding.verdict in BREAKS:
            cases |= dict.fromkeys(case.partition("~")[0] for case in group.cases)
    if result.requirement.keyword is None and len(cases) <= FEW:
        for case in cases:
            yield {"requirement": id_, "case": case, "reason": reason}
    else:
        yield {"requirement": id_, "reason": reason}
