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


SLOWEST = 10.0
"""Seconds between two requests at most, however often a target throttles."""

STEADY, FASTER = 30, 0.8
"""Answers in a row after which requests may leave faster again, and how much."""

HARDLY, VAIN = 8, 5
"""Answers after which a target that is asked more slowly may throttle all the same, so often in a row, before it is
asked as fast as ever: it throttles whatever the pace."""

SLOWED = 3
"""How many times more slowly than at first a target is asked that throttles all the same, before it is so."""

FEW = 8
"""Requests left in a window, by a target's own count, from which on they are spread over the rest of it."""


class Pace:
    """Spaces requests out evenly; `rate` is in requests a second, None for as fast as may be.

    A target that throttles is asked more slowly from then on, as slowly as it answered before, and its rate headers
    are heeded; while it throttles no more, it is asked faster step by step.
    """

    def __init__(self, rate: float | None = None) -> None:
        self._interval = 1 / rate if rate else 0.0
        self._learnt = 0.0
        self._next = 0.0
        self._since = time.monotonic()
        self._answered = 0
        self._in_a_row = 0
        self._throttles = False
        self._vain = 0
        self._deaf = False
        self._first = 0.0

    @property
    def interval(self) -> float:
        """Seconds between two requests, as far as it is known what the target can take."""
        return max(self._interval, self._learnt)

    async def turn(self) -> None:
        """Wait until the next request may leave."""
        now = time.monotonic()
        start = max(now, self._next)
        self._next = start + self.interval
        if start > now:
            await asyncio.sleep(start - now)

    def hold(self, seconds: float) -> None:
        """Let nobody leave for so long."""
        self._next = max(self._next, time.monotonic() + seconds)

    def later(self, seconds: float) -> None:
        """The target asks to come back after so long."""
        now = time.monotonic()
        self._throttles = True
        self._in_a_row = 0
        if self._answered and seconds:  # who says "at once" does not mean the pace
            self._vain = self._vain + 1 if self._learnt and self._answered <= HARDLY else 0
            self._deaf = self._deaf or self._vain >= VAIN
            # As many as it answered since it last throttled, in the time that it wants for them: who throttles
            # after every answer, however slowly he is asked, has no such time.
            wanted = min(SLOWEST, (now - self._since + seconds) / self._answered)
            self._first = self._first or wanted
            self._deaf = self._deaf or wanted > SLOWED * self._first
            self._learnt = 0.0 if self._deaf else max(self._learnt, wanted)
        self._since, self._answered = now, 0
        self.hold(seconds)

    def answered(self, answer: Answer) -> None:
        """Take notice of an answer."""
        self._answered += 1
        self._in_a_row += 1
        if not self._throttles:
            return  # who never throttles may count what he likes
        if self._in_a_row % STEADY == 0:
            self._learnt *= FASTER
        left = remaining(answer)
        if left and left[0] <= 0:
            self.hold(left[1])
        elif left and left[0] < FEW:
            self._learnt = max(self._learnt, min(SLOWEST, left[1] / left[0]))


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


def remaining(answer: Answer) -> tuple[int, float] | None:
    """Requests that are left, and seconds until there are more, by the headers that targets send with any answer.

    `RateLimit-Remaining` and `-Reset` (draft-ietf-httpapi-ratelimit-headers-07), `RateLimit` (its later form), and
    the `X-` headers in use; None where they are not there, or nonsense.
    """
    if match := _STRUCTURED.search(answer.header("ratelimit") or ""):
        return int(match[1]), min(float(match[2]), PATIENCE)
    for prefix, suffix in (("ratelimit", ""), ("x-ratelimit", ""), ("x-ratelimit", "-requests")):
        left = (answer.header(f"{prefix}-remaining{suffix}") or "").strip()
        seconds = _seconds((answer.header(f"{prefix}-reset{suffix}") or "").strip())
        if left.isascii() and left.isdigit() and seconds is not None:
            return int(left[:9]), min(seconds, PATIENCE)
    return None


_STRUCTURED = re.compile(r";\s*r=(\d{1,9})\s*;\s*t=(\d{1,9})")
_DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9}(?:\.\d{1,9})?)(ms|s))?")
EPOCH = 1e9
"""Seconds from which on a number is a date, not a time to wait."""


def _seconds(text: str) -> float | None:
    # A number of seconds, a date in seconds since 1970, or a duration as in 6m0s.
    if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", text, re.ASCII):
        value = float(text)
        return max(0.0, value - time.time()) if value > EPOCH else value
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        return None
    hours, minutes, last, unit = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(last or 0) / (1000 if unit == "ms" else 1)
