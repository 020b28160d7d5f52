"""Values on both sides of a keyword: what keeps it at its limit, and what just breaks it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from infercheck.cases import Side
from infercheck.generate.builder import LONG, Builder
from infercheck.schema import Branch, Items, Occurrence, Place, kind_of, slug

ALPHABETS = {"ascii": "a", "accents": "é", "cjk": "灯", "emoji": "🗼"}
"""One code point of each width in UTF-8, from one byte to four; the last is two units in UTF-16."""

FINE, FEW, MANY_ITEMS = 2, 8, 200
"""Decimals of a limit that is finer than most; values of a list that are asked for; elements of a long array."""

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
            step = _step(place, limit) if occurrence.keyword == "minimum" else -_step(place, limit)
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
        case "exclusiveMinimum" | "exclusiveMaximum":
            step = _step(place, limit) if occurrence.keyword == "exclusiveMinimum" else -_step(place, limit)
            yield Value(value=_add(limit, step), label=f"{_add(limit, step)}", side=Side.INSIDE)
        case "minItems" | "maxItems" if limit < MANY_ITEMS:
            yield Value(value=_items(place, builder, limit), label=f"{limit}-elements", side=Side.AT_LIMIT)
        case "enum":
            for value in limit[:FEW]:
                yield Value(value=value, label=_label(value), side=Side.VALID)
        case "required" | "oneOf" | "anyOf" | "pattern" | "const" | "additionalProperties" | "multipleOf":
            yield Value(value=builder.minimal(place), label="minimal", side=Side.VALID)
            for label, value in builder.contract.values.get(place.pointer, {}).items():
                yield Value(value=value, label=label, side=Side.VALID)
        case _:
            return


def _items(place: Place, builder: Builder, count: int) -> list[Any]:
    items = builder.places.get((*place.steps, Items()))
    return [builder.minimal(items) if items else None] * count


def _label(value: Any) -> str:
    # A value as a word of an id.
    return slug(value if isinstance(value, str) else json.dumps(value))


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
            step = -_step(place, limit) if occurrence.keyword == "minimum" else _step(place, limit)
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
        case "oneOf" | "anyOf":
            yield from _mismatches(occurrence, builder)
        case "minItems" if limit > 0:
            fewer = builder.minimal(place)[: limit - 1]
            yield Value(value=fewer, label=f"{len(fewer)}-elements", side=Side.OUTSIDE)
        case "maxItems" if limit < MANY_ITEMS:
            more = _items(place, builder, limit + 1)
            yield Value(value=more, label=f"{len(more)}-elements", side=Side.OUTSIDE)
        case "additionalProperties":
            more = {**builder.minimal(place), "x-unknown": 1}
            yield Value(value=more, label="x-unknown", side=Side.OUTSIDE)
        case keyword:
            for label, value in _unlisted(keyword, limit, place):
                yield Value(value=value, label=label, side=Side.OUTSIDE)


def _unlisted(keyword: str, limit: Any, place: Place) -> Iterator[tuple[str, Any]]:
    # Values of the right type that are none of those that are listed, or that do not match.
    match keyword:
        case "exclusiveMinimum" | "exclusiveMaximum":
            step = -_step(place, limit) if keyword == "exclusiveMinimum" else _step(place, limit)
            yield from ((f"{limit}", limit), (f"{_add(limit, step)}", _add(limit, step)))
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
    if not _is_integer(occurrence.place):
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


def _is_integer(place: Place) -> bool:
    return kind_of(place.schema) == "integer"


def _step(place: Place, limit: float) -> float:
    # A limit that is itself finer than the usual step is gone round at a tenth of its own.
    if _is_integer(place):
        return 1
    decimals = max(0, -int(Decimal(str(limit)).as_tuple().exponent))
    return 0.01 if decimals < FINE else float(Decimal(1).scaleb(-decimals - 1))


def _add(limit: float, step: float) -> float:
    # As people write it: 2.01 and not 2.0099999999999998.
    if isinstance(limit, int) and isinstance(step, int):
        return limit + step
    return float(Decimal(str(limit)) + Decimal(str(step)))
