"""What is spoken: where an answer, or one event of a stream, holds what the model said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TEXT, CALLS, CHOICES = "response", "tool_calls", "choices"
"""Members that hold the text, the calls of tools, and both of them in the manner of chat completions."""


def said_in(value: Mapping[str, Any]) -> tuple[Any, Any]:
    """The text and the tool calls of an answer or an event, as they are; None where there are none."""
    if TEXT in value or CALLS in value:
        return value.get(TEXT), value.get(CALLS)
    choices = value.get(CHOICES)
    first = choices[0] if isinstance(choices, Sequence) and choices and not isinstance(choices, str) else None
    if not isinstance(first, Mapping):
        return None, None
    for member in ("message", "delta"):
        held = first.get(member)
        if isinstance(held, Mapping):
            return held.get("content"), held.get(CALLS)
    return first.get("text"), None


def speaks(value: Mapping[str, Any]) -> bool:
    """Whether a value has a place for what the model said."""
    return any(member in value for member in (TEXT, CALLS, CHOICES))
