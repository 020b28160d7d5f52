"""Masking: a target that repeats the token must not get it into our files."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from infercheck.exchange import Chunk

MASK = b"*"
_MEMBER = re.compile(rb'"([^"\\\n]{1,60})"\s*:\s*"((?:[^"\\\n]|\\.)*)"')
"""A JSON member whose value is a string, as it stands."""

SHORTEST = 4
"""A secret of fewer bytes is no secret, and masking it would mask half the answer."""


class Mask:
    """Replaces secrets, however their characters are escaped, by as many asterisks, also where they lie across
    chunks."""

    def __init__(self, *secrets: str) -> None:
        # Of "Bearer abc" the target may repeat "abc" alone.
        parts = {part for secret in secrets for part in (secret, secret.partition(" ")[2])}
        wanted = sorted((part for part in parts if len(part) >= SHORTEST), key=len, reverse=True)
        self._parts = [part.encode() for part in wanted]
        spelled = b"|".join(b"".join(map(_spellings, part)) for part in wanted)
        self._pattern = re.compile(spelled, re.IGNORECASE) if wanted else None

    def text(self, value: str) -> str:
        """A header's value or a message without the secret."""
        if self._pattern is None:
            return value
        return self._pattern.sub(_stars, value.encode("utf-8", "replace")).decode("utf-8", "replace")

    def chunks(self, chunks: Sequence[Chunk], *, whole: bool = True) -> tuple[tuple[Chunk, ...], bool]:
        """The chunks without the secret, cut as they were, and whether it was there.

        Of a body that is not `whole` the end may hold the beginning of a secret.
        """
        if self._pattern is None:
            return tuple(chunks), False
        body = b"".join(chunk.data for chunk in chunks)
        masked = self._spread(self._pattern.sub(_stars, body))
        if not whole:
            masked = self._without_beginning(masked)
        if masked == body:
            return tuple(chunks), False
        found, position = [], 0
        for chunk in chunks:
            end = position + len(chunk.data)
            found.append(Chunk(data=masked[position:end], time=chunk.time))
            position = end
        return tuple(found), True

    def _without_beginning(self, body: bytes) -> bytes:
        for part in self._parts:
            for length in range(min(len(part), len(body)), SHORTEST - 1, -1):
                if body.endswith(part[:length]):
                    return body[:-length] + MASK * length
        return body

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


def _spellings(character: str) -> bytes:
    # As it is, behind backslashes, and as JSON, URLs and HTML spell it. A text may have been escaped more than
    # once, but the number of backslashes is bounded, so that no answer keeps us busy.
    code = ord(character)
    plain = re.escape(character.encode())
    spelled = [rb"\\{0,8}" + plain, rb"\\{1,8}u%04x" % code, rb"\\{1,8}x%02x" % code, rb"%%(?:25){0,3}%02x" % code]
    if not character.isalnum():
        names = {"&": b"amp", "<": b"lt", ">": b"gt", '"': b"quot", "'": b"apos"}
        entity = rb"&(?:amp;){0,3}(?:#0{0,5}%d|#x0{0,5}%x" % (code, code)
        spelled.append(entity + (b"|" + names[character] if character in names else b"") + b");")
    return b"(?:" + b"|".join(spelled) + b")"


def _stars(match: re.Match[bytes]) -> bytes:
    return MASK * len(match[0])
