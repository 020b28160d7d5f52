"""Plots of a run, as numbers to draw: when streams came, and what requests cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infercheck.reports.survey import Survey

WIDTH, HEIGHT = 600, 160
"""Size of the area that is plotted in, in the units of the drawing."""
POINTS = 400
"""Points of one series that are drawn."""
LEAST = 1e-5
"""Seconds that are the least to be drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point, in the units of the drawing."""

    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on an axis, with what stands beside it."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """Times over the run, on a logarithmic axis."""

    title: str
    points: tuple[Point, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    median: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What the requests of one area cost, and how long its bar is, in hundredths of the longest."""

    area: str
    tokens: int
    requests: int
    length: float


def timings(survey: Survey) -> Iterator[Scatter]:
    """The times to the first event, and between events, of all streams; nothing where there were too few."""
    streams = survey.streams
    series = (
        ("Time to the first event of a stream", [(one.at, one.first) for one in streams]),
        ("Time between events, the median of a stream", [(s.at, s.gap) for s in streams if s.gap is not None]),
    )
    end = max((one.at for one in streams), default=0.0)
    for title, pairs in series:
        if len(pairs) > 1:
            yield _scatter(title, pairs, end)


def bars(survey: Survey) -> list[Bar]:
    """Output tokens by price, by area, the dearest first."""
    most = max(survey.prices.values(), default=0) or 1
    return [
        Bar(area=area, tokens=tokens, requests=survey.requests[area], length=round(100 * tokens / most, 2))
        for area, tokens in survey.prices.most_common()
    ]


def _scatter(title: str, pairs: Sequence[tuple[float, float]], end: float) -> Scatter:
    values = sorted(max(LEAST, value) for _, value in pairs)
    low, high = math.floor(math.log10(values[0])), math.ceil(math.log10(values[-1]))
    high = max(high, low + 1)

    def up(value: float) -> float:
        return round(HEIGHT * (1 - (math.log10(max(LEAST, value)) - low) / (high - low)), 1)

    def across(at: float) -> float:
        return round(WIDTH * at / end, 1) if end > 0 else 0.0

    step = max(1, -(-len(pairs) // POINTS))
    # The slowest ones must be seen, whatever is left out.
    slowest = sorted(range(len(pairs)), key=lambda index: -pairs[index][1])[:20]
    drawn = sorted({*range(0, len(pairs), step), *slowest})
    return Scatter(
        title=title,
        points=tuple(Point(x=across(pairs[index][0]), y=up(pairs[index][1])) for index in drawn),
        across=tuple(Tick(at=across(end * part), label=f"{end * part:,.3g} s") for part in (0, 0.5, 1)),
        up=tuple(Tick(at=up(10.0**power), label=_seconds(10.0**power)) for power in range(low, high + 1)),
        median=_seconds(values[len(values) // 2]),
    )


def _seconds(value: float) -> str:
    if value <= LEAST:
        return "≤ 0.01 ms"
    return f"{value:.3g} s" if value >= 1 else f"{1000 * value:.3g} ms"
