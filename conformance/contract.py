"""A contract: a folder with a documentation page, its schemas, and what the page promises beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources.abc import Traversable
from typing import Any

from infercheck.oracle import Oracle
from infercheck.requirements import Requirement, keyword_ids
from infercheck.schema import FORMS, Schema, kind_of, walk, ways
from infercheck.spoken import CHOICES, TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A call that the page makes: the bytes that its code sends, and the media type they are sent with."""

    id: str
    title: str
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """A body that the schema allows and that the page leaves open."""

    id: str
    title: str
    body: bytes
    endless: bool
    aims: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What a page promises. Schemas are JSON Schemas as Python values; `sha256` covers every file."""

    id: str
    location: str
    """Where it was loaded from: its id, or a folder."""
    title: str
    model: str
    provenance: Mapping[str, Any]
    sha256: str
    input: Schema
    output: Schema
    event: Schema
    roles: Mapping[str, str] = field(default_factory=dict)
    template: str = ""
    """A prompt as the model's own chat template writes it, with `{}` where the text of the user stands."""
    branches: Mapping[str, list[str]] = field(default_factory=dict)
    samples: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    impossible: tuple[tuple[str, str], ...] = ()
    unasked: Mapping[str, str] = field(default_factory=dict)
    """Forms of a request that are not asked for, by their pointer, each with the reason."""
    examples: tuple[Example, ...] = ()
    open: tuple[OpenQuestion, ...] = ()
    requirements: Mapping[str, Requirement] = field(default_factory=dict)
    deviations: Mapping[str, Traversable] = field(default_factory=dict)
    """Expectations that come with the contract, by the name that users give them."""

    @cached_property
    def default_limit(self) -> int | None:
        """The tokens that an answer may have which states no limit; None where the contract does not say."""
        limit = self.roles.get("output_limit")
        places = (place.schema.get("properties", {}) for place in walk(self.input))
        declared = (properties[limit] for properties in places if limit in properties)
        defaults = (schema.get("default") for schema in declared if isinstance(schema, Mapping))
        return next((default for default in defaults if isinstance(default, int) and default > 0), None)

    def default_of(self, body: Mapping[str, Any], name: str) -> Any:
        """What a parameter is that a request leaves out; None where nothing is said of it.

        By the first form that the request can be and that declares the parameter.
        """
        for form in self.forms:
            declared = form.get("properties", {}).get(name)
            if isinstance(declared, Mapping) and set(form.get("required", ())) <= body.keys():
                return declared.get("default")
        return None

    def limit_of(self, body: Mapping[str, Any]) -> Any:
        """The tokens that an answer to a request may have: its own limit, or its form's default. None where neither
        says anything; what a request states may be no number at all.
        """
        limit = self.roles.get("output_limit", "")
        return body[limit] if limit in body else self.default_of(body, limit)

    def set_alike(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        """Whether two requests give every parameter the same value, stated or by default, as far as is known. What
        they are about, a text or a conversation, may differ.
        """
        about = {self.roles.get("text"), self.roles.get("conversation")}
        names = {name for form in self.forms for name in form.get("properties", {})} - about
        for name in names:
            left, right = (body[name] if name in body else self.default_of(body, name) for body in (one, other))
            unsaid = name not in one and name not in other and (left is None or right is None)
            if left != right and not unsaid:
                return False
        return True

    def streams(self, body: object) -> bool:
        """Whether a request asks for a stream, or leaves it to a default that is one."""
        stream = self.roles.get("stream")
        if stream is None or not isinstance(body, Mapping):
            return False
        return (body[stream] if stream in body else self.default_of(body, stream)) is True

    @cached_property
    def forms(self) -> tuple[Schema, ...]:
        """The forms of a whole request that have no forms themselves."""
        return tuple(form for _, form in ways(self.input))

    def why_unasked(self, id_: str) -> str:
        """Why no request is about a requirement; empty where one may be."""
        pointer = self.requirements[id_].clause.pointer or ""
        if not id_.startswith("input/"):
            return ""
        return next((why for place, why in self.unasked.items() if pointer.startswith(f"{place}/")), "")

    @cached_property
    def speaks(self) -> bool:
        """Whether an answer holds the words of a model, as far as its schema knows."""
        return any(says(self.output, member) for member in (TEXT, CHOICES))

    @cached_property
    def has_choices(self) -> bool:
        """Whether an answer may hold its words in the manner of chat completions."""
        return says(self.output, CHOICES)

    @cached_property
    def oracle(self) -> Oracle:
        """The judge of requests."""
        return Oracle(self.input)

    @cached_property
    def answers(self) -> Oracle:
        """The judge of answers that are not streamed."""
        return Oracle(answer_schema(self.output)[1])

    @cached_property
    def events(self) -> Oracle:
        """The judge of what one event of a stream carries."""
        return Oracle(self.event)

    @cached_property
    def input_ids(self) -> dict[str, str]:
        """The requirement id of every constraining keyword of the input schema, by its pointer."""
        return keyword_ids("input", self.input, self.branches)

    @cached_property
    def output_ids(self) -> dict[str, str]:
        """The same for the output schema."""
        return keyword_ids("output", answer_schema(self.output)[1], {})

    @cached_property
    def event_ids(self) -> dict[str, str]:
        """The same for the schema of one stream event."""
        return keyword_ids("stream/event", self.event, {})


def answer_schema(output: Schema) -> tuple[str, Schema]:
    """The schema of an answer that is not streamed, and its JSON pointer in the output schema.

    An output is one object, or has several forms, one of which is a string, the body of a stream. Which of the two
    comes is decided by the request and judged as such; only objects are instances to validate. Where they have
    several forms an answer has to match one of them, and may match more: nothing ties it to one.
    """
    for keyword in FORMS:
        forms = [(index, form) for index, form in enumerate(output.get(keyword, []))]
        objects = [(index, form) for index, form in forms if kind_of(form) in (None, "object")]
        objects = [one for one in objects if TEXT in one[1].get("properties", {})] or objects
        if len(objects) == 1 and len(forms) > 1:
            return f"/{keyword}/{objects[0][0]}", objects[0][1]
        if objects:
            rest = {name: value for name, value in output.items() if name != keyword}
            return "", {**rest, "anyOf": [form for _, form in objects]}
    return "", output


def says(output: Schema, name: str) -> bool:
    """Whether an answer may have a member of this name, as far as its schema knows; one that says nothing may."""
    schema = answer_schema(output)[1]
    forms = [schema, *(form for keyword in FORMS for form in schema.get(keyword, []))]
    declared: set[str] = set()
    for form in forms:
        declared |= set(form.get("properties", {}))
    return name in declared or not declared
