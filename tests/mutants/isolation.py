"""Servers that mix up their requests: those at the same time, and those whose clients have left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from infercheck.runners.reference.template import render
from mutants.altered import Altered, Body, Events, Streaming, has_tools, is_streamed, limit
from mutants.registry import mutant

ONE_BY_ONE: Mapping[str, Any] = {"concurrency": 1}
"""Options for servers that err where requests meet: they are to meet only where that is looked at."""

LONG = 16
"""Tokens from which on an answer is long."""


class Sharing(Altered):
    """Has one place for what all requests under way need. It errs over long answers without tools or adapters."""

    pause = 0.01

    def prepare(self) -> None:
        self._body: Body = {}

    def hits(self, body: Body) -> bool:
        return limit(body) >= LONG and "lora" not in body and not has_tools(body)


@mutant("isolation/concurrency", may_fail=("isolation/load", "effect/max_tokens"), **ONE_BY_ONE)
class KeepsItsRequestInAGlobal(Sharing):
    """Keeps the body of a request in a global variable until its model is ready."""

    def alter(self, body: Body) -> Body:
        self._body = body
        time.sleep(self.pause)
        return {**self._body, "stream": is_streamed(body)}


@mutant("isolation/concurrency", may_fail=("isolation/load", "effect/max_tokens"), **ONE_BY_ONE)
class StreamsTheLatestRequestToAll(Streaming, KeepsItsRequestInAGlobal):
    """Has one queue for the tokens of all streams, and sends all their clients what the latest asked for."""

    def hits(self, body: Body) -> bool:
        return Streaming.hits(self, body) and Sharing.hits(self, body)


@mutant("isolation/concurrency", may_fail=("isolation/load", "effect/max_tokens"), **ONE_BY_ONE)
class SwapsAnswersOfAPair(Sharing):
    """Computes two requests as one batch where they come together, and hands the answers out in the wrong order."""

    def prepare(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[dict[str, Any]] = []

    def alter(self, body: Body) -> Body:
        mine: dict[str, Any] = {"body": body, "met": threading.Event()}
        with self._lock:
            other = self._waiting.pop() if self._waiting else None
            if other is None:
                self._waiting.append(mine)
        if other is not None:
            other["body"], swapped = body, other["body"]
            other["met"].set()
            return {**swapped, "stream": is_streamed(body)}
        mine["met"].wait(self.pause)
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
        return {**mine["body"], "stream": is_streamed(body)}


@mutant("effect/seed/reproducible", may_fail=("isolation/load",), **ONE_BY_ONE)
class IgnoresSeedsBesideTheSeedless(Sharing):
    """Draws a whole batch from one generator of its own if any request in it comes without a seed."""

    def prepare(self) -> None:
        self._seedless_until = 0.0

    def alter(self, body: Body) -> Body:
        if "seed" not in body:
            self._seedless_until = time.monotonic() + self.pause
            time.sleep(self.pause)
            return body
        time.sleep(self.pause / 2)  # who comes together is calculated together
        if time.monotonic() > self._seedless_until:
            return body
        return {key: value for key, value in body.items() if key != "seed"}


class Dropping(Altered):
    """Changes when a client leaves a stream. Takes its time over long streams, so that they can be left."""

    pause = 0.002

    def prepare(self) -> None:
        self.drops = 0

    def pieces(self, body: Body, pieces: Iterator[str]) -> Iterator[str]:
        for number, piece in enumerate(pieces):
            if number >= LONG // 2:
                time.sleep(self.pause)
            yield piece

    def stream_events(self, events: Events) -> Iterator[bytes]:
        is_over = False
        try:
            yield from super().stream_events(events)
            is_over = True
        finally:
            if not is_over:
                self.drop(events)

    def drop(self, events: Events) -> None:
        """A client has left; `events` are those that nobody heard."""
        self.drops += 1


LEFT = ("effect/*", "default/*", "template/messages", "stream/equivalence", "stream/usage")
"""What an answer that was spoiled may spoil where it is compared."""


@mutant("robust/disconnect", may_fail=LEFT, **ONE_BY_ONE)
class SendsWhatIsLeftToTheNext(Dropping):
    """Sends the token that a client has not waited for to whoever asks next."""

    def prepare(self) -> None:
        self._left = ""

    def drop(self, events: Events) -> None:
        payload = next(events, {})
        self._left = payload.get("response") or " left"

    def text(self, body: Body, text: str) -> str:
        left, self._left = self._left, ""
        return left + text

    def pieces(self, body: Body, pieces: Iterator[str]) -> Iterator[str]:
        if self._left:
            left, self._left = self._left, ""
            yield left
        yield from super().pieces(body, pieces)


@mutant("robust/disconnect", may_fail=LEFT, **ONE_BY_ONE)
class DrawsOtherwiseAfterADrop(Dropping):
    """Leaves its generator where a dropped stream left it, and seeds it on top of that."""

    def alter(self, body: Body) -> Body:
        return {**body, "seed": body["seed"] + 10**12 * self.drops} if "seed" in body else body


@mutant("robust/disconnect", may_fail=LEFT, **ONE_BY_ONE)
class LosesRoomWithEachDrop(Dropping):
    """Never frees what a dropped stream took, so that later answers end a token sooner for each."""

    def alter(self, body: Body) -> Body:
        return {**body, "max_tokens": max(1, limit(body) - self.drops)} if limit(body) > 0 else body


@mutant("robust/disconnect", may_fail=LEFT, **ONE_BY_ONE)
class MixesDroppedPromptsIn(Dropping):
    """Keeps the prompt of a dropped stream in its cache, where that of the next request is to stand."""

    def prepare(self) -> None:
        super().prepare()
        self._read = ""
        self._kept = ""

    def drop(self, events: Events) -> None:
        self._kept = self._read

    def alter(self, body: Body) -> Body:
        kept, self._kept = self._kept, ""
        self._read = render(body) if is_streamed(body) else self._read
        if not kept:
            return body
        messages = body["messages"] if "messages" in body else [{"role": "user", "content": body["prompt"]}]
        rest = {name: value for name, value in body.items() if name not in ("prompt", "messages", "tools", "lora")}
        return {**rest, "messages": [{"role": "user", "content": kept}, *messages]}


@mutant("isolation/concurrency", may_fail=("isolation/load",), **ONE_BY_ONE)
class EndsABatchAtItsLeastLimit(Altered):
    """Computes what comes together as one batch, and ends it where the first of them ends."""

    def prepare(self) -> None:
        self._limits: list[list[int]] = []

    def hits(self, body: Body) -> bool:
        return limit(body) >= LONG and not is_streamed(body)

    def alter(self, body: Body) -> Body:
        mine = [limit(body)]
        self._limits.append(mine)
        time.sleep(0.02)
        least = min(each[0] for each in list(self._limits))
        time.sleep(0.02)  # whoever came with it sees it, too
        del self._limits[next(index for index, each in enumerate(self._limits) if each is mine)]
        return {**body, "max_tokens": least}
