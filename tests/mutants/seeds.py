"""Servers that make too little of a seed, or too much."""

from __future__ import annotations

import itertools
import struct
import threading
from typing import Any

from mutants.altered import Altered, Body, Conversing, Ignoring, Mapped, Streaming
from mutants.registry import mutant

APART = 10**12
"""Times a small number, added to a seed: seeds that nobody asks for."""

SAMENESS = ("effect/temperature", "effect/top_k", "effect/top_p")
"""What is seen over many seeds."""


class Seeding(Mapped):
    """Takes another seed than the one that it is given."""

    name = "seed"


@mutant("effect/seed/reproducible")
class IgnoresSeeds(Ignoring):
    """Draws from fresh entropy, whatever the seed."""

    names = ("seed",)


@mutant("effect/seed/distinct", may_fail=SAMENESS)
class DrawsAlwaysAlike(Altered):
    """Draws with the same seed always, whatever it is given."""

    def alter(self, body: Body) -> Body:
        return {**body, "seed": 42}


@mutant("effect/seed/distinct")
class HoldsSeedsIn31Bits(Seeding):
    """Keeps the last 31 bits of a seed, so that 1 and 2^31 + 1 are one."""

    def other(self, value: Any) -> Any:
        return int(value) % 2**31


@mutant("effect/seed/distinct")
class WrapsSeedsAt32Bits(Seeding):
    """Keeps the last 32 bits of a seed, so that 1 and 2^32 + 1 are one."""

    def other(self, value: Any) -> Any:
        return int(value) % 2**32


@mutant("effect/seed/distinct")
class ClampsSeedsTo31Bits(Seeding):
    """Takes 2^31 - 1 for every seed above it."""

    def other(self, value: Any) -> Any:
        return min(value, 2**31 - 1)


@mutant("effect/seed/distinct")
class ClampsSeedsTo32Bits(Seeding):
    """Takes 2^32 - 1 for every seed above it."""

    def other(self, value: Any) -> Any:
        return min(value, 2**32 - 1)


@mutant("effect/seed/distinct")
class TakesTheSignOffSeeds(Seeding):
    """Reads a seed as a signed integer of 32 bits, and takes its magnitude."""

    def other(self, value: Any) -> Any:
        signed = (int(value) + 2**31) % 2**32 - 2**31
        return abs(signed)


@mutant("effect/seed/distinct")
class HoldsSeedsAsSingleFloats(Seeding):
    """Keeps a seed as a float of 32 bits, so that 2^32 and 2^32 + 1 are one, and 9999999998 and 9999999999."""

    def other(self, value: Any) -> Any:
        return int(struct.unpack("f", struct.pack("f", value))[0])


@mutant("effect/seed/reproducible")
class IgnoresSeedsAbove32Bits(Ignoring):
    """Draws from fresh entropy where the seed is 2^32 or more."""

    names = ("seed",)

    def hits(self, body: Body) -> bool:
        return body.get("seed", 1) >= 2**32


@mutant("effect/seed/reproducible", may_fail=("stream/equivalence",))
class IgnoresSeedsOfStreams(Streaming, Ignoring):
    """Draws streams from fresh entropy, whatever the seed."""

    names = ("seed",)


@mutant("effect/seed/reproducible", may_fail=("template/messages",))
class IgnoresSeedsBesideMessages(Conversing, Ignoring):
    """Draws from fresh entropy where it has messages, whatever the seed."""

    names = ("seed",)


@mutant("effect/seed/reproducible")
class CountsRequestsIntoSeeds(Altered):
    """Adds the number of a request to its seed."""

    def prepare(self) -> None:
        self._count = itertools.count()

    def hits(self, body: Body) -> bool:
        return "seed" in body

    def alter(self, body: Body) -> Body:
        return {**body, "seed": body["seed"] + APART * next(self._count)}


@mutant("effect/seed/reproducible")
class SeedsOnlyWhatChanges(Altered):
    """Seeds its draws where a request has another seed than the last, and goes on drawing where it has the same."""

    def prepare(self) -> None:
        self._last = 0
        self._times = 0
        self._lock = threading.Lock()

    def hits(self, body: Body) -> bool:
        return "seed" in body

    def alter(self, body: Body) -> Body:
        with self._lock:
            self._times = self._times + 1 if body["seed"] == self._last else 0
            self._last = body["seed"]
            return {**body, "seed": body["seed"] + APART * self._times}


@mutant("effect/seed/distinct")
class HoldsSeedsIn33Bits(Seeding):
    """Keeps the last 33 bits of a seed, and another seed than the greatest has the same."""

    def other(self, value: Any) -> Any:
        return int(value) % 2**33


@mutant("effect/seed/reproducible")
class IgnoresSeedsOfLongTexts(Ignoring):
    """Draws from fresh entropy where the text is a long one, which another machine answers."""

    names = ("seed",)

    def hits(self, body: Body) -> bool:
        return len(str(body.get("prompt") or body.get("messages"))) > 4000


@mutant("effect/seed/distinct")
class KeepsTheLastFourDigitsOfSeeds(Seeding):
    """Takes seeds for the same that end with the same four digits."""

    def other(self, value: Any) -> Any:
        return int(value) % 10**4
