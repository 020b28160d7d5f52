"""Visible text: whatever a target sends, no terminal and no page obeys it."""

from __future__ import annotations

import re

# Printable ASCII needs no look; of the rest, str.isprintable knows more that hides than any list of ours.
_SUSPECT = re.compile(r"[^\x20-\x7e]+")


def visible(text: str, limit: int | None = None) -> str:
    """The text with everything that is not seen, or that moves a cursor, written as an escape; cut at `limit`."""
    if limit is not None and len(text) > limit:
        text = f"{text[:limit]}…"
    return _SUSPECT.sub(_shown, text)


def visible_lines(text: str) -> str:
    """The same for a text of several lines, which stay lines."""
    return "\n".join(visible(line) for line in text.split("\n"))


def escaped(character: str) -> str:
    """A character as its escape in Python, which is that of JSON and shells for most."""
    number = ord(character)
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    return short or (
        f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
    )


def _shown(match: re.Match[str]) -> str:
    found = match[0]
    return found if found.isprintable() else "".join(one if one.isprintable() else escaped(one) for one in found)
