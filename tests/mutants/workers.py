"""Workers, which send the bare answer and refuse with any status but success, and do not do so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from starlette.responses import Response, StreamingResponse

from infercheck.runners.engine import Refusal
from mutants.conforming import DONE, Worker, dump, envelope, failure, frame, reply
from mutants.registry import mutant

Events = Iterator[Mapping[str, Any]]


@mutant("output/present", dialect="worker", profile="quick")
class WorkerPutsAnswersInAnEnvelope(Worker):
    """Sends the envelope of the REST API."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply(envelope(answer))


@mutant("output/type", dialect="worker", profile="quick")
class WorkerSendsTheTextAlone(Worker):
    """Sends the text of an answer as a JSON string."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply(answer["response"])


@mutant("output/json", "output/media-type", may_fail=("output/type",), dialect="worker", profile="quick")
class WorkerSendsPlainText(Worker):
    """Sends the text of an answer as text, as `new Response(answer.response)` does."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply(answer["response"].encode(), media_type="text/plain;charset=UTF-8")


@mutant("output/media-type", dialect="worker", profile="quick")
class WorkerLabelsJsonAsText(Worker):
    """Sends JSON as text, as `new Response(JSON.stringify(answer))` does."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply(answer, media_type="text/plain;charset=UTF-8")


@mutant("output/json", "output/media-type", dialect="worker", profile="quick")
class WorkerSendsObjectObject(Worker):
    """Sends what becomes of an object that nobody made JSON of."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply(b"[object Object]", media_type="text/plain;charset=UTF-8")


@mutant("output/type", dialect="worker", profile="quick")
class WorkerEncodesAnswersTwice(Worker):
    """Makes JSON of what is JSON already, as `Response.json(JSON.stringify(answer))` does."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply(dump(answer).decode())


@mutant("stream/media-type", dialect="worker", profile="quick", quick=True)
class WorkerAnswersStreamsAsJson(Worker):
    """Does not pass stream on, and answers with one document."""

    def answer(self, body: Any) -> Response:
        self.validate(body)
        return self.success_response(self.run({**body, "stream": False}))


@mutant("stream/media-type", dialect="worker", profile="quick")
class WorkerMakesJsonOfStreams(Worker):
    """Makes JSON of a stream as of any answer, which leaves an empty object."""

    def stream_response(self, events: Events) -> Response:
        return reply({})


@mutant("stream/media-type", dialect="worker", profile="quick")
class WorkerLabelsNoStream(Worker):
    """Returns the stream without the header that the page's snippet has."""

    def stream_response(self, events: Events) -> Response:
        return Response(b"".join(self.stream_events(events)))


@mutant("stream/present", dialect="worker", may_fail=("stream/event/*",), profile="quick")
class WorkerStreamsEnvelopes(Worker):
    """Wraps every event of its stream in the envelope of the REST API, and its answers in none."""

    def stream_events(self, events: Events) -> Iterator[bytes]:
        yield from map(frame, map(envelope, events))
        yield DONE


@mutant("error/status", dialect="worker", profile="quick")
class WorkerCatchesErrorsAndSaysSuccess(Worker):
    """Catches what the binding throws, and sends it with the status of an answer."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply({"error": f"{refusal.code}: {refusal.message}"})


@mutant("error/status", dialect="worker", profile="quick")
class WorkerHandsErrorsOnWithSuccess(Worker):
    """Hands on the body of the REST API's refusal, and not its status."""

    def error_response(self, refusal: Refusal) -> Response:
        return reply(failure(refusal.code, refusal.message))


@mutant("input/*/top_k/*", "input/*/seed/*", dialect="worker")
class WorkerReadsOnlyWhatItNeeds(Worker):
    """Passes on what the page's snippet passes on, so that whatever else is wrong with a body goes by."""

    def validate(self, body: Any) -> None:
        if isinstance(body, dict):
            body = {name: value for name, value in body.items() if name not in ("top_k", "seed")}
        super().validate(body)


@mutant("http/malformed-json", "http/non-finite", dialect="worker")
class WorkerTakesBadJsonForNothing(Worker):
    """Reads a body with `.catch(() => ({}))`, and asks its one question where it has none."""

    def parse_body(self, raw: bytes) -> Any:
        try:
            return super().parse_body(raw)
        except Refusal:
            return {"prompt": "Tell me a joke."}


@mutant("http/answer", dialect="worker")
class WorkerBreaksAnswersOff(Worker):
    """Is cut off at its limit of time in the middle of an answer."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        data = dump(answer)

        async def half() -> Any:
            yield data[: len(data) // 2]
            raise ConnectionError("out of time")

        return StreamingResponse(half(), media_type="application/json")


@mutant("stream/media-type", dialect="auto", profile="quick")
class AnswersBareAndStreamsAsJson(Worker):
    """Answers bare, so that it shows itself to be a Worker, and labels its streams as JSON."""

    def stream_response(self, events: Events) -> Response:
        return reply(b"".join(self.stream_events(events)))
