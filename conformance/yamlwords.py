"""What is wrong with a value in a YAML file, in words for people and without the value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jsonschema.exceptions import ValidationError

from infercheck.schema import Schema, resolve
from infercheck.yamlnodes import KINDS, LONGEST, shown

ALIKE = 0.75
"""How alike two words have to be, by difflib's ratio, for one to be taken for a slip of the other."""

SAID = ("type", "enum", "minimum", "maximum", "exclusiveMinimum", "anyOf", "oneOf")
"""The keywords that the words for what is wanted take in."""

PLURALS = {
    "string": "texts",
    "number": "numbers",
    "integer": "whole numbers",
    "boolean": "true or false",
    "array": "lists",
    "object": "mappings",
}


def worded(error: ValidationError, key: str, root: Schema) -> tuple[str, str]:
    """What is wrong, and a hint or nothing. `key` is the one that is missing or unknown, if the error is about one.

    `root` is the whole schema, which `$ref` points into.
    """
    schema: Schema = error.schema if isinstance(error.schema, Mapping) else {}
    place = _place(tuple(error.absolute_path))
    if error.validator == "additionalProperties" and key:
        return _unknown(key, schema.get("properties", {}), place if error.absolute_path else "")
    if error.validator == "required":
        return f"{shown(key)} is missing" + (f" in {place}" if error.absolute_path else ""), ""
    if error.context and all(inner.validator == "required" for inner in error.context):
        lacking = dict.fromkeys(name for inner in error.context for name in _lacking(inner))
        return f"{' or '.join(map(shown, lacking))} is missing in {place}", ""
    if error.instance is None:
        return f"{place} has no value", "Give it one, or take it out."
    if error.validator in ("minLength", "minItems", "minProperties") and not error.instance:
        return f"{place} is empty", "Give it a value, or take it out."
    return _mismatch(error, place, schema, root)


def _lacking(error: ValidationError) -> list[str]:
    required: Any = error.validator_value
    instance: Any = error.instance
    return [name for name in required if name not in instance]


def _unknown(key: str, properties: Mapping[str, Schema], place: str) -> tuple[str, str]:
    text = f"there is no key {shown(key)}" + (f" in {place}" if place else "")
    near = _nearest(key, {name: schema.get("x-also", ()) for name, schema in properties.items()})
    if near:
        return f"{text}; did you mean {shown(near)}?", ""
    return text, f"Keys are: {', '.join(properties)}."


def _mismatch(error: ValidationError, place: str, schema: Schema, root: Schema) -> tuple[str, str]:
    text = f"{place} is to be {_wanted(schema, root)}"
    hint = schema.get("x-hint", "")
    if error.validator not in SAID and "x-wanted" not in schema:
        return f"{place} is not of the form that is wanted", hint or schema.get("description", "")
    if error.validator == "enum" and isinstance(error.instance, str):
        near = _nearest(error.instance, {word: () for word in schema["enum"] if isinstance(word, str)})
        text += f"; did you mean {shown(near)}?" if near else ""
    elif error.validator in ("type", "anyOf", "oneOf"):
        types = _types(schema, root)
        found = type(error.instance)
        # "a number, not a number" is what a fraction would get where a whole number is wanted
        text += ", not a fraction" if found is float and "integer" in types else f", not {KINDS[found]}"
        hint = hint or _type_hint(found, types)
    return text, hint


def _type_hint(found: type, wanted: Iterable[str]) -> str:
    if found is bool and "string" in wanted:
        return "YAML reads yes, no, on and off as true or false. Put it in quotes if it is meant as text."
    if found in (int, float) and "string" in wanted:
        return "YAML reads a number here. Put it in quotes."
    if found is str and "boolean" in wanted:
        return "Write true or false, without quotes."
    if found is str and ("integer" in wanted or "number" in wanted):
        return "Write it in digits, without quotes and without a unit."
    return ""


# Names


def _place(path: Sequence[str | int]) -> str:
    if not path:
        return "the file"
    *parents, last = path
    name = shown(last) if isinstance(last, str) else f"item {last + 1}"
    return f"{name} {'in' if isinstance(last, str) else 'of'} {_place(parents)}" if parents else name


def _nearest(word: str, names: Mapping[str, Iterable[str]]) -> str:
    # The name that a word means, by one of its other names or nearly; empty where there is none.
    by_spelling = {_plain(other): name for name, others in names.items() for other in (*others, name)}
    plain = _plain(word[:LONGEST])
    close = difflib.get_close_matches(plain, by_spelling, n=1, cutoff=ALIKE)
    return by_spelling[close[0]] if close else ""


def _plain(word: str) -> str:
    return word.strip().lower()


# What is wanted


def _followed(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        schema = resolve(root, schema["$ref"].removeprefix("#"))
    return schema


def _forms(schema: Schema, root: Schema) -> list[Schema]:
    schema = _followed(schema, root)
    inners = () if "type" in schema else schema.get("anyOf", schema.get("oneOf", ()))
    return [form for inner in inners for form in _forms(inner, root)] or [schema]


def _types(schema: Schema, root: Schema) -> set[str]:
    types: set[str] = set()
    for form in _forms(schema, root):
        given = form.get("type", ())
        types.update((given,) if isinstance(given, str) else given)
    return types


def _wanted(schema: Schema, root: Schema) -> str:
    schema = _followed(schema, root)
    if "x-wanted" in schema:
        return str(schema["x-wanted"])
    forms = _forms(schema, root)
    if forms != [schema]:
        return ", or ".join(_wanted(form, root) for form in forms)
    if "enum" in schema:
        *words, last = [shown(str(word)) for word in schema["enum"]]
        return f"{', '.join(words)} or {last}" if words else last
    kind = schema.get("type")
    if kind == "array":
        return f"a list of {_plural(schema.get('items', {}), root)}"
    if kind == "object":
        return f"a mapping of keys to {_plural(schema.get('additionalProperties', {}), root)}"
    singular = {"string": "a text", "number": "a number", "integer": "a whole number", "boolean": "true or false"}
    return singular.get(str(kind), "of another form") + _bounds(schema)


def _plural(schema: object, root: Schema) -> str:
    if not isinstance(schema, Mapping):
        return "values"
    kinds = sorted(_types(schema, root))
    return " or ".join(PLURALS.get(kind, "values") for kind in kinds) or "values"


def _bounds(schema: Schema) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f" from {schema['minimum']} to {schema['maximum']}"
    words = {"exclusiveMinimum": "above {}", "minimum": "of {} or more", "maximum": "of {} or less"}
    said = [word.format(schema[keyword]) for keyword, word in words.items() if keyword in schema]
    return f" {' and '.join(said)}" if said else ""
