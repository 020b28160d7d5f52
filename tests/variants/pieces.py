"""Servers that make another text of their tokens, or cut it into other pieces."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import ClassVar

from variants.engines import Generating, Steps, batched
from variants.registry import variant


@variant()
class StreamsEightTokensAtATime(Generating):
    """Joins eight tokens in an event."""

    class Engine(Steps):
        """Joins."""

        def cut(self, pieces: Iterator[str]) -> Iterator[str]:
            return batched(pieces, 8)


@variant()
class StreamsCharacters(Generating):
    """Sends each character in an event of its own."""

    class Engine(Steps):
        """Cuts."""

        def cut(self, pieces: Iterator[str]) -> Iterator[str]:
            return chain.from_iterable(pieces)


@variant()
class StreamsWords(Generating):
    """Sends a word when the next begins, and the last at the end."""

    class Engine(Steps):
        """Waits for a space."""

        def cut(self, pieces: Iterator[str]) -> Iterator[str]:
            held = ""
            for piece in pieces:
                *words, held = re.split(r"(?<=\s)", held + piece)
                yield from filter(None, words)
            if held:
                yield held


@variant()
class StreamsWhatComes(Generating):
    """Joins one to five tokens in an event, as chance will have it."""

    class Engine(Steps):
        """Joins at random."""

        def cut(self, pieces: Iterator[str]) -> Iterator[str]:
            while text := next(batched(pieces, random.randint(1, 5)), ""):
                yield text


@variant()
class StreamsMoreAndMore(Generating):
    """Sends one token, then two, then four, up to 32."""

    class Engine(Steps):
        """Doubles."""

        def cut(self, pieces: Iterator[str]) -> Iterator[str]:
            size = 1
            while text := next(batched(pieces, size), ""):
                yield text
                size = min(2 * size, 32)


@variant()
class StreamsThreeBytesAtATime(Generating):
    """Cuts its text after every third byte, and holds back characters that are cut there."""

    class Engine(Steps):
        """Counts bytes."""

        def cut(self, pieces: Iterator[str]) -> Iterator[str]:
            held = b""
            for piece in pieces:
                held += piece.encode()
                while len(held) >= 3:
                    text = held[:3].decode("utf-8", "ignore") or held[:4].decode("utf-8", "ignore")
                    if not text:
                        break
                    held = held[len(text.encode()) :]
                    yield text
            if held:
                yield held.decode()


@variant()
class SendsEmptyPieces(Generating):
    """Sends an event without text before the first token and behind every tenth."""

    class Engine(Steps):
        """Pauses."""

        def cut(self, pieces: Iterator[str]) -> Iterator[str]:
            yield ""
            for place, piece in enumerate(pieces, 1):
                yield piece
                if place % 10 == 0:
                    yield ""


@variant()
class BeginsWithoutWhiteSpace(Generating):
    """Leaves out the white space that an answer begins with."""

    class Engine(Steps):
        """Strips the beginning."""

        def polish(self, pieces: Iterator[str]) -> Iterator[str]:
            begun = False
            for piece in pieces:
                piece = piece if begun else piece.lstrip()
                begun = begun or bool(piece)
                if piece:
                    yield piece


@variant()
class StripsBothEnds(Generating):
    """Leaves out the white space at both ends of an answer, which it holds back in streams."""

    class Engine(Steps):
        """Strips."""

        def polish(self, pieces: Iterator[str]) -> Iterator[str]:
            held, begun = "", False
            for piece in pieces:
                held += piece
                held = held if begun else held.lstrip()
                text = held.rstrip()
                held, begun = held[len(text) :], begun or bool(text)
                if text:
                    yield text


@variant()
class BeginsWithASpace(Generating):
    """Writes a space before the first word, as some tokenizers do."""

    class Engine(Steps):
        """Begins."""

        def polish(self, pieces: Iterator[str]) -> Iterator[str]:
            for place, piece in enumerate(pieces):
                yield piece if place else f" {piece}"


@variant()
class TidiesUp(Generating):
    """Writes one line feed for several, and no mark of punctuation twice in a row."""

    class Engine(Steps):
        """Tidies."""

        def polish(self, pieces: Iterator[str]) -> Iterator[str]:
            last = ""
            for piece in pieces:
                if piece != last or piece not in set("\n.,;:!?"):
                    yield piece
                last = piece


@variant(undecided=("default/max_tokens", "effect/max_tokens"))
class StopsAtAWord(Generating):
    """Ends an answer before a stop string, of which it holds back whatever may be its beginning."""

    class Engine(Steps):
        """Stops."""

        stop = "\n the"

        def polish(self, pieces: Iterator[str]) -> Iterator[str]:
            held = ""
            for piece in pieces:
                text, found, held = (held + piece).partition(self.stop)
                if found:
                    if text:
                        yield text
                    return
                part = max((n for n in range(len(self.stop)) if text.endswith(self.stop[:n])), default=0)
                text, held = text[: len(text) - part], text[len(text) - part :]
                if text:
                    yield text


@variant()
class SpeaksInCapitals(Generating):
    """Writes all letters as capitals, of which some are two."""

    class Engine(Steps):
        """Shouts."""

        def polish(self, pieces: Iterator[str]) -> Iterator[str]:
            return map(str.upper, pieces)


@variant()
class WritesEscapes(Generating):
    """Writes markup, quotation marks and control characters in its answers."""

    class Engine(Steps):
        """Has odd words."""

        odd: ClassVar[Mapping[str, str]] = {
            ".": '."}]\n',
            " the": " <b>the</b>",
            ",": "\\u002c",
            "s": "\u2028",
            " and": " &amp;\t",
            " a": "\x00",
        }

        def polish(self, pieces: Iterator[str]) -> Iterator[str]:
            return (self.odd.get(piece, piece) for piece in pieces)
