"""A recording: the answers of a run that was recorded, to be had again without asking the target."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable

from infercheck.cases import Request
from infercheck.exchange import Exchange


class Recording:
    """Answers by request, each to be taken once: the first answer to it, and the fresh ones in their order.

    Whose case asked for an answer does not matter: cases may come in another order than they did.
    """

    def __init__(self, exchanges: Iterable[Exchange] = (), *, last_number: int = 0) -> None:
        self._first: dict[str, Exchange] = {}
        self._fresh: dict[str, deque[Exchange]] = defaultdict(deque)
        self.last_number = last_number
        self.seconds = 0.0
        for exchange in exchanges:
            self.last_number = max(self.last_number, exchange.number)
            self.seconds = max(self.seconds, exchange.started + exchange.answer.seconds)
            digest = exchange.request.digest
            if exchange.ordinal or digest in self._first:
                self._fresh[digest].append(exchange)
            else:
                self._first[digest] = exchange

    def take(self, request: Request, *, fresh: bool) -> Exchange | None:
        """The recorded answer to a request, or the next fresh one; None where there is none left."""
        if not fresh:
            return self._first.pop(request.digest, None)
        queue = self._fresh.get(request.digest)
        return queue.popleft() if queue else None
