"""Servers that answer 500 to what they should, or may, refuse: bodies as they are sent, labels and addresses."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from infercheck.runners.engine import Refusal
from mutants.conforming import TOKEN, Careless, Doored, failure, reply
from mutants.refusals import texts
from mutants.registry import mutant


def fault() -> Response:
    """What a server says that did not expect this."""
    return reply(failure(5000, "AiError: Internal error"), 500)


class Falling(Careless):
    """Falls over some bodies before they are judged."""

    def respond(self, raw: bytes) -> Response:
        return fault() if self.falls(raw) else super().respond(raw)

    def falls(self, raw: bytes) -> bool:
        """Whether a body, as it was sent, is too much."""
        raise NotImplementedError


@mutant("http/server-error")
class FallsOverBadJson(Falling):
    """Answers 500 to a body that is no JSON."""

    def falls(self, raw: bytes) -> bool:
        try:
            json.loads(raw)
        except RecursionError:
            return False
        except ValueError:
            return True
        return False


@mutant("http/server-error")
class FallsOverEmptyBodies(Falling):
    """Answers 500 to a request without a body; refuses everything else that is no JSON."""

    def falls(self, raw: bytes) -> bool:
        return not raw


@mutant("http/server-error")
class FallsOverTheEchoOfNaN(Falling):
    """Refuses NaN, and falls over writing it into the words of its refusal."""

    def falls(self, raw: bytes) -> bool:
        return b"NaN" in raw


@mutant("http/server-error")
class FallsOverInvalidUtf8(Falling):
    """Answers 500 to bytes that are no UTF-8."""

    def falls(self, raw: bytes) -> bool:
        return "\ufffd" in raw.decode(errors="replace")


@mutant("http/server-error")
class FallsOverLoneSurrogates(Falling):
    """Answers 500 to half of a character, which no encoder takes."""

    def falls(self, raw: bytes) -> bool:
        try:
            value = json.loads(raw)
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return True
        except (ValueError, RecursionError):
            return False
        return False


@mutant("http/server-error")
class FallsOverDeepNesting(Falling):
    """Answers 500 where its parser goes no deeper, which it may refuse."""

    def falls(self, raw: bytes) -> bool:
        try:
            json.loads(raw)
        except RecursionError:
            return True
        except ValueError:
            return False
        return False


@mutant("http/server-error")
class FallsOverKeysThatStandTwice(Falling):
    """Answers 500 to a key that stands twice."""

    def falls(self, raw: bytes) -> bool:
        try:
            value = json.loads(raw, object_pairs_hook=list)
        except (ValueError, RecursionError):
            return False
        names = [pair[0] for pair in value] if isinstance(value, list) and raw.startswith(b"{") else []
        return len(names) != len(set(names))


@mutant("http/server-error")
class FallsOverIntegersOfManyDigits(Falling):
    """Answers 500 to an integer with more digits than its runtime reads."""

    def falls(self, raw: bytes) -> bool:
        return bool(re.search(rb"\d{4301}", raw))


@mutant("http/server-error")
class FallsOverNumbersBeyondDoubles(Falling):
    """Reads 1e400 as infinite, and falls over what follows from that."""

    def falls(self, raw: bytes) -> bool:
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            return False
        values = body.values() if isinstance(body, dict) else ()
        return b"Infinity" not in raw and any(isinstance(value, float) and math.isinf(value) for value in values)


@mutant("http/server-error")
class FallsOverAByteOrderMark(Falling):
    """Answers 500 to a byte order mark, which it may ignore or refuse."""

    def falls(self, raw: bytes) -> bool:
        return raw.startswith(b"\xef\xbb\xbf")


@mutant("http/server-error")
class FallsOverTextsThatAreTooLong(Careless):
    """Answers 500 to a text over the greatest length; takes those at it."""

    def answer(self, body: Any) -> Response:
        if isinstance(body, dict) and isinstance(body.get("prompt"), str) and len(body["prompt"]) > 131072:
            return fault()
        return super().answer(body)


@mutant("http/server-error", "input/*/maxLength")
class FallsOverLongTexts(Careless):
    """Answers 500 to any text that its engine has no room for."""

    def answer(self, body: Any) -> Response:
        self.validate(body)
        return fault() if any(len(text) > 100_000 for text in texts(body)) else super().answer(body)


@mutant("http/server-error")
class FallsOverHugeMaxTokens(Careless):
    """Allots room for as many tokens as are asked for, and has not got it."""

    def answer(self, body: Any) -> Response:
        self.validate(body)
        return fault() if body.get("max_tokens", 0) > 2**31 else super().answer(body)


@mutant("http/server-error")
class FallsOverBadBodiesOfStreams(Careless):
    """Answers 500 where it should refuse a request that asks for a stream, and refuses all others."""

    def answer(self, body: Any) -> Response:
        try:
            return super().answer(body)
        except Refusal:
            if isinstance(body, dict) and body.get("stream") is True:
                return fault()
            raise


class FallingEdge(Doored):
    """Falls over some requests before it reads their bodies."""

    def meet(self, request: Request) -> Response | None:
        return fault() if self.falls(request) else None

    def falls(self, request: Request) -> bool:
        """Whether a request is too much."""
        raise NotImplementedError


@mutant("http/server-error")
class FallsOverMissingLabels(FallingEdge):
    """Answers 500 to a body without a Content-Type."""

    def falls(self, request: Request) -> bool:
        return request.method == "POST" and "content-type" not in request.headers


@mutant("http/server-error")
class FallsOverTextLabels(FallingEdge):
    """Answers 500 to a body that is labelled as text."""

    def falls(self, request: Request) -> bool:
        return request.headers.get("content-type") == "text/plain"


@mutant("http/server-error")
class FallsOverPut(FallingEdge):
    """Answers 500 to a method that it does not expect."""

    def falls(self, request: Request) -> bool:
        return request.method == "PUT"


@mutant("http/server-error")
class FallsOverGet(FallingEdge):
    """Answers 500 to GET, which has no body for it to read."""

    def falls(self, request: Request) -> bool:
        return request.method == "GET"


@mutant("http/server-error")
class FallsOverUnknownModels(FallingEdge):
    """Answers 500 where it finds no such model."""

    def falls(self, request: Request) -> bool:
        return request.path_params["model"] != self.model


class FallingGuard(FallingEdge):
    """Falls over some tokens."""

    secret = TOKEN


@mutant("http/server-error", token=TOKEN)
class FallsOverMissingTokens(FallingGuard):
    """Answers 500 to a request without a token."""

    def falls(self, request: Request) -> bool:
        return "authorization" not in request.headers


@mutant("http/server-error", token=TOKEN)
class FallsOverWrongTokens(FallingGuard):
    """Answers 500 to a token that it cannot read."""

    def falls(self, request: Request) -> bool:
        return "authorization" in request.headers and TOKEN not in request.headers["authorization"]
