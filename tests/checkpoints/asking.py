"""Asking an engine as the server does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infercheck.runners.transformers.checkpoint import Checkpoint
from infercheck.runners.transformers.engine import TransformersEngine


@contextlib.contextmanager
def opened(folder: Path, **wanted: Any) -> Iterator[TransformersEngine]:
    """The engine over the tiny checkpoint of a folder."""
    adapters = {name: folder / name for name in ("poet", "pirate")}
    engine = TransformersEngine(Checkpoint(path=folder / "base", adapters=adapters, **wanted))
    try:
        yield engine
    finally:
        engine.close()


def asked(engine: TransformersEngine, **request: Any) -> Mapping[str, Any]:
    """The whole answer to a request."""
    return together(engine, [request])[0]


def together(engine: TransformersEngine, requests: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
    """The whole answers to requests that are all under way at once."""

    async def all_of_them() -> list[Mapping[str, Any]]:
        return await asyncio.gather(*(engine.answer(request) for request in requests))  # type: ignore[arg-type]

    return asyncio.run(all_of_them())


def streamed(engine: TransformersEngine, **request: Any) -> list[Mapping[str, Any]]:
    """The payloads of the events of a stream."""
    return list(engine.answer({**request, "stream": True}))  # type: ignore[arg-type]


def joined(events: list[Mapping[str, Any]]) -> dict[str, Any]:
    """What a stream says, as a whole answer would."""
    answer: dict[str, Any] = {"response": "".join(event["response"] for event in events)}
    for event in events:
        answer.update((key, event[key]) for key in ("tool_calls", "usage") if key in event)
    return answer
