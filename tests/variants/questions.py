"""Servers that answer what the page leaves open in one way or another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fakes import CONTRACT
from mutants.conforming import Careless, branches

from infercheck.runners.engine import Refusal
from variants.registry import variant

ROLES = ("system", "user", "assistant", "tool")


class Choosing(Careless):
    """Refuses some of what is open; `minds` says what."""

    status = 400

    def validate(self, body: Any) -> None:
        super().validate(body)
        if self.minds(body):
            raise Refusal(self.status, 5006, "AiError: Bad input: Error: not allowed here")

    def minds(self, body: Mapping[str, Any]) -> bool:
        """Whether a valid body is refused."""
        raise NotImplementedError


def spoken(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The messages of a valid body, if any."""
    messages = body.get("messages")
    return messages if isinstance(messages, list) else []


@variant()
class AnswersWhateverIsOpen(Careless):
    """Accepts everything that the schema allows; max_tokens of any size, roles of any name."""


@variant()
class AsksForOneTokenAtLeast(Choosing):
    """Refuses max_tokens of 0 and below."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return body.get("max_tokens", 1) < 1


@variant()
class AsksForNoNegativeTokens(Choosing):
    """Refuses negative max_tokens and takes 0, and refuses more than a window, with 422."""

    status = 422

    def minds(self, body: Mapping[str, Any]) -> bool:
        return not 0 <= body.get("max_tokens", 1) <= 4096


@variant()
class AsksForAMessage(Choosing):
    """Refuses an empty conversation, and one without a word."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return "messages" in body and body["messages"] is not None and not any(m["content"] for m in spoken(body))


@variant()
class KnowsFourRoles(Choosing):
    """Refuses roles that the page does not name."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return any(each["role"] not in ROLES for each in spoken(body))


@variant()
class AsksForAConversation(Choosing):
    """Refuses a conversation that does not go from user to assistant and end with the user."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        turns = [each["role"] for each in spoken(body) if each["role"] != "system"]
        wanted = ["user" if index % 2 == 0 else "assistant" for index in range(len(turns))]
        return "messages" in body and body["messages"] is not None and (turns != wanted or len(turns) % 2 == 0)


@variant()
class ReadsIntegersAsDraftFour(Careless):
    """Refuses 50.0 and 5e1 where an integer is asked for."""

    def validate(self, body: Any) -> None:
        super().validate(body)
        if any(isinstance(body.get(name), float) for name in ("top_k", "seed", "max_tokens")):
            raise Refusal(400, 5006, "AiError: Bad input: Error: Type mismatch of '/top_k'")


@variant()
class TakesPixelsForBytes(Choosing):
    """Refuses image numbers that are no integers from 0 to 255, and images given as a string."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        image = body.get("image", [])
        return isinstance(image, str) or any(not isinstance(n, int) or not 0 <= n <= 255 for n in image)


@variant()
class TakesPixelsForFractions(Choosing):
    """Refuses images given as a string, with 415, and takes any numbers."""

    status = 415

    def minds(self, body: Mapping[str, Any]) -> bool:
        return isinstance(body.get("image"), str)


@variant()
class KnowsNoAdapter(Choosing):
    """Does not find an adapter that nobody gave it."""

    status = 404

    def minds(self, body: Mapping[str, Any]) -> bool:
        return isinstance(body.get("lora"), str)


@variant()
class RefusesKeysOfTheOtherBranch(Careless):
    """Has one form for both branches, which checks every key that it knows, and prompt xor messages."""

    def validate(self, body: Any) -> None:
        super().validate(body)
        prompt, messages = branches(CONTRACT.input)
        kinds = {**prompt, **messages}
        types = {"string": str, "array": list, "boolean": bool}
        wrong = any(
            not isinstance(body[name], types[kinds[name]["type"]])
            for name in body
            if name in kinds and kinds[name].get("type") in types
        )
        if wrong or ("prompt" in body and "messages" in body):
            raise Refusal(400, 5006, "AiError: Bad input: Error: oneOf at '/' not met")


@variant()
class RefusesEverythingOpen(Careless):
    """Refuses all that the page leaves open, word for word, with 422."""

    def __init__(self) -> None:
        super().__init__()
        self._open = {same(json.loads(question.body)) for question in CONTRACT.open}

    def validate(self, body: Any) -> None:
        super().validate(body)
        if same(body) in self._open:
            raise Refusal(422, 5006, "AiError: Bad input: Error: not here")


def same(body: Any) -> str:
    """A body without its stream, which the suite adds where an answer may have no end."""
    return json.dumps({name: value for name, value in body.items() if name != "stream"}, sort_keys=True)
