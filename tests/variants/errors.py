"""Servers that say no in another way, and legally."""

from __future__ import annotations

import random
from typing import Any

from mutants.conforming import Careless, Conforming, failure, reply
from starlette.requests import Request
from starlette.responses import Response

from infercheck.runners.engine import Refusal
from variants.registry import variant


class Refusing(Conforming):
    """Refuses with a status and an envelope of its own."""

    status = 400
    media_type = "application/json"

    def error_response(self, refusal: Refusal) -> Response:
        return reply(self.envelope(refusal), self.status, self.media_type)

    def envelope(self, refusal: Refusal) -> dict[str, Any]:
        """The body of a refusal."""
        return failure(refusal.code, refusal.message)


@variant()
class RefusesWith422(Refusing):
    """Says that the body cannot be processed."""

    status = 422


@variant(profile="quick")
class RefusesWith409(Refusing):
    """Says that the body conflicts with something."""

    status = 409


@variant(profile="quick")
class RefusesWith404(Refusing):
    """Says that there is nothing of the kind."""

    status = 404


@variant()
class RefusesAtTheEdge(Refusing):
    """Sends null for the result, and no messages, as the API's edge does."""

    def envelope(self, refusal: Refusal) -> dict[str, Any]:
        return failure(10000, refusal.message, result=None, messages=...)


@variant(profile="quick")
class RefusesWithLittle(Refusing):
    """Sends neither result nor messages."""

    def envelope(self, refusal: Refusal) -> dict[str, Any]:
        return failure(0, "", result=..., messages=...)


@variant(profile="quick")
class RefusesWithMuch(Refusing):
    """Sends several errors, each with more than a code and a message."""

    def envelope(self, refusal: Refusal) -> dict[str, Any]:
        error = {"code": -(10**12), "message": "нет", "documentation_url": None, "source": {"pointer": "/"}}
        return failure(errors=[error, {**error, "error_chain": [error]}], result_info={}, error="Bad Request")


@variant()
class RefusesWithAProblem(Refusing):
    """Labels the envelope as a problem (RFC 9457), and adds what that asks for."""

    media_type = "application/problem+json; charset=utf-8"

    def envelope(self, refusal: Refusal) -> dict[str, Any]:
        return failure(refusal.code, refusal.message, type="about:blank", title="Bad Request", status=400)


@variant(profile="quick")
class RefusesWithADoubledPrefix(Refusing):
    """Repeats itself, and ends in an id, as Workers AI does."""

    media_type = "application/json; charset=UTF-8"

    def envelope(self, refusal: Refusal) -> dict[str, Any]:
        words = f"AiError: {refusal.message} (3f1c2b1e-8d0a-4b0e-9a53-0d8f3f1b7c11)"
        return failure(5006, words)


@variant()
class RefusesNowAndThenWithAnotherStatus(Refusing):
    """Chooses among statuses and codes from one refusal to the next."""

    def error_response(self, refusal: Refusal) -> Response:
        status = random.choice([400, 404, 405, 406, 409, 413, 415, 422, 424, 451])
        return reply(failure(random.randrange(10_000), refusal.message), status)


class Throttling(Careless):
    """Asks some requests to come back later."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def busy(self, count: int) -> Response | None:
        """The answer to the request of this number, if it is to come back later."""
        raise NotImplementedError

    async def handle(self, request: Request) -> Response:
        self._count += 1
        return self.busy(self._count) or await super().handle(request)


def later(status: int, **headers: str) -> Response:
    """A response that asks to come back later, with headers that say when."""
    response = reply(failure(3040, "AiError: out of capacity"), status)
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


@variant()
class ThrottlesNowAndThen(Throttling):
    """Answers 429 to one request in ten, and says to come back at once."""

    def busy(self, count: int) -> Response | None:
        return later(429, retry_after="0") if count % 10 == 0 else None


@variant()
class ThrottlesForASecond(Throttling):
    """Answers 429 once in a while, with a second to wait; and once without a word, and once by the clock."""

    def busy(self, count: int) -> Response | None:
        answers = {90: later(429, retry_after="1"), 200: later(429)}
        date = "Wed, 21 Oct 2015 07:28:00 GMT"
        return answers.get(count, later(429, retry_after=date) if count == 250 else None)


@variant()
class IsUnavailableNowAndThen(Throttling):
    """Answers 503 with Retry-After to one request in twenty, in HTML."""

    def busy(self, count: int) -> Response | None:
        if count % 20:
            return None
        return Response("<h1>later</h1>", 503, {"retry-after": "0", "content-type": "text/html"})


@variant()
class ThrottlesTheFirst(Throttling):
    """Is not ready when the first requests come."""

    def busy(self, count: int) -> Response | None:
        return later(429, retry_after="0") if count <= 4 else None


class Windowed(Careless):
    """Has a short context window, and counts four characters for a token."""

    window = 4096

    def validate(self, body: Any) -> None:
        super().validate(body)
        texts = [body["prompt"]] if isinstance(body.get("prompt"), str) else []
        texts += [each["content"] for each in body.get("messages") or ()]
        tokens = sum(len(text) // 4 for text in texts) + max(0, body.get("max_tokens", 256))
        if tokens > self.window:
            raise self.refusal(tokens)

    def refusal(self, tokens: int) -> Refusal:
        """How too many tokens are refused."""
        raise NotImplementedError


@variant()
class HasAShortWindow(Windowed):
    """Refuses long texts as the documented API does, with 413."""

    def refusal(self, tokens: int) -> Refusal:
        words = f"AiError: The estimated number of input and maximum output tokens ({tokens}) exceeded this model"
        return Refusal(413, 5021, f"{words} context window limit ({self.window}).")


@variant()
class HasAWindowAndSaysSo(Windowed):
    """Refuses long texts with 400 and another API's words."""

    def refusal(self, tokens: int) -> Refusal:
        words = (
            f"This model's maximum context length is {self.window} tokens. However, you requested {tokens} tokens."
        )
        return Refusal(400, 8007, words)


@variant()
class HasAWindowAndLittleToSay(Windowed):
    """Refuses long texts with 413 and no word about tokens."""

    window = 15_000

    def refusal(self, tokens: int) -> Refusal:
        return Refusal(413, 3006, "Request is too large")


@variant()
class HasAWindowThatWideTextsExceed(Windowed):
    """Counts a token for every three bytes, so that a text of one length fits and another does not."""

    def validate(self, body: Any) -> None:
        Conforming.validate(self, body)
        if len(str(body).encode()) // 3 > 60_000:
            raise Refusal(400, 5021, "AiError: too many input tokens")


@variant(undecided=("effect/prompt*", "effect/messages*"))
class HasAVeryShortWindow(Windowed):
    """Has room for hardly more than the page's own examples."""

    window = 300

    def refusal(self, tokens: int) -> Refusal:
        return Refusal(413, 5021, "AiError: input exceeds the context window")


@variant(undecided=("effect/prompt*", "effect/messages*"))
class HasAWindowOfAThousandBytes(Careless):
    """Takes each byte for a token, twelve more for each message, and has room for a thousand."""

    def validate(self, body: Any) -> None:
        super().validate(body)
        texts = [body["prompt"]] if isinstance(body.get("prompt"), str) else []
        texts += [each["content"] + 12 * " " for each in body.get("messages") or ()]
        tokens = sum(len(text.encode("utf-8", "replace")) for text in texts) + max(0, body.get("max_tokens", 256))
        if tokens > 1000:
            raise Refusal(413, 5021, f"AiError: tokens ({tokens}) exceeded this model context window limit (1000)")
