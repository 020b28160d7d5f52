"""Servers that are asked for a stream, and keep it to themselves for too long."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from infercheck.runners.reference import model
from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.reference.model import LanguageModel
from mutants.altered import Altered, Body, Events, Streaming
from mutants.registry import mutant

ONLY: Mapping[str, Any] = {"only": ("stream",), "concurrency": 1}
"""Options for servers that need a second for an answer of usual length."""


class SlowModel(LanguageModel):
    """Needs three milliseconds for a token."""

    def advance(self, context: int, token: int) -> int:
        time.sleep(0.003)
        return super().advance(context, token)


PEAKED = SlowModel(peak=model.PEAKED, length=(20, 60))


class Slow(Streaming):
    """Has a slow model, and what it does with streams it does to their events."""

    language = SlowModel()

    def make_engine(self, model: LanguageModel | None) -> ReferenceEngine:
        return super().make_engine(PEAKED if model is not None else None)


@mutant("stream/incremental", **ONLY)
class SendsStreamsAtTheirEnd(Slow):
    """Generates the whole answer before it sends its tokens, one by one."""

    def events(self, body: Body, events: Events) -> Events:
        yield from list(events)


@mutant("stream/incremental", **ONLY)
class BeginsWithNothingAndSendsStreamsAtTheirEnd(Slow):
    """Sends an event without text at once, so as to seem quick, and the answer when it is whole."""

    def events(self, body: Body, events: Events) -> Events:
        yield {"response": ""}
        yield from list(events)


@mutant("stream/incremental", **ONLY)
class HoldsBackTheFirst240Tokens(Slow):
    """Sends nothing before it has 240 tokens, or all there are."""

    def pieces(self, body: Body, pieces: Iterator[str]) -> Iterator[str]:
        yield from list(islice(pieces, 240))
        yield from pieces


@mutant("stream/incremental")
class SendsOneEventOfText(Altered):
    """Streams an answer as one event, whatever its length."""

    def pieces(self, body: Body, pieces: Iterator[str]) -> Iterator[str]:
        yield "".join(pieces)


@mutant("stream/incremental", **ONLY)
class SendsOneTokenAndThenTheRest(Slow):
    """Sends its first token at once, so as to seem quick, and all others when the answer is whole."""

    def events(self, body: Body, events: Events) -> Events:
        yield from islice(events, 1)
        yield from list(events)
