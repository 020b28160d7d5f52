"""Servers that do not stop where max_tokens says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infercheck.runners.reference.model import encode
from infercheck.runners.reference.template import render
from mutants.altered import (
    Altered,
    Body,
    Events,
    Numbering,
    Streaming,
    Uncounted,
    has_tools,
    limit,
    without,
)
from mutants.registry import mutant

DEFAULTS = ("default/max_tokens",)
EVERYWHERE = ("default/max_tokens", "stream/equivalence", "stream/usage")


class Limiting(Altered):
    """Has an idea of its own of what a limit means. Limits below 1 are the engine's business."""

    def alter(self, body: Body) -> Body:
        asked = limit(body)
        return {**body, "max_tokens": self.tokens(body, asked)} if asked > 0 else body

    def tokens(self, body: Body, asked: int) -> int:
        """How many tokens are written where so many are asked for, or none and so 256 are."""
        raise NotImplementedError


@mutant("effect/max_tokens", may_fail=DEFAULTS)
class IgnoresMaxTokens(Limiting):
    """Writes 256 tokens, whatever it is asked for."""

    def tokens(self, body: Body, asked: int) -> int:
        return 256


@mutant("effect/max_tokens", may_fail=DEFAULTS)
class WritesOneTokenMore(Limiting):
    """Looks whether it has written enough after it has written one more, and counts that."""

    def tokens(self, body: Body, asked: int) -> int:
        return asked + 1


@mutant("effect/max_tokens", may_fail=DEFAULTS)
class WritesOneTokenLess(Limiting):
    """Counts the end of an answer among its tokens, also where there is none."""

    def tokens(self, body: Body, asked: int) -> int:
        return max(1, asked - 1)


@mutant("default/max_tokens", may_fail=("effect/max_tokens",))
class WritesOneTokenMoreThanAskedFor(Limiting, Uncounted):
    """Writes 256 tokens where it is not told how many, else one more than it is told, and does not count."""

    def tokens(self, body: Body, asked: int) -> int:
        return asked + ("max_tokens" in body)


@mutant("effect/max_tokens", may_fail=DEFAULTS)
class StopsAfter64TokensUncounted(Limiting, Uncounted):
    """Writes 64 tokens at most, and neither says so nor counts."""

    def tokens(self, body: Body, asked: int) -> int:
        return min(asked, 64)


@mutant("effect/max_tokens", may_fail=DEFAULTS)
class StopsAfter256Tokens(Limiting):
    """Takes the default for the highest value there is."""

    def tokens(self, body: Body, asked: int) -> int:
        return min(asked, 256)


@mutant("effect/max_tokens", may_fail=(*DEFAULTS, "effect/*", "template/messages"))
class CountsThePromptToo(Limiting):
    """Takes max_tokens for the length of prompt and answer together, and writes one token where none is left."""

    def tokens(self, body: Body, asked: int) -> int:
        return max(1, asked - len(encode(render(body)))) if "max_tokens" in body else asked


@mutant("effect/max_tokens")
class DrawsAnewForEachLimit(Altered):
    """Seeds its draws with all parameters, the limit among them."""

    def alter(self, body: Body) -> Body:
        return {**body, "seed": body["seed"] * 100_000 + limit(body)} if "seed" in body else body


@mutant("stream/equivalence", may_fail=("effect/max_tokens", *EVERYWHERE))
class IgnoresMaxTokensOfStreams(Streaming, Limiting):
    """Streams 256 tokens, whatever it is asked for."""

    def tokens(self, body: Body, asked: int) -> int:
        return 256


@mutant("effect/max_tokens", may_fail=EVERYWHERE)
class IgnoresMaxTokensBesideTools(Limiting):
    """Writes 256 tokens where it is offered tools and calls none."""

    def hits(self, body: Body) -> bool:
        return has_tools(body)

    def tokens(self, body: Body, asked: int) -> int:
        return 256


class Miscounting(Altered):
    """Says that there were other tokens than there were."""

    def whole(self, body: Body, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.counted(answer, answer["response"])

    def events(self, body: Body, events: Events) -> Events:
        text = ""
        for payload in events:
            text += payload["response"]
            yield self.counted(payload, text) if "usage" in payload else payload

    def counted(self, answer: Mapping[str, Any], text: str) -> Mapping[str, Any]:
        """An answer, or the last of its events, with the tokens that there are said to be."""
        usage = answer["usage"]
        tokens = self.said(usage["completion_tokens"], text)
        total = usage["prompt_tokens"] + tokens
        return {**answer, "usage": {**usage, "completion_tokens": tokens, "total_tokens": total}}

    def said(self, tokens: int, text: str) -> int:
        """What is said instead of the true number."""
        raise NotImplementedError


@mutant("effect/max_tokens", may_fail=DEFAULTS)
class CountsOneTokenMore(Miscounting):
    """Counts the end of an answer, also where its limit came first."""

    def said(self, tokens: int, text: str) -> int:
        return tokens + 1


class Measuring(Altered):
    """Measures an answer by something else than tokens: writes all of it, and cuts off what is too much."""

    def alter(self, body: Body) -> Body:
        return {**body, "max_tokens": 600} if limit(body) > 0 else body

    def whole(self, body: Body, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        text = self.cut(answer["response"], limit(body))
        return {**answer, "response": text, "usage": self.usage(answer["usage"], text)}

    def events(self, body: Body, events: Events) -> Events:
        whole: dict[str, Any] = {"response": ""}
        for payload in events:
            whole |= {**payload, "response": whole["response"] + payload["response"]}
        text = self.cut(whole["response"], limit(body))
        for piece in self.split(text):
            yield {"response": piece}
        yield {**without(whole, "response"), "response": "", "usage": self.usage(whole["usage"], text)}

    def cut(self, text: str, most: int) -> str:
        """What is left of an answer."""
        raise NotImplementedError

    def split(self, text: str) -> Iterator[str]:
        """The pieces of a text."""
        return (text[start : start + 4] for start in range(0, len(text), 4))

    def usage(self, usage: Mapping[str, int], text: str) -> Mapping[str, int]:
        """How many tokens a text has."""
        tokens = len(encode(text))
        return {**usage, "completion_tokens": tokens, "total_tokens": usage["prompt_tokens"] + tokens}


@mutant("effect/max_tokens", may_fail=DEFAULTS)
class CutsAtCharacters(Measuring):
    """Takes max_tokens for a number of characters."""

    def cut(self, text: str, most: int) -> str:
        return text[:most]


@mutant("effect/max_tokens", may_fail=DEFAULTS)
class RoundsMaxTokensUpToEights(Limiting):
    """Writes eight tokens at a time, and stops only between them."""

    def tokens(self, body: Body, asked: int) -> int:
        return -(-asked // 8) * 8


@mutant("effect/max_tokens", may_fail=DEFAULTS)
class IgnoresMaxTokensOfItsFirstAnswer(Numbering, Limiting):
    """Has read no limit before it has answered once, and writes 256 tokens."""

    def is_hit(self, number: int) -> bool:
        return number == 1

    def tokens(self, body: Body, asked: int) -> int:
        return 256


@mutant("effect/max_tokens", may_fail=(*EVERYWHERE, "effect/seed/reproducible", "robust/disconnect"))
class IgnoresMaxTokensNowAndThen(Numbering, Limiting):
    """Writes 256 tokens every seventh time, whatever it is asked for."""

    def is_hit(self, number: int) -> bool:
        return number % 7 == 0

    def tokens(self, body: Body, asked: int) -> int:
        return 256


@mutant("effect/max_tokens", may_fail=("stream/equivalence",))
class EndsStreamsAfter512Tokens(Streaming, Limiting):
    """Has a buffer for 512 tokens of a stream, and ends it there."""

    def tokens(self, body: Body, asked: int) -> int:
        return min(asked, 512)


@mutant("stream/equivalence", unseen="its answers end before")
class LosesWhatStreamsSayAfter300Tokens(Streaming, Altered):
    """Sends the first 300 tokens of a stream, and no more."""

    def pieces(self, body: Body, pieces: Iterator[str]) -> Iterator[str]:
        for count, piece in enumerate(pieces):
            if count < 300:
                yield piece
