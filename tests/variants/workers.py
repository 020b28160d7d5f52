"""Workers such as the page's two, which answer bare and refuse with any status but success."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mutants.conforming import Careless, Worker, frame, reply
from starlette.requests import Request
from starlette.responses import Response

from infercheck.runners.engine import Refusal
from variants.errors import HasAShortWindow, later
from variants.registry import variant


@variant(dialect="worker")
class WorkerCatchesNothing(Worker):
    """Answers 500 in plain text where the binding throws."""


@variant(dialect="worker")
class WorkerShowsThePlatformsPage(Worker):
    """Answers 500 with the platform's page where the binding throws."""

    def error_response(self, refusal: Refusal) -> Response:
        return Response("<!DOCTYPE html><title>Worker threw exception</title>", 500, {"content-type": "text/html"})


@variant(dialect="worker")
class WorkerCatchesErrors(Worker):
    """Catches what the binding throws, and sends its message with 400, as JSON of its own."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply({"error": f"{refusal.code}: {refusal.message}"}, 400)


@variant(dialect="worker")
class WorkerRefusesWithoutABody(Worker):
    """Answers 502 with an empty body where the binding throws."""

    def error_response(self, refusal: Refusal) -> Response:
        return Response(status_code=502)


@variant(dialect="worker")
class WorkerHandsOnWhatItGets(Worker):
    """Hands on the binding's answers with all that stands in them, and its streams without a marker's label."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply({"tool_calls": [], **answer})

    def stream_response(self, events: Iterator[Mapping[str, Any]]) -> Response:
        padded = (frame({**payload, "p": "abc"}) for payload in events)
        return reply(b"".join([*padded, b"data: [DONE]\n\n"]), media_type="text/event-stream; charset=utf-8")


@variant(dialect="auto")
class WorkerThatNobodyAnnounced(Worker):
    """Shows by its answers that it is a Worker."""


@variant(dialect="worker")
class WorkerHasAShortWindow(Worker, HasAShortWindow):
    """Answers 500 without a word where the binding throws because a text is too long for the model."""


@variant(dialect="worker")
class WorkerHasAShortWindowAndSaysSo(Worker, HasAShortWindow):
    """Catches what the binding throws, and hands on its words about the context window."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply({"error": f"{refusal.code}: {refusal.message}"}, 500)


@variant(dialect="worker")
class WorkerThrottlesNowAndThen(Worker):
    """Answers 429 to one request in twenty, and says to come back at once."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    async def handle(self, request: Request) -> Response:
        self._count += 1
        return await super().handle(request) if self._count % 20 else later(429, retry_after="0")


@variant(dialect="auto")
class ApiThatNobodyAnnounced(Careless):
    """Shows by its envelope that it is the REST API."""
