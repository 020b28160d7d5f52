"""One answer under way: what is still to be read, what was drawn, and who waits for it."""

from __future__ import annotations

from collections.abc import Sequence as Listed
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

import torch

from infercheck.runners.transformers.sampler import Sampler


class Sequence:
    """Reads a prompt, at most `chunk` tokens at once, then draws up to `limit` tokens, until one of `ends`. The
    scheduler's thread alone drives it.

    `tokens` gets each token as it is drawn, and None at the end; `ended` is done then, with the number of
    tokens or the fault. Who waits for them calls `leave` when he does not any more; `left` tells.
    """

    def __init__(
        self,
        prompt: Listed[int],
        sampler: Sampler,
        *,
        adapter: str | None,
        limit: int,
        ends: frozenset[int],
        chunk: int,
    ) -> None:
        self.adapter = adapter
        self.cache: Any = None
        self.cached = 0
        self.left = False
        self.tokens: SimpleQueue[int | None] = SimpleQueue()
        self.ended: Future[int] = Future()
        self.ended.set_running_or_notify_cancel()  # who does not wait any more leaves; he does not cancel
        self._pending = list(prompt)
        self._sampler = sampler
        self._limit = limit
        self._ends = ends
        self._chunk = chunk
        self._written = 0

    @property
    def reading(self) -> bool:
        """Whether more of it is to be read than its last token."""
        return self.cached == 0 or len(self._pending) > 1

    def leave(self) -> None:
        """Nobody waits for it any more; whoever does, for its next token, is told that none comes."""
        self.left = True
        self.tokens.put(None)

    def chunk(self) -> list[int]:
        """What the model reads next; it is read when this returns."""
        taken, self._pending = self._pending[: self._chunk], self._pending[self._chunk :]
        self.cached += len(taken)
        return taken

    def unread(self, tokens: Listed[int]) -> None:
        """The model did not read what was taken to be read."""
        self._pending = [*tokens, *self._pending]
        self.cached -= len(tokens)

    def take(self, logits: torch.Tensor) -> None:
        """Draw the next token, if all was read that comes before it; what is wrong with it ends it."""
        if self._pending:
            return
        try:
            token = self._sampler.pick(logits)
        except Exception as error:
            self.end(error)
            return
        if token in self._ends:
            self.end()
            return
        self._written += 1
        self._pending.append(token)
        self.tokens.put(token)
        if self._written >= self._limit:
            self.end()

    def end(self, error: BaseException | None = None) -> None:
        """Nothing follows, because of an error where there is one; its memory is free."""
        self.cache = None
        if self.ended.done():
            return
        if error is None:
            self.ended.set_result(self._written)
        else:
            self.ended.set_exception(error)
        self.tokens.put(None)
