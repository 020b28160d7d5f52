"""Sources of drawn requests: children that draw, and one that makes a request smaller and asks how that fares."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from infercheck.errors import InfercheckError
from infercheck.fuzz.sketch import Sketch, sketch_of

TRIES = 120
"""Requests that are tried to make one smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to draw: of which contract, for a target with which adapters and without which parameters; `about` which
    requirements alone, unless it is empty; a seed."""

    contract: str
    adapters: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    seed: int = 1

    def line(self, shrink: Sketch | None = None, traffic: Mapping[str, int] | None = None) -> bytes:
        """The task for a child: to draw requests, to make one smaller, or to draw sequences of so many."""
        task = {**asdict(self), "shrink": shrink.line() if shrink else None, "traffic": traffic}
        return json.dumps(task).encode() + b"\n"


async def drawn(task: Task) -> AsyncGenerator[Sketch, None]:
    """Requests without end, valid ones and others in turns, none of them twice."""
    async with talking(task.line()) as (_, output):
        while (said := await heard(output)) is not None:
            yield sketch_of(said)
    raise InfercheckError("the interpreter that draws requests has ended before its time")


async def smallest(task: Task, sketch: Sketch, alike: Callable[[Sketch], Awaitable[bool]]) -> Sketch | None:
    """The smallest request that fares like one that was drawn, of some that are tried; None where none is."""
    tries, fared_alike = 0, []
    async with talking(task.line(sketch)) as (questions, output):
        # A child that is told nothing any more would still go through all that it can think of.
        while tries < TRIES and (said := await heard(output)) is not None:
            tries += 1
            tried = sketch_of(said)
            answer = await alike(tried)
            fared_alike += [tried] if answer else []
            await answered(questions, answer)
    return min(fared_alike, key=lambda one: (len(one.body), one.body), default=None)


async def heard(output: asyncio.StreamReader) -> Any:
    """What a child says next: the size of some JSON on a line, then the JSON; None where it has ended.

    So a long line need not be in a buffer whole, and the child is never far ahead.
    """
    with contextlib.suppress(asyncio.IncompleteReadError):
        size = await output.readuntil(b"\n")
        return json.loads(await output.readexactly(int(size)))
    return None


async def answered(questions: asyncio.StreamWriter, answer: bool) -> None:
    """Answer what a child asked last."""
    questions.write(json.dumps(answer).encode() + b"\n")
    await questions.drain()


@cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    # What Hypothesis would leave in the user's working directory, until this interpreter ends.
    return tempfile.TemporaryDirectory(prefix="infercheck-draws-")


@contextlib.asynccontextmanager
async def talking(task: bytes) -> AsyncIterator[tuple[asyncio.StreamWriter, asyncio.StreamReader]]:
    """A child with a task: where its questions are answered, and where they come from."""
    # Its working directory is not on its path, and it has no signals of the terminal's: nothing of the user's is
    # imported, and Ctrl-C is the run's business.
    complaints = tempfile.TemporaryFile(dir=_scratch().name)  # noqa: SIM115 - closed below
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "infercheck.fuzz.child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=complaints,
        env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": _scratch().name},
        start_new_session=True,
    )
    questions, output = process.stdin, process.stdout
    try:
        if questions is None or output is None:  # which pipes never are
            raise InfercheckError("the interpreter that draws requests has no pipes")
        with contextlib.suppress(ConnectionError):
            questions.write(task)
            await questions.drain()
        yield questions, output
        if output.at_eof() and await process.wait():
            complaints.seek(0)
            last = complaints.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise InfercheckError(f"the interpreter that draws requests has failed: {last}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        while process.stdout and await process.stdout.read(1 << 16):
            pass  # an end that is not read is none: asyncio would wait for it for ever
        await process.wait()
        complaints.close()
