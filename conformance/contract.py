"""A contract: a folder with a documentation page, its schemas, and what the page promises beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources.abc import Traversable
from typing import Any

from infercheck.oracle import Oracle
from infercheck.requirements import Requirement, keyword_ids
from infercheck.schema import Schema, walk


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
        defaults = (properties[limit].get("default") for properties in places if limit in properties)
        return next((default for default in defaults if isinstance(default, int)), None)

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

    An output is `oneOf` an object and a string, the body of a stream. Which of the two comes is decided by the
    request and judged as such; only the object is an instance to validate.
    """
    for index, branch in enumerate(output.get("oneOf", [])):
        if branch.get("type") == "object":
            return f"/oneOf/{index}", branch
    return "", output
