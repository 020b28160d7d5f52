"""A crew: a few workers that share one queue, the first of whom that cannot go on stops the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def crew(count: int, work: Callable[[], Awaitable[None]]) -> None:
    """Let so many workers work until all are done; raises what the first of them raises, with none left at work."""
    tasks = [asyncio.ensure_future(work()) for _ in range(count)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
