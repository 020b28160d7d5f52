"""Observations: what an exchange says, read once and shared by all checks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from infercheck import jsontext, sse
from infercheck.cases import Case
from infercheck.contract import Contract
from infercheck.dialect import Dialect, guess
from infercheck.exchange import Exchange
from infercheck.pace import throttled

LONG_PROMPT = 2000
"""From this many characters on, a refusal may be about the context window."""

TEMPLATE = 512
"""Tokens that a prompt template adds, at most."""

SMALLEST_WINDOW = 1024
"""Tokens that every model has room for: up to so many bytes and tokens asked for, no window is a reason."""

LONG_BODY = 16_000
"""From this many bytes on, a body is no ordinary one."""

_CONTEXT_WORDS = re.compile(
    r"context[ _-]?(window|length|size|limit)|(too many|maximum|max|number of|estimated)[\w ]* tokens"
    r"|tokens?[\w ]* (limit|exceed)|exceed[\w ]* tokens?|prompt is too long|input is too long",
    re.IGNORECASE,
)

DONE = "[DONE]"


class Outcome(StrEnum):
    """What a target did with a request."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    SERVER_ERROR = "answered with a server error"
    THROTTLED = "throttled"
    NO_ANSWER = "not answered"


@dataclass(frozen=True)
class Observation:
    """One exchange of a case, with all that can be read from it.

    `window` is the target's context window in tokens, where the operator says how large it is.
    """

    contract: Contract
    case: Case
    exchange: Exchange
    dialect: Dialect = Dialect.REST
    window: int | None = None

    @property
    def is_ordinary(self) -> bool:
        """Whether the request asks for no more than any target gives: no long text, no long answer."""
        return self.case.size < LONG_PROMPT and len(self.case.request.body) < LONG_BODY and self.case.price <= 257

    @property
    def status(self) -> int | None:
        """The HTTP status, if any came."""
        return self.exchange.answer.status

    @cached_property
    def body(self) -> bytes:
        """The whole body."""
        return self.exchange.answer.body

    @cached_property
    def asked(self) -> Mapping[str, Any] | None:
        """The request, where its body is a JSON object."""
        try:
            body = jsontext.parse(self.case.request.body).value
        except jsontext.NotJSON:
            return None
        return body if isinstance(body, dict) else None

    @property
    def wants_text(self) -> bool:
        """Whether the request asks the model for words, which an answer then has to hold."""
        roles = {self.contract.roles.get(role) for role in ("text", "conversation")} - {None}
        return self.contract.speaks and (not roles or self.asked is None or bool(roles & self.asked.keys()))

    @cached_property
    def media_type(self) -> str:
        """The media type without parameters, in lower case; empty where there is none."""
        return (self.exchange.answer.header("content-type") or "").split(";", 1)[0].strip().lower()

    @property
    def labelled_json(self) -> bool:
        """Whether the answer is labelled as JSON."""
        return self.media_type == "application/json" or self.media_type.endswith("+json")

    @property
    def labelled_stream(self) -> bool:
        """Whether the answer is labelled as Server-Sent Events."""
        return self.media_type == "text/event-stream"

    @cached_property
    def document(self) -> jsontext.Document | jsontext.NotJSON:
        """The body as strict JSON, or why it is none."""
        try:
            return jsontext.parse(self.body)
        except jsontext.NotJSON as error:
            return error

    @property
    def value(self) -> Any:
        """The JSON value of the body; None where it is no JSON."""
        return None if isinstance(self.document, jsontext.NotJSON) else self.document.value

    @property
    def result(self) -> Any:
        """The answer itself: what stands in the envelope of the REST API, or the bare value."""
        if self.dialect is Dialect.WORKER:
            return self.value
        return self.value.get("result") if isinstance(self.value, dict) else None

    @cached_property
    def stream(self) -> sse.Stream:
        """The body as Server-Sent Events."""
        return sse.parse((chunk.data, chunk.time) for chunk in self.exchange.answer.chunks)

    @property
    def cut_off(self) -> sse.Fault | None:
        """The event that the end of the stream cut off; None where there is none."""
        return next((fault for fault in self.stream.faults if fault.kind is sse.FaultKind.UNTERMINATED_EVENT), None)

    @property
    def is_marker_cut_off(self) -> bool:
        """Whether that is [DONE]: lost to a strict client, but no answer is lost with it."""
        return self.cut_off is not None and self.cut_off.detail.partition(":")[2].strip() == DONE

    @cached_property
    def payloads(self) -> list[tuple[sse.Event, jsontext.Document | jsontext.NotJSON]]:
        """The events and what they carry. Left out are [DONE], empty events, and those of another type that carry
        no JSON: clients that read messages see none of them."""
        known: dict[tuple[str, str], jsontext.Document | jsontext.NotJSON | None] = {}
        found = []
        for event in self.stream.events:
            key = (event.type, event.data)
            if key not in known:  # floods say the same again and again
                known[key] = _payload(event)
            if (payload := known[key]) is not None:
                found.append((event, payload))
        return found

    @property
    def is_stream(self) -> bool:
        """Whether the answer is to be read as a stream: asked for, and not one JSON document all the same."""
        return self.case.request.stream and (self.labelled_stream or bool(self.stream.events))

    @cached_property
    def error_inside(self) -> bool:
        """Whether an answer with a status of success says itself that it is none."""
        if self.is_stream:
            first = self.payloads[0][1] if self.payloads else None
            return isinstance(first, jsontext.Document) and is_error(first.value)
        return is_error(self.value)

    @cached_property
    def outcome(self) -> Outcome:
        """What the target did with the request."""
        status = self.status
        if status is None:
            return Outcome.NO_ANSWER
        if throttled(self.exchange.answer):
            return Outcome.THROTTLED
        if status >= 500 and self.dialect is not Dialect.WORKER and status not in self.case.lenient:
            return Outcome.SERVER_ERROR
        if 200 <= status < 300 and not self.error_inside:
            return Outcome.ACCEPTED
        return Outcome.REFUSED

    @cached_property
    def about_context_window(self) -> bool:
        """Whether a refusal is one for the context window's sake: the target's limit, not a broken promise."""
        if self.outcome is not Outcome.REFUSED:
            return False
        # A window may be so small that the default answer and a few words do not fit into it.
        short = self.case.price < (self.contract.default_limit or 0)
        says_so = bool(_CONTEXT_WORDS.search(self.body[:4096].decode("utf-8", "replace")))
        # Many short texts are as long as one, and a rare character may be a token for each of its bytes.
        size = len(self.case.request.body)
        small = size < LONG_PROMPT and not (says_so and size + self.case.price > SMALLEST_WINDOW)
        if (self.is_ordinary and short and small) or self._fits_window:
            return False
        if self.dialect is Dialect.WORKER and self.case.size and (self.status or 0) >= 500:
            return True  # nothing in the page's Workers catches what the model says of its window
        return self.status == 413 or says_so

    @property
    def _fits_window(self) -> bool:
        # No tokenizer makes more tokens of a text than it has bytes; a template adds some.
        if self.window is None:
            return False
        return len(self.case.request.body) + self.case.price + TEMPLATE <= self.window

    @property
    def is_answer(self) -> bool:
        """Whether it looks as if the model had spoken, rather than a page that stands before the API."""
        return self.is_stream or guess(self.value, choices=self.contract.has_choices) is not None

    @property
    def is_broken_off(self) -> bool:
        """Whether an answer began and the target, or the way to it, did not bring it to its end."""
        failure = self.exchange.answer.failure
        return self.status is not None and failure is not None and not failure.is_ours

    def summary(self) -> str:
        """What came back, in a line: status, media type and the beginning of the body."""
        failure = self.exchange.answer.failure
        if self.status is None:
            return f"no answer: {failure.message}" if failure else "no answer"
        kind = f" {self.media_type}" if self.media_type else " without a media type"
        tail = f"; then {failure.message}" if failure else ""
        return f"{self.status}{kind}, {excerpt(self.body)}{tail}"


def _payload(event: sse.Event) -> jsontext.Document | jsontext.NotJSON | None:
    if event.data.strip() in (DONE, ""):
        return None
    try:
        document = jsontext.parse_text(event.data)
    except jsontext.NotJSON as fault:
        if event.type == "error":
            return jsontext.Document(value={"error": event.data})
        return fault if event.type == "message" else None
    if event.type not in ("message", "error") and not isinstance(document.value, dict):
        return None
    if event.type == "error" and not is_error(document.value):
        return jsontext.Document(value={"error": document.value or "error"})
    return document


def is_error(value: object) -> bool:
    """Whether a JSON value is an error's envelope rather than an answer."""
    if not isinstance(value, dict):
        return False
    result = value.get("result")
    holders = [value, result] if isinstance(result, dict) else [value]
    if any(holder.get("error") for holder in holders):
        return True
    answers = any("response" in holder or "tool_calls" in holder for holder in holders)
    if any(holder.get("errors") for holder in holders):
        return not (answers and value.get("success") is True)
    return value.get("success") is False and not answers


def excerpt(data: bytes | str, limit: int = 200) -> str:
    """The beginning of a text, for people."""
    if not data:
        return "an empty body"
    text = data[: 4 * limit].decode("utf-8", "replace") if isinstance(data, bytes) else data
    return text if len(text) <= limit and len(data) <= 4 * limit else f"{text[:limit]}…"
