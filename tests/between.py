"""Servers that err between the limits, where no enumeration looks: found by drawing alone."""

from __future__ import annotations

import copy
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mutants.conforming import Conforming
from starlette.responses import Response

from infercheck.runners.engine import Refusal

BAD_INPUT = 5006


@dataclass(frozen=True, slots=True)
class Between:
    """A server whose defect lies away from every limit, the requirement that it breaks, and in how many requests it
    is to be shown."""

    name: str
    server: type[Conforming]
    requirement: str
    requests: int


BETWEEN: list[Between] = []


def between(requirement: str, requests: int) -> Callable[[type[Conforming]], type[Conforming]]:
    """Register such a server."""

    def register(server: type[Conforming]) -> type[Conforming]:
        BETWEEN.append(Between(server.__name__, server, requirement, requests))
        return server

    return register


class Refusing(Conforming):
    """Refuses some valid requests."""

    def minds(self, body: dict[str, Any]) -> bool:
        raise NotImplementedError

    def validate(self, body: Any) -> None:
        super().validate(body)
        if self.minds(body):
            raise Refusal(400, BAD_INPUT, "AiError: Bad input: Error: not allowed")


class Falling(Refusing):
    """Falls over some valid requests."""

    def answer(self, body: Any) -> Response:
        Conforming.validate(self, body)
        if self.minds(body):
            raise RuntimeError("a bug")
        return super().answer(body)

    def validate(self, body: Any) -> None:
        Conforming.validate(self, body)


class Lenient(Conforming):
    """Accepts some invalid requests: those that are valid once they are `mended`."""

    def mended(self, body: Any) -> Any:
        raise NotImplementedError

    def validate(self, body: Any) -> None:
        super().validate(self.mended(copy.deepcopy(body)))


def texts(value: Any) -> Iterator[str]:
    """All texts of a request."""
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(each)


def depth(value: Any) -> int:
    """Levels of nesting."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, children), default=0) if isinstance(value, dict | list) else 0


@between("input/prompt/top_k/maximum", 450)
class RefusesOneTopK(Refusing):
    """Refuses top_k 37 beside a prompt."""

    def minds(self, body: dict[str, Any]) -> bool:
        return body.get("top_k") == 37 and "prompt" in body


@between("http/server-error", 700)
class FallsOverLineSeparators(Falling):
    """Falls over U+2028."""

    def minds(self, body: dict[str, Any]) -> bool:
        return any("\u2028" in text for text in texts(body.get("prompt", body.get("messages"))))


@between("http/server-error", 700)
class FallsOverTwoParameters(Falling):
    """Falls over a cold temperature beside a strong penalty."""

    def minds(self, body: dict[str, Any]) -> bool:
        return body.get("temperature", 1) < 0.3 and body.get("frequency_penalty", 0) > 1.5


@between("http/server-error", 800)
class FallsOverNestedTools(Falling):
    """Falls over parameters of tools that nest seven levels deep."""

    def minds(self, body: dict[str, Any]) -> bool:
        return depth(body.get("tools")) > 14


@between("http/server-error", 800)
class FallsOverLongConversations(Falling):
    """Falls over sixty messages."""

    def minds(self, body: dict[str, Any]) -> bool:
        return isinstance(body.get("messages"), list) and len(body["messages"]) >= 60


@between("input/prompt/prompt/maxLength", 900)
class RefusesTextsOfThreeThousand(Refusing):
    """Refuses prompts of 3,000 to 3,500 characters."""

    def minds(self, body: dict[str, Any]) -> bool:
        return "prompt" in body and isinstance(body["prompt"], str) and 3000 <= len(body["prompt"]) <= 3500


@between("input/prompt/temperature/maximum", 600)
class AcceptsSomeHeat(Lenient):
    """Accepts temperatures from 6 to 9."""

    def mended(self, body: Any) -> Any:
        if (
            isinstance(body, dict)
            and isinstance(body.get("temperature"), int | float)
            and 6 <= body["temperature"] <= 9
        ):
            body["temperature"] = 5
        return body


@between("input/messages/messages/items/content/type", 500)
class LooksAtThreeMessages(Lenient):
    """Looks at the first three messages alone."""

    def mended(self, body: Any) -> Any:
        if isinstance(body, dict) and isinstance(body.get("messages"), list):
            body["messages"] = body["messages"][:3]
        return body

    def run(self, body: Any) -> Any:
        return super().run(self.mended(dict(body)))


@between("default/temperature", 500)
class WarmsUpBesideTopP(Conforming):
    """Takes 1 for the default temperature beside a top_p."""

    def run(self, body: Any) -> Any:
        return super().run({**body, "temperature": 1} if "top_p" in body and "temperature" not in body else body)


@between("stream/equivalence", 900)
class ForgetsPenaltiesOfStreamsWithTopK(Conforming):
    """Ignores the presence penalty of streams that have a top_k as well."""

    def run(self, body: Any) -> Any:
        if body.get("stream") and "top_k" in body:
            body = {key: value for key, value in body.items() if key != "presence_penalty"}
        return super().run(body)


@between("effect/max_tokens", 600)
class ChangesItsMindAfterShortRawAnswers(Conforming):
    """Draws otherwise where a raw answer is to be short."""

    def run(self, body: Any) -> Any:
        if body.get("raw") and body.get("max_tokens", 256) < 16:
            body = {**body, "seed": body.get("seed", 1) % 1000 + 1}
        return super().run(body)


@between("template/messages", 700)
class ForgetsThePenaltyOfMessages(Conforming):
    """Ignores a low repetition penalty beside a conversation."""

    def run(self, body: Any) -> Any:
        if "messages" in body and body.get("repetition_penalty", 1) < 1:
            body = {key: value for key, value in body.items() if key != "repetition_penalty"}
        return super().run(body)


@between("effect/seed/reproducible", 620)
class RemembersRefusals(Conforming):
    """After a refusal, the next stream of a conversation has another seed."""

    is_sour = False

    def validate(self, body: Any) -> None:
        try:
            super().validate(body)
        except Refusal:
            self.is_sour = True
            raise

    def run(self, body: Any) -> Any:
        if self.is_sour and body.get("stream") and "messages" in body:
            body = {**body, "seed": 5}
        if "prompt" in body and not body.get("stream"):
            self.is_sour = False
        return super().run(body)


@between("input/prompt/prompt/type", 500)
class QuotesWhatItRefuses(Refusing):
    """Refuses prompts with an Ω, and says something else each time."""

    def validate(self, body: Any) -> None:
        Conforming.validate(self, body)
        if isinstance(body.get("prompt"), str) and "Ω" in body["prompt"]:
            raise Refusal(400, BAD_INPUT, f"cannot read {body['prompt'][-30:]!r} ({uuid.uuid4()})")


@between("http/server-error", 900)
class FallsWhereTheAssistantSpokeLast(Falling):
    """Falls over conversations that end with an assistant's message, which nobody has to accept."""

    def minds(self, body: dict[str, Any]) -> bool:
        messages = body.get("messages")
        return isinstance(messages, list) and bool(messages) and messages[-1]["role"] == "assistant"


@between("input/messages/tools/type", 600)
class KnowsNoSignsInNamesOfTools(Refusing):
    """Refuses tools whose names have anything but letters, digits and underscores."""

    def minds(self, body: dict[str, Any]) -> bool:
        tools = body["tools"] if isinstance(body.get("tools"), list) else []
        names = [tool.get("name", tool.get("function", {}).get("name", "")) for tool in tools]
        return not all(re.fullmatch(r"\w*", name, re.ASCII) for name in names)


@between("stream/equivalence", 1_800)
class StripsWhatItStreams(Conforming):
    """Strips the white space at the end of prompts whose answers are streamed."""

    def run(self, body: Any) -> Any:
        if body.get("stream") and isinstance(body.get("prompt"), str):
            body = {**body, "prompt": body["prompt"].rstrip() or "x"}
        return super().run(body)
