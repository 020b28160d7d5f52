"""Content codings of answers (RFC 9110, section 8.4), undone with a bound on what comes out."""

from __future__ import annotations

import zlib
from typing import Protocol

KNOWN = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
"""Codings that are undone, with what zlib calls them. We ask for none, and some send one all the same."""


class CodingError(Exception):
    """A body is not in the coding that its header names, or in one that we do not undo."""


class Decoder(Protocol):
    """Undoes a coding as the bytes come."""

    def feed(self, data: bytes, room: int) -> bytes:
        """What the next bytes mean: at most `room` bytes and one more, which tells that there are too many."""


class Identity:
    """No coding."""

    def feed(self, data: bytes, room: int) -> bytes:
        """The bytes as they are."""
        return data


class Compressed:
    """A coding of zlib's. A few bytes can mean many millions, so what comes out is bounded, not what goes in."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._zlib = zlib.decompressobj(KNOWN[coding])

    def feed(self, data: bytes, room: int) -> bytes:
        """Decompress the next bytes; CodingError where they are none of this coding."""
        try:
            return self._zlib.decompress(data, max(0, room) + 1)
        except zlib.error as error:
            raise CodingError(f"the body is not the {self._coding} that its header says: {error}") from None


def decoder_for(header: str | None) -> Decoder:
    """The decoder for a Content-Encoding header; CodingError for what we do not undo, several in a row included."""
    coding = (header or "").strip().lower()
    if coding in ("", "identity"):
        return Identity()
    if coding not in KNOWN:
        raise CodingError(f"the body is coded as {coding[:60]}, though the request asks for identity")
    return Compressed(coding)
