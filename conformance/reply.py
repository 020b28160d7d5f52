"""Replies: what the model said in one answer, streamed or not, apart from how it was sent."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from infercheck import jsontext
from infercheck.cases import Case
from infercheck.contract import Contract
from infercheck.exchange import Answer, Exchange
from infercheck.observation import Observation, Outcome, is_error
from infercheck.spoken import said_in

SHOWN = 60
"""Characters of a text that are shown on either side of where two texts part."""


@dataclass(frozen=True)
class Reply:
    """What one answer says; `problem` tells why it says nothing, in words for people."""

    seen: Observation
    text: str = ""
    calls: tuple[Any, ...] = ()
    usage: Mapping[str, Any] = field(default_factory=dict)
    pieces: tuple[str, ...] = ()
    """The texts of a stream's events, empty ones apart."""
    places: tuple[int, ...] = ()
    """Where the events of these begin, in bytes of the body."""
    problem: str = ""

    @property
    def case(self) -> Case:
        """What was asked."""
        return self.seen.case

    @property
    def number(self) -> int:
        """The number of the exchange."""
        return self.seen.exchange.number

    @property
    def is_refused(self) -> bool:
        """Whether the target refused the request."""
        return self.seen.outcome is Outcome.REFUSED

    @property
    def seconds(self) -> float:
        """Seconds until the last byte came."""
        return self.seen.exchange.answer.seconds

    @property
    def began(self) -> float | None:
        """Seconds until the first piece of a stream's text came; None where none did."""
        return next((time for time, _ in self._arrivals), None)

    def share_by(self, seconds: float) -> float:
        """How much of a stream's text had come by then, as a share of all."""
        sizes = list(self._arrivals)
        return sum(size for time, size in sizes if time <= seconds) / (sum(size for _, size in sizes) or 1)

    @property
    def _arrivals(self) -> Iterator[tuple[float, int]]:
        # When what was said came, and how much of it.
        for event, payload in self.seen.payloads:
            value = None if isinstance(payload, jsontext.NotJSON) else payload.value
            choices = self.seen.contract.has_choices
            text, calls = said_in(value, choices=choices) if isinstance(value, Mapping) else (None, None)
            if text or calls:
                yield event.time, len(str(text or calls))

    @property
    def ended(self) -> float:
        """Seconds until the last event of a stream came."""
        return self.seen.payloads[-1][0].time if self.seen.payloads else self.seconds

    @cached_property
    def said(self) -> tuple[str, str]:
        """All that the model said: its text, and its tool calls as canonical JSON (their ids apart)."""
        calls = [_plain(call) for call in self.calls]
        return self.text, json.dumps(calls, sort_keys=True, ensure_ascii=False) if calls else ""

    @property
    def tokens(self) -> int | None:
        """The tokens of the answer, as the target counts them; None where it does not say."""
        return _count(self.usage.get("completion_tokens"))

    @property
    def first_token(self) -> str:
        """Its first token or, where nobody says that it has no other, what is surely of that one."""
        return self.text if self.tokens == 1 else beginning(self.text)

    def shown(self, other: Reply | None = None) -> str:
        """The text for people; with another, the place where the two part."""
        whole = "".join(self.said) if self.calls else self.text
        if other is None:
            return _quoted(whole, 0, 2 * SHOWN)
        theirs = "".join(other.said) if other.calls else other.text
        place = parted(whole, theirs)
        return _quoted(whole, max(0, place - SHOWN), place + SHOWN)


def parted(one: str, other: str) -> int:
    """The first character in which two texts differ; the length of the shorter one where they do not before."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))


def unasked(contract: Contract, case: Case, reason: str) -> Reply:
    """What stands for the reply to a request that is not sent."""
    exchange = Exchange(number=0, case=case.id, ordinal=0, request=case.request, answer=Answer(), started=0.0)
    return Reply(Observation(contract=contract, case=case, exchange=exchange), problem=reason)


def reply_of(seen: Observation) -> Reply:
    """Read what the model said. Where the answer is none, or no whole one, the reply says why."""
    answer = seen.exchange.answer
    if seen.outcome is not Outcome.ACCEPTED:
        return Reply(seen, problem=f"{seen.case.id} was {_fate(seen)}")
    if answer.failure:
        return Reply(seen, problem=f"the answer to {seen.case.id} is not whole: {answer.failure.message}")
    if seen.case.request.stream:
        return _of_stream(seen)
    result = seen.result if isinstance(seen.result, Mapping) else seen.value
    if seen.labelled_stream or not isinstance(result, Mapping):
        return Reply(seen, problem=f"the answer to {seen.case.id} holds no result")
    text, calls = said_in(result, choices=seen.contract.has_choices)
    calls = tuple(calls) if isinstance(calls, list) else ()
    if not isinstance(text, str) and not (text is None and calls):
        return Reply(seen, problem=f"the answer to {seen.case.id} holds no text")
    return Reply(seen, text=text or "", calls=calls, usage=_mapping(result.get("usage")))


def _of_stream(seen: Observation) -> Reply:
    if not seen.is_stream:
        return Reply(seen, problem=f"the answer to {seen.case.id} is no stream")
    pieces: list[str] = []
    places: list[int] = []
    calls: list[Any] = []
    usage: Mapping[str, Any] = {}
    for event, payload in seen.payloads:
        value = None if isinstance(payload, jsontext.NotJSON) else payload.value
        if not isinstance(value, Mapping) or is_error(value):
            return Reply(seen, problem=f"an event in the stream of {seen.case.id} is no piece of an answer")
        piece, called = said_in(value, choices=seen.contract.has_choices)
        if not isinstance(piece, str | None):
            return Reply(seen, problem=f"an event in the stream of {seen.case.id} holds no text")
        if piece:
            pieces.append(piece)
            places.append(event.offset)
        if isinstance(called, list):
            calls += called
        usage = _mapping(value.get("usage")) or usage
    text = _joined(pieces)
    return Reply(seen, text, tuple(calls), usage, pieces=tuple(pieces), places=tuple(places))


def _joined(pieces: list[str]) -> str:
    # Half of a surrogate pair may end one event, and the other half begin the next.
    return "".join(pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _fate(seen: Observation) -> str:
    return f"{seen.outcome}: {seen.summary()}" if seen.outcome is not Outcome.NO_ANSWER else seen.summary()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _plain(call: object) -> object:
    # What a call says: no id of any kind, nor whether its arguments are an object or the JSON of one.
    if not isinstance(call, Mapping):
        return call
    said = {key: value for key, value in call.items() if key in ("name", "arguments")} or dict(call)
    if isinstance(said.get("arguments"), str):
        with contextlib.suppress(ValueError, RecursionError):
            said["arguments"] = json.loads(said["arguments"])
    return said


def beginning(text: str) -> str:
    """What is surely of a text's first token: a character, with the space before it that most tokens begin with."""
    return text[:2] if text[:1].isspace() else text[:1]


def _quoted(text: str, start: int, end: int) -> str:
    if not text:
        return "nothing"
    if start >= len(text):
        start = max(0, len(text) - SHOWN)
    piece = json.dumps(text[start:end], ensure_ascii=False)
    return f"{'…' if start else ''}{piece}{'…' if end < len(text) else ''}"
