"""Servers that draw tokens in another way, and honour every parameter."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import count, islice
from typing import Any

from infercheck.runners.reference.sampler import Settings
from variants.draws import Candidates, Draws, nucleus, weighted
from variants.engines import Generating, Request, Steps
from variants.registry import variant


class Drawing(Generating):
    """Has a sampler of its own."""

    Sampler: type[Draws] = Draws

    def make_engine(self, model: Any = None) -> Any:
        engine = super().make_engine(model)
        engine.draws = self.Sampler
        return engine


def hashed(*parts: object) -> int:
    """A number of 256 bits, fixed by what it is made of."""
    return int.from_bytes(sha256("/".join(map(str, parts)).encode()).digest(), "big")


@variant()
class CountsItsDraws(Drawing):
    """Hashes seed and position for each draw, as counter-based generators do."""

    class Sampler(Draws):
        def source(self, seed: int | None) -> Callable[[], float]:
            seed = random.getrandbits(64) if seed is None else seed
            places = count()
            return lambda: (hashed(seed, next(places)) >> 203) / 2**53


@variant()
class SeedsWith32Bits(Drawing):
    """Hashes a seed of any size to 32 bits, and goes on as C's generators do."""

    class Sampler(Draws):
        def source(self, seed: int | None) -> Callable[[], float]:
            state = random.getrandbits(32) if seed is None else hashed(seed) % 2**32

            def chance() -> float:
                nonlocal state
                state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
                return (state >> 33) / 2**31

            return chance


@variant()
class DrawsWithNoise(Drawing):
    """Adds Gumbel noise to the logits, and takes the highest."""

    class Sampler(Draws):
        def draw(self, tokens: Sequence[int], weights: Sequence[float]) -> int:
            noise = [-math.log(-math.log(max(self.chance(), 1e-300))) for _ in tokens]
            scores = [math.log(max(weight, 1e-300)) + each for weight, each in zip(weights, noise, strict=True)]
            return tokens[scores.index(max(scores))]


@variant()
class SeedsEveryPosition(Drawing):
    """Makes a new generator for each token."""

    class Sampler(Draws):
        def source(self, seed: int | None) -> Callable[[], float]:
            seed = random.getrandbits(64) if seed is None else seed
            places = count(1)
            return lambda: random.Random(seed * 1_000_003 + next(places)).random()


@variant()
class MixesThePromptIntoTheSeed(Drawing):
    """Draws otherwise for another prompt, under the same seed."""

    class Sampler(Draws):
        def source(self, seed: int | None) -> Callable[[], float]:
            return random.Random(None if seed is None else hashed(seed, self.prompt)).random


@variant()
class DrawsAlikeWithoutASeed(Drawing):
    """Takes a fixed seed where none is given."""

    class Sampler(Draws):
        def source(self, seed: int | None) -> Callable[[], float]:
            return random.Random(42 if seed is None else seed).random


@variant()
class DrawsTheRarestFirst(Drawing):
    """Goes through the tokens from the rarest on, and wastes a draw before each."""

    class Sampler(Draws):
        def draw(self, tokens: Sequence[int], weights: Sequence[float]) -> int:
            self.chance()
            return super().draw(tokens[::-1], weights[::-1])


@variant()
class RejectsUntilItAccepts(Drawing):
    """Draws tokens blindly until one is accepted, so that every token takes another number of draws."""

    class Sampler(Draws):
        def draw(self, tokens: Sequence[int], weights: Sequence[float]) -> int:
            while True:
                place = int(self.chance() * len(tokens))
                if self.chance() * weights[0] <= weights[place]:  # the first is the heaviest
                    return tokens[place]


@variant()
class AppliesTheTemperatureLast(Drawing):
    """Lets top_p choose before top_k does, and both before the temperature, as llama.cpp does."""

    class Sampler(Draws):
        def candidates(self, logits: Sequence[float]) -> Candidates:
            settings, order = self.settings, self.order(logits)
            if settings.temperature == 0:
                return order[:1], [1.0]
            order = order[: nucleus(weighted(order, logits, 1.0), settings.top_p)][: settings.top_k]
            return order, weighted(order, logits, settings.temperature)


@variant()
class PenalisesAfterTheTemperature(Drawing):
    """Takes penalties off the scaled logits, so that they weigh less where it is hot."""

    class Sampler(Draws):
        def penalised(self, logits: Sequence[float]) -> list[float]:
            heat = self.settings.temperature or 1.0
            return [each * heat for each in super().penalised([each / heat for each in logits])]


@variant()
class PenalisesThePrompt(Drawing):
    """Counts the words of the prompt for all three penalties."""

    class Sampler(Draws):
        def counted(self) -> Mapping[int, int]:
            return Counter([*self.prompt, *self.said])


@variant()
class PenalisesTheAnswerAlone(Drawing):
    """Counts no word of the prompt for any penalty."""

    class Sampler(Draws):
        def repeated(self) -> Iterable[int]:
            return self.said


@variant()
class ForgetsWhatWasSaidLongAgo(Drawing):
    """Counts the last 64 tokens for all three penalties, as llama.cpp does."""

    class Sampler(Draws):
        def repeated(self) -> Iterable[int]:
            return [*self.prompt[-64:], *self.said][-64:]

        def counted(self) -> Mapping[int, int]:
            return Counter(self.repeated())


@variant()
class SubtractsForRepetition(Drawing):
    """Subtracts the logarithm of the repetition penalty."""

    class Sampler(Draws):
        def discouraged(self, logit: float, penalty: float) -> float:
            return logit - math.log(max(penalty, 0.01))


@variant()
class TakesRepetitionPenaltyZeroForNone(Drawing):
    """Lets a repetition penalty of 0 change nothing, as if it were not set."""

    class Sampler(Draws):
        def discouraged(self, logit: float, penalty: float) -> float:
            return super().discouraged(logit, penalty or 1.0)


@variant()
class HasNoZero(Drawing):
    """Takes 0 for next to nothing: a temperature of a billionth, a top_p of a thousandth."""

    class Sampler(Draws):
        def candidates(self, logits: Sequence[float]) -> Candidates:
            given = self.settings
            heat, share = max(given.temperature, 1e-9), min(max(given.top_p, 1e-3), 1.0)
            order = self.order(logits)[: given.top_k]
            weights = weighted(order, logits, heat)
            kept = nucleus(weights, share)
            return order[:kept], weights[:kept]


@variant()
class CountsInFewBits(Drawing):
    """Has logits of few bits, so that ties are common, which the highest id wins."""

    class Sampler(Draws):
        def order(self, logits: Sequence[float]) -> list[int]:
            return sorted(range(len(logits)), key=lambda token: (logits[token], token), reverse=True)

        def candidates(self, logits: Sequence[float]) -> Candidates:
            return super().candidates([round(each * 8) / 8 for each in logits])


@variant()
class LeavesOutTheRarest(Drawing):
    """Never draws a token that is less than a fiftieth as likely as the likeliest, whatever is asked for."""

    class Sampler(Draws):
        def kept(self, order: Sequence[int], logits: Sequence[float]) -> Candidates:
            top = logits[order[0]]
            return super().kept([token for token in order if logits[token] - top > -math.log(50)], logits)


@variant()
class HasDefaultsOfItsOwn(Generating):
    """Has a default of its own for each parameter that the page gives none for."""

    class Engine(Steps):
        def settings(self, request: Request) -> Settings:
            own = {"top_k": 40, "top_p": 0.95, "repetition_penalty": 1.1, "presence_penalty": 0.1}
            return Settings.of({**own, **request})


@variant()
class KnowsTwoDecimals(Generating):
    """Rounds temperature, top_p and penalties to two decimals."""

    class Engine(Steps):
        def settings(self, request: Request) -> Settings:
            names = ("temperature", "top_p", "repetition_penalty", "frequency_penalty", "presence_penalty")
            given = super().settings(request)
            return replace(given, **{name: round(getattr(given, name), 2) for name in names})


@variant()
class LooksAheadAndKeepsWhatFits(Generating):
    """Drafts eight tokens at a time and verifies them, as speculative decoding does: what is drawn is the same."""

    class Engine(Steps):
        def tokens(self, request: Request, context: int, draws: Draws, limit: int) -> Iterator[str]:
            tokens = super().tokens(request, context, draws, limit + 8)  # the last drafts are thrown away
            while limit > 0 and (draft := list(islice(tokens, 8))):
                yield from draft[:limit]
                limit -= len(draft)
