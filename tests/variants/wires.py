"""Servers that read bodies, or turn requests away, in another way, and legally."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

from mutants.conforming import TOKEN, Careless, Doored, dump, failure, reply
from starlette.requests import Request
from starlette.responses import Response

from infercheck.runners.engine import Refusal
from infercheck.runners.server import AUTHENTICATION, BAD_INPUT, EdgeRefusal
from variants.registry import variant


class Reading(Careless):
    """Reads bodies in a way of its own."""

    def parse_body(self, raw: bytes) -> Any:
        return super().parse_body(self.plain(raw))

    def plain(self, raw: bytes) -> bytes:
        """The body without what another server might refuse; or a refusal of what another might take."""
        raise NotImplementedError


def refusal(words: str, status: int = 400) -> Refusal:
    """A refusal of a body."""
    return Refusal(status, BAD_INPUT, f"AiError: Bad input: Error: {words}")


@variant()
class IgnoresAByteOrderMark(Reading):
    """Reads on behind a byte order mark."""

    def plain(self, raw: bytes) -> bytes:
        return raw.removeprefix(b"\xef\xbb\xbf")


@variant()
class RefusesKeysThatStandTwice(Reading):
    """Asks that the names in an object be unique."""

    def plain(self, raw: bytes) -> bytes:
        def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            if len(dict(pairs)) != len(pairs):
                raise refusal("a name stands twice", 422)
            return dict(pairs)

        with contextlib.suppress(ValueError, RecursionError):
            json.loads(raw, object_pairs_hook=unique)
        return raw


@variant()
class TakesTheFirstOfTwoKeys(Reading):
    """Keeps the first of two members of one name."""

    def plain(self, raw: bytes) -> bytes:
        try:
            json.loads(raw, parse_constant=_none_such)
            return dump(json.loads(raw, object_pairs_hook=lambda pairs: dict(reversed(pairs))))
        except (ValueError, RecursionError):
            return raw


@variant()
class ReplacesHalvesOfCharacters(Reading):
    """Takes U+FFFD for half of a character."""

    def plain(self, raw: bytes) -> bytes:
        try:
            text = json.dumps(json.loads(raw, parse_constant=_none_such), ensure_ascii=False)
        except (ValueError, RecursionError):
            return raw
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


@variant()
class FollowsAnyNesting(Reading):
    """Reads bodies that nest deeply, of which it needs nothing."""

    def plain(self, raw: bytes) -> bytes:
        raw = re.sub(rb"\[{1000,}\]{1000,}", b"0", raw)
        return re.sub(rb'(\{"a":){1000,}1\}{1000,}', b"0", raw)


@variant()
class FollowsNestingNotFar(Reading):
    """Refuses what nests more than 32 levels deep, with 413."""

    def plain(self, raw: bytes) -> bytes:
        if raw.count(b"[") > 32 or raw.count(b"{") > 32:
            raise refusal("nested too deeply", 413)
        return raw


@variant()
class ReadsNumbersOfAnySize(Reading):
    """Holds numbers as texts, and so of any size."""

    def plain(self, raw: bytes) -> bytes:
        return re.sub(rb":(1e400|\d{100,})", b":1", raw)


@variant()
class RefusesLongNumbers(Reading):
    """Refuses numbers of more than 40 digits, with 422."""

    def plain(self, raw: bytes) -> bytes:
        if re.search(rb":\d{41,}", raw):
            raise refusal("number out of range", 422)
        return raw


@variant()
class ReadsJsonAsPeopleWriteIt(Reading):
    """Reads strings in single quotes, a comma without a member behind it, and line feeds as they are."""

    def plain(self, raw: bytes) -> bytes:
        raw = re.sub(rb",\s*}$", b"}", raw)
        raw = raw.replace(b"'", b'"') if raw.startswith(b"{'") else raw
        return raw.replace(b'"a\nb"', b'"a b"')


@variant()
class RefusesBadJsonWithAnotherStatus(Careless):
    """Refuses what is no JSON with 415, and bad UTF-8 with 422."""

    def parse_body(self, raw: bytes) -> Any:
        try:
            return super().parse_body(raw)
        except Refusal as refused:
            raise refusal(refused.message, 422 if b"\xe9" in raw else 415) from None


@variant()
class KnowsOneMethod(Doored):
    """Answers 501 to every method but POST, which it alone knows."""

    def meet(self, request: Request) -> Response | None:
        return None if request.method == "POST" else Response("Not Implemented", 501)


@variant()
class RefusesMethodsInPlainText(Doored):
    """Answers 405 to other methods in its web server's words."""

    def meet(self, request: Request) -> Response | None:
        if request.method == "POST":
            return None
        return Response("Method Not Allowed", 405, {"allow": "POST", "content-type": "text/plain; charset=utf-8"})


@variant()
class FindsNothingForOtherMethods(Doored):
    """Answers 404 to other methods, and closes the connection, whose body it has not read."""

    def meet(self, request: Request) -> Response | None:
        if request.method == "POST":
            return None
        return Response("<h1>404</h1>", 404, {"connection": "close", "content-type": "text/html"})


class Getting(Doored):
    """Has something for those who say GET."""

    def meet(self, request: Request) -> Response | None:
        return self.get() if request.method == "GET" else None

    def get(self) -> Response:
        """What stands at the address."""
        raise NotImplementedError


@variant()
class ShowsAPage(Getting):
    """Answers GET with a page for people."""

    def get(self) -> Response:
        return Response("<!doctype html><title>A model</title>", 200, {"content-type": "text/html; charset=utf-8"})


@variant()
class DescribesItsModel(Getting):
    """Answers GET with what it knows of its model."""

    def get(self) -> Response:
        return reply({"name": self.model, "task": "text-generation"})


@variant()
class PointsToItsManual(Getting):
    """Answers GET with a redirect."""

    def get(self) -> Response:
        return Response(status_code=301, headers={"location": "/docs"})


class Unknowing(Doored):
    """Knows one model, and says so of others in a way of its own."""

    def meet(self, request: Request) -> Response | None:
        return self.unknown() if request.path_params["model"] != self.model else None

    def unknown(self) -> Response:
        """The answer to those who ask for another model."""
        raise NotImplementedError


@variant()
class FindsNoModelInPlainText(Unknowing):
    """Answers 404 to unknown models in its web server's words."""

    def unknown(self) -> Response:
        return Response("404 page not found", 404, {"content-type": "text/plain"})


@variant()
class LetsNobodyToOtherModels(Unknowing):
    """Answers 403 to unknown models, with an empty body."""

    def unknown(self) -> Response:
        return Response(status_code=403)


@variant()
class RefusesOtherLabels(Careless):
    """Answers 415 to bodies that are labelled neither as JSON nor as a form, or not at all."""

    async def read_body(self, request: Request) -> bytes:
        label = request.headers.get("content-type", "").partition(";")[0]
        if label not in ("application/json", "application/x-www-form-urlencoded"):
            raise refusal("unsupported media type", 415)
        return await super().read_body(request)


class Guarded(Careless):
    """Knows a token, and turns others away in a way of its own."""

    secret = TOKEN


@variant(token=TOKEN)
class AsksForAToken(Guarded):
    """Refuses other tokens, and none, with 401."""


@variant(token=TOKEN)
class ForbidsOtherTokens(Guarded):
    """Refuses other tokens, and none, with 403 and in the edge's envelope."""

    def authorize(self, request: Request) -> None:
        try:
            super().authorize(request)
        except EdgeRefusal as refused:
            raise EdgeRefusal(403, AUTHENTICATION, refused.message) from None

    def error_response(self, refusal: Refusal) -> Response:
        if refusal.status == 403:
            return reply(failure(refusal.code, refusal.message, result=None, messages=...), 403)
        return super().error_response(refusal)


@variant(token=TOKEN)
class TurnsStrangersAwayInHtml(Guarded):
    """Has a proxy before it that refuses other tokens with a page, and a missing one with 400."""

    def error_response(self, refusal: Refusal) -> Response:
        if isinstance(refusal, EdgeRefusal):
            return Response("<h1>401 Authorization Required</h1>", 401, {"content-type": "text/html"})
        return super().error_response(refusal)


@variant(token=TOKEN)
class HidesFromStrangers(Guarded):
    """Answers 404 to those whom it does not know, with an empty body."""

    def error_response(self, refusal: Refusal) -> Response:
        return Response(status_code=404) if isinstance(refusal, EdgeRefusal) else super().error_response(refusal)


def _none_such(literal: str) -> Any:
    raise ValueError(literal)
