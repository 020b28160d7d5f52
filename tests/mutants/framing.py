"""Servers that frame, encode or compress their answers wrongly, some of them only now and then."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.responses import Response, StreamingResponse

from infercheck.runners.engine import Refusal
from mutants.answers import Enveloped, Written
from mutants.conforming import DONE, Careless, Conforming, dump, envelope, failure, frame, reply
from mutants.registry import mutant

Events = Iterator[Mapping[str, Any]]


@mutant("stream/payload", may_fail=("stream/done", "stream/present"))
class SendsErrorFieldsAlone(Conforming):
    """Fails before the first token and says so in a field that event streams do not know, which nobody hears."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield b'error: {"code": 500, "message": "the engine is gone"}\n\n'


@mutant("stream/done", profile="quick")
class SendsErrorFieldsMidway(Conforming):
    """Fails in the middle of a stream and says so in a field that event streams do not know."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield frame(next(events))
        yield b'error: {"code": 500, "message": "the engine is gone"}\n\n'


@mutant("stream/done", profile="quick")
class SendsDoneWithoutData(Conforming):
    """Writes the marker as a line of its own, not as the data of an event."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from map(frame, events)
        yield DONE.removeprefix(b"data: ")


@mutant("stream/done", "stream/equivalence", may_fail=("stream/usage",), profile="quick")
class LosesAPieceAndTheLastBlankLine(Conforming):
    """Two defects: the second piece of a stream is lost, and the marker lacks the blank line after it."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from (frame(event) for count, event in enumerate(events) if count != 1)
        yield DONE.removesuffix(b"\n")


@mutant("stream/done", profile="quick")
class SendsDoneAsJson(Conforming):
    """Writes the marker as an object."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from map(frame, events)
        yield frame({"response": "", "done": True})


@mutant("stream/payload", may_fail=("stream/done",), profile="quick")
class EndsEventsWithOneLineFeed(Conforming):
    """Leaves out the blank line, so that all events are one."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for data in super().stream_events(events):
            yield data[:-1]
        yield b"\n"


@mutant("stream/payload", profile="quick")
class SplitsJsonOverEvents(Conforming):
    """Sends what its buffer holds as an event, wherever in the JSON that is."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for payload in events:
            text = dump(payload)
            half = len(text) // 2
            yield b"data: " + text[:half] + b"\n\ndata: " + text[half:] + b"\n\n"
        yield DONE


@mutant("stream/payload", profile="quick")
class LabelsTheFirstLineOnly(Conforming):
    """Writes pretty JSON, and data: before its first line alone."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for payload in events:
            yield b"data: " + dump(payload, indent=2) + b"\n\n"
        yield DONE


@mutant("stream/payload", may_fail=("stream/done",), profile="quick")
class LabelsEventsTwice(Conforming):
    """Writes data: itself, and hands that to a library that writes it again."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for data in super().stream_events(events):
            yield b"data: " + data


@mutant("stream/payload", may_fail=("stream/done", "stream/present"), profile="quick")
class WritesFieldsInCapitals(Conforming):
    """Writes Data:, which event streams do not know, so that there is no event."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for data in super().stream_events(events):
            yield data.replace(b"data:", b"Data:", 1)


@mutant("stream/error", profile="quick")
class SendsErrorEvents(Conforming):
    """Fails in the middle of a stream and says so in an event of another type."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield frame(next(events))
        yield b"event: error\ndata: the engine is gone\n\n"
        yield DONE


@mutant("stream/event/type", profile="quick")
class EncodesEventsTwice(Conforming):
    """Encodes what is encoded already, so that every event is a JSON string."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from map(frame, (dump(payload).decode() for payload in events))
        yield DONE


@mutant("stream/payload", profile="quick")
class SplitsLinesAsPythonDoes(Careless):
    """Takes U+2028 in a text for the end of a line, which it is for Python and not for event streams."""

    words = ("first\u2028second", " and so on")

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for payload in events:
            lines = dump(payload).decode().splitlines()
            yield "".join(f"data: {line}\n" for line in lines).encode() + b"\n"
        yield DONE


@mutant("stream/payload", profile="quick")
class WritesLineFeedsAsTheyAre(Careless):
    """Puts texts into JSON by hand, without escapes, so that a line feed ends the line."""

    words = ("one\ntwo", " three")

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for payload in events:
            yield f'data: {{"response":"{payload["response"]}"}}\n\n'.encode()
        yield DONE


@mutant("stream/utf-8", may_fail=("stream/payload", "stream/equivalence"), profile="quick")
class WritesHalfCharactersInStreams(Careless):
    """Encodes half of a character as if it were one, which UTF-8 forbids."""

    words = ("a \ud83d", "\uddfc b")

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from map(frame, events)
        yield DONE


@mutant("output/json", profile="quick")
class WritesHalfCharacters(Careless, Written):
    """Encodes half of a character as if it were one in its answers, and not in its streams."""

    words = ("a \ud83d", " b")

    def write(self, value: dict[str, Any]) -> bytes:
        return dump(value)


@mutant("output/json", profile="quick")
class WritesTextsByHand(Careless, Written):
    """Puts texts into JSON by hand, without escapes, so that a line feed stands in a string."""

    words = ("one\n", "two")

    def write(self, value: dict[str, Any]) -> bytes:
        return dump(value).replace(b"\\n", b"\n")


@mutant("output/type", profile="quick")
class EncodesAnswersTwice(Enveloped):
    """Puts the answer under result as a string of JSON."""

    def result(self, answer: Mapping[str, Any]) -> Any:
        return dump(answer).decode()


@mutant("http/content-coding", profile="quick")
class CompressesUnasked(Conforming):
    """Sends gzip to a client that asks for no coding."""

    is_coded = True

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        return Response(gzip.compress(dump(envelope(answer))), 200, headers)


@mutant("http/content-coding")
class CompressesStreamsUnasked(Conforming):
    """Sends gzip, and only where it streams."""

    def stream_response(self, events: Events) -> Response:
        headers = {"content-type": "text/event-stream", "content-encoding": "gzip"}
        return Response(gzip.compress(b"".join(self.stream_events(events))), 200, headers)


@mutant("stream/done")
class EndsLongStreamsAsIfAllWereSaid(Conforming):
    """Fails in the middle of an answer of more than a few tokens, and closes the stream without a word."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for count, payload in enumerate(events):
            if count == 10:
                return
            yield frame(payload)
        yield DONE


@mutant("stream/done")
class DropsDoneWhereToolsAreOffered(Conforming):
    """Ends without the marker where it was offered tools."""

    def answer(self, body: Any) -> Response:
        response = super().answer(body)
        if body.get("stream") is True and body.get("tools"):
            return reply(b"".join(map(frame, self.run(body))), media_type="text/event-stream")
        return response


class Counting(Conforming):
    """Counts its answers, streamed and not; from the tenth of a kind on it is another server."""

    def prepare(self) -> None:
        self._answers = 0

    def is_late(self) -> bool:
        """Whether this answer is the tenth, or a later one."""
        self._answers += 1
        return self._answers >= 10


@mutant("envelope/result")
class LacksTheEnvelopeFromTheTenthAnswerOn(Counting):
    """Sends nine answers in their envelope, and then no more."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply(answer) if self.is_late() else super().success_response(answer)


@mutant("stream/media-type")
class ForgetsTheLabelFromTheTenthStreamOn(Counting):
    """Labels nine streams, and then no more."""

    def stream_response(self, events: Events) -> Response:
        response = super().stream_response(events)
        if self.is_late():
            del response.headers["content-type"]
        return response


@mutant("stream/complete", may_fail=("stream/done",))
class CutsStreamsFromTheTenthOn(Counting):
    """Ends nine streams well, and those after them in the middle of an event."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        if self.is_late():
            yield b"".join(map(frame, events))[:-8]
        else:
            yield from super().stream_events(events)


@mutant("envelope/result")
class LacksTheEnvelopeBesideMessages(Conforming):
    """Sends the answer bare where it was asked with messages."""

    def answer(self, body: Any) -> Response:
        self.validate(body)
        answer = self.run(body)
        if "messages" in body and isinstance(answer, Mapping):
            return reply(answer)
        return self.success_response(answer) if isinstance(answer, Mapping) else self.stream_response(answer)


@mutant("output/json", "output/media-type")
class SendsRawTextBesideRaw(Conforming):
    """Takes raw for a wish about the answer, and sends the text as text."""

    def answer(self, body: Any) -> Response:
        self.validate(body)
        answer = self.run(body)
        if body.get("raw") is True and isinstance(answer, Mapping):
            return reply(answer["response"].encode(), media_type="text/plain; charset=utf-8")
        return self.success_response(answer) if isinstance(answer, Mapping) else self.stream_response(answer)


@mutant("output/json")
class WritesInfinityWhereItIsHot(Conforming):
    """Sends a logarithm of nothing beside what it drew at the highest temperature."""

    def answer(self, body: Any) -> Response:
        self.validate(body)
        answer = self.run(body)
        if not isinstance(answer, Mapping):
            return self.stream_response(answer)
        if body.get("temperature") == 5:
            return reply(envelope({**answer, "logprob": -math.inf}))
        return self.success_response(answer)


@mutant("http/answer")
class BreaksRefusalsOff(Conforming):
    """Promises more bytes of a refusal than it sends."""

    def error_response(self, refusal: Refusal) -> Response:
        data = dump(failure(refusal.code, refusal.message))

        async def half() -> Any:
            yield data[: len(data) // 2]
            raise ConnectionError("the log is full")

        return StreamingResponse(half(), refusal.status, media_type="application/json")
