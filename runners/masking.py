"""Masking: a target that repeats the token must not get it into our files."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from urllib.parse import quote

from infercheck.exchange import Chunk

MASK = b"*"
_MEMBER = re.compile(rb'"([^"\\\n]{1,60})"\s*:\s*"((?:[^"\\\n]|\\.)*)"')
"""A JSON member whose value is a string, as it stands."""

SHORTEST = 4
"""A secret of fewer bytes is no secret, and masking it would mask half the answer."""


class Mask:
    """Replaces secrets, and their escaped forms, by as many asterisks, also where they lie across chunks."""

    def __init__(self, *secrets: str) -> None:
        # Of "Bearer abc" the target may repeat "abc" alone.
        parts = {part for secret in secrets for part in (secret, secret.partition(" ")[2])}
        forms = {form.encode() for part in parts if len(part) >= SHORTEST for form in _forms(part)}
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, ordered)), re.IGNORECASE) if ordered else None

    def text(self, value: str) -> str:
        """A header's value or a message without the secret."""
        if self._pattern is None:
            return value
        return self._pattern.sub(_stars, value.encode("utf-8", "replace")).decode("utf-8", "replace")

    def chunks(self, chunks: Sequence[Chunk]) -> tuple[tuple[Chunk, ...], bool]:
        """The chunks without the secret, cut as they were, and whether it was there."""
        if self._pattern is None:
            return tuple(chunks), False
        whole = b"".join(chunk.data for chunk in chunks)
        masked = self._spread(self._pattern.sub(_stars, whole))
        if masked == whole:
            return tuple(chunks), False
        found, position = [], 0
        for chunk in chunks:
            end = position + len(chunk.data)
            found.append(Chunk(data=masked[position:end], time=chunk.time))
            position = end
        return tuple(found), True

    def _spread(self, whole: bytes) -> bytes:
        # A stream may say the secret piece by piece: "sec" in one event, "ret" in the next. All strings of one name
        # are read as one text, and every piece that has a part in the secret is masked.
        if self._pattern is None or whole.count(b"data:") < 2:
            return whole
        pieces: dict[bytes, list[re.Match[bytes]]] = defaultdict(list)
        for match in _MEMBER.finditer(whole):
            pieces[match[1]].append(match)
        masked = bytearray(whole)
        for matches in pieces.values():
            text = b"".join(match[2] for match in matches)
            for found in self._pattern.finditer(text):
                at = 0
                for match in matches:
                    begin, at = at, at + len(match[2])
                    if begin < found.end() and found.start() < at:
                        masked[slice(*match.span(2))] = MASK * len(match[2])
        return bytes(masked)


def _forms(secret: str) -> tuple[str, ...]:
    escaped = json.dumps(secret)[1:-1]
    spelled = "".join(f"\\u{ord(character):04x}" for character in secret)
    return secret, escaped, spelled, quote(secret, safe=""), escaped.replace("/", "\\/")


def _stars(match: re.Match[bytes]) -> bytes:
    return MASK * len(match[0])
