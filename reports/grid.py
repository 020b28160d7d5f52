"""The keyword grid: parameters by keywords of the input schema, and what was seen on each side of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from infercheck.cases import Side
from infercheck.findings import Verdict
from infercheck.results import WORST_FIRST, Results

SLOTS: Mapping[str, tuple[Side, ...]] = {
    "valid at limit": (Side.AT_LIMIT,),
    "just inside": (Side.INSIDE, Side.VALID),
    "just outside": (Side.OUTSIDE, Side.MISSING, Side.NO_MATCH, Side.TWO_MATCHES),
    "wrong type": (Side.WRONG_TYPE,),
}
"""What stands in a cell, in this order; a side that has no limit stands for the nearest that has."""

SIGNS: Mapping[str, str] = {
    "pass": "✓", "fail": "✕", "warn": "!", "expected": "e", "inconclusive": "?", "error": "?", "note": "n",
    "skip": "·", "": "·",
}  # fmt: skip
"""What a slot shows, beside its colour; the last where nothing was sent."""

ORDER = (
    *("type", "required", "oneOf", "anyOf", "enum", "const", "minimum", "exclusiveMinimum", "maximum"),
    *("exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One side: its name, the verdict there, which is empty where nothing was sent, and its sign."""

    name: str
    verdict: str

    @property
    def sign(self) -> str:
        """What it shows."""
        return SIGNS[self.verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One keyword of one parameter."""

    id: str
    keyword: str
    verdict: str
    slots: tuple[Slot, ...]

    @property
    def said(self) -> str:
        """The cell in words."""
        sides = ", ".join(f"{slot.name} {slot.verdict}" for slot in self.slots if slot.verdict)
        return f"{self.keyword}: {self.verdict}{f' ({sides})' if sides else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The keywords that occur, and for each parameter a cell for each of them, or None."""

    keywords: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]


def grid_of(results: Results) -> Grid:
    """The keyword grid of a run; without rows where it is about no keyword of the input schema."""
    own = [one for one in results.results if one.requirement.keyword and one.requirement.area == "input"]
    seen = _seen(results)
    cells: dict[str, dict[str, Cell]] = {}
    for result in own:
        keyword = str(result.requirement.keyword)
        path = result.requirement.id.removeprefix("input/").rpartition("/")[0] or "the body"
        slots = tuple(_slots(seen.get(result.requirement.id, {})))
        cell = Cell(id=result.requirement.id, keyword=keyword, verdict=str(result.verdict), slots=slots)
        cells.setdefault(path, {})[keyword] = cell
    found = {keyword for row in cells.values() for keyword in row}
    keywords = tuple(sorted(found, key=lambda one: (ORDER.index(one) if one in ORDER else len(ORDER), one)))
    rows = tuple((path, tuple(row.get(keyword) for keyword in keywords)) for path, row in cells.items())
    return Grid(keywords=keywords, rows=rows)


def _seen(results: Results) -> Mapping[str, Mapping[Side, Verdict]]:
    # The worst verdict on each side of each requirement.
    record = results.record
    seen: dict[str, dict[Side, Verdict]] = {}
    for judged in record.judged.values():
        for id_, side in judged.kept:
            if side is not None:
                seen.setdefault(id_, {}).setdefault(side, Verdict.PASS)
    for finding in record.expectations.apply(record.findings):
        if finding.side is not None:
            sides = seen.setdefault(finding.requirement, {})
            verdict = finding.verdict if finding.confirmed else Verdict.INCONCLUSIVE
            sides[finding.side] = _worse(sides.get(finding.side), verdict)
    return seen


BADNESS: Sequence[Verdict] = (*WORST_FIRST, Verdict.PASS, Verdict.SKIP)


def _worse(one: Verdict | None, other: Verdict) -> Verdict:
    return other if one is None else min(one, other, key=BADNESS.index)


def _slots(sides: Mapping[Side, Verdict]) -> Iterator[Slot]:
    for name, of in SLOTS.items():
        verdicts = [sides[side] for side in of if side in sides]
        worst = min(verdicts, key=BADNESS.index, default=None)
        yield Slot(name=name, verdict="" if worst is None else str(worst))
