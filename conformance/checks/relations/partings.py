"""Partings: where a stream begins to say something else than the answer without one, and in what way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from infercheck.reply import Reply, parted

CUT = "\ufffd"
"""What becomes of half a character."""

LITTLE = 20
"""Characters at a stream's end that may be missing for want of a piece."""


def parting(streamed: Reply, plain: Reply) -> int | None:
    """Where the event begins in which the texts part, in bytes of the stream; None where there is none.

    Where the end of the stream is lost, it is the one that comes in the place of what is lost.
    """
    left = parted(streamed.text, plain.text)
    for piece, place in zip(streamed.pieces, streamed.places, strict=False):
        left -= len(piece)
        if left < 0:
            return place
    last = max(streamed.places, default=-1)
    return next((event.offset for event in streamed.seen.stream.events if event.offset > last), None)


def is_of_pieces(streamed: Reply, plain: Reply) -> bool:
    """Whether a stream says the same but for some of its pieces: nothing else of its request need be wrong there.

    Where much is missing, another limit may be why, unless as many tokens are counted.
    """
    mine, theirs, pieces = streamed.text, plain.text, streamed.pieces
    if told_twice(pieces) and theirs in ("".join(pieces[::2]), pieces[-1]):
        return True
    if CUT in mine and CUT not in theirs:
        return bool(re.fullmatch(".{1,2}".join(map(re.escape, re.split(f"{CUT}+", mine))), theirs, re.DOTALL))
    if "".join(mine.split()) == "".join(theirs.split()):
        return mine != theirs
    if not mine or not (theirs.startswith(mine) or theirs.endswith(mine)):
        return False
    as_many = plain.tokens is not None and streamed.tokens == plain.tokens
    return as_many or len(theirs) - len(mine) <= LITTLE


def how(plain: Reply, streamed: Reply) -> str:
    """What is wrong with a stream, in brackets; empty where nobody can tell."""
    pieces = streamed.pieces
    if twice := told_twice(pieces):
        return twice
    if CUT in streamed.text and CUT not in plain.text:
        return " (a character that is cut in two between events becomes U+FFFD)"
    if "".join(streamed.text.split()) == "".join(plain.text.split()):
        return " (white space is lost or added)"
    if streamed.said[1] != plain.said[1] and streamed.text == plain.text:
        return " (the tool calls differ)"
    if streamed.text and plain.text.startswith(streamed.text):
        return " (the end is lost)"
    if streamed.text and plain.text.endswith(streamed.text):
        return " (the beginning is lost)"
    return ""


def told_twice(pieces: Sequence[str]) -> str:
    """How a stream says all of it more than once, in brackets; empty where it does not."""
    if len(pieces) > 2 and all(later.startswith(piece) for piece, later in pairwise(pieces)):
        return " (every event repeats the text so far)"
    if pieces and pieces[::2] == pieces[1::2]:
        return " (every piece comes twice)"
    return ""
