"""Servers that choose among other tokens than top_k and top_p leave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.reference.model import VOCABULARY
from infercheck.runners.reference.sampler import Sampler
from mutants.altered import Altered, Body, Ignoring, Mapped, Streaming
from mutants.registry import mutant


class Topping(Mapped):
    """Takes another top_k than the one that it is given."""

    name = "top_k"


@mutant("effect/top_k", "effect/top_k/one")
class IgnoresTopK(Ignoring):
    """Chooses among all tokens, whatever top_k says."""

    names = ("top_k",)


@mutant("effect/top_k", "effect/top_k/one")
class KeepsOneTokenMore(Topping):
    """Keeps all tokens down to the one of index top_k, which is one more."""

    def other(self, value: Any) -> Any:
        return value + 1


@mutant("effect/top_k/one", may_fail=("effect/top_k",))
class KeepsOneTokenLess(Topping):
    """Keeps one token less than top_k says, and all where that leaves none."""

    def other(self, value: Any) -> Any:
        return value - 1 or len(VOCABULARY)


@mutant("effect/top_k", "effect/top_k/one")
class KeepsTenTokensAtLeast(Topping):
    """Chooses among ten tokens where top_k says less."""

    def other(self, value: Any) -> Any:
        return max(value, 10)


@mutant("stream/equivalence", may_fail=("effect/top_k", "effect/top_k/one", "stream/usage"))
class IgnoresTopKOfStreams(Streaming, Ignoring):
    """Streams from among all tokens, whatever top_k says."""

    names = ("top_k",)


@mutant("effect/top_k", may_fail=("effect/top_k/one",))
class IgnoresTopKWhereItIsHot(Ignoring):
    """Chooses among all tokens at temperatures above 2, whatever top_k says."""

    names = ("top_k",)

    def hits(self, body: Body) -> bool:
        return body.get("temperature", 0.6) > 2


class ForgetfulEngine(ReferenceEngine):
    """Draws the first token of an answer as it is asked to, and those after it without top_k."""

    def _generate(self, context: int, sampler: Sampler, limit: int) -> Iterator[str]:
        others = Sampler(replace(sampler._settings, top_k=None), self._distributions)
        others._chance = sampler._chance
        for count in range(min(limit, self._model.length(context))):
            token = (others if count else sampler).pick(self._model.row(context))
            context = self._model.advance(context, token)
            yield VOCABULARY[token]


@mutant("effect/top_k/one", may_fail=("effect/top_k",))
class ForgetsTopKAfterTheFirstToken(Altered):
    """Applies top_k to the first token of an answer, and to no other."""

    generator = ForgetfulEngine


class Nucleating(Mapped):
    """Takes another top_p than the one that it is given."""

    name = "top_p"


@mutant("effect/top_p", "effect/top_p/zero")
class IgnoresTopP(Ignoring):
    """Chooses among all tokens, whatever top_p says."""

    names = ("top_p",)


@mutant("effect/top_p/zero", may_fail=("effect/top_p",))
class InvertsTopP(Nucleating):
    """Takes top_p for the share that is cut off."""

    def other(self, value: Any) -> Any:
        return max(0, 1 - value)


@mutant("effect/top_p/zero", may_fail=("effect/top_p",))
class KeepsHalfAtLeast(Nucleating):
    """Takes top_p for 0.5 where it is less."""

    def other(self, value: Any) -> Any:
        return max(value, 0.5)


@mutant("effect/top_p", may_fail=("effect/top_p/zero",))
class IgnoresTopPBesideATemperature(Ignoring):
    """Chooses among all tokens where it is given a temperature as well."""

    names = ("top_p",)

    def hits(self, body: Body) -> bool:
        return "temperature" in body


@mutant("effect/top_p", may_fail=("effect/top_p/zero",))
class TakesAWholeTopPForNone(Nucleating):
    """Keeps the likeliest token alone where top_p is 1, as if nothing were left to keep."""

    def other(self, value: Any) -> Any:
        return 0 if value == 1 else value
