"""Promises: what a schema's defaults and descriptions promise of answers, as requirements of a contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infercheck.contract import says
from infercheck.schema import Schema, escape, ways
from infercheck.spoken import CHOICES, TEXT

_PENALTIES = {"repetition_penalty": "1", "frequency_penalty": "0", "presence_penalty": "0"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a role where a form of a request first declares it."""

    name: str
    pointer: str
    schema: Schema

    @property
    def default(self) -> Any:
        """What it is where it is left out; None where the schema does not say."""
        return self.schema.get("default")

    def allows(self, value: float) -> bool:
        """Whether a number keeps its bounds."""
        low, high = self.schema.get("minimum", value), self.schema.get("maximum", value)
        over, under = self.schema.get("exclusiveMinimum"), self.schema.get("exclusiveMaximum")
        return bool(low <= value <= high) and (over is None or value > over) and (under is None or value < under)


Rows = Iterator[tuple[str, str, str, str]]
"""Requirements: id, level, title, and the role whose parameter says so."""


def promises(schema: Schema, output: Schema, roles: Mapping[str, str], page: str | None) -> list[dict[str, Any]]:
    """The rows `requirements` of a contract, each with the description or the default that it follows from."""
    if not any(says(output, member) for member in (TEXT, CHOICES)):
        return []
    parameters = {role: one for role, name in roles.items() if (one := parameter(schema, name))}
    rows = []
    for id_, level, title, role in [*_defaults(parameters, schema, roles), *_effects(parameters)]:
        rows.append({"id": id_, "level": level, "title": title, **_clause(parameters[role], id_, page)})
    return rows


def parameter(schema: Schema, name: str) -> Parameter | None:
    """A parameter in the first form of a request that gives it a default, or else that declares it."""
    found = [
        Parameter(name, f"{pointer}/properties/{escape(name)}", form["properties"][name])
        for pointer, form in ways(schema)
        if isinstance(form.get("properties", {}).get(name), Mapping)
    ]
    return next((one for one in found if one.default is not None), found[0] if found else None)


def together(schema: Schema, names: Sequence[str]) -> bool:
    """Whether one form of a request declares all of these parameters."""
    return any(set(names) <= form.get("properties", {}).keys() for _, form in ways(schema))


def _clause(one: Parameter, id_: str, page: str | None) -> dict[str, str]:
    if id_.startswith("default/") and one.default is not None:
        return {"pointer": f"{one.pointer}/default"}
    description = one.schema.get("description")
    if not isinstance(description, str) or not description.strip():
        return {"pointer": one.pointer}
    if page is not None and " ".join(description.split()) in " ".join(page.split()):
        return {"quote": description}
    return {"pointer": f"{one.pointer}/description"}


def _defaults(one: Mapping[str, Parameter], schema: Schema, roles: Mapping[str, str]) -> Rows:
    if "stream" in one and one["stream"].default is False:
        yield "default/stream", "MUST", f"an answer is streamed only where {one['stream'].name} is true", "stream"
    if "output_limit" in one and "seed" in one:
        name, default = one["output_limit"].name, one["output_limit"].default
        if isinstance(default, int) and default > 0 and one["output_limit"].allows(default + 1):
            yield (
                "default/max_tokens",
                "MUST",
                f"an answer without {name} is the one with {name} {default}",
                "output_limit",
            )
    if {"temperature", "seed", "output_limit"} <= one.keys():
        default = one["temperature"].default
        if isinstance(default, int | float) and not isinstance(default, bool):
            title = f"an answer without a temperature is the one at temperature {default}"
            yield "default/temperature", "MUST", title, "temperature"
    raw = one.get("raw")
    if raw and raw.default is False and together(schema, [roles.get(role, "") for role in ("raw", "text", "seed")]):
        title = f"an answer without {raw.name} is the one with it false, and true makes another"
        yield "default/raw", "MUST", title, "raw"


def _effects(one: Mapping[str, Parameter]) -> Rows:
    if {"seed", "temperature", "output_limit"} <= one.keys():
        yield from _of_sampling(one)
        yield from _of_penalties(one)
        yield from _of_texts(one)
        if {"text", "conversation"} <= one.keys():
            title = "a prompt is answered as the same text in one message of the user"
            yield "template/messages", "SHOULD", title, "raw" if "raw" in one else "text"
        if "adapter" in one:
            yield from _of_adapters(one)
        if {"tools", "conversation"} <= one.keys():
            yield "tools/names", "SHOULD", "a tool that is called is one of those that were offered", "tools"
            title = "whether the arguments of a tool call fit the tool's parameters"
            yield "tools/arguments", "INFO", title, "tools"
    if "stream" in one:
        yield from _of_streams(one)


def _of_sampling(one: Mapping[str, Parameter]) -> Rows:
    limit, warmth = one["output_limit"].name, one["temperature"]
    yield (
        "effect/max_tokens",
        "MUST",
        f"{limit} cuts the answer off after that many tokens, and changes nothing else",
        "output_limit",
    )
    most = f", up to {warmth.schema['maximum']}" if "maximum" in warmth.schema else ""
    yield "effect/temperature", "MUST", f"a higher temperature gives more random answers{most}", "temperature"
    greedy = warmth.allows(0)
    if greedy:
        title = "temperature 0 gives one answer, whatever the seed"
        yield "effect/temperature/zero", "SHOULD", title, "temperature"
    beside = ", that of temperature 0" if greedy else ""
    if "top_k" in one:
        yield "effect/top_k", "MUST", "no token is chosen but the top_k most probable ones", "top_k"
        if one["top_k"].allows(1) and greedy:
            yield "effect/top_k/one", "SHOULD", f"top_k 1 gives one answer, whatever the seed{beside}", "top_k"
    if "top_p" in one:
        yield "effect/top_p", "MUST", "a lower top_p leaves fewer tokens to choose from", "top_p"
        if one["top_p"].allows(0) and greedy:
            yield "effect/top_p/zero", "SHOULD", f"top_p 0 gives one answer, whatever the seed{beside}", "top_p"
    yield "effect/seed/reproducible", "SHOULD", "the same request with the same seed gets the same answer", "seed"
    most = f", all the way up to {one['seed'].schema['maximum']}" if "maximum" in one["seed"].schema else ""
    yield "effect/seed/distinct", "SHOULD", f"different seeds give different answers{most}", "seed"


def _of_penalties(one: Mapping[str, Parameter]) -> Rows:
    neutral = all(role in one for role in _PENALTIES)
    for role, value in _PENALTIES.items():
        if role in one:
            yield f"effect/{role}", "MUST", f"{role} has an effect", role
            title = f"a higher {role} makes for fewer repetitions"
            yield f"effect/{role}/direction", "SHOULD", title, role
            if neutral:
                yield f"effect/{role}/neutral", "INFO", f"whether {role} {value} is the same as none", role


def _of_texts(one: Mapping[str, Parameter]) -> Rows:
    if "text" in one:
        name = one["text"].name
        yield "effect/prompt", "MUST", f"the answer depends on the whole {name}, from its start to its end", "text"
        yield "effect/prompt/middle", "SHOULD", f"the middle of a long {name} counts as well", "text"
    if "conversation" in one:
        title = "the answer depends on every message, that of the system too"
        yield "effect/messages", "MUST", title, "conversation"
        yield "effect/messages/middle", "SHOULD", "the middle of a long message counts as well", "conversation"
    role = "text" if "text" in one else "conversation"
    if role in one:
        title = "an answer is what the model wrote, not the prompt repeated before it"
        yield "output/prompt-echo", "MUST", title, role
        title = "an answer has no token around it that is none of its text, such as the one that ends it"
        yield "output/special-tokens", "SHOULD", title, role


def _of_adapters(one: Mapping[str, Parameter]) -> Rows:
    name = one["adapter"].name
    yield "lora/effect", "MUST", "an adapter changes the answer", "adapter"
    yield "lora/unknown", "SHOULD", "an adapter that does not exist is refused, not left out", "adapter"
    title = f"an answer without {name} is the base model's, whatever adapter was asked for before"
    yield "isolation/lora", "MUST", title, "adapter"


def _of_streams(one: Mapping[str, Parameter]) -> Rows:
    yield "stream/media-type", "MUST", "a streamed answer is labelled text/event-stream", "stream"
    if {"seed", "temperature", "output_limit"} <= one.keys():
        title = "a streamed answer is the one that is given without a stream, piece by piece"
        yield "stream/equivalence", "MUST", title, "stream"
        title = "a streamed answer begins and ends with the same white space as the one without a stream"
        yield "stream/equivalence/white-space", "SHOULD", title, "stream"
        yield "stream/usage", "SHOULD", "a stream counts the same tokens as the answer without one", "stream"
        title = "a streamed answer comes as it is generated, not all at its end"
        yield "stream/incremental", "MUST", title, "stream"
