"""A sampler in small steps, from which those are made that draw in another way."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from math import exp

from infercheck.runners.reference.model import EOS, Row
from infercheck.runners.reference.sampler import LEAST_REPETITION_PENALTY, Settings

Candidates = tuple[Sequence[int], Sequence[float]]
"""Tokens that may be drawn, and their weights."""

Table = dict[int, Candidates]
"""The candidates of each row, under one setting without penalties."""


class Draws:
    """Draws the tokens of one answer: penalties, then temperature, top_k, top_p, then a draw by inversion."""

    def __init__(self, settings: Settings, prompt: Sequence[int], table: Table) -> None:
        self.settings = settings
        self.prompt = [token for token in prompt if token < EOS]
        self.said: list[int] = []
        self._table = table
        self.chance = self.source(settings.seed)

    def source(self, seed: int | None) -> Callable[[], float]:
        """What gives one number in [0, 1) after the other."""
        return random.Random(seed).random

    def pick(self, row: Row) -> int:
        """The next token."""
        if self.settings.penalised:
            found = self.candidates(self.penalised(row.logits))
        elif row.index in self._table:
            found = self._table[row.index]
        else:
            found = self._table[row.index] = self.candidates(row.logits)
        token = self.draw(*found)
        self.said.append(token)
        return token

    def penalised(self, logits: Sequence[float]) -> list[float]:
        """Logits less what repetition costs."""
        settings, changed = self.settings, list(logits)
        if settings.repetition_penalty != 1:
            for token in set(self.repeated()):
                changed[token] = self.discouraged(changed[token], settings.repetition_penalty)
        for token, count in self.counted().items():
            changed[token] -= count * settings.frequency_penalty + settings.presence_penalty
        return changed

    def repeated(self) -> Iterable[int]:
        """The tokens to which the repetition penalty applies."""
        return [*self.prompt, *self.said]

    def discouraged(self, logit: float, penalty: float) -> float:
        """The logit of a token that was said before."""
        penalty = max(penalty, LEAST_REPETITION_PENALTY)
        return logit / penalty if logit > 0 else logit * penalty

    def counted(self) -> Mapping[int, int]:
        """How often each token counts for the frequency penalty and the presence penalty."""
        return Counter(self.said)

    def order(self, logits: Sequence[float]) -> list[int]:
        """Tokens from the likeliest on."""
        return sorted(range(len(logits)), key=logits.__getitem__, reverse=True)

    def candidates(self, logits: Sequence[float]) -> Candidates:
        """What may be drawn."""
        settings, order = self.settings, self.order(logits)
        if settings.temperature == 0:
            return order[:1], [1.0]
        return self.kept(order[: settings.top_k], logits)

    def kept(self, order: Sequence[int], logits: Sequence[float]) -> Candidates:
        """What temperature and top_p leave of the tokens that top_k has left."""
        weights = weighted(order, logits, self.settings.temperature)
        kept = nucleus(weights, self.settings.top_p)
        return order[:kept], weights[:kept]

    def draw(self, tokens: Sequence[int], weights: Sequence[float]) -> int:
        """One of the candidates."""
        if len(tokens) == 1:
            self.chance()
            return tokens[0]
        sums = list(accumulate(weights))
        return tokens[min(bisect_left(sums, self.chance() * sums[-1]), len(tokens) - 1)]


def weighted(order: Sequence[int], logits: Sequence[float], temperature: float) -> list[float]:
    """The weights of tokens, the likeliest of which comes first."""
    top = logits[order[0]]
    return [exp((logits[token] - top) / temperature) for token in order]


def nucleus(weights: Sequence[float], share: float) -> int:
    """How many of the first weights make up a share of all; one at least."""
    if share >= 1:
        return len(weights)
    sums = list(accumulate(weights))
    return bisect_left(sums, share * sums[-1]) + 1
