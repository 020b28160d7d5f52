"""Visible text: whatever a target sends, no terminal and no page obeys it."""

from __future__ import annotations

import re
import unicodedata

# Printable ASCII needs no look.
_SUSPECT = re.compile(r"[^\x20-\x7e]")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""The general categories of controls, of what turns the direction of text or hides in it, of half characters and of
other ends of lines."""


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
    return escaped(match[0]) if unicodedata.category(match[0]) in _INVISIBLE else match[0]
