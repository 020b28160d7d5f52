"""Tool calls in Mistral's form: the token `[TOOL_CALLS]`, then a JSON list of `{"name", "arguments"}`."""

from __future__ import annotations

import json
from typing import Any

MARK = "[TOOL_CALLS]"


def mark_of(tokenizer: Any) -> int | None:
    """The token that begins tool calls; None where the tokenizer has none."""
    found: int | None = tokenizer.get_vocab().get(MARK)
    return found


def calls_of(text: str) -> list[dict[str, Any]] | None:
    """The calls that the text after the mark makes; None where it makes none."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not (isinstance(found, list) and found and all(_is_call(one) for one in found)):
        return None
    return [{"name": one["name"], "arguments": one["arguments"]} for one in found]


def _is_call(value: Any) -> bool:
    return (
        isinstance(value, dict) and isinstance(value.get("name"), str) and isinstance(value.get("arguments"), dict)
    )
