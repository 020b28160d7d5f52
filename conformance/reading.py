"""Reading a JSON Schema: the same schema in fewer words, so that whoever walks it meets them alone.

References are put in, an `allOf` is merged, `anyOf` a value or null is a value whose type may be null, and what
stands beside the forms of a request stands in each of them. The schema that comes of it allows the same values, but
for one that would refer to itself without end: there it allows any.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from infercheck.schema import FORMS, Schema, resolve

ANYTHING: Schema = {}
NOTHING: Schema = {"not": {}}

BESIDE = ("properties", "required", "additionalProperties")
"""What moves from beside the forms of a request into each of them."""

_ANNOTATED = ("title", "description", "default", "examples", "$comment", "deprecated")


class CannotRead(ValueError):
    """A schema that refers to what is not in it; the message begins with the place."""


def read(schema: Schema) -> dict[str, Any]:
    """A schema in fewer words; CannotRead where a reference leads nowhere."""
    whole = _Reader(schema).read(schema, ())
    whole.pop("$defs", None)
    whole.pop("definitions", None)
    return _spread(whole)


def assume(schema: Schema, pointer: str, required: Sequence[str]) -> dict[str, Any]:
    """A schema whose place under a pointer requires some more names."""
    whole = copy.deepcopy(dict(schema))
    place = resolve(whole, pointer)
    place["required"] = list(dict.fromkeys([*place.get("required", []), *required]))
    return whole


class _Reader:
    # Reads the schemas of one document.
    def __init__(self, document: Schema) -> None:
        self._document = document

    def read(self, schema: Any, within: tuple[str, ...]) -> dict[str, Any]:
        """One schema, `within` the references that led to it."""
        if not isinstance(schema, Mapping):
            return dict(ANYTHING if schema is True else NOTHING)
        own = dict(schema)
        target = own.pop("$ref", None)
        if isinstance(target, str):
            if target in within:
                return self.read(own, within)
            return _both(self.read(own, within), self.read(self._find(target), (*within, target)))
        self._read_within(own, within)
        return _forms(_merged(_draft_4(own)))

    def _read_within(self, own: dict[str, Any], within: tuple[str, ...]) -> None:
        # The schemas in a schema, in their places.
        for keyword in ("properties", "patternProperties", "dependentSchemas"):
            if isinstance(own.get(keyword), Mapping):
                own[keyword] = {name: self.read(child, within) for name, child in own[keyword].items()}
        if isinstance(own.get("items"), bool | Mapping):
            own["items"] = self.read(own["items"], within)
        if isinstance(own.get("additionalProperties"), Mapping):
            own["additionalProperties"] = self.read(own["additionalProperties"], within)
        elif own.get("additionalProperties") is True:
            del own["additionalProperties"]
        for keyword in ("not", "if", "then", "else", "contains", "propertyNames"):
            if isinstance(own.get(keyword), Mapping):
                own[keyword] = self.read(own[keyword], within)
        for keyword in (*FORMS, "allOf", "prefixItems"):
            if isinstance(own.get(keyword), list):
                own[keyword] = [self.read(child, within) for child in own[keyword]]

    def _find(self, target: str) -> Any:
        try:
            if target.partition("#")[0]:
                raise KeyError(target)
            return resolve(self._document, target.partition("#")[2])
        except KeyError:
            raise CannotRead(f"the reference {target!r} leads to nothing in this schema") from None


def _draft_4(schema: dict[str, Any]) -> dict[str, Any]:
    # In draft 4 a limit is excluded by a boolean beside it.
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(schema.get(exclusive), bool):
            is_excluded = schema.pop(exclusive)
            if is_excluded and bound in schema:
                schema[exclusive] = schema.pop(bound)
    return schema


def _merged(schema: dict[str, Any]) -> dict[str, Any]:
    # Without its allOf, where that can be said without one.
    parts = schema.pop("allOf", [])
    left = []
    for part in parts:
        merged = _both(schema, part)
        if "allOf" in merged:
            left.append(part)
        else:
            schema = merged
    return {**schema, "allOf": left} if left else schema


def _forms(schema: dict[str, Any]) -> dict[str, Any]:
    # One form is none, and a form or null is a form that may be null.
    for keyword in FORMS:
        forms = schema.get(keyword)
        if not isinstance(forms, list):
            continue
        some = [form for form in forms if form.get("type") != "null"]
        rest = {name: value for name, value in schema.items() if name != keyword}
        if len(forms) == 1:
            merged = _both(rest, forms[0])
            schema = schema if "allOf" in merged else merged
        elif len(some) == 1 and len(forms) == 2 and "type" not in rest and (whole := _or_null(some[0])):
            merged = _both(rest, whole)
            schema = schema if "allOf" in merged else merged
    return schema


def _or_null(schema: Schema) -> dict[str, Any] | None:
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    tied = {*FORMS, "const", "not", "allOf", "if", "$ref"}
    if not kinds or "null" in kinds or tied & schema.keys():
        return None
    whole = {**schema, "type": [*kinds, "null"]}
    if "enum" in schema:
        whole["enum"] = [*schema["enum"], *([] if None in schema["enum"] else [None])]
    return whole


def _both(one: Schema, other: Schema) -> dict[str, Any]:
    """The schema of what both allow; with an `allOf` where it cannot be said without one."""
    made = dict(one)
    for keyword, value in other.items():
        if keyword not in made or made[keyword] == value:
            made[keyword] = value
        elif keyword in _JOINED:
            joined = _JOINED[keyword](made[keyword], value)
            if joined is None:
                return {**one, "allOf": [*one.get("allOf", []), other]}
            made[keyword] = joined
        elif keyword not in _ANNOTATED and not keyword.startswith("$"):
            return {**one, "allOf": [*one.get("allOf", []), other]}
    # What one of them says of all undeclared names, it says of those that the other declares.
    if one.get("properties") != other.get("properties") and any(
        part.get("additionalProperties") is not None for part in (one, other)
    ):
        return {**one, "allOf": [*one.get("allOf", []), other]} if one.get("properties") else made
    return made


def _types(one: Any, other: Any) -> Any:
    firsts = [one] if isinstance(one, str) else one
    seconds = [other] if isinstance(other, str) else other
    shared = [kind for kind in firsts if kind in seconds]
    return (shared[0] if len(shared) == 1 else shared) if shared else None


def _properties(one: Mapping[str, Schema], other: Mapping[str, Schema]) -> dict[str, Any]:
    return {**one, **{name: _both(one[name], child) if name in one else child for name, child in other.items()}}


def _shared(one: Sequence[Any], other: Sequence[Any]) -> list[Any] | None:
    return [value for value in one if value in other] or None


_JOINED: Mapping[str, Callable[[Any, Any], Any]] = {
    "type": _types,
    "properties": _properties,
    "required": lambda one, other: list(dict.fromkeys([*one, *other])),
    "enum": _shared,
    "items": _both,
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems"), min),
}


def _spread(schema: dict[str, Any]) -> dict[str, Any]:
    # What stands beside the forms of a whole request stands in each.
    keyword = next((keyword for keyword in FORMS if isinstance(schema.get(keyword), list)), None)
    if keyword is None:
        return schema
    shared = {name: schema[name] for name in BESIDE if name in schema}
    if "properties" not in shared or shared.get("additionalProperties") is not None:
        return {**schema, keyword: [_spread(form) for form in schema[keyword]]}
    forms = list(_with(shared, schema[keyword]))
    if any("allOf" in form for form in forms):
        return schema
    return {**{name: value for name, value in schema.items() if name not in shared}, keyword: forms}


def _with(shared: Schema, forms: Sequence[Schema]) -> Iterator[dict[str, Any]]:
    for form in forms:
        yield _spread(_both(form, shared))
