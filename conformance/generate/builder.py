"""Building requests: the smallest ordinary value of a place, and a whole request around a value."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from itertools import takewhile
from typing import Any, Literal, TypeAlias

from infercheck.contract import Contract
from infercheck.schema import FORMS, Branch, Extra, Items, Place, Property, Step, kind_of, walk

SMALL = 8
"""The output limit, in tokens, of a request that is not about length."""

ORDINARY = 256
"""The output limit of a request that is about nothing else, where the contract requires one."""

LONG = 1000
"""From this limit on, in characters, a text is a long one: sent alone, and late."""

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
        self._minimals: dict[str, Any] = {}
        self._can_stream: dict[str, bool] = {}
        self.limit = contract.roles.get("output_limit")
        self.stream = contract.roles.get("stream")

    @cached_property
    def _leaves(self) -> dict[tuple[Step, ...], str]:
        # The forms of a whole request that have no forms themselves, with their names.
        holders = {steps[:-1] for steps in self.places if steps and isinstance(steps[-1], Branch)}
        leaves = [steps for steps in self.places if _is_form(steps) and steps not in holders]
        leaves = [steps for steps in leaves if self._is_object(steps) and not self._is_unasked(steps)]
        names = Counter(_last(steps) for steps in leaves)
        return {
            steps: _last(steps) if names[_last(steps)] == 1 else "-".join(step.name for step in _forms(steps))
            for steps in leaves
        }

    def _is_object(self, steps: tuple[Step, ...]) -> bool:
        kinds = (kind_of(self.places[steps[:length]].schema) for length in range(len(steps) + 1))
        return all(kind in (None, "object") for kind in kinds)

    def _is_unasked(self, steps: tuple[Step, ...]) -> bool:
        return self.places[steps].pointer in self.contract.unasked

    def branches(self) -> list[Place]:
        """The ways a whole request can take: the root's branches, or the root itself where it has none."""
        return [self.places[steps] for steps in self._leaves] or [self.places[()]]

    def holders(self) -> list[Place]:
        """What a whole request is before it takes a way: the root, and forms that have forms themselves."""
        taken = {place.steps for place in self.branches()}
        inner = {steps[:length] for steps in taken for length in range(len(steps))}
        return [place for steps, place in self.places.items() if steps in inner and steps not in taken]

    def name(self, place: Place) -> str:
        """The name of the branch that a place lies in; empty for the root."""
        for length in range(len(place.steps), 0, -1):
            if name := self._leaves.get(place.steps[:length]):
                return name
        first = place.steps[0] if place.steps else None
        return first.name if isinstance(first, Branch) else ""

    def minimal(self, place: Place) -> Any:
        """A small, ordinary, valid value of a place: the contract's sample, or one made from the schema."""
        if place.pointer not in self._minimals:
            self._minimals[place.pointer] = self._minimal(place)
        value = self._minimals[place.pointer]
        return copy.deepcopy(value) if isinstance(value, dict | list) else value

    def _minimal(self, place: Place) -> Any:
        value = self._smallest(place)
        stream = self.places.get((*place.steps, Property(self.stream or "")))
        # Where answers are streamed unless told otherwise, a request that is not about that tells otherwise.
        if _is_whole(place) and isinstance(value, dict) and stream and _is_on_and_may_be_off(stream.schema):
            return {str(self.stream): False, **value}
        return value

    def _smallest(self, place: Place) -> Any:
        if place.pointer in self.contract.samples:
            return self.contract.samples[place.pointer]
        schema = place.schema
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        kind = kind_of(schema)
        if kind == "array":
            items = self.places.get((*place.steps, Items()))
            least = schema.get("minItems", 0)
            return [self.minimal(items)] * max(1, least) if items else ["text"] * least
        if kind == "object" or "properties" in schema or any(keyword in schema for keyword in FORMS):
            return self._minimal_object(place)
        return _scalar(kind, schema)

    def _minimal_object(self, place: Place) -> Any:
        schema = place.schema
        value: dict[str, Any] = {}
        steps = place.steps
        while steps and isinstance(steps[-1], Branch):
            steps = steps[:-1]
            value = {**self._required(self.places[steps]), **value}
        value |= self._required(place)
        if any(keyword in schema for keyword in FORMS):
            return self._of_first_form(place, value)
        extra = self.places.get((*place.steps, Extra()))
        if extra and "properties" not in schema:
            value[EXTRA_NAME] = self.minimal(extra)
        return value

    def _of_first_form(self, place: Place, required: dict[str, Any]) -> Any:
        forms = [p for s, p in self.places.items() if s and s[:-1] == place.steps and isinstance(s[-1], Branch)]
        asked = [form for form in forms if form.pointer not in self.contract.unasked]
        first = self.minimal((asked or forms)[0])
        return {**required, **first} if isinstance(first, dict) else first

    def _required(self, place: Place) -> dict[str, Any]:
        properties = place.schema.get("properties", {})
        found = {
            name: self.minimal(self.places[(*place.steps, Property(name))])
            for name in place.schema.get("required", [])
            if name in properties
        }
        if self.limit in found and _is_whole(place):
            found[self.limit] = near(properties[self.limit], ORDINARY)
        return found

    def base(self, branch: Place) -> dict[str, Any]:
        """The smallest request of a root branch, with a small output limit where the branch has one."""
        body: dict[str, Any] = self.minimal(branch)
        if limit := self.places.get((*branch.steps, Property(self.limit or ""))):
            body[str(self.limit)] = near(limit.schema, SMALL)
        return body

    def can_stream(self, branch: Place) -> bool:
        """Whether a request of a root branch may ask for a stream."""
        if branch.pointer not in self._can_stream:
            stream = self.places.get((*branch.steps, Property(self.stream or "")))
            body = {**self.base(branch), str(self.stream): True}
            self._can_stream[branch.pointer] = stream is not None and self.contract.oracle.is_valid(body)
        return self._can_stream[branch.pointer]

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
                around = self.base(parent) if _is_form(parent.steps) or not parent.steps else None
                around = self.minimal(parent) if around is None else around
                value = {**self._dependents(parent, name), **around, name: value}
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

    def _dependents(self, parent: Place, name: str) -> dict[str, Any]:
        # What has to stand beside a property (dependentRequired; dependencies in older drafts).
        schema = parent.schema
        listed = {**schema.get("dependencies", {}), **schema.get("dependentRequired", {})}.get(name)
        names = listed if isinstance(listed, list) else []
        places = {each: self.places.get((*parent.steps, Property(each))) for each in names}
        return {each: self.minimal(place) for each, place in places.items() if place is not None}

    def is_text(self, place: Place) -> bool:
        """Whether a place holds what people write: a long text, or the prompt or a message without a limit."""
        schema = place.schema
        if kind_of(schema) != "string" or {"enum", "const", "pattern", "format"} & schema.keys():
            return False
        if "maxLength" in schema:
            return bool(schema["maxLength"] >= LONG)
        named = [step.name for step in place.steps if isinstance(step, Property)]
        roles = self.contract.roles
        if named == [roles.get("text")]:
            return True
        return named[:1] == [roles.get("conversation")] and named[-1] == "content"

    def key(self, place: Place) -> str | None:
        """The top-level key of the request that a place lies under."""
        for step in place.steps:
            if isinstance(step, Property):
                return step.name
        return None

    def streams(self, body: object) -> bool:
        """Whether a request asks for a stream."""
        return self.contract.streams(body)


def _forms(steps: tuple[Step, ...]) -> list[Branch]:
    # The forms of the whole request that steps lead through first.
    return list(takewhile(lambda step: isinstance(step, Branch), steps))  # type: ignore[arg-type]


def _is_on_and_may_be_off(schema: Mapping[str, Any]) -> bool:
    return schema.get("default") is True and False in schema.get("enum", [schema.get("const", False)])


def _is_whole(place: Place) -> bool:
    return not place.steps or _is_form(place.steps)


def _is_form(steps: tuple[Step, ...]) -> bool:
    return bool(steps) and len(_forms(steps)) == len(steps)


def _last(steps: tuple[Step, ...]) -> str:
    return _forms(steps)[-1].name


def _scalar(kind: str | None, schema: Mapping[str, Any]) -> Any:
    match kind:
        case "integer" | "number":
            return _number(kind, schema)
        case "boolean":
            return False
        case "null":
            return None
        case _:
            text = "text".ljust(schema.get("minLength", 0), "x")
            return text[: schema.get("maxLength", len(text))]


def near(schema: Mapping[str, Any], usual: int) -> Any:
    """The whole number that a schema allows and that is nearest to a usual one, or its smallest above that."""
    listed = [schema["const"]] if "const" in schema else schema.get("enum")
    if listed:
        numbers = [one for one in listed if isinstance(one, int) and not isinstance(one, bool)]
        return min(numbers, key=lambda one: abs(one - usual), default=listed[0])
    return _number("integer", schema, usual)


def _number(kind: str, schema: Mapping[str, Any], usual: float | None = None) -> Any:
    usual = (1 if kind == "integer" else 0.5) if usual is None else usual
    step = 1 if kind == "integer" else 0.01
    least = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf) + step)
    most = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf) - step)
    value = min(max(usual, least), most)
    if multiple := schema.get("multipleOf"):
        value = -(-value // multiple) * multiple
        value = value if value <= most or value - multiple < least else value - multiple
    return int(value) if kind == "integer" else value
