"""Servers that do not read all that they are given to answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infercheck.runners.reference.model import decode, encode
from infercheck.runners.reference.template import is_prompt
from mutants.altered import Altered, Body, Conversing, Streaming, reworded
from mutants.registry import mutant

Message = Mapping[str, Any]

MIDDLES = ("effect/prompt/middle", "effect/messages/middle")


class Reading(Altered):
    """Reads less of each text than there is."""

    def alter(self, body: Body) -> Body:
        if is_prompt(body):
            return reworded(body, self.read(body["prompt"]))
        messages = [{**each, "content": self.read(each["content"])} for each in body["messages"]]
        return {**body, "messages": messages}

    def read(self, text: str) -> str:
        """What is read of a text."""
        raise NotImplementedError


@mutant("effect/prompt", may_fail=("effect/messages", *MIDDLES))
class ReadsTheFirst256Characters(Reading):
    """Reads 256 characters of a text, and not what comes behind them."""

    def read(self, text: str) -> str:
        return text[:256]


@mutant("effect/prompt", may_fail=("effect/messages", *MIDDLES))
class ReadsTheLast2000Characters(Reading):
    """Forgets how a text began that has more than 2000 characters."""

    def read(self, text: str) -> str:
        return text[-2000:]


@mutant("effect/prompt", may_fail=("effect/messages", *MIDDLES))
class ReadsTheFirst8000Characters(Reading):
    """Reads 8000 characters of a text, and not what comes behind them."""

    def read(self, text: str) -> str:
        return text[:8000]


@mutant("effect/prompt", may_fail=("effect/messages", *MIDDLES))
class ReadsTheLast512Tokens(Reading):
    """Has a window of 512 tokens, and moves it to the end of a text without a word."""

    def read(self, text: str) -> str:
        return "".join(decode([token]) for token in encode(text)[-512:])


@mutant("effect/prompt/middle", "effect/messages/middle")
class LeavesOutTheMiddle(Reading):
    """Reads the first 1000 characters of a text, and the last."""

    def read(self, text: str) -> str:
        return text if len(text) <= 2000 else text[:1000] + text[-1000:]


class Listening(Conversing):
    """Takes in fewer messages than there are. Where none would be left it takes them all."""

    def alter(self, body: Body) -> Body:
        return {**body, "messages": self.heard(list(body["messages"])) or body["messages"]}

    def heard(self, messages: list[Message]) -> list[Message]:
        """The messages that are taken in."""
        raise NotImplementedError


@mutant("effect/messages")
class DropsTheSystem(Listening):
    """Has a template without a place for the system, and does without it."""

    def heard(self, messages: list[Message]) -> list[Message]:
        return [each for each in messages if each["role"] != "system"]


@mutant("effect/messages")
class AnswersTheLastMessage(Listening):
    """Answers the last message, and has no history."""

    def heard(self, messages: list[Message]) -> list[Message]:
        return messages[-1:]


@mutant("effect/messages")
class ForgetsWhatItSaid(Listening):
    """Drops what the assistant said before."""

    def heard(self, messages: list[Message]) -> list[Message]:
        return [each for each in messages if each["role"] != "assistant"]


@mutant("effect/messages")
class DropsTheFirstQuestion(Listening):
    """Drops the first message of the user where there is another."""

    def heard(self, messages: list[Message]) -> list[Message]:
        places = [place for place, each in enumerate(messages) if each["role"] == "user"]
        return messages[: places[0]] + messages[places[0] + 1 :] if len(places) > 1 else messages


@mutant("effect/messages")
class HearsTheFirstTwoMessages(Listening):
    """Answers as if nothing had been said after the first two messages."""

    def heard(self, messages: list[Message]) -> list[Message]:
        return messages[:2]


@mutant("stream/equivalence", may_fail=("effect/messages", "stream/usage"))
class DropsTheSystemOfStreams(Streaming, DropsTheSystem):
    """Hands on the messages of a stream without the system's."""

    def hits(self, body: Body) -> bool:
        return Streaming.hits(self, body) and Conversing.hits(self, body)


@mutant("effect/messages", may_fail=MIDDLES)
class KeepsTheLastFiveMessages(Listening):
    """Has room for five messages, and forgets those before them."""

    def heard(self, messages: list[Message]) -> list[Message]:
        return messages[-5:]


@mutant("effect/prompt", may_fail=("effect/messages", *MIDDLES))
class LosesTheEndOfEveryText(Reading):
    """Cuts the last five characters off each text, with the end of a template that nobody uses any more."""

    def read(self, text: str) -> str:
        return text[:-5] or text
