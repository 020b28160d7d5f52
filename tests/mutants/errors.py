"""Servers that say no in a wrong way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from infercheck.runners.engine import Refusal
from mutants.conforming import Conforming, failure, frame, reply
from mutants.registry import mutant


@mutant("error/envelope")
class SendsErrorsLikeFastApi(Conforming):
    """Answers 422 with a detail instead of the envelope."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply({"detail": [{"loc": ["body"], "msg": refusal.message, "type": "value_error"}]}, 422)


@mutant("error/envelope", profile="quick")
class SendsErrorsLikeAnotherApi(Conforming):
    """Answers with one error object instead of the envelope."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply({"error": {"message": refusal.message, "type": "invalid_request_error"}}, refusal.status)


@mutant("error/envelope", "error/media-type", profile="quick")
class SendsErrorsAsHtml(Conforming):
    """Answers with a page for people."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply(b"<!doctype html><h1>400 Bad Request</h1>", refusal.status, "text/html")


@mutant("error/media-type", profile="quick")
class LabelsErrorsAsText(Conforming):
    """Sends the right envelope under the wrong label."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply(failure(refusal.code, refusal.message), refusal.status, "text/plain; charset=utf-8")


@mutant("error/envelope", may_fail=("error/media-type",), profile="quick")
class SendsErrorsWithoutABody(Conforming):
    """Sends a status and nothing else."""

    def error_response(self, refusal: Refusal) -> Response:
        return Response(status_code=refusal.status)


@mutant("error/status", quick=True, profile="quick")
class SendsErrorsWithSuccess(Conforming):
    """Says 200 over an envelope that says success: false."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply(failure(refusal.code, refusal.message))


@mutant("error/status", profile="quick")
class SendsBareErrorsWithSuccess(Conforming):
    """Says 200 over an object that holds an error alone."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply({"error": refusal.message})


@mutant("error/status")
class SendsErrorsOfStreamsWithSuccess(Conforming):
    """Opens the stream before it validates, so that the error is its first event."""

    def answer(self, body: Any) -> Response:
        try:
            return super().answer(body)
        except Refusal as refusal:
            if isinstance(body, Mapping) and body.get("stream") is True:
                return reply(frame(failure(refusal.code, refusal.message)), 200, "text/event-stream")
            raise


@mutant("error/media-type", "error/envelope")
class StreamsErrors(Conforming):
    """Sends the error of a streamed request as an event, with the right status."""

    def answer(self, body: Any) -> Response:
        try:
            return super().answer(body)
        except Refusal as refusal:
            if isinstance(body, Mapping) and body.get("stream") is True:
                error = frame(failure(refusal.code, refusal.message))
                return reply(error, refusal.status, "text/event-stream")
            raise


@mutant("error/client-error", profile="quick")
class RedirectsInsteadOfRefusing(Conforming):
    """Sends those who ask wrongly to the manual."""

    def error_response(self, refusal: Refusal) -> Response:
        return Response(status_code=302, headers={"location": "/manual"})


@mutant("error/envelope", profile="quick")
class SendsErrorCodesAsText(Conforming):
    """Sends the code of an error as a string."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply(failure(str(refusal.code), refusal.message), refusal.status)


@mutant("error/envelope", profile="quick")
class SendsErrorsAsStrings(Conforming):
    """Sends a list of texts instead of errors with codes."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply(failure(errors=[refusal.message]), refusal.status)


@mutant("error/envelope", profile="quick")
class SendsErrorsWithoutMessage(Conforming):
    """Leaves it to the client what a number means."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply(failure(errors=[{"code": refusal.code}]), refusal.status)


@mutant("error/envelope", profile="quick")
class SendsNoErrors(Conforming):
    """Refuses with an empty list of errors."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply(failure(errors=[]), refusal.status)


@mutant("error/envelope", profile="quick")
class SaysSuccessOnErrors(Conforming):
    """Refuses and says success: true."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply(failure(refusal.code, refusal.message, success=True), refusal.status)
