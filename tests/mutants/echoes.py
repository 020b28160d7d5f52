"""Servers whose answers hold what is none: the prompt, or the tokens that hold a conversation together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infercheck.runners.reference.model import LanguageModel
from infercheck.runners.reference.template import is_prompt
from mutants.altered import Altered, Body, Conversing, Streaming, is_streamed, limit
from mutants.registry import mutant


class Echoing(Altered):
    """Repeats the prompt before the answer."""

    def text(self, body: Body, text: str) -> str:
        return self.echo(body) + text

    def pieces(self, body: Body, pieces: Iterator[str]) -> Iterator[str]:
        yield self.echo(body)
        yield from pieces

    def echo(self, body: Body) -> str:
        """What stands before the answer."""
        if is_prompt(body):
            return str(body["prompt"])
        return str(body["messages"][-1]["content"]) if body["messages"] else ""


@mutant("output/prompt-echo")
class RepeatsThePrompt(Echoing):
    """Decodes all tokens there are, and so the prompt's before those of the answer."""


@mutant("stream/equivalence", may_fail=("output/prompt-echo",))
class RepeatsThePromptInStreams(Streaming, Echoing):
    """Sends the prompt as the first event of a stream."""


@mutant("output/prompt-echo", may_fail=("stream/equivalence",))
class RepeatsThePromptUnlessItStreams(Echoing):
    """Decodes the prompt's tokens with the answer's where it does not stream."""

    def hits(self, body: Body) -> bool:
        return not is_streamed(body)


@mutant("output/prompt-echo", may_fail=("template/messages",))
class RepeatsTheLastMessage(Conversing, Echoing):
    """Repeats the last message before its answer, where it has messages."""


class Ending(Altered):
    """Writes the end of an answer out where the answer has come to it. Its model does not say much."""

    language = LanguageModel(length=(8, 28))
    end = "</s>"

    def whole(self, body: Body, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        if "tool_calls" in answer or answer["usage"]["completion_tokens"] >= limit(body):
            return answer
        return {**answer, "response": answer["response"] + self.end}

    def pieces(self, body: Body, pieces: Iterator[str]) -> Iterator[str]:
        count = 0
        for piece in pieces:
            count += 1
            yield piece
        if 0 < count < limit(body):
            yield self.end


@mutant("output/special-tokens")
class EndsAnswersWithItsToken(Ending):
    """Writes </s> at the end of an answer, streamed or not."""


@mutant("stream/equivalence", may_fail=("output/special-tokens",))
class EndsStreamsWithItsToken(Ending):
    """Writes </s> at the end of a stream."""

    def hits(self, body: Body) -> bool:
        return is_streamed(body)


@mutant("output/prompt-echo", may_fail=("default/raw",))
class RepeatsRawPrompts(Echoing):
    """Returns a raw prompt completed rather than its completion."""

    def hits(self, body: Body) -> bool:
        return body.get("raw") is True


@mutant("output/prompt-echo")
class RepeatsTheLastMessageOfMany(Conversing, Echoing):
    """Repeats the last message before its answer, where there are others before it."""

    def hits(self, body: Body) -> bool:
        return super().hits(body) and len(body["messages"]) > 1


@mutant("output/special-tokens", may_fail=("template/raw",))
class BeginsWithTheEndOfItsTemplate(Altered):
    """Writes the last mark of its template out before the answer."""

    def text(self, body: Body, text: str) -> str:
        return "[/INST]" + text

    def pieces(self, body: Body, pieces: Iterator[str]) -> Iterator[str]:
        yield "[/INST]"
        yield from pieces
