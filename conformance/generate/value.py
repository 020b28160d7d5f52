"""A value for a place of a schema, and the side of a keyword that it stands on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from infercheck.cases import Side
from infercheck.generate.builder import LONG
from infercheck.schema import Occurrence, Place, kind_of

FINE = 2
"""Decimals of a limit that is finer than most."""

WORDS = {
    "bare-item": "one item without its list",
    "json-string": "its JSON as a string",
    "string": "a string",
    "array": "an array",
    "list": "a list",
    "no-form": "what matches none of its forms",
    "both-forms": "what matches two of its forms",
    "minimal": "an ordinary value",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value for a place, a label for ids, and the side of the keyword that it stands on."""

    value: Any
    label: str
    side: Side

    @property
    def words(self) -> str:
        """The value as people say it."""
        if self.side is Side.MISSING:
            return f"without {self.label.removeprefix('no-').replace('-', ' ')}"
        if self.label in WORDS:
            return WORDS[self.label]
        if isinstance(self.value, str) and len(self.value) >= LONG:
            count, _, alphabet = self.label.partition("-")
            return f"{count} characters ({alphabet})"
        return json.dumps(self.value, ensure_ascii=False)


def is_integer(place: Place) -> bool:
    """Whether a place takes whole numbers alone."""
    return kind_of(place.schema) == "integer"


def around(occurrence: Occurrence) -> tuple[float, float, float]:
    """The value nearest to a limit that its place allows, the next one inside, and the last one outside.

    The keyword is `minimum`, `maximum` or one that excludes its limit. Where only multiples are allowed, they are.
    """
    place, limit, keyword = occurrence.place, occurrence.value, occurrence.keyword
    inward = 1 if keyword in ("minimum", "exclusiveMinimum") else -1
    multiple = place.schema.get("multipleOf")
    step = inward * (multiple or step_of(place, limit))
    first = multiple_at(limit, multiple, inward) if multiple else limit
    if keyword.startswith("exclusive") and first == limit:
        first = add(first, step)
    return first, add(first, step), add(first, -step)


def multiple_at(limit: float, multiple: float, inward: int = 1) -> float:
    """The multiple that a limit is, or that lies next to it inside: above it, with -1 below it."""
    unit = Decimal(str(multiple))
    count = (Decimal(str(limit)) / unit).to_integral_value(ROUND_CEILING if inward > 0 else ROUND_FLOOR)
    whole = count * unit
    return int(whole) if whole == whole.to_integral_value() and isinstance(limit, int) else float(whole)


def step_of(place: Place, limit: float) -> float:
    """How far from a limit a value is just inside or outside; at a tenth of its own where that is finer."""
    if is_integer(place):
        return 1
    decimals = max(0, -int(Decimal(str(limit)).as_tuple().exponent))
    return 0.01 if decimals < FINE else float(Decimal(1).scaleb(-decimals - 1))


def add(limit: float, step: float) -> float:
    """A sum as people write it: 2.01 and not 2.0099999999999998."""
    if isinstance(limit, int) and isinstance(step, int):
        return limit + step
    return float(Decimal(str(limit)) + Decimal(str(step)))
