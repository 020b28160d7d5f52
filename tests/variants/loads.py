"""Servers that take their time, or share it among requests, in another way."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from mutants.conforming import failure, reply
from starlette.requests import Request
from starlette.responses import Response

from variants.draws import Draws
from variants.engines import Generating, Steps
from variants.engines import Request as Body
from variants.registry import variant

STREAMS = ("stream", "default/stream", "effect/max_tokens", "robust/disconnect")


class Slow(Steps):
    """Needs time before the first token, and for every token."""

    first = 0.0
    each = 0.0

    def tokens(self, request: Body, context: int, draws: Draws, limit: int) -> Iterator[str]:
        time.sleep(self.first)
        for token in super().tokens(request, context, draws, limit):
            time.sleep(self.each)
            yield token


@variant(only=("stream/incremental", "default/stream", "robust/disconnect"))
class NeedsTwoMillisecondsForAToken(Generating):
    """Generates slowly, and streams each token as soon as there is one."""

    class Engine(Slow):
        """Is slow."""

        each = 0.0022


@variant(only=("stream/incremental",))
class StreamsSlowlyInBursts(Generating):
    """Generates slowly, and streams 16 tokens at a time."""

    class Engine(Slow):
        """Is slow, and joins what it has."""

        each = 0.0022

        def cut(self, pieces: Iterator[str]) -> Iterator[str]:
            held: list[str] = []
            for piece in pieces:
                held.append(piece)
                if len(held) == 16:
                    yield "".join(held)
                    held = []
            if held:
                yield "".join(held)


@variant(only=(*STREAMS, "default"), profile="quick")
class NeedsTimeToBegin(Generating):
    """Needs a tenth of a second before the first token, and none for those behind it."""

    class Engine(Slow):
        """Reads slowly."""

        first = 0.1


@variant()
class IsSlowAtTimes(Generating):
    """Pauses for a tenth of a second in some answers, in the middle of them."""

    class Engine(Steps):
        """Pauses."""

        def tokens(self, request: Body, context: int, draws: Draws, limit: int) -> Iterator[str]:
            for place, token in enumerate(super().tokens(request, context, draws, limit)):
                time.sleep(0.1 if place == 20 and context % 4 == 0 else 0)
                yield token


class Locked(Generating):
    """Answers a few requests at a time; the others wait."""

    places = 1

    def prepare(self) -> None:
        self._places = threading.BoundedSemaphore(self.places)

    def run(self, body: Mapping[str, Any]) -> Any:
        with self._places:
            answer = super().run(body)
            return answer if isinstance(answer, Mapping) else iter(list(answer))


@variant(concurrency=8)
class AnswersOneAfterTheOther(Locked):
    """Generates one answer at a time, whole, before it streams it."""


@variant(concurrency=8)
class HasTwoPlaces(Locked):
    """Generates two answers at a time."""

    places = 2


@variant(concurrency=8)
class TurnsAwayWhomItHasNoPlaceFor(Generating):
    """Answers 429 with Retry-After to whoever comes while four others are being answered."""

    def prepare(self) -> None:
        self._busy = 0

    async def handle(self, request: Request) -> Response:
        if self._busy >= 4:
            await request.body()
            response = reply(failure(3040, "AiError: out of capacity"), 429)
            response.headers["retry-after"] = "0"
            return response
        self._busy += 1
        try:
            return await super().handle(request)
        finally:
            self._busy -= 1


@variant()
class WaitsForABatch(Generating):
    """Lets requests wait up to four milliseconds for others, and answers all of them at once, in any order."""

    def prepare(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    async def handle(self, request: Request) -> Response:
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        if not self._waiting:
            loop.call_later(0.004, self._begin)
        self._waiting.append(turn)
        await turn
        return await super().handle(request)

    def _begin(self) -> None:
        waiting, self._waiting = self._waiting, []
        for turn in reversed(waiting):
            if not turn.done():
                turn.set_result(None)


@variant()
class RemembersWholeAnswers(Generating):
    """Keeps the answers to requests with a seed, by everything that stands in them."""

    def prepare(self) -> None:
        self._known: dict[str, Any] = {}

    def run(self, body: Mapping[str, Any]) -> Any:
        if "seed" not in body or body.get("max_tokens", 256) > 1000:
            return super().run(body)
        key = json.dumps(body, sort_keys=True)
        answer = self._known.get(key)
        if answer is None:
            answer = super().run(body)
            answer = answer if isinstance(answer, Mapping) else list(answer)
            if len(self._known) < 200:
                self._known[key] = answer
        return answer if isinstance(answer, Mapping) else iter(answer)


@variant()
class RemembersWhatItRead(Generating):
    """Keeps what it made of the last prompts, by the whole of their text, and goes on from there."""

    class Engine(Steps):
        """Reads each text once."""

        def __init__(self, model: Any = None) -> None:
            super().__init__(model)
            self._read: dict[tuple[str, str | None], int] = {}

        def start(self, text: str, adapter: str | None) -> int:
            context = self._read.get((text, adapter))
            if context is None:
                context = super().start(text, adapter)
                if len(self._read) < 200:
                    self._read[text, adapter] = context
            return context


@variant()
class NoticesNobodyLeaving(Generating):
    """Generates in a thread of its own to the end, whether or not anybody still reads the stream."""

    def run(self, body: Mapping[str, Any]) -> Any:
        answer = super().run(body)
        return answer if isinstance(answer, Mapping) else pumped(answer)


def pumped(events: Iterator[Any]) -> Iterator[Any]:
    """Events that a thread makes, as far as 5,000 of them."""
    made: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def pump() -> None:
        for _, event in zip(range(5000), events, strict=False):
            made.put(event)
        made.put(None)

    threading.Thread(target=pump, daemon=True).start()
    while (event := made.get()) is not None:
        yield event
