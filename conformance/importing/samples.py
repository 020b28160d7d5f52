"""Samples: ordinary values for the places of a schema, told by their names, so that requests read like requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infercheck.oracle import Oracle
from infercheck.schema import Items, Place, Property, Schema, kind_of, walk

STORY = "Tell me a story about a lighthouse."
QUESTION = "What is the origin of the phrase Hello World?"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="

_TEXTS: Mapping[str, tuple[str, ...]] = {
    "prompt": (STORY,),
    "input": (STORY,),
    "role": ("user",),
    "content": (QUESTION,),
    "text": (QUESTION,),
    "type": ("text", "function", "object", "string"),
    "name": ("get_weather",),
    "description": ("Tells the weather of a city.",),
    "code": ("return 2 * x",),
    "url": (PIXEL, "https://example.org/picture.png"),
    "tool_call_id": ("call_1",),
    "arguments": ('{"city": "Paris"}',),
    "language": ("en",),
}
"""Texts by the name of the property that holds them; the first that the schema allows is taken."""

_SHAPED = (
    *("text", STORY, PIXEL, "https://example.org/", "a@example.org", "2026-01-01", "2026-01-01T00:00:00Z"),
    *("en", "en-US", "call_1", "0", "1.0", "00000000-0000-4000-8000-000000000000", "A", "a-b", "#000000"),
)
"""Texts to try where a pattern is to be matched."""

_TOOL = "Name of the city."


def samples(schema: Schema, model: str) -> dict[str, Any]:
    """An ordinary value for every place whose name says what stands there, by its pointer."""
    found: dict[str, Any] = {}
    for place in walk(schema):
        for value in [model] if _path(place) == ["model"] else _values(place):
            if Oracle(place.schema).is_valid(value):
                found[place.pointer] = value
                break
    return found


def _values(place: Place) -> Iterator[Any]:
    if {"enum", "const"} & place.schema.keys() or not place.steps:
        name = _name(place)
        if name == "role" and "enum" in place.schema:
            yield "user"
        return
    kind = kind_of(place.schema)
    if kind == "string":
        yield from _texts(place)
    elif _is_pixels(place):
        yield [0, 128, 255] if kind == "array" else 128
    elif kind == "object" or "properties" in place.schema:
        yield from _objects(place)


def _name(place: Place) -> str:
    return next((step.name for step in reversed(place.steps) if isinstance(step, Property)), "")


def _path(place: Place) -> list[str]:
    return [step.name for step in place.steps if isinstance(step, Property)]


def _texts(place: Place) -> Iterator[str]:
    path, name = _path(place), _name(place)
    if "pattern" in place.schema or "format" in place.schema:
        if place.schema.get("format") == "binary":
            yield "\u0089PNG"
        yield from (text for text in _SHAPED if _matches(place.schema.get("pattern", ""), text))
        return
    if isinstance(place.steps[-1], Items) and name == "required":
        yield "city"
    if "parameters" in path[:-1]:
        if name == "type":
            yield "object" if path[-2] == "parameters" else "string"
        if name == "description":
            yield _TOOL
    if name == "name" and "functions" in path:
        yield "double"
    if name == "type" and path[:1] == ["tools"]:
        yield "function"
    yield from _TEXTS.get(name, ())


def _is_pixels(place: Place) -> bool:
    if _name(place) != "image":
        return False
    items = place.schema.get("items")
    return kind_of(place.schema) == "number" or (
        isinstance(items, Mapping) and kind_of(items) in ("number", "integer")
    )


def _objects(place: Place) -> Iterator[Any]:
    path, declared = _path(place), place.schema.get("properties", {})
    if path[-1:] == ["messages"] and "role" in declared:
        yield {"role": "user", "content": QUESTION}
        yield {"role": "user", "content": [{"type": "text", "text": QUESTION}]}
    if path[-1:] == ["functions"] and "code" in declared:
        yield {"name": "double", "code": "return 2 * x"}
    if path[-2:] == ["parameters", "properties"]:
        yield {"type": "string", "description": _TOOL}


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


# More values


_TURNS = {
    "system": [
        {"role": "system", "content": "You are a friendly assistant"},
        {"role": "user", "content": "What is the origin of the phrase Hello, World"},
    ],
    "turns": [
        {"role": "user", "content": "My name is Ada."},
        {"role": "assistant", "content": "Hello Ada."},
        {"role": "user", "content": "What is my name?"},
    ],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "Say hello."}]}],
}
_CITY = {"type": "string", "description": _TOOL}
_FLAT = {
    "name": "get_weather",
    "description": "Tells the weather of a city.",
    "parameters": {"type": "object", "required": ["city"], "properties": {"city": _CITY}},
}
_TOOLS = {
    "none": [],
    "both-shapes": [_FLAT, {"type": "function", "function": {**_FLAT, "name": "tell_weather"}}],
    "no-parameters": [
        {
            "type": "function",
            "function": {
                "name": "now",
                "description": "Tells the time.",
                "parameters": {"type": "object", "properties": {}},
            },
        }
    ],
}


def more_values(schema: Schema, roles: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """More values that are plainly valid, for the parameters of some roles, by their pointers and labels."""
    wanted: dict[str, Mapping[str, Any]] = {
        roles.get("conversation", ""): _TURNS,
        roles.get("tools", ""): _TOOLS,
        roles.get("functions", ""): {"none": []},
        roles.get("output_limit", ""): {"eight": 8, "sixteen": 16},
        "image": {"empty": []},
    }
    found: dict[str, dict[str, Any]] = {}
    for place in walk(schema):
        if len(_path(place)) != 1 or not place.steps or not isinstance(place.steps[-1], Property):
            continue
        oracle = Oracle(place.schema)
        labelled = {label: value for label, value in wanted.get(_name(place), {}).items() if oracle.is_valid(value)}
        if labelled:
            found[place.pointer] = labelled
    return found
