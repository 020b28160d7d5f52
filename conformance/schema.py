"""A JSON Schema as a tree to walk: every place in it, and every keyword that constrains something there."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

BOUNDS = frozenset({"minimum", "maximum", "minLength", "maxLength"})
CONSTRAINING = BOUNDS | {"type", "required", "oneOf"}
"""The keywords that requests are made for."""

ANNOTATIONS = frozenset(
    {"$schema", "$id", "$comment", "title", "description", "default", "examples", "format", "deprecated"}
)
APPLICATORS = frozenset({"properties", "items", "additionalProperties"})


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
    """A step into one branch of a `oneOf`; the instance stays where it is."""

    index: int
    name: str
    titled: bool


Step: TypeAlias = Property | Items | Extra | Branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A subschema: its JSON pointer in the whole schema, the steps that lead there, and itself."""

    pointer: str
    steps: tuple[Step, ...]
    schema: Schema

    def keywords(self) -> Iterator[Occurrence]:
        """The constraining keywords that stand here, in the order of the schema."""
        for keyword in self.schema:
            if keyword in CONSTRAINING:
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
        yield Property(name), ("properties", name), child
    if isinstance(schema.get("items"), Mapping):
        yield Items(), ("items",), schema["items"]
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield Extra(), ("additionalProperties",), schema["additionalProperties"]
    given = names.get(place.pointer, [])
    for index, child in enumerate(schema.get("oneOf", [])):
        title = child.get("title")
        if title:
            name = slug(title)
        elif index < len(given):
            name = given[index]
        else:
            name = hashlib.sha256(json.dumps(child, sort_keys=True).encode()).hexdigest()[:6]
        yield Branch(index, name, bool(title)), ("oneOf", str(index)), child


def applied(schema: Schema, instance: object, pointer: str = "") -> Iterator[str]:
    """JSON pointers of the constraining keywords that an instance puts to the test (no `oneOf` inside)."""
    yield from (f"{pointer}/{keyword}" for keyword in schema if keyword in CONSTRAINING)
    if isinstance(instance, Mapping):
        for name, child in schema.get("properties", {}).items():
            if name in instance:
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
