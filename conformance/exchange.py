"""Exchanges: all that was observed of one request and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from infercheck.cases import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Bytes of a body that arrived together; `time` is in seconds since the request was sent."""

    data: bytes
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why there is no answer, or no whole one.

    `kind`: `connect`, `timeout`, `closed`, `protocol`, `too-large`, `coding`. `message` is for people.
    """

    kind: str
    message: str

    @property
    def is_ours(self) -> bool:
        """Whether our own patience or art ended, which says nothing of the target."""
        return self.kind in ("timeout", "too-large", "coding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a runner brings back. `status` is None where no header came; `cut` tells that we closed the stream.

    `seconds` is the whole time from sending to the last byte. `echoed` tells that the target repeated the token,
    whose bytes are masked; `reused` that the connection had carried requests before.
    """

    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    chunks: tuple[Chunk, ...] = ()
    seconds: float = 0.0
    failure: Failure | None = None
    cut: bool = False
    echoed: bool = False
    reused: bool = False

    @property
    def body(self) -> bytes:
        """All bytes of the body."""
        return b"".join(chunk.data for chunk in self.chunks)

    def header(self, name: str) -> str | None:
        """The first header of this name, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class Runner(Protocol):
    """Carries a request to a target and brings back what was observed; never raises for what a target does.

    NotToBeHad where no answer can be had at all, as from a recorded run that does not hold it.
    """

    async def send(self, request: Request, *, alone: bool = False) -> Answer:
        """Send one request, once; `alone` on a connection of its own, while no other request is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that was sent for a case, and its answer.

    `number` counts the requests of a run in the order of sending, from 1; `ordinal` counts the fresh answers to the
    same request for the same case, from 0; `started` is in seconds since the run began; `retries` counts how often
    the target had said "later" before.
    """

    number: int
    case: str
    ordinal: int
    request: Request
    answer: Answer
    started: float
    retries: int = 0
