"""Kinds of noise, each of which can be laid on any server: what it answers is no worse than before."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from direct import Direct
from mutants.conforming import Conforming, is_valid

from infercheck.cases import Request
from infercheck.exchange import Answer, Failure

Body = Mapping[str, Any]
Server = type[Conforming]

MOOD = 40
"""Requests that a mood lasts for."""

LATE = 50
"""Tokens after which numerics make a difference."""


class Noisy:
    """Draws with another seed than the one that is asked for, as `draw` says."""

    def prepare(self) -> None:
        super().prepare()  # type: ignore[misc]
        self.chance = random.Random(self.noise_seed)
        self.lock = threading.Lock()

    noise_seed = 0

    def run(self, body: Body) -> Any:
        with self.lock:
            draw = self.draw(body) if is_valid(body) else 0
        if draw:
            body = {**body, "seed": (body.get("seed", 1) + draw) % 9999999999 + 1}
        return super().run(body)  # type: ignore[misc]

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


def restless(server: Server) -> Server:
    """Ignores the seed, and takes temperature 0 for the default one: nothing comes twice."""

    class Restless(seedless(server)):  # type: ignore[misc]
        def run(self, body: Body) -> Any:
            greedy = is_valid(body) and body.get("temperature") == 0
            return super().run({**body, "temperature": 0.6} if greedy else body)

    return Restless


def replicas(server: Server) -> Server:
    """Stands for two machines that do not calculate alike."""

    class Replicas(Noisy, server):  # type: ignore[misc, valid-type]
        def draw(self, body: Body) -> int:
            return 7 if self.chance.random() < 0.5 else 0

    return Replicas


def moody(server: Server) -> Server:
    """Calculates otherwise for a while, now and then, as where machines take turns to be under load."""

    class Moody(Noisy, server):  # type: ignore[misc, valid-type]
        def prepare(self) -> None:
            super().prepare()
            self.asked = self.chance.randrange(MOOD)

        def draw(self, body: Body) -> int:
            self.asked += 1
            return 7 * (self.asked // MOOD % 2)

    return Moody


def renewed(server: Server) -> Server:
    """Calculates otherwise from some request on, as where another version is deployed."""

    class Renewed(Noisy, server):  # type: ignore[misc, valid-type]
        def prepare(self) -> None:
            super().prepare()
            self.left = self.chance.randrange(500)

        def draw(self, body: Body) -> int:
            self.left -= 1
            return 7 if self.left < 0 else 0

    return Renewed


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


class Batching(Direct):
    """Calculates otherwise while another request is under way, this share of the time."""

    share = 1.0

    def __init__(self, app: Any, seed: int = 0) -> None:
        super().__init__(app)
        self._chance = random.Random(seed)
        self._under_way = 0

    async def send(self, request: Request, *, alone: bool = False) -> Answer:
        self._under_way += 1
        try:
            await asyncio.sleep(0)  # for others to come
            if self._under_way > 1 and self._chance.random() < self.share:
                request = _reseeded(request)
            return await super().send(request, alone=alone)
        finally:
            self._under_way -= 1


class BatchingNowAndThen(Batching):
    """The same, half the time."""

    share = 0.5


def _reseeded(request: Request) -> Request:
    try:
        body = json.loads(request.body)
    except ValueError:
        return request
    if not is_valid(body):
        return request
    return replace(request, body=json.dumps({**body, "seed": (body.get("seed", 1) + 7) % 9999999999 + 1}).encode())


class Throttling(Direct):
    """Says "later" to some requests, each time in another way, and loses the connection of a few."""

    later, lost = 0.0, 0.0

    def __init__(self, app: Any, seed: int = 0) -> None:
        super().__init__(app)
        self._chance = random.Random(seed)
        self._ways = itertools.cycle([(429, (("retry-after", "0"),)), (503, (("retry-after", "0"),))])

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


class Cached(Direct):
    """Keeps every answer by the bytes of its request, as gateways may."""

    def __init__(self, app: Any, seed: int = 0) -> None:
        super().__init__(app)
        self._kept: dict[Request, Answer] = {}

    async def send(self, request: Request, *, alone: bool = False) -> Answer:
        if request.stop_after:
            return await super().send(request, alone=alone)
        if request not in self._kept:
            self._kept[request] = await super().send(request, alone=alone)
        return self._kept[request]


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
    "batches": (_as_it_is, Batching),
    "batches now and then": (_as_it_is, BatchingNowAndThen),
    "otherwise after 50 tokens": (late, _plainly),
    "two machines": (replicas, _plainly),
    "has moods": (moody, _plainly),
    "is renewed": (renewed, _plainly),
    "ignores the seed behind a cache": (seedless, Cached),
    "throttles": (_as_it_is, Throttled),
    "loses connections": (_as_it_is, Losing),
    "slow under load": (_as_it_is, SlowUnderLoad),
}
"""What is laid on the server, and the way to it, by the name of the noise."""


WORSE: Mapping[str, tuple[Callable[[Server], Server], Way]] = {
    "ignores the seed, and temperature 0": (restless, _plainly),
}
"""What is laid on a server that does not conform any more then."""


def noisy(server: Server, kind: str, seed: int = 0) -> Direct:
    """The way to a server with noise on it; `seed` is of the noise's own chance."""
    lay, way = {**KINDS, **WORSE}[kind]
    noised = lay(server)
    noised.noise_seed = seed  # type: ignore[attr-defined]
    return way(noised().app(), seed)
