"""Servers whose streams do not add up to the answers that they give without a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mutants.altered import Altered, Body, Events, Mapped, Numbering, Streaming, Uncounted, without
from mutants.registry import mutant

Pieces = Iterator[str]

LENGTHS = ("effect/max_tokens", "default/max_tokens")


@mutant("stream/equivalence", may_fail=("stream/present", "stream/equivalence/white-space", *LENGTHS))
class LosesTheFirstToken(Streaming):
    """Begins to send with the second token."""

    def pieces(self, body: Body, pieces: Pieces) -> Pieces:
        next(pieces, None)
        yield from pieces


@mutant("stream/equivalence", may_fail=("stream/present", *LENGTHS))
class LosesTheLastToken(Streaming):
    """Ends its stream before it has sent the last token."""

    def pieces(self, body: Body, pieces: Pieces) -> Pieces:
        held = next(pieces, None)
        for piece in pieces:
            yield held or ""
            held = piece


@mutant("stream/equivalence", may_fail=LENGTHS)
class LosesEveryTenthToken(Streaming):
    """Loses one token in ten on the way."""

    def pieces(self, body: Body, pieces: Pieces) -> Pieces:
        return (piece for number, piece in enumerate(pieces, 1) if number % 10)


@mutant("stream/equivalence", may_fail=LENGTHS, unseen="its answers have no more than 60 tokens")
class LosesAllBeyond100Tokens(Streaming, Uncounted):
    """Has room for a hundred tokens in its buffer, and loses what comes behind them."""

    def pieces(self, body: Body, pieces: Pieces) -> Pieces:
        return (piece for number, piece in enumerate(pieces, 1) if number <= 100)

    def events(self, body: Body, events: Events) -> Events:
        return Uncounted.events(self, body, Altered.events(self, body, events))


@mutant("stream/equivalence", may_fail=LENGTHS)
class RepeatsTokens(Streaming):
    """Sends a token twice where its buffer wraps around, which is every sixteen tokens."""

    def pieces(self, body: Body, pieces: Pieces) -> Pieces:
        for number, piece in enumerate(pieces, 1):
            yield piece
            if number % 16 == 0:
                yield piece


@mutant("stream/equivalence", may_fail=LENGTHS)
class SendsTheTextSoFar(Streaming):
    """Sends with each event all of the text so far."""

    def pieces(self, body: Body, pieces: Pieces) -> Pieces:
        text = ""
        for piece in pieces:
            text += piece
            yield text


@mutant("stream/equivalence", may_fail=("stream/equivalence/white-space", *LENGTHS))
class StripsTokens(Streaming):
    """Sends tokens without the space that they begin with, as a tokenizer does that decodes them one by one."""

    def pieces(self, body: Body, pieces: Pieces) -> Pieces:
        return (piece.removeprefix(" ") for piece in pieces)


@mutant("stream/equivalence", may_fail=("stream/equivalence/white-space", *LENGTHS))
class LosesLineFeeds(Streaming):
    """Sends no line feeds, which end a line of an event stream."""

    def pieces(self, body: Body, pieces: Pieces) -> Pieces:
        return (piece.replace("\n", "") for piece in pieces)


@mutant("stream/equivalence", may_fail=LENGTHS)
class LosesDigits(Streaming):
    """Takes a token of digits for something that is no text, and skips it."""

    def pieces(self, body: Body, pieces: Pieces) -> Pieces:
        return (piece for piece in pieces if not piece.isdigit())


@mutant("stream/equivalence", may_fail=LENGTHS)
class CutsCharactersIntoReplacements(Streaming):
    """Decodes the bytes of a long character piece by piece, and sends U+FFFD for each."""

    def pieces(self, body: Body, pieces: Pieces) -> Pieces:
        for piece in pieces:
            data = piece.encode()
            if max(map(ord, piece), default=0) < 0x3000:
                yield piece
            else:
                yield data[:2].decode(errors="replace")
                yield data[2:].decode(errors="replace")


@mutant("stream/equivalence", may_fail=("tools/*",))
class StreamsNoToolCalls(Streaming):
    """Calls tools, and says nothing of it where it streams."""

    def events(self, body: Body, events: Events) -> Events:
        return (without(payload, "tool_calls") for payload in events)


@mutant("stream/equivalence", may_fail=LENGTHS)
class StreamsWithAnotherSeed(Streaming, Mapped):
    """Streams with the next seed."""

    name = "seed"

    def other(self, value: Any) -> Any:
        return value + 1


@mutant("effect/seed/reproducible", may_fail=("stream/equivalence", *LENGTHS), concurrency=1)
class LosesATokenOfEveryFifthStream(Streaming, Numbering):
    """Loses the third token of every fifth stream."""

    def hits(self, body: Body) -> bool:
        return Streaming.hits(self, body) and Numbering.hits(self, body)

    def is_hit(self, number: int) -> bool:
        return number % 5 == 0

    def pieces(self, body: Body, pieces: Pieces) -> Pieces:
        return (piece for number, piece in enumerate(pieces, 1) if number != 3)


@mutant("stream/equivalence/white-space", may_fail=("stream/equivalence",))
class StripsAnswers(Altered):
    """Strips an answer of the white space around it, which a stream keeps."""

    def text(self, body: Body, text: str) -> str:
        return text.strip()


@mutant("stream/equivalence/white-space", may_fail=("stream/equivalence",))
class BeginsStreamsWithoutASpace(Streaming):
    """Strips the first token of a stream, so as to begin with a word."""

    def pieces(self, body: Body, pieces: Pieces) -> Pieces:
        yield next(pieces, "").lstrip()
        yield from pieces


class Counting(Streaming):
    """Counts otherwise where it streams."""

    def events(self, body: Body, events: Events) -> Events:
        text = ""
        for payload in events:
            text += payload["response"]
            yield {**payload, "usage": self.usage(payload["usage"], text)} if "usage" in payload else payload

    def usage(self, usage: Mapping[str, int], text: str) -> Mapping[str, int]:
        """What it says that there was."""
        raise NotImplementedError


@mutant("stream/usage")
class CountsNoPromptInStreams(Counting):
    """Says of a stream that its prompt had no tokens."""

    def usage(self, usage: Mapping[str, int], text: str) -> Mapping[str, int]:
        return {**usage, "prompt_tokens": 0, "total_tokens": usage["completion_tokens"]}


@mutant("stream/usage", may_fail=("effect/max_tokens", "default/max_tokens"))
class CountsOneEventMore(Counting):
    """Counts the last event of a stream among its tokens."""

    def usage(self, usage: Mapping[str, int], text: str) -> Mapping[str, int]:
        tokens = usage["completion_tokens"] + 1
        return {**usage, "completion_tokens": tokens, "total_tokens": usage["prompt_tokens"] + tokens}
