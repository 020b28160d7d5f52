"""Servers that refuse what the schema allows, or fall over it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from infercheck.runners.engine import Refusal
from mutants.conforming import FLOATS, Careless, branches, failure, message, reply
from mutants.registry import mutant
from mutants.validation import each

BAD_INPUT = 5006


class Refusing(Careless):
    """Refuses some valid bodies as it would refuse invalid ones."""

    def validate(self, body: Any) -> None:
        super().validate(body)
        if self.minds(body):
            raise Refusal(400, BAD_INPUT, "AiError: Bad input: Error: not allowed")

    def minds(self, body: Mapping[str, Any]) -> bool:
        """Whether a valid body is refused."""
        raise NotImplementedError


class Breaking(Careless):
    """Falls over some bodies with a 500."""

    def answer(self, body: Any) -> Response:
        if isinstance(body, Mapping) and self.breaks(body):
            return reply(failure(5000, "AiError: Internal error"), 500)
        return super().answer(body)

    def breaks(self, body: Mapping[str, Any]) -> bool:
        """Whether a body, valid or not, is too much."""
        raise NotImplementedError


def texts(body: Mapping[str, Any]) -> list[str]:
    """The texts of a valid body that have a greatest length."""
    if isinstance(body.get("prompt"), str):
        return [body["prompt"]]
    return [each["content"] for each in body["messages"]]


def measured(length: Callable[[str], int], limit: int = 131072) -> Callable[[Any, Mapping[str, Any]], bool]:
    """A `minds` that has its own idea of how long a text is."""
    return lambda self, body: any(length(text) > limit for text in texts(body))


@mutant("input/*/maximum", max_requests=800)
class TakesMaximumForExclusive(Careless):
    """Refuses the highest value that is allowed."""

    def change(self, schema: dict[str, Any]) -> None:
        for branch in branches(schema):
            for place in branch.values():
                if "maximum" in place:
                    place["exclusiveMaximum"] = place.pop("maximum")


@mutant(*each(FLOATS, "minimum"), max_requests=700)
class TakesZeroForMissing(Refusing):
    """Asks `if not value`, to which 0 says yes."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return any(body.get(name) == 0 for name in FLOATS)


@mutant("input/*/maxLength")
class CountsBytes(Refusing):
    """Measures texts in bytes of UTF-8."""

    minds = measured(lambda text: len(text.encode()))


@mutant("input/*/maxLength")
class CountsUtf16Units(Refusing):
    """Measures texts in units of UTF-16, as JavaScript does."""

    minds = measured(lambda text: len(text.encode("utf-16-le")) // 2)


@mutant("input/*/maxLength")
class RefusesTextsOverAPage(Refusing):
    """Has a shorter greatest length than the page, and does not say that its context window is why."""

    minds = measured(len, 4000)


@mutant("input/*/seed/maximum")
class HoldsSeedsIn32Bits(Refusing):
    """Has a signed integer of 32 bits for the seed."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return body.get("seed", 1) >= 2**31


@mutant("input/*/temperature/minimum")
class RefusesTemperatureZero(Refusing):
    """Asks for a temperature above 0."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return body.get("temperature") == 0


@mutant("input/messages/top_p/minimum")
class RefusesTopPZeroBesideMessages(Refusing):
    """Asks for a top_p above 0, in one branch only."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return "messages" in body and body.get("top_p") == 0


@mutant("input/*/top_p/maximum")
class RefusesTopPAboveOne(Refusing):
    """Takes top_p for a probability."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return body.get("top_p", 1) > 1


@mutant("input/*/temperature/maximum")
class RefusesTemperatureAboveTwo(Refusing):
    """Knows the temperatures of another API."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return body.get("temperature", 1) > 2


@mutant(*each(FLOATS), may_fail=(*each(FLOATS, "minimum"), *each(FLOATS, "maximum")), max_requests=800)
class RefusesIntegersForFloats(Refusing):
    """Asks for a number with a point in it."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return any(isinstance(body.get(name), int) for name in FLOATS)


@mutant(*each(FLOATS), may_fail=(*each(FLOATS, "minimum"), *each(FLOATS, "maximum")), max_requests=800)
class RefusesFractions(Refusing):
    """Has integers for everything."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return any(isinstance(body.get(name), float) for name in FLOATS)


@mutant("input/unknown-properties")
class RefusesUnknownKeys(Careless):
    """Says additionalProperties: false."""

    def change(self, schema: dict[str, Any]) -> None:
        for branch in schema["oneOf"]:
            branch["additionalProperties"] = False


@mutant("input/messages/messages/type")
class RefusesUnknownKeysOfMessages(Careless):
    """Says additionalProperties: false of a message, so that one with a name is refused."""

    def change(self, schema: dict[str, Any]) -> None:
        message(schema)["additionalProperties"] = False


@mutant("input/messages/tools/type")
class RefusesEmptyTools(Refusing):
    """Asks for at least one tool where there are tools."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return body.get("tools") == []


@mutant("input/prompt/raw/type")
class RefusesRaw(Refusing):
    """Knows no prompt without a template."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return body.get("raw") is True


@mutant("input/messages/messages/type", may_fail=("input/messages/messages/items/*", "example/*"))
class RefusesSystemMessages(Refusing):
    """Has a template without a place for the system, and says so with a 400."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return any(each["role"] == "system" for each in body.get("messages") or ())


@mutant("example/curl")
class RefusesForms(Careless):
    """Reads no body that is labelled as a form, although the page's own curl line sends one."""

    async def read_body(self, request: Request) -> bytes:
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise Refusal(415, BAD_INPUT, "Unsupported media type")
        return await super().read_body(request)


@mutant("input/*/stream/type", may_fail=("example/worker-streaming",))
class RefusesStreams(Refusing):
    """Cannot stream, and says so."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return body.get("stream") is True


@mutant("input/combinations")
class RefusesHotAndGreedy(Refusing):
    """Accepts temperature 5 and accepts top_k 1, and not both."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return body.get("temperature") == 5 and body.get("top_k") == 1


@mutant("input/combinations")
class RefusesSeedsOfStreams(Refusing):
    """Accepts a seed, and a stream, and not both."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return "seed" in body and body.get("stream") is True


@mutant("input/combinations")
class RefusesStreamsWithTools(Refusing):
    """Accepts tools, and a stream, and not both."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return bool(body.get("tools")) and body.get("stream") is True


@mutant("http/server-error")
class FallsOverFractionsOfTopK(Breaking):
    """Answers 500 to a top_k of 1.5, which it should refuse."""

    def breaks(self, body: Mapping[str, Any]) -> bool:
        return isinstance(body.get("top_k"), float) and not body["top_k"].is_integer()


@mutant("http/server-error")
class FallsOverBodiesThatAreNoObjects(Careless):
    """Answers 500 to an array and to a string."""

    def answer(self, body: Any) -> Response:
        if not isinstance(body, Mapping):
            return reply(failure(5000, "AiError: Internal error"), 500)
        return super().answer(body)


@mutant("http/server-error")
class FallsOverEmptyMessages(Breaking):
    """Answers 500 to an empty list of messages, which it may refuse or answer."""

    def breaks(self, body: Mapping[str, Any]) -> bool:
        return body.get("messages") == []


@mutant("http/server-error")
class FallsOverMaxTokensZero(Breaking):
    """Answers 500 to max_tokens 0, which it may refuse or answer."""

    def breaks(self, body: Mapping[str, Any]) -> bool:
        return body.get("max_tokens") == 0 and body["max_tokens"] is not False


@mutant("http/server-error", "input/*/seed/maximum")
class FallsOverWideSeeds(Breaking):
    """Answers 500 to a seed beyond 32 bits."""

    def breaks(self, body: Mapping[str, Any]) -> bool:
        seed = body.get("seed")
        return isinstance(seed, int) and 2**32 <= seed <= 9999999999


@mutant("http/server-error", may_fail=("input/prompt/prompt/type",))
class FallsOverNul(Breaking):
    """Answers 500 to a text with U+0000 in it."""

    def breaks(self, body: Mapping[str, Any]) -> bool:
        return isinstance(body.get("prompt"), str) and "\u0000" in body["prompt"]


@mutant("http/server-error", may_fail=("input/messages/tools/*",))
class FallsOverToolsOfTheOtherShape(Breaking):
    """Answers 500 to a tool whose definition stands under function."""

    def breaks(self, body: Mapping[str, Any]) -> bool:
        return '"function": {' in json.dumps(body.get("tools"))


@mutant("http/server-error")
class RefusesEverythingWith500(Careless):
    """Answers 500 where it should refuse."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply(failure(refusal.code, refusal.message), 500)


@mutant("http/server-error")
class FailsNowAndThen(Careless):
    """Answers 500 to one request in fifty."""

    def prepare(self) -> None:
        self._count = 0

    def answer(self, body: Any) -> Response:
        self._count += 1
        if self._count % 50 == 0:
            return reply(failure(5000, "AiError: Internal error"), 500)
        return super().answer(body)


@mutant("input/prompt/required")
class AsksForMaxTokensBesidePrompts(Refusing):
    """Refuses a prompt without max_tokens, which is optional."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return "messages" not in body and "max_tokens" not in body


@mutant("example/*", may_fail=("input/messages/required",))
class AsksForMaxTokensBesideMessages(Refusing):
    """Refuses messages without max_tokens, as the page's own calls have them."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return "messages" in body and "max_tokens" not in body


@mutant("example/worker-streaming")
class AsksForMaxTokensOfStreams(Refusing):
    """Refuses to stream where it is not told how much, as the page's own call does not tell."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return body.get("stream") is True and "max_tokens" not in body


@mutant("input/*/top_p/maximum", "input/*/top_p/minimum", may_fail=("input/*/top_p/type",))
class RefusesTopPOfOneAndAround(Refusing):
    """Asks for a top_p strictly between 0 and 1."""

    def minds(self, body: Mapping[str, Any]) -> bool:
        return not 0 < body.get("top_p", 0.5) < 1
