"""Several sequences in one step of the model: their caches as the rows of one."""

from __future__ import annotations

from collections.abc import Sequence as Listed
from typing import Any

import torch
from torch.nn.functional import pad
from transformers import DynamicCache

from infercheck.runners.transformers.model import Model
from infercheck.runners.transformers.sequence import Sequence


class Lane:
    """The sequences of one adapter, stepped together. Rows end alike and are padded on the left.

    A sequence that joins has read its prompt; its cache becomes a row of the lane's.
    """

    def __init__(self, model: Model, adapter: str | None) -> None:
        self.adapter = adapter
        self.sequences: list[Sequence] = []
        self._model = model
        self._cache: Any = None

    def join(self, sequence: Sequence) -> None:
        """Take in a sequence."""
        self._cache = _stacked([sequence.cache] if self._cache is None else [self._cache, sequence.cache])
        sequence.cache = None
        self.sequences.append(sequence)

    def step(self) -> None:
        """One more token for each.

        Where the step fails, as for want of memory, the longest ends with the error; the others go on next time.
        """
        self._drop()
        if not self.sequences:
            return
        before = self._cache.get_seq_length()
        tokens = [sequence.chunk() for sequence in self.sequences]
        try:
            rows = self._logits(tokens)
        except Exception as error:
            # Without what some layers got of the step that failed in another.
            self._cache = _part(self._cache, slice(None), slice(before))
            for sequence, read in zip(self.sequences, tokens, strict=True):
                sequence.unread(read)
            max(self.sequences, key=lambda one: one.cached).end(error)
        else:
            for sequence, logits in zip(self.sequences, rows, strict=True):
                sequence.take(logits)
        self._drop()

    def _logits(self, tokens: Listed[Listed[int]]) -> torch.Tensor:
        lengths = torch.tensor([sequence.cached for sequence in self.sequences])
        most = int(lengths.max())
        uneven = int(lengths.min()) < most
        mask = (torch.arange(most) >= most - lengths[:, None]).long() if uneven else None
        positions = lengths[:, None] - 1
        return self._model.logits(tokens, self._cache, positions=positions, adapter=self.adapter, mask=mask)

    def fail(self, error: BaseException) -> None:
        """End all for the same error."""
        for sequence in self.sequences:
            sequence.end(error)
        self._drop()

    def _drop(self) -> None:
        kept = [row for row, sequence in enumerate(self.sequences) if not (sequence.left or sequence.ended.done())]
        if len(kept) == len(self.sequences):
            return
        for sequence in self.sequences:
            if sequence.left:
                sequence.end()
        self.sequences = [self.sequences[row] for row in kept]
        # The shortest that holds them: what was padding of a longer row is cut off.
        length = max((one.cached for one in self.sequences), default=0)
        self._cache = _part(self._cache, kept, slice(-length, None)) if kept else None


def _layers(cache: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(layer.keys, layer.values) for layer in cache.layers]


def _stacked(caches: Listed[Any]) -> Any:
    # Keys and values are rows × heads × positions × size.
    most = max(cache.get_seq_length() for cache in caches)
    layers = []
    for same in zip(*map(_layers, caches), strict=True):
        padded = [[pad(one, (0, 0, most - one.shape[-2], 0)) for one in pair] for pair in same]
        layers.append(tuple(torch.cat(kind) for kind in zip(*padded, strict=True)))
    return DynamicCache(layers)


def _part(cache: Any, rows: slice | Listed[int], positions: slice) -> Any:
    return DynamicCache([(keys[rows, :, positions], values[rows, :, positions]) for keys, values in _layers(cache)])
