"""Servers whose answers, not streamed, are not what the page and the envelope say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from starlette.responses import Response, StreamingResponse

from mutants.conforming import Careless, Conforming, dump, envelope, reply
from mutants.registry import mutant


class Enveloped(Conforming):
    """Puts its answers in an envelope of its own."""

    changes: ClassVar[Mapping[str, Any]] = {}

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply(envelope(self.result(answer), **self.changes))

    def result(self, answer: Mapping[str, Any]) -> Any:
        """What stands under result."""
        return answer


@mutant("envelope/result")
class LacksTheEnvelope(Conforming):
    """Sends the answer bare, as a Worker would."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply(answer)


@mutant("envelope/result", profile="quick")
class LacksResult(Enveloped):
    """Sends the envelope without the answer."""

    changes: ClassVar = {"result": ...}


@mutant("envelope/success", profile="quick")
class LacksSuccess(Enveloped):
    """Does not say whether it is a success."""

    changes: ClassVar = {"success": ...}


@mutant("envelope/success", profile="quick")
class SaysSuccessAsText(Enveloped):
    """Says success: "true"."""

    changes: ClassVar = {"success": "true"}


@mutant("envelope/success", may_fail=("error/status",))
class SaysFalseOnSuccess(Enveloped):
    """Answers, with a result and without errors, and says success: false."""

    changes: ClassVar = {"success": False}


@mutant("envelope/errors", profile="quick")
class LacksErrors(Enveloped):
    """Sends no list of errors."""

    changes: ClassVar = {"errors": ...}


@mutant("envelope/errors", profile="quick")
class HasErrorsOnSuccess(Enveloped):
    """Sends an error beside the answer."""

    changes: ClassVar = {"errors": [{"code": 1, "message": "a warning"}]}


@mutant("envelope/messages", profile="quick")
class LacksMessages(Enveloped):
    """Sends no list of messages."""

    changes: ClassVar = {"messages": ...}


@mutant("envelope/messages", profile="quick")
class SendsNullMessages(Enveloped):
    """Sends null for an empty list of messages."""

    changes: ClassVar = {"messages": None}


@mutant("output/type", profile="quick")
class SendsResultAsText(Enveloped):
    """Puts the text itself under result."""

    def result(self, answer: Mapping[str, Any]) -> Any:
        return answer["response"]


@mutant("output/type", profile="quick")
class SendsResultAsList(Enveloped):
    """Puts a list of one answer under result."""

    def result(self, answer: Mapping[str, Any]) -> Any:
        return [answer]


@mutant("output/present", profile="quick")
class SendsAnswersUnderAnotherName(Enveloped):
    """Calls the response generated_text."""

    def result(self, answer: Mapping[str, Any]) -> Any:
        return {"generated_text": answer["response"]}


class Responding(Enveloped):
    """Changes the response and nothing else."""

    def result(self, answer: Mapping[str, Any]) -> Any:
        return {**answer, "response": self.response(answer["response"])}

    def response(self, text: str) -> Any:
        """What stands under response."""
        raise NotImplementedError


@mutant("output/response/type", quick=True, profile="quick")
class SendsNumbersForText(Responding):
    """Sends a number for every text."""

    def response(self, text: str) -> Any:
        return len(text)


@mutant("output/response/type", profile="quick")
class SendsNullForText(Responding):
    """Sends null for a text, without tool calls."""

    def result(self, answer: Mapping[str, Any]) -> Any:
        return {"response": None}


@mutant("output/response/type", profile="quick")
class SendsListsForText(Responding):
    """Sends the text as a list of parts."""

    def response(self, text: str) -> Any:
        return [{"type": "text", "text": text}]


@mutant("output/response/type", profile="quick")
class SendsObjectsForText(Responding):
    """Sends an object for every text, as if its client had asked for JSON."""

    def response(self, text: str) -> Any:
        return {"text": text}


class Calling(Conforming):
    """Changes tool calls, streamed and not."""

    def run(self, body: Mapping[str, Any]) -> Mapping[str, Any] | Iterator[Mapping[str, Any]]:
        answer = super().run(body)
        if isinstance(answer, Mapping):
            return self._changed(answer)
        return map(self._changed, answer)

    def _changed(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**answer, "tool_calls": self.calls(answer["tool_calls"])} if "tool_calls" in answer else answer

    def calls(self, calls: list[dict[str, Any]]) -> Any:
        """What stands under tool_calls."""
        raise NotImplementedError


@mutant("output/whole-tool-calls", "stream/whole-tool-calls")
class NestsToolCalls(Calling):
    """Sends name and arguments inside a function, where clients of this page do not look."""

    def calls(self, calls: Any) -> Any:
        return [
            {
                "id": "call_1",
                "type": "function",
                "function": {**call, "arguments": dump(call["arguments"]).decode()},
            }
            for call in calls
        ]


@mutant("output/tool_calls/type", "stream/event/tool_calls/type")
class SendsToolCallsAsAnObject(Calling):
    """Sends the one call instead of a list of one; shows only where tools are called."""

    def calls(self, calls: list[dict[str, Any]]) -> Any:
        return calls[0]


@mutant("output/tool_calls/items/type", "stream/event/tool_calls/items/type")
class SendsToolCallsAsText(Calling):
    """Sends each call as a text."""

    def calls(self, calls: list[dict[str, Any]]) -> Any:
        return [dump(call).decode() for call in calls]


@mutant("output/tool_calls/items/arguments/type", "stream/event/tool_calls/items/arguments/type")
class SendsArgumentsAsText(Calling):
    """Sends the arguments of a call as a string of JSON, as another API does."""

    def calls(self, calls: list[dict[str, Any]]) -> Any:
        return [{**call, "arguments": dump(call["arguments"]).decode()} for call in calls]


@mutant("output/tool_calls/items/name/type", "stream/event/tool_calls/items/name/type")
class SendsToolNamesAsNull(Calling):
    """Calls a tool without saying which."""

    def calls(self, calls: list[dict[str, Any]]) -> Any:
        return [{**call, "name": None} for call in calls]


@mutant("output/tool_calls/items/arguments/type")
class SendsArgumentsAsTextUnlessStreamed(SendsArgumentsAsText):
    """Sends the arguments as a string of JSON where it does not stream."""

    def run(self, body: Mapping[str, Any]) -> Mapping[str, Any] | Iterator[Mapping[str, Any]]:
        return Conforming.run(self, body) if body.get("stream") is True else super().run(body)


class Written(Conforming):
    """Writes its answers' bytes in a way of its own."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply(self.write(envelope(answer)))

    def write(self, value: dict[str, Any]) -> bytes:
        """The bytes of an answer."""
        raise NotImplementedError


@mutant("output/json", profile="quick")
class WritesNaN(Written):
    """Writes NaN, which Python calls JSON."""

    def write(self, value: dict[str, Any]) -> bytes:
        return dump(value | {"score": float("nan")})


@mutant("output/json", profile="quick")
class WritesLatin1(Careless, Written):
    """Writes its text in another encoding than UTF-8."""

    words = ("caf", "é")

    def write(self, value: dict[str, Any]) -> bytes:
        return dump(value).decode().encode("latin-1", "replace")


@mutant("output/json", profile="quick")
class WritesUtf16(Written):
    """Writes its text in UTF-16."""

    def write(self, value: dict[str, Any]) -> bytes:
        return dump(value).decode().encode("utf-16")


@mutant("output/json", profile="quick")
class WritesAByteOrderMark(Written):
    """Begins with a byte order mark."""

    def write(self, value: dict[str, Any]) -> bytes:
        return b"\xef\xbb\xbf" + dump(value)


@mutant("output/unique-keys", profile="quick")
class WritesKeysTwice(Written):
    """Writes success twice."""

    def write(self, value: dict[str, Any]) -> bytes:
        return dump(value)[:-1] + b', "success": true}'


@mutant("output/json", profile="quick")
class WritesMoreThanJson(Written):
    """Writes a log line behind the answer."""

    def write(self, value: dict[str, Any]) -> bytes:
        return dump(value) + b"\ndone in 0.1 s"


@mutant("output/json", profile="quick")
class WritesPython(Written):
    """Writes the repr of a dictionary."""

    def write(self, value: dict[str, Any]) -> bytes:
        return repr(value).encode()


@mutant("output/json", profile="quick")
class WritesNothing(Written):
    """Says 200 over an empty body."""

    def write(self, value: dict[str, Any]) -> bytes:
        return b""


@mutant("output/media-type", profile="quick")
class LabelsAnswersAsText(Conforming):
    """Labels its answers as text."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply(envelope(answer), media_type="text/plain; charset=utf-8")


@mutant("output/media-type", profile="quick")
class LabelsNothing(Conforming):
    """Sends no Content-Type."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return Response(dump(envelope(answer)))


@mutant("http/status", profile="quick")
class SaysCreated(Conforming):
    """Answers 201."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply(envelope(answer), 201)


@mutant("default/stream")
class StreamsUnasked(Conforming):
    """Streams whatever it is asked."""

    def answer(self, body: Any) -> Response:
        self.validate(body)
        answer = self.run({**body, "stream": True})
        return self.stream_response(answer)


@mutant("default/stream")
class StreamsWhereStreamIsFalse(Conforming):
    """Looks whether stream is there, not whether it is true."""

    def answer(self, body: Any) -> Response:
        self.validate(body)
        answer = self.run({**body, "stream": True} if "stream" in body else body)
        return self.success_response(answer) if isinstance(answer, Mapping) else self.stream_response(answer)


@mutant("http/answer")
class BreaksAnswersOff(Conforming):
    """Promises more bytes than it sends."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        data = dump(envelope(answer))

        async def half() -> Any:
            yield data[: len(data) // 2]
            raise ConnectionError("the engine is gone")

        return StreamingResponse(half(), media_type="application/json")
