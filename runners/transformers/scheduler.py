"""Whose turn it is: one thread drives the model, and everybody's answer grows by a token a round."""

from __future__ import annotations

import threading
from collections import deque

import torch

from infercheck.runners.transformers.lanes import Lane
from infercheck.runners.transformers.model import Model
from infercheck.runners.transformers.sequence import Sequence


class Scheduler:
    """Makes `most` answers at once; further ones wait for their turn.

    With `batch` 1 every step is one sequence's, in its own cache: what it answers hangs on nobody else. With
    more, the sequences of an adapter share a step. Either way a sequence that comes joins at the next round,
    and one whose client left is dropped before it.
    """

    def __init__(self, model: Model, *, batch: int = 1, most: int = 16) -> None:
        self._model = model
        self._most = most
        self._together = batch > 1
        self._waiting: deque[Sequence] = deque()
        self._alone: list[Sequence] = []
        self._lanes: dict[str | None, Lane] = {}
        self._news = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="infercheck transformers", daemon=True)
        self._thread.start()

    def submit(self, sequence: Sequence) -> None:
        """Have a sequence answered."""
        with self._news:
            if self._closed:
                sequence.end(RuntimeError("the engine is closed"))
                return
            self._waiting.append(sequence)
            self._news.notify()

    def close(self) -> None:
        """End after this round, with all that is under way."""
        with self._news:
            self._closed = True
            self._news.notify()
        self._thread.join()

    @property
    def under_way(self) -> int:
        """How many answers are being made."""
        # One that joins a lane stands in both places for a moment.
        return len({*self._alone, *(one for lane in list(self._lanes.values()) for one in lane.sequences)})

    def _run(self) -> None:
        while self._admit():
            try:
                self._round()
            except Exception as error:  # nobody waits for ever, whatever it was
                self._end_all(error)
        closed = RuntimeError("the engine is closed")
        with self._news:
            for sequence in self._waiting:
                sequence.end(closed)
        self._end_all(closed)

    def _end_all(self, error: Exception) -> None:
        for sequence in self._alone:
            sequence.end(error)
        for lane in self._lanes.values():
            lane.fail(error)
        self._alone, self._lanes = [], {}

    def _admit(self) -> bool:
        # Waits for work; False where there will be none any more.
        with self._news:
            while not (self._closed or self._waiting or self.under_way):
                self._news.wait()
            while self._waiting and self.under_way < self._most:
                self._alone.append(self._waiting.popleft())
            return not self._closed

    def _round(self) -> None:
        # By adapter, since to change it costs a walk through the model.
        for sequence in sorted(self._alone, key=lambda one: one.adapter or ""):
            self._advance(sequence)
        if self._together:
            for sequence in [one for one in self._alone if not (one.reading or one.ended.done())]:
                self._join(sequence)
        for lane in self._lanes.values():
            lane.step()
        self._alone = [one for one in self._alone if not one.ended.done()]

    def _advance(self, sequence: Sequence) -> None:
        if sequence.left:
            sequence.end()
            return
        try:
            if sequence.cache is None:
                sequence.cache = self._model.cache()
            tokens = sequence.chunk()
            positions = torch.arange(sequence.cached - len(tokens), sequence.cached)[None]
            logits = self._model.logits([tokens], sequence.cache, positions=positions, adapter=sequence.adapter)
            sequence.take(logits[0])
        except Exception as error:
            sequence.end(error)

    def _join(self, sequence: Sequence) -> None:
        try:
            self._lane(sequence.adapter).join(sequence)
        except Exception as error:  # such as no memory for one that is much longer than the others
            sequence.end(error)
        self._alone.remove(sequence)

    def _lane(self, adapter: str | None) -> Lane:
        if adapter not in self._lanes:
            self._lanes[adapter] = Lane(self._model, adapter)
        return self._lanes[adapter]
