"""Servers that take another temperature than the one that they are given."""

from __future__ import annotations

from typing import Any

from mutants.altered import Body, Conversing, Ignoring, Mapped, Streaming
from mutants.registry import mutant

GREEDY = ("effect/top_k/one", "effect/top_p/zero")
"""What is compared with the answer at temperature 0."""


class Tempering(Mapped):
    """Takes another temperature than the one that it is given."""

    name = "temperature"


@mutant("effect/temperature", "effect/temperature/zero", may_fail=("default/temperature", *GREEDY))
class IgnoresTemperature(Ignoring):
    """Samples at temperature 0.6, whatever it is told."""

    names = ("temperature",)


@mutant("effect/temperature")
class SamplesAtOneAtMost(Tempering):
    """Takes temperature 5 for 1, which is the highest that it knows."""

    def other(self, value: Any) -> Any:
        return min(value, 1)


@mutant("effect/temperature")
class SamplesAtTwoAtMost(Tempering):
    """Takes temperature 5 for 2, the highest of another API."""

    def other(self, value: Any) -> Any:
        return min(value, 2)


@mutant("effect/temperature/zero", may_fail=GREEDY, unseen="a peaked model at a tenth is as good as greedy")
class SamplesAtATenthAtLeast(Tempering):
    """Takes temperature 0 for 0.1, so as not to divide by it."""

    def other(self, value: Any) -> Any:
        return max(value, 0.1)


@mutant("effect/temperature", "effect/temperature/zero", may_fail=("default/temperature", *GREEDY))
class InvertsTemperature(Tempering):
    """Takes temperature for how sure it is to be."""

    def alter(self, body: Body) -> Body:
        return super().alter({"temperature": 0.6, **body})

    def other(self, value: Any) -> Any:
        return 5 - value


@mutant("effect/temperature/zero", may_fail=GREEDY)
class TakesTemperatureZeroForTheDefault(Tempering):
    """Says `temperature or 0.6`, and so 0.6 for 0."""

    def other(self, value: Any) -> Any:
        return value or 0.6


@mutant(
    "effect/temperature",
    may_fail=("effect/temperature/zero", "default/temperature", "template/messages", *GREEDY),
)
class IgnoresTemperatureBesideMessages(Conversing, Ignoring):
    """Samples messages at temperature 0.6, whatever it is told."""

    names = ("temperature",)


@mutant(
    "stream/equivalence",
    may_fail=("effect/temperature", "effect/temperature/zero", "default/temperature", "stream/usage", *GREEDY),
)
class IgnoresTemperatureOfStreams(Streaming, Ignoring):
    """Streams at temperature 0.6, whatever it is told."""

    names = ("temperature",)


@mutant("effect/temperature", may_fail=("effect/temperature/zero", *GREEDY))
class IgnoresTemperatureBesideTopP(Ignoring):
    """Samples at temperature 0.6 where it is given top_p, as people are told to give one of the two."""

    names = ("temperature",)

    def hits(self, body: Body) -> bool:
        return "top_p" in body


@mutant("effect/temperature", may_fail=("effect/temperature/zero", *GREEDY))
class IgnoresTemperatureBesideTopK(Ignoring):
    """Samples at temperature 0.6 where it is given top_k."""

    names = ("temperature",)

    def hits(self, body: Body) -> bool:
        return "top_k" in body
