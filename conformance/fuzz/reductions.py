"""Reductions: a request without all that may be left out, from the outside in.

Hypothesis makes smaller what it drew, choice by choice; where its tries end before it does, great pieces are left
that do not matter: other parameters, most of a conversation, half of a text.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

from infercheck import jsontext
from infercheck.fuzz.sketch import Sketch
from infercheck.fuzz.source import Task, smallest

TRIES = 60
"""Requests that are tried to leave something out."""

SINGLE = 6
"""Elements of a list that are left out one by one, and not half of them at a time."""


async def made_small(
    task: Task, sketch: Sketch, is_valid: Callable[[object], bool], alike: Callable[[Sketch], Awaitable[bool]]
) -> Sketch:
    """The smallest request that fares like one that was drawn: what Hypothesis makes of it, and what is left of
    that."""
    return await bare(await smallest(task, sketch, alike) or sketch, is_valid, alike)


async def bare(
    sketch: Sketch, is_valid: Callable[[object], bool], alike: Callable[[Sketch], Awaitable[bool]]
) -> Sketch:
    """The request that is left where everything is left out that makes no difference to how it fares."""
    body, tries = json.loads(sketch.body), 0
    if not isinstance(body, dict):
        return sketch
    candidates = _of_object(body, sketch)
    while tries < TRIES and (smaller := next(candidates, None)) is not None:
        if is_valid(smaller) != sketch.is_valid:
            continue
        tries += 1
        other = replace(sketch, body=jsontext.dump(smaller))
        if await alike(other):
            sketch, body = other, smaller
            candidates = _of_object(body, sketch)
    return sketch


def _of_object(body: dict[str, Any], sketch: Sketch) -> Iterator[dict[str, Any]]:
    # What is wrong with a request stays in it as it is.
    free = [key for key in body if not sketch.is_about(key)]
    for key in free:
        yield {name: value for name, value in body.items() if name != key}
    for key in free if sketch.is_valid else ():
        for value in reductions(body[key]):
            yield {**body, key: value}


def reductions(value: Any) -> Iterator[Any]:
    """Values with less in them, those with the least first as far as can be told."""
    match value:
        case str() if len(value) > 1:
            half = len(value) // 2
            yield from (value[:half], value[half:])
        case list():
            half = len(value) // 2
            if len(value) > 1:
                yield from (value[:half], value[half:])
            if 2 < len(value) <= SINGLE:
                yield from (value[:index] + value[index + 1 :] for index in range(len(value)))
            for index, each in enumerate(value[:SINGLE]):
                yield from ([*value[:index], less, *value[index + 1 :]] for less in reductions(each))
        case dict():
            yield from ({name: one for name, one in value.items() if name != key} for key in value)
            for key, each in value.items():
                yield from ({**value, key: less} for less in reductions(each))
