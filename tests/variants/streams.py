"""Servers that frame their streams in another way, and legally (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from mutants.conforming import DONE, Careless, Conforming, dump, frame, reply
from starlette.responses import Response, StreamingResponse

from variants.registry import variant

Events = Iterator[Mapping[str, Any]]
SSE = {"content-type": "text/event-stream"}


class Framed(Conforming):
    """Writes the frames of its stream in a way of its own."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for data in super().stream_events(events):
            yield self.framed(data)

    def framed(self, data: bytes) -> bytes:
        """One event as it is sent; `data` is as the documented API sends it."""
        raise NotImplementedError


@variant()
class EndsLinesWithCrlf(Framed):
    """Ends lines as HTTP does."""

    def framed(self, data: bytes) -> bytes:
        return data.replace(b"\n", b"\r\n")


@variant()
class EndsLinesWithCr(Framed):
    """Ends lines with CR alone."""

    def framed(self, data: bytes) -> bytes:
        return data.replace(b"\n", b"\r")


@variant()
class MixesLineEnds(Framed):
    """Ends a line with CR LF, and the next with CR."""

    def framed(self, data: bytes) -> bytes:
        return data.replace(b"\n", b"\r\n", 1).replace(b"\n\n", b"\n\r")


@variant()
class SendsPings(Conforming):
    """Keeps the connection alive: comments before, between and behind the events, and an event without data."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield b":\n\n"
        for data in super().stream_events(events):
            yield b": ping " + "🗼".encode() + b"\n\nevent: ping\n\n" + data
        yield b": bye\n\n"


@variant()
class NamesAndNumbersEvents(Framed):
    """Writes event, id and retry beside data."""

    def framed(self, data: bytes) -> bytes:
        return b"event: message\nid: 7\nretry: 3000\n" + data


@variant()
class LeavesOutTheSpace(Framed):
    """Writes data: without a space behind the colon."""

    def framed(self, data: bytes) -> bytes:
        return data.replace(b"data: ", b"data:")


@variant()
class WritesDataOverManyLines(Conforming):
    """Writes pretty JSON, a data line for each of its lines."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for payload in events:
            lines = json.dumps(payload, indent=2).splitlines()
            yield "".join(f"data: {line}\n" for line in lines).encode() + b"\n"
        yield DONE


@variant()
class BeginsStreamsWithAByteOrderMark(Conforming):
    """Begins with the byte order mark that the grammar of event streams allows."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield b"\xef\xbb\xbf"
        yield from super().stream_events(events)


@variant()
class LabelsStreamsWithACharset(Conforming):
    """Spells the media type in capitals and with a parameter."""

    def stream_response(self, events: Events) -> Response:
        headers = {"content-type": "Text/Event-Stream;charset=UTF-8"}
        return StreamingResponse(self.stream_events(events), headers=headers)


@variant()
class SendsStreamsWhole(Conforming):
    """Sends its events at once, with a Content-Length."""

    def stream_response(self, events: Events) -> Response:
        return reply(b"".join(self.stream_events(events)), media_type="text/event-stream")


@variant()
class CutsChunksAnywhere(Careless):
    """Sends three bytes at a time, cut inside characters and line ends."""

    words = ("灯台 ", "🗼", " é")

    def stream_response(self, events: Events) -> Response:
        data = b"".join(self.stream_events(events)).replace(b"\n", b"\r\n")

        async def pieces() -> Any:
            for start in range(0, len(data), 3):
                yield data[start : start + 3]
                await asyncio.sleep(0)  # else a client that leaves is not noticed

        return StreamingResponse(pieces(), headers=SSE)


class Paying(Conforming):
    """Changes the payloads of its events."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from map(frame, self.payloads(list(events)))
        yield DONE

    def payloads(self, events: list[Mapping[str, Any]]) -> list[Any]:
        """The payloads that are sent instead."""
        raise NotImplementedError


@variant()
class SendsSeveralTokensInAnEvent(Paying):
    """Joins the texts of four events."""

    def payloads(self, events: list[Mapping[str, Any]]) -> list[Any]:
        *texts, last = events
        groups = [texts[start : start + 4] for start in range(0, len(texts), 4)]
        joined = [{"response": "".join(each.get("response", "") for each in group)} for group in groups]
        calls = [each for each in texts if "tool_calls" in each]
        return [*joined, *calls, last]


@variant()
class SendsShortAnswersInOneEvent(Paying):
    """Streams an answer of fewer than 32 tokens as one event."""

    def payloads(self, events: list[Mapping[str, Any]]) -> list[Any]:
        if len(events) > 32:
            return events
        whole: dict[str, Any] = {}
        for each in events:
            whole |= {**each, "response": whole.get("response", "") + each.get("response", "")}
        return [whole]


@variant()
class PadsEvents(Paying):
    """Sends what the documented API is seen to send: padding, and tool calls that are none."""

    def payloads(self, events: list[Mapping[str, Any]]) -> list[Any]:
        return [{"tool_calls": [], **each, "p": "abcdefgh"[: index % 8]} for index, each in enumerate(events)]


@variant()
class CountsNothingInStreams(Paying):
    """Sends no usage."""

    def payloads(self, events: list[Mapping[str, Any]]) -> list[Any]:
        return [{name: value for name, value in each.items() if name != "usage"} for each in events]


@variant()
class CountsInEveryEvent(Paying):
    """Sends usage with every event."""

    def payloads(self, events: list[Mapping[str, Any]]) -> list[Any]:
        return [{"usage": {"completion_tokens": index}, **each} for index, each in enumerate(events)]


@variant()
class SendsEventsWithoutResponse(Paying):
    """Sends an event of the role before the text, and one of the usage alone behind it."""

    def payloads(self, events: list[Mapping[str, Any]]) -> list[Any]:
        *texts, last = events
        texts = texts or [{"response": ""}]
        calls = [{name: value for name, value in each.items() if value != ""} for each in texts]
        return [{"role": "assistant"}, *calls, {"usage": last["usage"], "finish_reason": "stop"}]


@variant()
class EscapesHalvesOfCharacters(Careless):
    """Cuts its text as JavaScript counts, so that an event ends with half a character, escaped."""

    words = ("a \ud83d", "\uddfc b")

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for payload in events:
            yield b"data: " + dump(payload, ensure_ascii=True) + b"\n\n"
        yield DONE


@variant(only=("stream", "default", "open/max_tokens"))
class GeneratesWithoutEnd(Conforming):
    """Takes a negative max_tokens for no limit, and a huge one at its word: streams until nobody listens."""

    def answer(self, body: Any) -> Response:
        self.validate(body)
        limit = body.get("max_tokens", 256)
        if body.get("stream") is True and (limit < 0 or limit > 10**6):
            return self.stream_response({"response": f" {number}"} for number in itertools.count())
        return super().answer(body)


@variant()
class StreamsNothingForMaxTokensZero(Conforming):
    """Answers max_tokens 0 with a stream that holds the marker alone."""

    def answer(self, body: Any) -> Response:
        self.validate(body)
        if body.get("max_tokens") == 0:
            return reply(DONE, media_type="text/event-stream")
        return super().answer(body)


@variant()
class SendsAnEmptyStreamForMaxTokensZero(Conforming):
    """Answers max_tokens 0 with one event that counts, and with the marker."""

    def answer(self, body: Any) -> Response:
        self.validate(body)
        if body.get("max_tokens") == 0:
            return reply(frame({"usage": {"completion_tokens": 0}}) + DONE, media_type="text/event-stream")
        return super().answer(body)


@variant(profile="quick", exclude=("example",))
class TakesItsTime(Conforming):
    """Needs four milliseconds for a token."""

    def run(self, body: Mapping[str, Any]) -> Any:
        answer = super().run(body)
        if isinstance(answer, Mapping):
            time.sleep(0.004 * answer["usage"]["completion_tokens"])
            return answer
        return (each for each in answer if not time.sleep(0.004))
