"""Visible text: whatever a target sends, no terminal and no page obeys it."""

from __future__ import annotations

import re

# C0 and C1 controls, and the characters that turn the direction of text or hide in it.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def visible(text: str, limit: int | None = None) -> str:
    """The text with everything that is not seen, or that moves a cursor, written as an escape; cut at `limit`."""
    if limit is not None and len(text) > limit:
        text = f"{text[:limit]}…"
    return _INVISIBLE.sub(_escape, text)


def visible_lines(text: str) -> str:
    """The same for a text of several lines, which stay lines."""
    return "\n".join(visible(line) for line in text.split("\n"))


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character) or (
        f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
    )
