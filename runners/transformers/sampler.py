"""One sampler over the model's logits, for the page's whole range of every parameter.

transformers' own processors raise at some of its limits (temperature 0, repetition_penalty 0, seeds beyond 32
bits), and draw from the device's generator. This one works in float64 on the CPU, so that a draw hangs on
nothing but logits, settings and seed. Penalties come first, then temperature, `top_k`, `top_p`, and the draw.

- temperature divides the logits; 0 is its limit, the likeliest token.
- top_k keeps the k likeliest tokens (Fan et al. 2018, arXiv:1805.04833).
- top_p keeps the smallest set of likeliest tokens whose probability, among what top_k left, reaches it, never
  less than one (Holtzman et al. 2020, arXiv:1904.09751); from 1 on it keeps all.
- repetition_penalty as in CTRL (Keskar et al. 2019, arXiv:1909.05858, section 4.1) and, for negative logits,
  transformers: of tokens in the prompt or the answer a positive logit is divided by it, a negative one
  multiplied.
- frequency_penalty and presence_penalty as OpenAI's API reference defines them: the logit of a token that
  stands n > 0 times in the answer loses n × frequency + presence.

Of equal logits the lower id counts as likelier, so that the same set is kept everywhere.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable

import torch

from infercheck.runners.reference.sampler import LEAST_REPETITION_PENALTY, Settings

_FEW = 1024
"""How many of the likeliest tokens are sorted before all are: mostly they are enough for `top_p`."""


class Sampler:
    """Draws the tokens of one answer; the same seed draws the same, every seed otherwise, and none at random.

    `prompt` are the tokens that the repetition penalty counts as said before.
    """

    def __init__(self, settings: Settings, prompt: Iterable[int] = ()) -> None:
        self._settings = settings
        self._prompt = tuple(set(prompt)) if settings.penalised else ()
        # torch's generator on the CPU takes 32 bits of a seed: 1 and 2**32 + 1 would be the same stream.
        self._chance = random.Random(settings.seed).random
        self._seen: torch.Tensor | None = None
        self._counts: torch.Tensor | None = None

    def pick(self, logits: torch.Tensor) -> int:
        """Draw the next token by the logits of all, and count it for the penalties.

        `ArithmeticError` where there is nothing to draw by, since they are no numbers.
        """
        if not math.isfinite(logits.max()):
            raise ArithmeticError("the model's logits are no numbers")
        if self._settings.penalised:
            logits = self._penalised(logits)
        if self._settings.temperature == 0:
            token = int(logits.argmax())  # the first of equal ones
        else:
            token = drawn(weights(logits, self._settings), self._chance())
        if self._seen is not None and self._counts is not None:
            self._seen[token] = True
            self._counts[token] += 1
        return token

    def _penalised(self, logits: torch.Tensor) -> torch.Tensor:
        if self._seen is None or self._counts is None:
            self._seen = torch.zeros(len(logits), dtype=torch.bool)
            self._seen[[token for token in self._prompt if token < len(logits)]] = True
            self._counts = torch.zeros(len(logits), dtype=torch.float64)
        return penalised(logits, self._settings, self._seen, self._counts)


def penalised(logits: torch.Tensor, settings: Settings, seen: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Logits after the penalties, in float64.

    `seen` tells which tokens stand in prompt or answer, `counts` how often in the answer.
    """
    logits = logits.double()
    penalty = max(settings.repetition_penalty, LEAST_REPETITION_PENALTY)
    if penalty != 1:
        repeated = torch.where(logits > 0, logits / penalty, logits * penalty)
        logits = torch.where(seen, repeated, logits)
    return logits - (counts * settings.frequency_penalty + (counts > 0).double() * settings.presence_penalty)


def weights(logits: torch.Tensor, settings: Settings) -> torch.Tensor:
    """What each token weighs in the draw, in float64 and unnormalised. Temperature 0 has no weights."""
    logits = logits.double()
    found = ((logits - logits.max()) / settings.temperature).exp()
    if settings.top_k is not None and settings.top_k < len(found):
        found = _likeliest(found, found.topk(settings.top_k).values)
    if settings.top_p < 1:
        found = _nucleus(found, settings.top_p)
    return found


def drawn(weights: torch.Tensor, chance: float) -> int:
    """The token at a chance in [0, 1)."""
    sums = weights.cumsum(0)
    total = sums[-1]
    # Rounding may take a chance next to 1 to the end of all: that is the last token that weighs anything.
    return min(
        int(torch.searchsorted(sums, total * chance, right=True)), int(torch.searchsorted(sums, total, right=False))
    )


def _nucleus(weights: torch.Tensor, top_p: float) -> torch.Tensor:
    wanted = weights.sum() * top_p
    values = weights.topk(min(_FEW, len(weights))).values
    if values.sum() < wanted:
        values = weights.sort(descending=True).values
    return _likeliest(weights, values[: int(torch.searchsorted(values.cumsum(0), wanted)) + 1])


def _likeliest(weights: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    # As many tokens as there are values, the greatest in falling order; of those equal to the last the first.
    least = values[-1]
    kept = weights > least
    equal = (weights == least).nonzero()[: len(values) - int(kept.sum())]
    kept[equal] = True
    return torch.where(kept, weights, 0.0)
