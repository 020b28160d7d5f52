"""The replay runner: answers from a recorded run, without a network."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable

from infercheck.cases import Request
from infercheck.errors import NotRecorded
from infercheck.exchange import Answer, Exchange


class ReplayRunner:
    """Gives each request the answers that it got in a recorded run, in their order, each once."""

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self._answers: dict[str, deque[Answer]] = defaultdict(deque)
        for exchange in sorted(exchanges, key=lambda exchange: (exchange.ordinal, exchange.number)):
            self._answers[exchange.request.digest].append(exchange.answer)

    async def send(self, request: Request, *, alone: bool = False) -> Answer:
        """The next recorded answer to a request; NotRecorded where there is none left."""
        answers = self._answers.get(request.digest)
        if not answers:
            raise NotRecorded("the recorded run has no answer to this request")
        return answers.popleft()
