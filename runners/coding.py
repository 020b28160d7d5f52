"""Content codings of answers (RFC 9110, section 8.4), undone with a bound on what comes out."""

from __future__ import annotations

import zlib
from typing import Protocol

KNOWN = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
"""Codings that are undone, with what zlib calls them. We ask for none, and some send one all the same."""


class CodingError(Exception):
    """A body is not what the coding of its header says: the target's fault."""


class UnknownCoding(CodingError):
    """A body is in a coding that we do not undo: our limit."""


class Decoder(Protocol):
    """Undoes a coding as the bytes come."""

    def feed(self, data: bytes, room: int) -> bytes:
        """What the next bytes mean: at most `room` bytes and one more, which tells that there are too many."""

    def close(self) -> None:
        """The body has ended; CodingError where its coding has not."""


class Identity:
    """No coding."""

    def feed(self, data: bytes, room: int) -> bytes:
        """The bytes as they are."""
        return data

    def close(self) -> None:
        """Whatever has ended has ended."""


class Compressed:
    """A coding of zlib's. A few bytes can mean many millions, so what comes out is bounded, not what goes in."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._zlib = zlib.decompressobj(KNOWN[coding])
        self._begun = False

    def feed(self, data: bytes, room: int) -> bytes:
        """Decompress the next bytes; CodingError where they are none of this coding."""
        found = b""
        try:
            while data and len(found) <= room:
                if self._zlib.eof:  # the next member of the same file (RFC 1952, section 2.2)
                    self._zlib = zlib.decompressobj(KNOWN[self._coding])
                self._begun = True
                found += self._zlib.decompress(data, max(0, room - len(found)) + 1)
                data = self._zlib.unused_data
        except zlib.error as error:
            raise CodingError(f"the body is not the {self._coding} that its header says: {error}") from None
        return found

    def close(self) -> None:
        """CodingError where the last member was cut off."""
        if self._begun and not self._zlib.eof:
            raise CodingError(f"the {self._coding} of the body is cut off before its end")


def decoder_for(header: str | None) -> Decoder:
    """The decoder for a Content-Encoding header; UnknownCoding for what we do not undo, as several in a row."""
    coding = (header or "").strip().lower()
    if coding in ("", "identity"):
        return Identity()
    if coding not in KNOWN:
        raise UnknownCoding(f"the body is coded as {coding[:60]}, though the request asks for identity")
    return Compressed(coding)
