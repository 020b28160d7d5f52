"""Pace: how fast requests may leave, and how long a target that says "later" is left alone."""

from __future__ import annotations

import asyncio
import email.utils
import re
import time

from infercheck.errors import UsageError
from infercheck.exchange import Answer

BACKOFF = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds to wait where a target throttles without saying how long; after the last one the run gives up."""

PATIENCE = 120.0
"""Seconds: the longest Retry-After that is waited for at once."""


class Pace:
    """Spaces requests out evenly; `rate` is in requests a second, None for as fast as may be."""

    def __init__(self, rate: float | None = None) -> None:
        self._interval = 1 / rate if rate else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until the next request may leave."""
        now = time.monotonic()
        start = max(now, self._next)
        self._next = start + self._interval
        if start > now:
            await asyncio.sleep(start - now)

    def hold(self, seconds: float) -> None:
        """Let nobody leave for so long."""
        self._next = max(self._next, time.monotonic() + seconds)


def parse_rate(text: str) -> float:
    """`300/m`, `5/s`, `1000/h` in requests a second; UsageError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*/\s*(s|m|h)", text.strip())
    if not match or float(match[1]) <= 0:
        raise UsageError(f"{text!r} is no rate", hint="Write requests per second, minute or hour: 5/s, 300/m.")
    return float(match[1]) / {"s": 1, "m": 60, "h": 3600}[match[2]]


def throttled(answer: Answer) -> bool:
    """Whether the target asks to come back later: 429, or 503 with Retry-After (RFC 9110, section 10.2.3)."""
    return answer.status == 429 or (answer.status == 503 and answer.header("retry-after") is not None)


def retry_after(answer: Answer) -> float | None:
    """Seconds that the target asks to wait; None where it does not say, or says nonsense."""
    value = (answer.header("retry-after") or "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), PATIENCE)
    try:
        when = email.utils.parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):  # nonsense, and dates that no calendar has
        return None
    return min(max(0.0, when - time.time()), PATIENCE)
