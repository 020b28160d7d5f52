"""Valid values to draw: a strategy for every place of a contract's input schema."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import dropwhile, islice
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from hypothesis_jsonschema import from_schema

from infercheck.fuzz import texts
from infercheck.fuzz.turns import ANY_ROLES, conversation, out_of_turn
from infercheck.generate.builder import LONG, SMALL, Builder
from infercheck.schema import Branch, Extra, Items, Place, Property, Step, kind_of

TURNS, MOST_TURNS = 4, 300
"""Messages that are drawn one by one, and those of a conversation that they are repeated for."""

DEEP = 40
"""Levels of nesting of what no branch declares."""

UNLIMITED = 131_072
"""Characters of a text without a limit at most."""

FEW = 3
"""Elements of an array, but for messages."""

TOKENS = 2 * SMALL
"""The greatest output limit, in tokens, of a request that is not about length."""


class Valid:
    """What may be drawn for the places of a contract; `absent` are top-level keys that the target does not have.

    Requests have one at least of the parameters that some requirements are `about`, if any.
    """

    def __init__(
        self,
        builder: Builder,
        adapters: Sequence[str] = (),
        absent: frozenset[str] = frozenset(),
        about: frozenset[str] = frozenset(),
    ) -> None:
        self._about = about
        self.builder = builder
        self._contract = builder.contract
        self._roles = builder.contract.roles
        self._adapters = tuple(adapters)
        self._absent = absent
        self._open = {aim for question in builder.contract.open for aim in question.aims}
        self._declared = {
            step.name
            for steps in builder.places
            for step in islice(dropwhile(lambda step: isinstance(step, Branch), steps), 1)
            if isinstance(step, Property)
        }

    def bodies(self, branch: Place) -> SearchStrategy[dict[str, Any]]:
        """Whole requests of a branch."""
        required = {*branch.schema.get("required", ()), self.builder.limit}
        declared = {
            name: self.top_level(branch, name)
            for name in branch.schema.get("properties", {})
            if name not in self._absent and self._is_drawn(branch, name)
        }
        optional = {name: one for name, one in declared.items() if name not in required}
        unknown = st.dictionaries(texts.short(1, 12).filter(self._is_unknown), nested(), min_size=1, max_size=2)
        wanted = [name for name in optional if self._has_about(branch, name)]
        body = st.one_of(
            [
                st.fixed_dictionaries(
                    {name: one for name, one in declared.items() if name in required or name == present},
                    optional={name: one for name, one in optional.items() if name != present},
                )
                for present in wanted or [""]
            ]
        )
        extended = st.builds(lambda one, more: {**one, **more}, body, unknown)
        return texts.weighted((3, body), (1, extended))

    def is_about(self, branch: Place) -> bool:
        """Whether a parameter of a branch is what requests are to be about."""
        return any(self._has_about(branch, name) for name in branch.schema.get("properties", {}))

    def _has_about(self, branch: Place, name: str) -> bool:
        return bool(self._about & self._ids(branch, name))

    def _ids(self, branch: Place, name: str) -> set[str]:
        # The requirements that a parameter's schema states, at whatever depth.
        steps = (*branch.steps, Property(name))
        within = (each for each in self.builder.places.values() if each.steps[: len(steps)] == steps)
        return {self._contract.input_ids[one.pointer] for each in within for one in each.keywords()}

    def top_level(self, branch: Place, name: str) -> SearchStrategy[Any]:
        """Values of a top-level parameter."""
        place = self.builder.places[(*branch.steps, Property(name))]
        if name == self._roles.get("adapter"):
            return st.sampled_from(self._adapters)
        if name == self._roles.get("output_limit"):
            return st.integers(1, TOKENS)
        if name == self._roles.get("conversation"):
            return self._conversations(place)
        return self.values(place)

    def values(self, place: Place) -> SearchStrategy[Any]:
        """Values of a place."""
        schema = place.schema
        if "enum" in schema or "const" in schema:
            return st.sampled_from(schema.get("enum") or [schema["const"]])
        if forms := self._forms(place):
            return st.one_of([self.values(form) for form in forms])
        match "object" if "properties" in schema else kind_of(schema):
            case "array":
                items = self.builder.places.get((*place.steps, Items()))
                least = schema.get("minItems", 0)
                most = min(schema.get("maxItems", max(FEW, least)), max(FEW, least))
                return st.lists(self.values(items), min_size=least, max_size=most) if items else st.just([])
            case "object":
                return self._objects(place)
            case "string":
                return self._strings(place)
            case "number":
                return _numbers(schema)
            case "integer" | "boolean" | "null":
                return from_schema({**schema, "type": kind_of(schema)})
            case _:
                return st.just(self.builder.minimal(place))

    def _is_drawn(self, branch: Place, name: str) -> bool:
        # What the page leaves open is asked about once, elsewhere; and nobody has to take any bytes for an image.
        if name == self._roles.get("adapter"):
            return bool(self._adapters)
        if name in (self._roles.get("conversation"), self._roles.get("tools")):
            return True
        return not self._open & self._ids(branch, name)

    def _is_unknown(self, name: str) -> bool:
        return name not in self._declared

    def _forms(self, place: Place) -> list[Place]:
        return [
            each
            for steps, each in self.builder.places.items()
            if steps[:-1] == place.steps and steps and isinstance(steps[-1], Branch)
        ]

    def _objects(self, place: Place) -> SearchStrategy[Any]:
        holder = (
            self.builder.places[place.steps[:-1]] if place.steps and isinstance(place.steps[-1], Branch) else None
        )
        required = {*place.schema.get("required", ()), *(holder.schema.get("required", ()) if holder else ())}
        known = {
            name: self.values(self.builder.places[(*place.steps, Property(name))])
            for name in place.schema.get("properties", {})
            if (*place.steps, Property(name)) in self.builder.places
        }
        extra = self.builder.places.get((*place.steps, Extra()))
        if extra:
            return st.dictionaries(texts.names(), self._extras(extra), max_size=FEW)
        return st.fixed_dictionaries(
            {name: one for name, one in known.items() if name in required},
            optional={name: one for name, one in known.items() if name not in required},
        ).map(_sensible)

    def _extras(self, place: Place) -> SearchStrategy[Any]:
        # The schemas of a tool's parameters, which may nest.
        return st.builds(_array_of, self.values(place), DEPTHS)

    def _strings(self, place: Place) -> SearchStrategy[str]:
        schema, sample = place.schema, self._contract.samples.get(place.pointer)
        least, most = schema.get("minLength", 0), schema.get("maxLength", LONG)
        if "pattern" in schema:
            return st.just(self.builder.minimal(place))
        if self.builder.is_text(place):
            return texts.texts(max(1, least), schema.get("maxLength", UNLIMITED))
        if sample is None:
            return texts.short(least, most)
        # What has a sample has a meaning: names of types and roles are not made up.
        if " " in sample:
            return st.one_of(st.just(sample), texts.short(max(1, least), min(most, 200)))
        return st.one_of(st.just(sample), texts.names()) if "_" in sample else st.just(sample)

    def _conversations(self, place: Place) -> SearchStrategy[Any]:
        items = self.builder.places.get((*place.steps, Items()))
        content = self._content(items) if items else None
        if items is None or content is None:
            return self.values(place)
        texts_ = st.lists(self.values(content), min_size=1, max_size=TURNS)
        counts = texts.weighted((20, st.none()), (2, st.integers(1, 40)), (2, st.integers(1, MOST_TURNS)))
        name = next(step.name for step in reversed(content.steps) if isinstance(step, Property))
        in_turn = st.builds(
            lambda said, count, system: conversation(name, said, count, system=system),
            texts_,
            counts,
            st.booleans(),
        )
        roles = st.lists(st.sampled_from(ANY_ROLES), min_size=1, max_size=2 * TURNS)
        return texts.weighted((7, in_turn), (1, st.builds(out_of_turn, st.just(name), texts_, roles)))

    def _content(self, items: Place) -> Place | None:
        # The text of a message: its longest string.
        strings = [
            place
            for steps, place in self.builder.places.items()
            if steps[: len(items.steps)] == items.steps
            and _is_property(steps[len(items.steps) :])
            and kind_of(place.schema) == "string"
            and self.builder.is_text(place)
        ]
        known = {"role"} <= items.schema.get("properties", {}).keys()
        return max(strings, key=lambda place: place.schema.get("maxLength", 0), default=None) if known else None


def _is_property(steps: Sequence[Step]) -> bool:
    # A property, or one form of it.
    return bool(steps) and isinstance(steps[0], Property) and all(isinstance(step, Branch) for step in steps[1:])


def _numbers(schema: Mapping[str, Any]) -> SearchStrategy[Any]:
    leaf = {key: value for key, value in schema.items() if key in ("minimum", "maximum", *_OF_NUMBERS)}
    leaf["type"] = "number"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None or high is None or any(keyword in schema for keyword in _OF_NUMBERS):
        return from_schema(leaf)
    # As people write them, with two digits at most.
    hundredths = st.integers(math.ceil(low * 100), math.floor(high * 100))
    written: SearchStrategy[Any] = hundredths.map(lambda count: count / 100)
    wholes = st.integers(math.ceil(low), math.floor(high))
    return texts.weighted((3, written), (1, wholes), (1, from_schema(leaf)))


_OF_NUMBERS = ("exclusiveMinimum", "exclusiveMaximum", "multipleOf")


DEPTHS = st.sampled_from([0, 0, 0, 0, 1, 2, 3, *range(4, DEEP)])
"""Levels of nesting."""


def _sensible(value: dict[str, Any]) -> dict[str, Any]:
    # A schema requires names that it knows, each once.
    if isinstance(value.get("required"), list) and isinstance(value.get("properties"), dict):
        value = {**value, "required": list(value["properties"])[: len(value["required"])]}
    return value


def _array_of(schema: dict[str, Any], depth: int) -> dict[str, Any]:
    items: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        items = {"type": "array", "items": items}
    return {**schema, **items} if depth else schema


def nested() -> SearchStrategy[Any]:
    """JSON values, some of which nest deeply."""
    leaf = st.one_of(st.none(), st.booleans(), st.integers(-(2**31), 2**31), texts.short())
    return st.builds(_nest, leaf, DEPTHS, st.booleans())


def _nest(leaf: Any, depth: int, arrays: bool) -> Any:
    for level in range(depth):
        leaf = [leaf] if arrays and level % 2 else {"a": leaf}
    return leaf
