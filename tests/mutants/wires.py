"""Servers that read what is no JSON text, mind how JSON is labelled, or let in whom they should not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from infercheck.runners.engine import Refusal
from infercheck.runners.server import BAD_INPUT, EdgeRefusal
from mutants.conforming import TOKEN, Careless, Doored, dump, failure, reply
from mutants.registry import mutant

USUAL = {"prompt": "Hello", "max_tokens": 8}


class Repairing(Careless):
    """Makes JSON of some bodies that are none."""

    def parse_body(self, raw: bytes) -> Any:
        return super().parse_body(self.repaired(raw))

    def repaired(self, raw: bytes) -> bytes:
        """The body that is read instead."""
        raise NotImplementedError


@mutant("http/malformed-json")
class ClosesWhatIsOpen(Repairing):
    """Reads a JSON text that was cut off as if it had been sent whole."""

    def repaired(self, raw: bytes) -> bytes:
        return raw + b"}" if raw.startswith(b"{") and raw.count(b"{") == raw.count(b"}") + 1 else raw


@mutant("http/malformed-json")
class ReadsTheFirstText(Repairing):
    """Stops reading where the first JSON text ends, whatever stands behind it."""

    def repaired(self, raw: bytes) -> bytes:
        try:
            value, _ = json.JSONDecoder(parse_constant=_none_such).raw_decode(raw.decode())
        except (ValueError, RecursionError):
            return raw
        return dump(value) if isinstance(value, dict) else raw


@mutant("http/malformed-json")
class ReadsLinesOfJson(Repairing):
    """Takes two texts for a batch, and answers the first; refuses any other rest."""

    def repaired(self, raw: bytes) -> bytes:
        first, found, _ = raw.partition(b"}{")
        return first + b"}" if found else raw


@mutant("http/malformed-json")
class TakesAnEmptyBodyForDefaults(Repairing):
    """Answers a request without a body with whatever comes to its mind."""

    def repaired(self, raw: bytes) -> bytes:
        return raw or dump(USUAL)


@mutant("http/malformed-json")
class TakesBlanksForDefaults(Repairing):
    """Trims a body before it asks whether there is one, and answers one of white space; refuses an empty one."""

    def repaired(self, raw: bytes) -> bytes:
        return dump(USUAL) if raw and not raw.strip() else raw


@mutant("http/non-finite")
class ReadsNumbersAsPythonDoes(Repairing):
    """Reads NaN, Infinity and -Infinity, and holds them for numbers like others."""

    def repaired(self, raw: bytes) -> bytes:
        return re.sub(rb":-?(NaN|Infinity)", b":1", raw)


@mutant("http/non-finite")
class TakesNaNForInBounds(Repairing):
    """Asks whether a number is below or above its bounds, to both of which NaN says no; refuses Infinity."""

    def repaired(self, raw: bytes) -> bytes:
        return raw.replace(b":NaN", b":1")


@mutant("http/invalid-utf-8")
class ReplacesWhatIsNoUtf8(Repairing):
    """Decodes with errors="replace", and answers another text than it was sent."""

    def repaired(self, raw: bytes) -> bytes:
        return raw.decode(errors="replace").encode()


@mutant("input/type")
class UnwrapsArrays(Careless):
    """Takes the only request of an array, as an API for batches does."""

    def validate(self, body: Any) -> None:
        super().validate(body[0] if isinstance(body, list) and len(body) == 1 else body)


@mutant("input/type")
class UnwrapsTexts(Careless):
    """Reads a JSON text inside a JSON string."""

    def validate(self, body: Any) -> None:
        if isinstance(body, str) and body.startswith("{"):
            body = json.loads(body)
        super().validate(body)


@mutant("input/type")
class TakesScalarsForDefaults(Careless):
    """Looks for what it knows in the body, finds nothing in a number, and answers."""

    def validate(self, body: Any) -> None:
        if not isinstance(body, int | float):
            super().validate(body)


@mutant("http/content-type-parameters")
class RefusesCharsets(Careless):
    """Knows application/json, and not with a charset."""

    async def read_body(self, request: Request) -> bytes:
        if ";" in request.headers.get("content-type", ""):
            raise Refusal(415, BAD_INPUT, "Unsupported media type")
        return await super().read_body(request)


@mutant("http/method")
class RunsOnPut(Doored):
    """Looks at the path, and not at the method."""

    def meet(self, request: Request) -> Response | None:
        return self.success_response({"response": "Hello"}) if request.method == "PUT" else None


@mutant("http/unknown-model")
class AnswersForAnyModel(Careless):
    """Serves its one model under every name."""

    def find_model(self, request: Request) -> None:
        pass


class Guarded(Careless):
    """Knows a token."""

    secret = TOKEN


@mutant("http/missing-token", "http/wrong-token", token=TOKEN)
class AsksForNoToken(Guarded):
    """Knows a token, and lets everybody in."""

    def authorize(self, request: Request) -> None:
        pass


@mutant("http/wrong-token", token=TOKEN)
class TakesAnyToken(Guarded):
    """Asks that there be a token, and not which."""

    def authorize(self, request: Request) -> None:
        if not request.headers.get("authorization"):
            super().authorize(request)


@mutant("http/missing-token", token=TOKEN)
class ChecksTokensThatAreGiven(Guarded):
    """Refuses a wrong token and lets in whoever brings none."""

    def authorize(self, request: Request) -> None:
        if request.headers.get("authorization"):
            super().authorize(request)


@mutant("http/token-echo", token=TOKEN)
class RepeatsTheTokenInRefusals(Guarded):
    """Shows the headers of a request beside the words that refuse it."""

    async def handle(self, request: Request) -> Response:
        try:
            self.authorize(request)
            self.find_model(request)
            raw = await self.read_body(request)
            return self.respond(raw)
        except EdgeRefusal as refusal:
            return self.error_response(refusal)
        except Refusal as refusal:
            given = request.headers["authorization"]
            return reply(failure(refusal.code, f"{refusal.message} (headers: {given})"), refusal.status)


@mutant("http/token-echo", token=TOKEN, profile="quick")
class RepeatsTheTokenInAHeader(Guarded):
    """Sends the token back in a header, for the log of whoever stands between."""

    async def handle(self, request: Request) -> Response:
        response = await super().handle(request)
        response.headers["x-request-authorization"] = request.headers.get("authorization", "")
        return response


@mutant("http/persistent")
class LeavesBodiesUnread(Careless):
    """Refuses now and then before it has read the body, whose rest is then taken for the next request."""

    def prepare(self) -> None:
        self._refused = 0
        self._soiled: set[Any] = set()

    async def handle(self, request: Request) -> Response:
        if request.client in self._soiled:
            self._soiled.discard(request.client)
            return Response("Invalid HTTP request received.", 400, {"content-type": "text/plain"})
        response = await super().handle(request)
        if response.status_code == 400:
            self._refused += 1
            if self._refused % 10 == 0:
                self._soiled.add(request.client)
        return response


@mutant("http/token-echo", token=TOKEN)
class RepeatsTheTokenInStreams(Guarded):
    """Writes the token into a comment of its streams, and that in two pieces."""

    def stream_events(self, events: Iterator[Mapping[str, Any]]) -> Iterator[bytes]:
        yield f": for {TOKEN[:8]}".encode()
        yield f"{TOKEN[8:]}\n\n".encode()
        yield from super().stream_events(events)


@mutant("error/status")
class SaysSuccessOverUnknownModels(Careless):
    """Says 200 over the envelope of an error where it finds no such model."""

    def find_model(self, request: Request) -> None:
        try:
            super().find_model(request)
        except Refusal as refusal:
            raise Refusal(200, refusal.code, refusal.message) from None


@mutant("error/envelope", "error/media-type")
class LeavesBadJsonToItsFramework(Careless):
    """Refuses what is no JSON in its framework's words, and everything else in the envelope."""

    def respond(self, raw: bytes) -> Response:
        try:
            body = self.parse_body(raw)
        except Refusal:
            return Response("Failed to parse the request body as JSON", 400, {"content-type": "text/plain"})
        return self.answer(body)


@mutant("error/status")
class SaysSuccessOverBadJson(Careless):
    """Says 200 over the envelope of an error, where the body is no JSON; refuses bad requests well."""

    def respond(self, raw: bytes) -> Response:
        try:
            body = self.parse_body(raw)
        except Refusal as refusal:
            return reply(failure(refusal.code, refusal.message))
        return self.answer(body)


def _none_such(literal: str) -> Any:
    raise ValueError(literal)
