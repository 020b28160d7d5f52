"""Surveys: what one walk over all exchanges of a run tells: how fast answers came, what they cost, what passed."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infercheck import sse
from infercheck.exchange import Exchange
from infercheck.findings import Verdict
from infercheck.record import Record

BODY = 4_000
"""Bytes of a request up to which it may stand beside another one."""
NEIGHBOURS = 1_000
"""Requests that passed which are kept to compare others with."""
STREAMS = 2_000
"""Streams whose events are timed."""
COMPARED = "answers compared"
"""The area of what is asked for several comparisons at once."""
BAD = (Verdict.FAIL, Verdict.WARN, Verdict.EXPECTED, Verdict.INCONCLUSIVE, Verdict.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """When a stream came: `at` seconds after the run began, its first event after `first` seconds, the next ones in
    the median after `gap`; None where there was but one.
    """

    at: float
    first: float
    gap: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A request that was accepted, and with which nothing was found to be wrong."""

    exchange: Exchange
    branch: str | None
    body: Mapping[str, Any]
    kept: frozenset[str] = frozenset()
    """The requirements that its answer keeps."""


@dataclass(slots=True)
class Survey:
    """What was seen on the way. `prices` are output tokens by the area of what a request was for."""

    streams: list[Streamed] = field(default_factory=list)
    prices: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    passed: list[Passed] = field(default_factory=list)
    succeeded: dict[str, int] = field(default_factory=dict)
    """The first answer with success to each request, by the request's digest."""


def survey_of(record: Record) -> Survey:
    """Walk over all exchanges of a run."""
    survey = Survey()
    for number in record.exchanges:
        exchange = record.exchanges[number]
        case = record.case(exchange.case)
        area = _area(case)
        survey.prices[area] += int(case.get("price") or 0)
        survey.requests[area] += 1
        if succeeded(exchange):
            survey.succeeded.setdefault(exchange.request.digest, number)
        if len(survey.streams) < STREAMS and (streamed := _streamed(exchange)) is not None:
            survey.streams.append(streamed)
        if len(survey.passed) < NEIGHBOURS and (passed := _passed(record, exchange, case)) is not None:
            survey.passed.append(passed)
    return survey


def _area(case: Mapping[str, Any]) -> str:
    if str(case.get("case", "")).startswith("relation/"):
        return COMPARED
    requirements = case.get("requirements") or ()
    return str(requirements[0]).partition("/")[0] if requirements else "other"


def _streamed(exchange: Exchange) -> Streamed | None:
    answer = exchange.answer
    if not exchange.request.stream or answer.status != 200:
        return None
    stream = sse.parse((chunk.data, chunk.time) for chunk in answer.chunks)
    times = [event.time for event in stream.events if event.data]
    if not times:
        return None
    gaps = sorted(later - earlier for earlier, later in itertools.pairwise(times))
    return Streamed(at=exchange.started, first=times[0], gap=gaps[len(gaps) // 2] if gaps else None)


def succeeded(exchange: Exchange) -> bool:
    """Whether a request was answered with a status of success, to the end."""
    answer = exchange.answer
    return answer.status is not None and 200 <= answer.status < 300 and answer.failure is None


def _passed(record: Record, exchange: Exchange, case: Mapping[str, Any]) -> Passed | None:
    judged = record.judged.get(exchange.case)
    if judged is None or not judged.kept or any(finding.verdict in BAD for finding in judged.findings):
        return None
    if case.get("expectation") != "valid" or exchange.case.startswith("wire/"):
        return None
    if not succeeded(exchange):
        return None
    body = members(exchange.request.body)
    if body is None:
        return None
    kept = frozenset(id_ for id_, _ in judged.kept)
    return Passed(exchange=exchange, branch=case.get("branch"), body=body, kept=kept)


def members(data: bytes) -> Mapping[str, Any] | None:
    """The members of a body that is a JSON object of no great length; else None."""
    if len(data) > BODY:
        return None
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
