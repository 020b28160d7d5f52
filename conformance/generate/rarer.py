"""Values on both sides of the rarer keywords: those that list what is allowed, count elements, or match a text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from infercheck.cases import Side
from infercheck.generate.builder import Builder
from infercheck.generate.value import Value, add, around
from infercheck.schema import Items, Occurrence, Place, slug

FEW, MANY = 8, 200
"""Values of a list that are asked for; elements of an array that is a long one."""


def valid_values(occurrence: Occurrence, builder: Builder) -> Iterator[Value]:
    """Values that keep the keyword: at its limit, just inside, and ordinary ones."""
    place, limit = occurrence.place, occurrence.value
    match occurrence.keyword:
        case "exclusiveMinimum" | "exclusiveMaximum":
            first, _, _ = around(occurrence)
            yield Value(value=first, label=f"{first}", side=Side.INSIDE)
        case "minItems" | "maxItems" if limit < MANY:
            yield Value(value=_items(place, builder, limit), label=f"{limit}-elements", side=Side.AT_LIMIT)
        case "enum":
            for value in limit[:FEW]:
                yield Value(value=value, label=_label(value), side=Side.VALID)
        case "pattern" | "const" | "additionalProperties" | "multipleOf":
            yield Value(value=builder.minimal(place), label="minimal", side=Side.VALID)


def invalid_values(occurrence: Occurrence, builder: Builder) -> Iterator[Value]:
    """Values that just break the keyword, the most tempting to accept first."""
    place, limit = occurrence.place, occurrence.value
    match occurrence.keyword:
        case "minItems" if 0 < limit < MANY:
            fewer = _items(place, builder, limit - 1)
            yield Value(value=fewer, label=f"{len(fewer)}-elements", side=Side.OUTSIDE)
        case "maxItems" if limit < MANY:
            more = _items(place, builder, limit + 1)
            yield Value(value=more, label=f"{len(more)}-elements", side=Side.OUTSIDE)
        case "additionalProperties":
            yield Value(value={**builder.minimal(place), "x-unknown": 1}, label="x-unknown", side=Side.OUTSIDE)
        case _:
            for label, value in _unlisted(occurrence):
                yield Value(value=value, label=label, side=Side.OUTSIDE)


def _unlisted(occurrence: Occurrence) -> Iterator[tuple[str, Any]]:
    # Values of the right type that are none of those that are listed, or that do not match.
    keyword, limit = occurrence.keyword, occurrence.value
    match keyword:
        case "exclusiveMinimum" | "exclusiveMaximum":
            first, inside, outside = around(occurrence)
            yield from ((f"{one}", one) for one in (outside, add(outside, first - inside)))
        case "multipleOf":
            yield from ((f"{one}", one) for one in (limit * 1.5, limit + 1, limit / 2))
        case "pattern":
            yield from (("text", "text"), ("blank", " "), ("mark", "!"), ("empty", ""), ("digit", "7"))
        case "enum" | "const":
            known = limit if keyword == "enum" else [limit]
            texts = [value for value in known if isinstance(value, str)]
            numbers = [value for value in known if isinstance(value, int | float) and not isinstance(value, bool)]
            if texts:
                other = texts[0].swapcase()
                yield from (("unlisted", "infercheck"), (_label(other) + "-other-case", other), ("empty", ""))
            if numbers:
                yield f"{max(numbers) + 1}", max(numbers) + 1
            yield from (("true", True), ("false", False))


def _items(place: Place, builder: Builder, count: int) -> list[Any]:
    items = builder.places.get((*place.steps, Items()))
    one = builder.minimal(items) if items else None
    if not place.schema.get("uniqueItems"):
        return [one] * count
    listed = items.schema.get("enum") if items else None
    return listed[:count] if listed else [_unlike(one, number) for number in range(count)]


def _unlike(value: Any, number: int) -> Any:
    # Another value of the same kind for each number.
    if isinstance(value, str):
        return f"{value}{number}" if number else value
    if isinstance(value, bool) or value is None:
        return (value, not value)[number % 2]
    if isinstance(value, int | float):
        return value + number
    if isinstance(value, dict) and value:
        name = next((name for name, held in value.items() if isinstance(held, str)), next(iter(value)))
        return {**value, name: _unlike(value[name], number)}
    return [value] * number


def _label(value: Any) -> str:
    # A value as a word of an id.
    return slug(value if isinstance(value, str) else json.dumps(value))
