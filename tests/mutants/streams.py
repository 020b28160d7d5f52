"""Servers whose streams are not what the page and the standards say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from starlette.responses import Response

from mutants.conforming import DONE, Careless, Conforming, envelope, failure, frame, reply
from mutants.registry import mutant

Events = Iterator[Mapping[str, Any]]


@mutant("stream/media-type")
class AnswersStreamsAsJson(Conforming):
    """Ignores stream, and answers with one document."""

    def answer(self, body: Any) -> Response:
        self.validate(body)
        return self.success_response(self.run({**body, "stream": False}))


@mutant("stream/media-type", profile="quick")
class LabelsStreamsAsJson(Conforming):
    """Streams under the label of JSON."""

    def stream_response(self, events: Events) -> Response:
        return reply(b"".join(self.stream_events(events)), media_type="application/json")


@mutant("stream/media-type", profile="quick")
class LabelsStreamsAsText(Conforming):
    """Streams under the label of text."""

    def stream_response(self, events: Events) -> Response:
        return reply(b"".join(self.stream_events(events)), media_type="text/plain; charset=utf-8")


@mutant("stream/payload", may_fail=("stream/done",), profile="quick")
class StreamsLines(Conforming):
    """Streams lines of JSON under the label of events, which a strict client reads as no event at all."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for payload in events:
            yield frame(payload).removeprefix(b"data: ")[:-1]


class _Grouped(Conforming):
    """Sends so many pieces at once, and forgets those that make no whole group."""

    size = 2

    def stream_events(self, events: Events) -> Iterator[bytes]:
        held: list[str] = []
        for payload in events:
            if payload.get("response") and payload.keys() == {"response"}:
                held.append(payload["response"])
            else:
                yield frame(payload)
            if len(held) == self.size:
                yield frame({"response": "".join(held)})
                held = []
        yield DONE


@mutant("stream/equivalence", may_fail=("stream/present", "stream/incremental"), profile="quick")
class StreamsPairs(_Grouped):
    """Streams two tokens at a time, and loses one without a partner."""


@mutant("stream/equivalence", may_fail=("stream/present", "stream/incremental"), profile="quick")
class StreamsEights(_Grouped):
    """Streams eight tokens at a time, and loses what is left over."""

    size = 8


@mutant("stream/done", quick=True)
class DropsDone(Conforming):
    """Ends without the marker."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from map(frame, events)


@mutant("stream/done", profile="quick")
class SendsDoneTwice(Conforming):
    """Ends twice."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from super().stream_events(events)
        yield DONE


@mutant("stream/done", profile="quick")
class SendsMoreAfterDone(Conforming):
    """Counts tokens when all is over."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from super().stream_events(events)
        yield frame({"response": "", "usage": {"completion_tokens": 1}})


@mutant("stream/done", profile="quick")
class SendsDoneFirst(Conforming):
    """Says that it has ended before it begins."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield DONE
        yield from map(frame, events)


@mutant("stream/done", profile="quick")
class CutsTheBlankLineAfterDone(Conforming):
    """Ends with a line that is no whole event, so that a strict client misses the marker."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from map(frame, events)
        yield DONE[:-2]


@mutant("stream/complete", may_fail=("stream/done",))
class CutsTheLastEvent(Conforming):
    """Ends in the middle of an event, which a client has to throw away."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        whole = b"".join(map(frame, events))
        yield whole[:-8]


@mutant("stream/complete", may_fail=("stream/done",))
class BreaksStreamsOff(Conforming):
    """Fails in the middle of a stream and closes the connection."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield frame(next(events))
        raise ConnectionError("the engine is gone")


@mutant("stream/payload", may_fail=("stream/event/type", "stream/equivalence"), profile="quick")
class SendsEventsThatAreNoJson(Conforming):
    """Sends bare text as data."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for payload in events:
            yield b"data: " + str(payload.get("response", "")).encode().replace(b"\n", b" ") + b"\n\n"
        yield DONE


@mutant("stream/payload", profile="quick")
class SendsOneEventThatIsNoJson(Conforming):
    """Sends a statistic behind the text that is Python rather than JSON."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from map(frame, events)
        yield b"data: {'tokens': 8}\n\n"
        yield DONE


@mutant("stream/payload", profile="quick")
class SendsNaNInStreams(Conforming):
    """Writes NaN into its events."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from map(frame, ({**payload, "logprob": float("nan")} for payload in events))
        yield DONE


@mutant("stream/event/type")
class SendsArraysInStreams(Conforming):
    """Sends each event as an array."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from map(frame, ([payload] for payload in events))
        yield DONE


@mutant("stream/event/type", profile="quick")
class SendsTextInStreams(Conforming):
    """Sends each event as a JSON string."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from map(frame, (payload.get("response", "") for payload in events))
        yield DONE


@mutant("stream/event/response/type", may_fail=("stream/equivalence",))
class SendsDigitsAsNumbersInStreams(Careless):
    """Sends a token of digits as a number, in streams only."""

    words = ("It is ", "42", ".")

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for payload in events:
            text = payload["response"]
            yield frame({**payload, "response": int(text) if text.isdigit() else text})
        yield DONE


@mutant("stream/event/response/type", profile="quick")
class SendsNullAtTheEnd(Conforming):
    """Sends null for the text of the last event."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from map(frame, events)
        yield frame({"response": None, "finished": True})
        yield DONE


@mutant("stream/event/type", profile="quick")
class SendsNullEvents(Conforming):
    """Keeps the connection alive with null."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield frame(None)
        yield from super().stream_events(events)


@mutant("stream/utf-8", may_fail=("stream/payload", "stream/equivalence"))
class CutsCharactersInStreams(Careless):
    """Sends the bytes of a character in two events, as its tokens have them."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield b'data: {"response":"\xf0\x9f"}\n\n'
        yield b'data: {"response":"\x97\xbc"}\n\n'
        yield from super().stream_events(events)


@mutant("stream/utf-8", may_fail=("stream/equivalence",), profile="quick")
class StreamsLatin1(Careless):
    """Writes its stream in another encoding than UTF-8."""

    words = ("caf", "é")

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for data in super().stream_events(events):
            yield data.decode().encode("latin-1", "replace")


@mutant("stream/unique-keys", profile="quick")
class WritesKeysTwiceInStreams(Conforming):
    """Writes response twice in one event."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield b'data: {"response":"","response":""}\n\n'
        yield from super().stream_events(events)


@mutant("stream/error", profile="quick")
class SendsErrorsInsideStreams(Conforming):
    """Fails in the middle of a stream and says so in an event."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield frame(next(events))
        yield frame(failure(3040, "AiError: out of capacity"))
        yield DONE


@mutant("stream/error", profile="quick")
class SendsBareErrorsInsideStreams(Conforming):
    """Fails in the middle of a stream and says so as another API does, without a marker."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield frame(next(events))
        yield frame({"error": {"message": "the engine is gone", "type": "server_error"}})
        yield DONE


@mutant("stream/present", profile="quick")
class StreamsUnderAnotherName(Conforming):
    """Sends the text as choices of deltas, as another API does."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for payload in events:
            yield frame({"choices": [{"index": 0, "delta": {"content": payload.get("response", "")}}]})
        yield DONE


@mutant("stream/present", "stream/equivalence")
class StreamsNothing(Conforming):
    """Sends the marker alone."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield DONE


@mutant("stream/payload", may_fail=("stream/done", "stream/present", "stream/complete"), profile="quick")
class StreamsAnEmptyBody(Conforming):
    """Sends no byte."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield b""


@mutant("stream/present", may_fail=("stream/event/*",), profile="quick")
class StreamsEnvelopes(Conforming):
    """Wraps every event of a stream in the REST envelope."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from map(frame, map(envelope, events))
        yield DONE


@mutant("http/status", profile="quick")
class SaysAcceptedOfStreams(Conforming):
    """Answers a stream with 202."""

    def stream_response(self, events: Events) -> Response:
        return reply(b"".join(self.stream_events(events)), 202, "text/event-stream")


@mutant("stream/done", profile="quick")
class DropsDoneOfMessages(Conforming):
    """Ends without the marker where it was asked with messages."""

    def answer(self, body: Any) -> Response:
        response = super().answer(body)
        if body.get("stream") is True and "messages" in body:
            return reply(b"".join(map(frame, self.run(body))), media_type="text/event-stream")
        return response


@mutant("stream/event/tool_calls/items/arguments/type")
class StreamsArgumentsInPieces(Conforming):
    """Streams the arguments of a call as pieces of JSON text; shows only where a stream calls tools."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        for payload in events:
            if "tool_calls" not in payload:
                yield frame(payload)
                continue
            for call in payload["tool_calls"]:
                for piece in ('{"ci', 'ty":', '"x"}'):
                    yield frame({"response": "", "tool_calls": [{**call, "arguments": piece}]})
        yield DONE
