"""A JSON Schema as a tree to walk: every place in it, and every keyword that constrains something there."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

BOUNDS = frozenset({"minimum", "maximum", "minLength", "maxLength"})
FORMS = ("oneOf", "anyOf")
"""The keywords that give a value several forms."""
CONSTRAINING = (
    BOUNDS
    | {"exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "pattern", "enum", "const"}
    | {"type", "required", *FORMS}
)
"""The keywords that requests are made for, together with an `additionalProperties` that is false."""

CLOSED = "additionalProperties"

UNTESTED = frozenset(
    {"allOf", "not", "if", "then", "else", "prefixItems", "contains", "minContains", "maxContains", "uniqueItems"}
    | {"minProperties", "maxProperties", "patternProperties", "propertyNames", "dependencies", "dependentRequired"}
    | {"dependentSchemas", "unevaluatedItems", "unevaluatedProperties"}
)
"""Keywords that constrain, and that no request is made for. Any that is not known is an annotation."""


@dataclass(frozen=True, slots=True)
class Property:
    """A step to the value under a declared name."""

    name: str


@dataclass(frozen=True, slots=True)
class Items:
    """A step to the elements of an array."""


@dataclass(frozen=True, slots=True)
class Extra:
    """A step to the value under any name that is not declared (`additionalProperties`)."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A step into one branch of a `oneOf` or an `anyOf`; the instance stays where it is."""

    index: int
    name: str
    titled: bool
    keyword: str = "oneOf"


Step: TypeAlias = Property | Items | Extra | Branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A subschema: its JSON pointer in the whole schema, the steps that lead there, and itself."""

    pointer: str
    steps: tuple[Step, ...]
    schema: Schema

    def keywords(self) -> Iterator[Occurrence]:
        """The constraining keywords that stand here, in the order of the schema."""
        for keyword, value in self.schema.items():
            if keyword in CONSTRAINING or (keyword == CLOSED and value is False):
                yield Occurrence(place=self, keyword=keyword)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One constraining keyword at one place."""

    place: Place
    keyword: str

    @property
    def pointer(self) -> str:
        """JSON pointer of the keyword in the whole schema."""
        return f"{self.place.pointer}/{self.keyword}"

    @property
    def value(self) -> Any:
        """What the keyword says."""
        return self.place.schema[self.keyword]


def walk(schema: Schema, names: Mapping[str, list[str]] | None = None) -> Iterator[Place]:
    """Every place of a schema, outer before inner.

    `names` gives the branches that have no title their names, by the pointer of the schema that holds the `oneOf`.
    """
    yield from _walk(Place(pointer="", steps=(), schema=schema), names or {})


def _walk(place: Place, names: Mapping[str, list[str]]) -> Iterator[Place]:
    yield place
    for step, tokens, child in _children(place, names):
        inner = "".join(f"/{escape(token)}" for token in tokens)
        yield from _walk(Place(pointer=place.pointer + inner, steps=(*place.steps, step), schema=child), names)


def _children(place: Place, names: Mapping[str, list[str]]) -> Iterator[tuple[Step, tuple[str, ...], Schema]]:
    schema = place.schema
    for name, child in schema.get("properties", {}).items():
        if isinstance(child, Mapping):
            yield Property(name), ("properties", name), child
    if isinstance(schema.get("items"), Mapping):
        yield Items(), ("items",), schema["items"]
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield Extra(), ("additionalProperties",), schema["additionalProperties"]
    for keyword in FORMS:
        forms = schema.get(keyword, [])
        given = names.get(place.pointer, []) if keyword == FORMS[0] or FORMS[0] not in schema else []
        titles = Counter(slug(child["title"]) for child in forms if child.get("title"))
        for index, child in enumerate(forms):
            title = slug(child["title"]) if child.get("title") else ""
            if title and titles[title] == 1 and index >= len(given):
                name = title
            elif index < len(given):
                name = given[index]
            else:
                name = digest_of(child)
            yield Branch(index, name, bool(title), keyword), (keyword, str(index)), child


def digest_of(schema: Schema) -> str:
    """The name of a branch that has no better one."""
    return hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:6]


def kind_of(schema: Schema) -> str | None:
    """The type of a schema's values, null apart where they may be null as well; None where it names none."""
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds or []
    return next((kind for kind in kinds if kind != "null"), kinds[0] if kinds else None)


def ways(schema: Schema, pointer: str = "") -> Iterator[tuple[str, Schema]]:
    """The forms of a whole request that have no forms themselves, with their pointers."""
    keyword = next((keyword for keyword in FORMS if keyword in schema), None)
    if keyword is None:
        yield pointer, schema
        return
    for index, form in enumerate(schema[keyword]):
        yield from ways(form, f"{pointer}/{keyword}/{index}")


def untested(schema: Schema) -> Iterator[str]:
    """JSON pointers of the keywords of a schema that constrain and that no request is made for."""
    for place in walk(schema):
        yield from (f"{place.pointer}/{keyword}" for keyword in place.schema if keyword in UNTESTED)
        properties = place.schema.get("properties", {})
        yield from (
            f"{place.pointer}/properties/{escape(name)}" for name, child in properties.items() if child is False
        )


def applied(schema: Schema, instance: object, pointer: str = "") -> Iterator[str]:
    """JSON pointers of the constraining keywords that an instance puts to the test (no `oneOf` inside)."""
    here = Place(pointer=pointer, steps=(), schema=schema)
    yield from (occurrence.pointer for occurrence in here.keywords())
    if isinstance(instance, Mapping):
        for name, child in schema.get("properties", {}).items():
            if name in instance and isinstance(child, Mapping):
                yield from applied(child, instance[name], f"{pointer}/properties/{escape(name)}")
    if isinstance(instance, list) and isinstance(schema.get("items"), Mapping):
        for item in instance:
            yield from applied(schema["items"], item, f"{pointer}/items")


def resolve(document: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) points to; KeyError where there is nothing."""
    value = document
    for token in pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(token)] if isinstance(value, list) else value[token]
        except (ValueError, IndexError, TypeError):
            raise KeyError(pointer) from None
    return value


def escape(token: str) -> str:
    """A name as it stands in a JSON pointer (RFC 6901, section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


def slug(title: str) -> str:
    """A title as a word of a requirement id."""
    return re.sub(r"[^a-z0-9_.-]+", "-", title.lower()).strip("-") or "branch"
