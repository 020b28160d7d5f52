"""Values on both sides of a keyword: what keeps it at its limit, and what just breaks it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infercheck.cases import Side
from infercheck.generate import rarer
from infercheck.generate.builder import LONG, Builder
from infercheck.generate.value import Value, around, is_integer
from infercheck.schema import Branch, Items, Occurrence, Place, kind_of

ALPHABETS = {"ascii": "a", "accents": "é", "cjk": "灯", "emoji": "🗼"}
"""One code point of each width in UTF-8, from one byte to four; the last is two units in UTF-16."""

LANDMARKS = (2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63)
"""Integers at which implementations change their representation."""

WRAPS = (2**63, 2**64, 2**64 + 1)
"""Integers that are too large for a machine word, or come out small when cut to one."""

UNUSUAL_TEXTS = {
    "nul": "before\u0000after",
    "right-to-left": "\u202eabc שלום \u202c",
    "escapes": 'quote " backslash \\ slash / newline \n tab \t',
    "emoji": "👩‍👩‍👧‍👦 e\u0301 🗼",
    "special-tokens": "</s>[INST] [/INST]<s>",
    "braces": '{"prompt": "{{x}}", "%s": "${HOME}"}',
}
"""Texts that are valid and that careless code trips over."""


def valid_values(occurrence: Occurrence, builder: Builder) -> Iterator[Value]:
    """Values that keep the keyword: at its limit, just inside, and ordinary ones. Long texts are left out."""
    place, limit = occurrence.place, occurrence.value
    match occurrence.keyword:
        case "minimum" | "maximum":
            first, inside, _ = around(occurrence)
            yield Value(value=first, label=f"{first}", side=Side.AT_LIMIT if first == limit else Side.INSIDE)
            yield Value(value=inside, label=f"{inside}", side=Side.INSIDE)
            yield from _landmarks(occurrence)
        case "minLength" if limit < LONG:
            yield Value(value="a" * limit, label=f"{limit}-characters", side=Side.AT_LIMIT)
            yield Value(value=" " * limit, label=f"{limit}-spaces", side=Side.AT_LIMIT)
            yield Value(value="é" * (limit + 1), label=f"{limit + 1}-characters", side=Side.INSIDE)
        case "maxLength" if limit < LONG:
            for name, character in ALPHABETS.items():
                yield Value(value=character * limit, label=f"{limit}-{name}", side=Side.AT_LIMIT)
        case "type":
            yield from _ordinary(place, builder)
        case "required" | "oneOf" | "anyOf":
            yield Value(value=builder.minimal(place), label="minimal", side=Side.VALID)
            for label, value in builder.contract.values.get(place.pointer, {}).items():
                yield Value(value=value, label=label, side=Side.VALID)
        case _:
            yield from rarer.valid_values(occurrence, builder)


def _landmarks(occurrence: Occurrence) -> Iterator[Value]:
    place, limit = occurrence.place, occurrence.value
    if occurrence.keyword == "maximum" and is_integer(place):
        low = place.schema.get("minimum", 0)
        for mark in LANDMARKS:
            if low < mark < limit - 1:
                yield Value(value=mark, label=f"{mark}", side=Side.INSIDE)


def _ordinary(place: Place, builder: Builder) -> Iterator[Value]:
    kind = kind_of(place.schema)
    if kind == "boolean":
        values: dict[str, Any] = {"true": True, "false": False}
    elif kind == "number" and place.pointer not in builder.contract.samples:
        low, high = place.schema.get("minimum", 0), place.schema.get("maximum", 2)
        values = {"integer-1": 1, "fraction": 0.7} if low <= 0.7 and high >= 1 else {}
        values = values or {"minimal": builder.minimal(place)}
    else:
        values = {"minimal": builder.minimal(place)}
        if builder.is_text(place):
            values |= UNUSUAL_TEXTS
    if isinstance(place.schema["type"], list) and "null" in place.schema["type"]:
        values |= {"null": None}
    values |= builder.contract.values.get(place.pointer, {})
    for label, value in values.items():
        yield Value(value=value, label=label, side=Side.VALID)


def long_texts(occurrence: Occurrence) -> Iterator[Value]:
    """Texts at a long limit, just inside and just outside, in characters of every width. Code points count."""
    limit = occurrence.value
    if occurrence.keyword != "maxLength" or limit < LONG:
        return
    for name, character in ALPHABETS.items():
        yield Value(value=character * limit, label=f"{limit}-{name}", side=Side.AT_LIMIT)
    yield Value(value="a" * (limit - 1), label=f"{limit - 1}-ascii", side=Side.INSIDE)
    for name, character in ALPHABETS.items():
        yield Value(value=character * (limit + 1), label=f"{limit + 1}-{name}", side=Side.OUTSIDE)


def invalid_values(occurrence: Occurrence, builder: Builder) -> Iterator[Value]:
    """Values that just break the keyword, the most tempting to accept first. Long texts are left out."""
    place, limit = occurrence.place, occurrence.value
    match occurrence.keyword:
        case "type":
            for label, value in _wrong_types(place, builder):
                yield Value(value=value, label=label, side=Side.WRONG_TYPE)
        case "minimum" | "maximum":
            _, _, outside = around(occurrence)
            yield Value(value=outside, label=f"{outside}", side=Side.OUTSIDE)
            for further in _further(occurrence):
                yield Value(value=further, label=f"{further}", side=Side.OUTSIDE)
        case "minLength" if limit > 0:
            yield Value(value="a" * (limit - 1), label=f"{limit - 1}-characters", side=Side.OUTSIDE)
        case "maxLength" if limit < LONG:
            for name, character in ALPHABETS.items():
                yield Value(value=character * (limit + 1), label=f"{limit + 1}-{name}", side=Side.OUTSIDE)
        case "required":
            yield from _without(limit, builder.minimal(place))
        case "oneOf" | "anyOf":
            yield from _mismatches(occurrence, builder)
        case _:
            yield from rarer.invalid_values(occurrence, builder)


def _without(names: Sequence[str], whole: Mapping[str, Any]) -> Iterator[Value]:
    for name in names:
        rest = {key: value for key, value in whole.items() if key != name}
        yield Value(value=rest, label=f"no-{name}", side=Side.MISSING)
    if len(names) > 1:
        none = {key: value for key, value in whole.items() if key not in names}
        yield Value(value=none, label="no-required-name", side=Side.MISSING)


def _wrong_types(place: Place, builder: Builder) -> Iterator[tuple[str, Any]]:
    kind = kind_of(place.schema)
    match kind:
        case "integer":
            yield from (("string-5", "5"), ("1.5", 1.5), ("true", True))
        case "number":
            yield from (("string-0.5", "0.5"), ("true", True))
        case "boolean":
            yield from (("string-true", "true"), ("1", 1))
        case "string":
            yield "5", 5
            if builder.is_text(place):
                yield "list", [builder.minimal(place)]
        case "array":
            items = builder.places.get((*place.steps, Items()))
            yield "bare-item", builder.minimal(items) if items else 5
            yield "string", "text"
        case "object" if place.steps:
            yield "json-string", json.dumps(builder.minimal(place))
        case _:
            yield from (("array", []), ("string", "text"))
    yield "null", None


def _further(occurrence: Occurrence) -> Iterator[int]:
    # Where integers wrap around, and the -1 by which other servers turn a parameter off.
    limit = occurrence.value
    if not is_integer(occurrence.place):
        if occurrence.keyword == "minimum" and 0 < limit < 1:
            yield 0
        return
    if occurrence.keyword == "minimum" and limit > 0:
        yield -1
    if occurrence.keyword == "maximum" and limit > 2**31:
        yield from (mark for mark in WRAPS if mark > limit + 1)


def _mismatches(occurrence: Occurrence, builder: Builder) -> Iterator[Value]:
    place = occurrence.place
    forms = [
        form
        for steps, form in builder.places.items()
        if steps[:-1] == place.steps
        and steps
        and isinstance(steps[-1], Branch)
        and steps[-1].keyword == occurrence.keyword
    ]
    if all(form.schema.get("required") for form in forms):
        yield Value(value={}, label="no-form", side=Side.NO_MATCH)
    else:
        yield Value(value=5, label="no-form", side=Side.NO_MATCH)
        yield Value(value="text", label="text-of-no-form", side=Side.NO_MATCH)
    objects = [builder.minimal(form) for form in forms]
    if occurrence.keyword == "oneOf" and all(isinstance(value, dict) for value in objects):
        for number, pair in enumerate([objects, objects[:2], objects[1:3]] if len(objects) > 2 else [objects]):
            both: dict[str, Any] = {}
            for value in pair:
                both |= value
            yield Value(
                value=both, label="both-forms" if not number else f"both-forms-{number}", side=Side.TWO_MATCHES
            )
