"""The replay runner: answers from a recorded run, without a network."""

from __future__ import annotations

from infercheck.cases import Request
from infercheck.errors import NotRecorded
from infercheck.exchange import Answer
from infercheck.recording import Recording


class ReplayRunner:
    """Gives each request the answers that it got in a recorded run, in their order, each once."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def send(self, request: Request, *, alone: bool = False) -> Answer:
        """The next recorded answer to a request; NotRecorded where there is none left."""
        exchange = self._recording.take(request, fresh=False) or self._recording.take(request, fresh=True)
        if exchange is None:
            raise NotRecorded("the recorded run has no answer to this request")
        return exchange.answer
