"""What is spoken: where an answer, or one event of a stream, holds what the model said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TEXT, CALLS, CHOICES = "response", "tool_calls", "choices"
"""Members that hold the text, the calls of tools, and both of them in the manner of chat completions."""


def said_in(value: Mapping[str, Any], *, choices: bool) -> tuple[Any, Any]:
    """The text and the tool calls of an answer or an event, as they are; None where there are none.

    Chat completions count where the contract has `choices`.
    """
    if TEXT in value or CALLS in value or not choices:
        return value.get(TEXT), value.get(CALLS)
    return _in_choices(value)


def _in_choices(value: Mapping[str, Any]) -> tuple[Any, Any]:
    listed = value.get(CHOICES)
    first = listed[0] if isinstance(listed, Sequence) and listed and not isinstance(listed, str) else None
    if not isinstance(first, Mapping):
        return None, None
    for member in ("message", "delta"):
        held = first.get(member)
        if isinstance(held, Mapping):
            return held.get("content"), held.get(CALLS)
    return first.get("text"), None


def speaks(value: Mapping[str, Any], *, choices: bool) -> bool:
    """Whether a value has a place for what the model said."""
    return any(member in value for member in (TEXT, CALLS, *([CHOICES] if choices else [])))
