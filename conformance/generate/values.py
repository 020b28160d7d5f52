"""Values on both sides of a keyword: what keeps it at its limit, and what just breaks it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infercheck.cases import Side
from infercheck.generate.builder import Builder
from infercheck.schema import Branch, Items, Occurrence, Place

LONG = 1000
"""From this limit on, in characters, a text is a long one: sent alone, and late."""

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


def valid_values(occurrence: Occurrence, builder: Builder) -> Iterator[Value]:
    """Values that keep the keyword: at its limit, just inside, and ordinary ones. Long texts are left out."""
    place, limit = occurrence.place, occurrence.value
    match occurrence.keyword:
        case "minimum" | "maximum":
            yield Value(value=limit, label=f"{limit}", side=Side.AT_LIMIT)
            step = _step(place) if occurrence.keyword == "minimum" else -_step(place)
            yield Value(value=_add(limit, step), label=f"{_add(limit, step)}", side=Side.INSIDE)
            if occurrence.keyword == "maximum" and _is_integer(place):
                low = place.schema.get("minimum", 0)
                for mark in LANDMARKS:
                    if low < mark < limit - 1:
                        yield Value(value=mark, label=f"{mark}", side=Side.INSIDE)
        case "minLength" if limit < LONG:
            yield Value(value="a" * limit, label=f"{limit}-characters", side=Side.AT_LIMIT)
            yield Value(value=" " * limit, label=f"{limit}-spaces", side=Side.AT_LIMIT)
            yield Value(value="é" * (limit + 1), label=f"{limit + 1}-characters", side=Side.INSIDE)
        case "maxLength" if limit < LONG:
            for name, character in ALPHABETS.items():
                yield Value(value=character * limit, label=f"{limit}-{name}", side=Side.AT_LIMIT)
        case "type":
            yield from _ordinary(place, builder)
        case "required" | "oneOf":
            yield Value(value=builder.minimal(place), label="minimal", side=Side.VALID)
            for label, value in builder.contract.values.get(place.pointer, {}).items():
                yield Value(value=value, label=label, side=Side.VALID)
        case _:
            return


def _ordinary(place: Place, builder: Builder) -> Iterator[Value]:
    kind = place.schema["type"]
    if kind == "boolean":
        values: dict[str, Any] = {"true": True, "false": False}
    elif kind == "number" and place.pointer not in builder.contract.samples:
        low, high = place.schema.get("minimum", 0), place.schema.get("maximum", 2)
        values = {"integer-1": 1, "fraction": 0.7} if low <= 0.7 and high >= 1 else {}
        values = values or {"minimal": builder.minimal(place)}
    else:
        values = {"minimal": builder.minimal(place)}
        if kind == "string" and place.schema.get("maxLength", 0) >= LONG:
            values |= UNUSUAL_TEXTS
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
            step = -_step(place) if occurrence.keyword == "minimum" else _step(place)
            yield Value(value=_add(limit, step), label=f"{_add(limit, step)}", side=Side.OUTSIDE)
            for further in _further(occurrence):
                yield Value(value=further, label=f"{further}", side=Side.OUTSIDE)
        case "minLength" if limit > 0:
            yield Value(value="a" * (limit - 1), label=f"{limit - 1}-characters", side=Side.OUTSIDE)
        case "maxLength" if limit < LONG:
            for name, character in ALPHABETS.items():
                yield Value(value=character * (limit + 1), label=f"{limit + 1}-{name}", side=Side.OUTSIDE)
        case "required":
            whole = builder.minimal(place)
            for name in limit:
                rest = {key: value for key, value in whole.items() if key != name}
                yield Value(value=rest, label=f"no-{name}", side=Side.MISSING)
            if len(limit) > 1:
                none = {key: value for key, value in whole.items() if key not in limit}
                yield Value(value=none, label="no-required-name", side=Side.MISSING)
        case "oneOf":
            yield from _mismatches(place, builder)
        case _:
            return


def _wrong_types(place: Place, builder: Builder) -> Iterator[tuple[str, Any]]:
    kind = place.schema["type"]
    match kind:
        case "integer":
            yield from (("string-5", "5"), ("1.5", 1.5), ("true", True))
        case "number":
            yield from (("string-0.5", "0.5"), ("true", True))
        case "boolean":
            yield from (("string-true", "true"), ("1", 1))
        case "string":
            yield "5", 5
            if place.schema.get("maxLength", 0) >= LONG:
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
    if not _is_integer(occurrence.place):
        return
    if occurrence.keyword == "minimum" and limit > 0:
        yield -1
    if occurrence.keyword == "maximum" and limit > 2**31:
        yield from (mark for mark in WRAPS if mark > limit + 1)


def _mismatches(place: Place, builder: Builder) -> Iterator[Value]:
    forms = [
        form
        for steps, form in builder.places.items()
        if steps[:-1] == place.steps and steps and isinstance(steps[-1], Branch)
    ]
    if all(form.schema.get("required") for form in forms):
        yield Value(value={}, label="no-form", side=Side.NO_MATCH)
    else:
        yield Value(value=5, label="no-form", side=Side.NO_MATCH)
    objects = [builder.minimal(form) for form in forms]
    if all(isinstance(value, dict) for value in objects):
        both: dict[str, Any] = {}
        for value in objects:
            both |= value
        yield Value(value=both, label="both-forms", side=Side.TWO_MATCHES)


def _is_integer(place: Place) -> bool:
    return bool(place.schema.get("type") == "integer")


def _step(place: Place) -> float:
    return 1 if _is_integer(place) else 0.01


def _add(limit: float, step: float) -> float:
    # Two decimals: 2.01 and not 2.0099999999999998.
    return limit + step if isinstance(limit, int) and isinstance(step, int) else round(limit + step, 2)
