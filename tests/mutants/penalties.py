"""Servers that reward what they are to discourage, or do neither."""

from __future__ import annotations

from typing import Any

from mutants.altered import Body, Ignoring, Mapped, Streaming
from mutants.registry import mutant


@mutant("effect/repetition_penalty", may_fail=("effect/repetition_penalty/direction",))
class IgnoresRepetitionPenalty(Ignoring):
    """Takes repetition_penalty, and makes nothing of it."""

    names = ("repetition_penalty",)


@mutant("effect/frequency_penalty", may_fail=("effect/frequency_penalty/direction",))
class IgnoresFrequencyPenalty(Ignoring):
    """Takes frequency_penalty, and makes nothing of it."""

    names = ("frequency_penalty",)


@mutant("effect/presence_penalty", may_fail=("effect/presence_penalty/direction",))
class IgnoresPresencePenalty(Ignoring):
    """Takes presence_penalty, and makes nothing of it."""

    names = ("presence_penalty",)


@mutant("effect/repetition_penalty/direction")
class InvertsRepetitionPenalty(Mapped):
    """Multiplies where it should divide, so that a high repetition_penalty makes it repeat itself."""

    name = "repetition_penalty"

    def other(self, value: Any) -> Any:
        return 1 / max(value, 0.01)


@mutant("effect/frequency_penalty/direction")
class InvertsFrequencyPenalty(Mapped):
    """Adds where it should subtract, so that a high frequency_penalty makes it repeat itself."""

    name = "frequency_penalty"

    def other(self, value: Any) -> Any:
        return -value


@mutant("effect/presence_penalty/direction")
class InvertsPresencePenalty(Mapped):
    """Adds where it should subtract, so that a high presence_penalty keeps it at its old topics."""

    name = "presence_penalty"

    def other(self, value: Any) -> Any:
        return -value


@mutant("effect/repetition_penalty", may_fail=("effect/repetition_penalty/direction",))
class TakesRepetitionPenaltyForOneAtMost(Mapped):
    """Takes repetition_penalty for a share, and so every one above 1 for 1, which changes nothing."""

    name = "repetition_penalty"

    def other(self, value: Any) -> Any:
        return min(value, 1)


@mutant(
    "stream/equivalence",
    may_fail=("effect/frequency_penalty", "effect/frequency_penalty/direction", "stream/usage"),
)
class IgnoresFrequencyPenaltyOfStreams(Streaming, Ignoring):
    """Makes nothing of frequency_penalty where it streams."""

    names = ("frequency_penalty",)


@mutant("effect/repetition_penalty", may_fail=("effect/repetition_penalty/direction",))
class TakesRepetitionPenaltyForOneAtLeast(Mapped):
    """Discourages repetition, and never invites it: takes every repetition_penalty below 1 for 1."""

    name = "repetition_penalty"

    def other(self, value: Any) -> Any:
        return max(value, 1)


@mutant("effect/presence_penalty", may_fail=("effect/presence_penalty/direction",))
class IgnoresPresencePenaltyBesideTopP(Ignoring):
    """Makes nothing of presence_penalty where top_p is given as well."""

    names = ("presence_penalty",)

    def hits(self, body: Body) -> bool:
        return "top_p" in body
