"""Kinds of noise, each of which can be laid on any server: what it answers is no worse than before."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from direct import Direct
from mutants.conforming import Conforming, is_valid

from infercheck.cases import Request
from infercheck.exchange import Answer, Failure

Body = Mapping[str, Any]
Server = type[Conforming]

LATE = 50
"""Tokens after which numerics make a difference."""


class Noisy:
    """Draws with another seed than the one that is asked for, as `draw` says."""

    def prepare(self) -> None:
        super().prepare()  # type: ignore[misc]
        self.chance = random.Random(self.noise_seed)
        self.lock = threading.Lock()
        self.under_way = 0

    noise_seed = 0

    def run(self, body: Body) -> Any:
        with self.lock:
            self.under_way += 1
            draw = self.draw(body) if is_valid(body) else 0
        try:
            if draw:
                body = {**body, "seed": (body.get("seed", 1) + draw) % 9999999999 + 1}
            answer = super().run(body)  # type: ignore[misc]
            return answer if isinstance(answer, Mapping) else iter(list(answer))
        finally:
            with self.lock:
                self.under_way -= 1

    def draw(self, body: Body) -> int:
        """What is added to the seed; 0 where the seed is honoured."""
        raise NotImplementedError

    def anew(self) -> int:
        """A seed that nobody asked for."""
        return self.chance.randrange(1, 10**9)


def seedless(server: Server) -> Server:
    """Ignores the seed."""

    class Seedless(Noisy, server):  # type: ignore[misc, valid-type]
        def draw(self, body: Body) -> int:
            return self.anew()

    return Seedless


def entropic(server: Server) -> Server:
    """Ignores the seed, and at temperature 0 needs none."""

    class Entropic(Noisy, server):  # type: ignore[misc, valid-type]
        def draw(self, body: Body) -> int:
            return self.anew() if body.get("temperature") != 0 else 0

    return Entropic


def one_in(rate: int) -> Callable[[Server], Server]:
    """Answers one request in so many otherwise."""

    def lay(server: Server) -> Server:
        class OneIn(Noisy, server):  # type: ignore[misc, valid-type]
            def draw(self, body: Body) -> int:
                return self.anew() if self.chance.random() < 1 / rate else 0

        return OneIn

    return lay


def batching(server: Server) -> Server:
    """Calculates otherwise while another request is under way."""

    class Batching(Noisy, server):  # type: ignore[misc, valid-type]
        def run(self, body: Body) -> Any:
            time.sleep(0.001)  # for others to come
            return super().run(body)

        def draw(self, body: Body) -> int:
            return 7 if self.under_way > 1 else 0

    return Batching


def replicas(server: Server) -> Server:
    """Stands for two machines that do not calculate alike."""

    class Replicas(Noisy, server):  # type: ignore[misc, valid-type]
        def draw(self, body: Body) -> int:
            return 7 if self.chance.random() < 0.5 else 0

    return Replicas


def late(server: Server) -> Server:
    """Goes another way after fifty tokens, one time in three, as floating point does."""

    class Late(Noisy, server):  # type: ignore[misc, valid-type]
        def run(self, body: Body) -> Any:
            usual = super().run(body)
            with self.lock:
                parts = is_valid(body) and self.chance.random() < 1 / 3
            if not parts:
                return usual
            other = super().run({**body, "seed": (body.get("seed", 1) + 7) % 9999999999 + 1})
            if isinstance(usual, Mapping):
                return _joined(usual, other)
            return _spliced(list(usual), list(other))

        def draw(self, body: Body) -> int:
            return 0

    return Late


def _joined(usual: Body, other: Body) -> Body:
    # Words stand for tokens; whatever is counted is counted as before.
    if "tool_calls" in usual or "tool_calls" in other:
        return usual
    first, last = usual["response"].split(" ")[:LATE], other["response"].split(" ")[LATE:]
    whole = usual["response"].split(" ")
    return {**usual, "response": " ".join([*first, *(last + whole[LATE + len(last) :])[: len(whole) - len(first)]])}


def _spliced(usual: list[Body], other: list[Body]) -> Iterator[Body]:
    texts, others = ([each for each in events if set(each) == {"response"}] for events in (usual, other))
    rest = [each for each in usual if set(each) != {"response"}]
    if len(others) < len(texts) or any("tool_calls" in each for each in rest):
        return iter(usual)
    return iter([*texts[:LATE], *others[LATE : len(texts)], *rest])


class Throttling(Direct):
    """Says "later" to some requests, each time in another way, and loses the connection of a few."""

    later, lost = 0.0, 0.0

    def __init__(self, app: Any, seed: int = 0) -> None:
        super().__init__(app)
        self._chance = random.Random(seed)
        self._ways = itertools.cycle(
            [(429, (("retry-after", "0"),)), (503, (("retry-after", "0"),)), (429, (("retry-after", "0.01"),))]
        )

    async def send(self, request: Request, *, alone: bool = False) -> Answer:
        if self._chance.random() < self.later:
            status, headers = next(self._ways)
            return Answer(status=status, headers=headers)
        if self._chance.random() < self.lost:
            return Answer(failure=Failure(kind="closed", message="the connection was closed"))
        return await super().send(request, alone=alone)


class Throttled(Throttling):
    """Throttles one request in fifty."""

    later = 0.02


class Losing(Throttling):
    """Loses one connection in two hundred."""

    lost = 0.005


class SlowUnderLoad(Direct):
    """Takes longer the more it has to do."""

    def __init__(self, app: Any, seed: int = 0) -> None:
        super().__init__(app)
        self._under_way = 0

    async def send(self, request: Request, *, alone: bool = False) -> Answer:
        self._under_way += 1
        try:
            await asyncio.sleep(0.002 * self._under_way**2)
            answer = await super().send(request, alone=alone)
            return replace(answer, seconds=answer.seconds + 0.002 * self._under_way**2)
        finally:
            self._under_way -= 1


Way = Callable[[Any, int], Direct]


def _plainly(app: Any, seed: int) -> Direct:
    return Direct(app)


def _as_it_is(server: Server) -> Server:
    return server


KINDS: Mapping[str, tuple[Callable[[Server], Server], Way]] = {
    "ignores the seed": (seedless, _plainly),
    "ignores the seed, greedy is steady": (entropic, _plainly),
    "1 in 10 otherwise": (one_in(10), _plainly),
    "1 in 40 otherwise": (one_in(40), _plainly),
    "1 in 200 otherwise": (one_in(200), _plainly),
    "batches": (batching, _plainly),
    "otherwise after 50 tokens": (late, _plainly),
    "two machines": (replicas, _plainly),
    "throttles": (_as_it_is, Throttled),
    "loses connections": (_as_it_is, Losing),
    "slow under load": (_as_it_is, SlowUnderLoad),
}
"""What is laid on the server, and the way to it, by the name of the noise."""


def noisy(server: Server, kind: str, seed: int = 0) -> Direct:
    """The way to a server with noise on it; `seed` is of the noise's own chance."""
    lay, way = KINDS[kind]
    noised = lay(server)
    noised.noise_seed = seed  # type: ignore[attr-defined]
    return way(noised().app(), seed)
