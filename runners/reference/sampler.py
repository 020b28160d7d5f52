"""A sampler that honours every sampling parameter of the page over its whole range.

In this order, as in vLLM and transformers: repetition penalty, frequency and presence penalty, temperature,
`top_k`, `top_p`, draw.
"""

from __future__ import annotations

import random
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp
from operator import sub
from typing import Any

from infercheck.runners.reference.model import VOCABULARY, Row

LEAST_REPETITION_PENALTY = 0.01
"""The page allows a repetition penalty of 0, which would divide by zero: it and all below this count as this.

It is the limit of the same tendency: what was said before is a hundred times as attractive.
"""

_NUMBERS = ("temperature", "top_p", "repetition_penalty", "frequency_penalty", "presence_penalty")
_INTEGERS = ("top_k", "seed")
_SIZE = len(VOCABULARY)
_ALL = tuple(range(_SIZE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The sampling parameters of one request; what the page gives no default for has no effect by default."""

    temperature: float = 0.6
    top_p: float = 1.0
    top_k: int | None = None
    seed: int | None = None
    repetition_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Settings:
        """Read them from a schema-valid body."""
        # JSON Schema calls 50.0 an integer and 1 a number, so each may arrive as the other.
        given: dict[str, Any] = {name: float(request[name]) for name in _NUMBERS if name in request}
        given |= {name: int(request[name]) for name in _INTEGERS if name in request}
        if given.get("top_k", 1) < 1:  # with which other pages turn it off
            del given["top_k"]
        return cls(**given)

    @property
    def penalised(self) -> bool:
        """Whether any penalty has an effect."""
        return self.repetition_penalty != 1 or self.frequency_penalty != 0 or self.presence_penalty != 0


class Distribution:
    """What one token is drawn from: candidate `tokens`, and their cumulative weights `sums`, unnormalised."""

    __slots__ = ("_last", "_sums", "_tokens", "_total")

    def __init__(self, tokens: Sequence[int], sums: Sequence[float]) -> None:
        self._tokens = tokens
        self._sums = sums
        self._last = len(sums) - 1
        self._total = sums[-1]

    def pick(self, chance: float) -> int:
        """Return the token at a chance in [0, 1)."""
        return self._tokens[bisect_right(self._sums, chance * self._total, 0, self._last)]


def distribution(logits: Sequence[float], order: Sequence[int], settings: Settings) -> Distribution:
    """Turn logits into what is drawn from. `order` holds the ids from the likeliest on.

    Temperature 0 leaves the likeliest token. `top_p` keeps the smallest set whose probability reaches it,
    never less than one token; from 1 on it keeps all.
    """
    if settings.temperature == 0:
        return Distribution(order[:1], [1.0])
    if settings.top_k is not None:
        order = order[: settings.top_k]
    temperature, top = settings.temperature, logits[order[0]]
    sums = array("d", accumulate([exp((logits[token] - top) / temperature) for token in order]))
    if settings.top_p < 1:
        kept = bisect_left(sums, settings.top_p * sums[-1]) + 1
        order, sums = order[:kept], sums[:kept]
    return Distribution(order, sums)


class DistributionCache:
    """Distributions by settings and row, for requests without penalties; holds `limit` settings at most.

    One cache belongs to one model. Safe to share among threads.
    """

    def __init__(self, limit: int = 16) -> None:
        self._limit = limit
        self._tables: dict[tuple[float, float, int | None], dict[int, Distribution]] = {}
        self._lock = threading.Lock()

    def table(self, settings: Settings) -> dict[int, Distribution]:
        """Return the distributions made so far under these settings, by the row's index."""
        key = (settings.temperature, settings.top_p, settings.top_k)
        with self._lock:
            table = self._tables.pop(key, None)
            if table is None:
                table = {}
                if len(self._tables) >= self._limit:
                    del self._tables[next(iter(self._tables))]
            self._tables[key] = table  # last in, last out
            return table


class Sampler:
    """Draws the tokens of one answer.

    `prompt` are the tokens that the repetition penalty counts as said before. The same seed gives the same
    draws; each of the page's seeds a stream of its own; none at all, fresh entropy.
    """

    def __init__(self, settings: Settings, cache: DistributionCache, prompt: Iterable[int] = ()) -> None:
        self._settings = settings
        self._table = cache.table(settings)
        # random.Random takes an integer seed whole, whatever its size: 1 and 2**32 + 1 are different streams.
        self._chance = random.Random(settings.seed).random
        self._penalties = _Penalties(settings, prompt) if settings.penalised else None

    def pick(self, row: Row) -> int:
        """Draw the next token, and count it for the penalties."""
        if self._penalties is not None:
            token = self._pick_penalised(self._penalties, row)
            self._penalties.count(token)
            return token
        candidates = self._table.get(row.index)
        if candidates is None:
            candidates = self._table[row.index] = distribution(row.logits, row.order, self._settings)
        return candidates.pick(self._chance())

    def _pick_penalised(self, penalties: _Penalties, row: Row) -> int:
        settings = self._settings
        logits = penalties.apply(row.logits)
        if settings.temperature == 0:
            return logits.index(max(logits))
        if settings.top_k is None and settings.top_p >= 1:  # needs no order
            temperature, top = settings.temperature, max(logits)
            sums = list(accumulate([exp((logit - top) / temperature) for logit in logits]))
            return Distribution(_ALL, sums).pick(self._chance())
        order = sorted(_ALL, key=logits.__getitem__, reverse=True)
        return distribution(logits, order, settings).pick(self._chance())


class _Penalties:
    """What was said so far, and what it costs."""

    def __init__(self, settings: Settings, prompt: Iterable[int]) -> None:
        self._repetition = max(settings.repetition_penalty, LEAST_REPETITION_PENALTY)
        self._frequency = settings.frequency_penalty
        self._presence = settings.presence_penalty
        self._offsets = [0.0] * _SIZE
        self._counts = [0] * _SIZE
        self._seen = [False] * _SIZE
        for token in set(prompt):
            if token < _SIZE:
                self._seen[token] = True

    def count(self, token: int) -> None:
        """Note one more occurrence of a token in the answer."""
        self._seen[token] = True
        self._counts[token] += 1
        self._offsets[token] = self._counts[token] * self._frequency + self._presence

    def apply(self, logits: Sequence[float]) -> list[float]:
        """Return penalised logits.

        Repetition as in CTRL (Keskar et al. 2019): of tokens in the prompt or the answer a positive logit is
        divided, a negative one multiplied. Frequency and presence as OpenAI defines them: subtract count ×
        frequency + (count > 0) × presence, over the answer alone.
        """
        penalty = self._repetition
        if penalty != 1:
            logits = [
                (logit / penalty if logit > 0 else logit * penalty) if seen else logit
                for logit, seen in zip(logits, self._seen, strict=True)
            ]
        return list(map(sub, logits, self._offsets))
