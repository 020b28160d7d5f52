"""Sources of drawn requests: children that draw, and one that makes a request smaller and asks how that fares."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infercheck.errors import InfercheckError

LINE = 1 << 24
"""Bytes of the longest line that a child may write."""


TRIES = 120
"""Requests that are tried to make one smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to draw: of which contract, for a target with which adapters and without which parameters; a seed."""

    contract: str
    adapters: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    seed: int = 1

    def line(self, **more: Any) -> bytes:
        """The task for a child."""
        task = {
            "contract": self.contract,
            "adapters": self.adapters,
            "absent": self.absent,
            "seed": self.seed,
            "batch": 0,
            "shrink": None,
            **more,
        }
        return json.dumps(task).encode() + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """A request as it was drawn, and the batch that has it."""

    branch: str
    body: bytes
    breaks: tuple[tuple[str, str], ...]
    batch: int = 0

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.breaks


async def drawn(task: Task) -> AsyncGenerator[Sketch, None]:
    """Requests without end, valid ones and others in turns, none of them twice."""
    async with _child(task.line()) as (_, output):
        while line := await output.readline():
            said = json.loads(line)
            yield _sketch(said, said["batch"])
    raise InfercheckError("the interpreter that draws requests has ended before its time")


async def smallest(task: Task, sketch: Sketch, alike: Callable[[Sketch], Awaitable[bool]]) -> Sketch | None:
    """The smallest request that fares like one that was drawn, of some that are tried; None where none is."""
    left = TRIES
    what = {"batch": sketch.batch, "body": sketch.body.decode(), "valid": sketch.is_valid}
    async with _child(task.line(shrink=what)) as (questions, output):
        while line := await output.readline():
            said = json.loads(line)
            if "smallest" in said:
                best = said["smallest"] and _sketch(said["smallest"], sketch.batch)
                return best if best and best.body != sketch.body else None
            answer = left > 0 and await alike(_sketch(said["try"], sketch.batch))
            left -= 1
            questions.write(json.dumps(answer).encode() + b"\n")
            await questions.drain()
    return None


def _sketch(said: Mapping[str, Any], batch: int) -> Sketch:
    return Sketch(
        branch=said["branch"],
        body=said["body"].encode(),
        breaks=tuple((requirement, side) for requirement, side in said["breaks"]),
        batch=batch,
    )


@contextlib.asynccontextmanager
async def _child(task: bytes) -> AsyncIterator[tuple[asyncio.StreamWriter, asyncio.StreamReader]]:
    # Its working directory is not on its path, and it has no signals of the terminal's: nothing of the user's is
    # imported, and Ctrl-C is the run's business.
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "infercheck.fuzz.child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=LINE,
        env={**os.environ, "PYTHONSAFEPATH": "1"},
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
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        while process.stdout and await process.stdout.read(LINE):
            pass  # an end that is not read is none: asyncio would wait for it for ever
        await process.wait()
