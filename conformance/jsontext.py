"""Strict JSON: what RFC 8259 allows, and what a text does that it does not allow."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NoReturn


class NotJSON(ValueError):
    """The bytes are no JSON text; the message says why and where."""


class TooDeep(NotJSON):
    """The text nests more deeply than we can read: our limit, and no fault of the text (RFC 8259, section 9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A JSON text: its value, and the names that stood twice in one object (RFC 8259, section 4)."""

    value: Any
    duplicate_keys: tuple[str, ...] = field(default=())


def parse(data: bytes) -> Document:
    """Parse the bytes of a JSON text in UTF-8; NotJSON says what RFC 8259 forbids about them."""
    if data.startswith(b"\xef\xbb\xbf"):
        raise NotJSON("begins with a byte order mark, which RFC 8259 section 8.1 forbids")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJSON(f"is not UTF-8 at byte {error.start}") from None
    return parse_text(text)


def parse_text(text: str) -> Document:
    """Parse a JSON text that is decoded already; see `parse`."""
    duplicates: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(items)
        if len(value) != len(items):
            seen: set[str] = set()
            for name, _ in items:
                if name in seen and name not in duplicates:
                    duplicates.append(name)
                seen.add(name)
        return value

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=_no_constant, parse_int=_integer)
    except NotJSON:
        raise
    except RecursionError:
        raise TooDeep("nests too deeply to be read here") from None
    except ValueError as error:
        raise NotJSON(f"is not JSON: {error}" if text.strip() else "is empty") from None
    return Document(value=value, duplicate_keys=tuple(duplicates))


def dump(value: Any) -> bytes:
    """The compact JSON text of a value in UTF-8, characters as they are."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def show(value: Any, *, indent: int | None = None) -> str:
    """A value from a target as text for people: whatever it is, this does not fail."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent)
    except (ValueError, RecursionError):
        return f"<{type(value).__name__} that nests too deeply to be shown>"


def pretty(value: Any) -> str:
    """The same over many lines."""
    return show(value, indent=1)


def _no_constant(name: str) -> NoReturn:
    raise NotJSON(f"holds {name}, which is no JSON number (RFC 8259, section 6)")


def _integer(digits: str) -> int | float:
    # Python refuses to read integers of more than 4,300 digits; JSON does not.
    return int(digits) if len(digits) < 4000 else float(digits)
