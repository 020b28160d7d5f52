"""Building requests: the smallest ordinary value of a place, and a whole request around a value."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from infercheck.contract import Contract
from infercheck.schema import Branch, Extra, Items, Place, Property, Step, walk

SMALL = 8
"""The output limit, in tokens, of a request that is not about length."""

EXTRA_NAME, OTHER_NAME = "city", "country"
"""The name given to a value under `additionalProperties`, and to one beside it."""


Beside: TypeAlias = Literal["alone", "first", "last"]


class Builder:
    """The places of a contract's input schema, and requests made around them."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.places: dict[tuple[Step, ...], Place] = {
            place.steps: place for place in walk(contract.input, contract.branches)
        }
        self.limit = contract.roles.get("output_limit")
        self.stream = contract.roles.get("stream")

    def branches(self) -> list[Place]:
        """The ways a whole request can take: the root's branches, or the root itself where it has none."""
        root = self.places[()]
        return [place for steps, place in self.places.items() if _is_branch(steps)] or [root]

    def name(self, place: Place) -> str:
        """The name of the root branch that a place lies in; empty for the root."""
        first = place.steps[0] if place.steps else None
        return first.name if isinstance(first, Branch) else ""

    def minimal(self, place: Place) -> Any:
        """A small, ordinary, valid value of a place: the contract's sample, or one made from the schema."""
        if place.pointer in self.contract.samples:
            return copy.deepcopy(self.contract.samples[place.pointer])
        schema = place.schema
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "array":
            items = self.places.get((*place.steps, Items()))
            return [self.minimal(items)] if items else []
        if kind == "object" or "properties" in schema or "oneOf" in schema:
            return self._minimal_object(place)
        return _scalar(kind, schema)

    def _minimal_object(self, place: Place) -> Any:
        schema = place.schema
        if "oneOf" in schema:
            first = next(p for s, p in self.places.items() if s[:-1] == place.steps and _is_branch(s[-1:]))
            return self.minimal(first)
        value: dict[str, Any] = {}
        if place.steps and isinstance(place.steps[-1], Branch):
            holder = self.places[place.steps[:-1]]
            value = self._required(holder)
        value |= self._required(place)
        extra = self.places.get((*place.steps, Extra()))
        if extra and "properties" not in schema:
            value[EXTRA_NAME] = self.minimal(extra)
        return value

    def _required(self, place: Place) -> dict[str, Any]:
        properties = place.schema.get("properties", {})
        return {
            name: self.minimal(self.places[(*place.steps, Property(name))])
            for name in place.schema.get("required", [])
            if name in properties
        }

    def base(self, branch: Place) -> dict[str, Any]:
        """The smallest request of a root branch, with a small output limit where the branch has one."""
        body: dict[str, Any] = self.minimal(branch)
        if self.limit and (*branch.steps, Property(self.limit)) in self.places:
            body[self.limit] = SMALL
        return body

    def embed(self, place: Place, value: Any, beside: Beside = "alone", form: Place | None = None) -> Any:
        """A whole request that is ordinary but for `value` at `place`.

        In an array, or among names that are the user's own, `value` stands alone, or `first` or `last` of two: the
        other is ordinary, and of the same form of a `oneOf` as the value is meant to be.
        """
        if not place.steps:
            return value
        parent = self.places[place.steps[:-1]]
        match place.steps[-1]:
            case Property(name=name):
                # The root's own request carries the output limit; deeper objects are just minimal.
                around = self.base(parent) if _is_branch(parent.steps) or not parent.steps else None
                around = self.minimal(parent) if around is None else around
                value = {**around, name: value}
            case Items() if beside == "first":
                value = [value, self.minimal(form or place)]
            case Items() if beside == "last":
                value = [self.minimal(form or place), value]
            case Items():
                value = [value]
            case Extra() if beside == "first":
                value = {EXTRA_NAME: value, OTHER_NAME: self.minimal(form or place)}
            case Extra() if beside == "last":
                value = {OTHER_NAME: self.minimal(form or place), EXTRA_NAME: value}
            case Extra():
                value = {EXTRA_NAME: value}
            case Branch():
                return self.embed(parent, value, beside, form=place)
        return self.embed(parent, value, beside)

    def key(self, place: Place) -> str | None:
        """The top-level key of the request that a place lies under."""
        for step in place.steps:
            if isinstance(step, Property):
                return step.name
        return None

    def streams(self, body: object) -> bool:
        """Whether a request asks for a stream."""
        return isinstance(body, Mapping) and self.stream is not None and body.get(self.stream) is True


def _is_branch(steps: tuple[Step, ...]) -> bool:
    return len(steps) == 1 and isinstance(steps[0], Branch)


def _scalar(kind: str | None, schema: Mapping[str, Any]) -> Any:
    match kind:
        case "integer":
            return int(min(max(1, schema.get("minimum", 1)), schema.get("maximum", 1)))
        case "number":
            return min(max(0.5, schema.get("minimum", 0.5)), schema.get("maximum", 0.5))
        case "boolean":
            return False
        case "null":
            return None
        case _:
            text = "text".ljust(schema.get("minLength", 0), "x")
            return text[: schema.get("maxLength", len(text))]
