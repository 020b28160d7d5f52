"""Servers that answer in another way, and legally."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from mutants.conforming import Careless, Conforming, dump, envelope, reply
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response, StreamingResponse

from variants.registry import variant


class Enveloped(Conforming):
    """Writes the envelope in a way of its own."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return self.write(envelope(answer))

    def write(self, value: dict[str, Any]) -> Response:
        """The response that carries an answer in its usual envelope."""
        raise NotImplementedError


@variant()
class AddsKeys(Enveloped):
    """Says more than is documented, in the result and around it."""

    def write(self, value: dict[str, Any]) -> Response:
        value["result"] = {**value["result"], "finish_reason": "stop", "tool_calls_count": 0, "created": 1.7e9}
        return reply({**value, "result_info": None, "trace": {"id": "a", "ms": 1e-3}})


@variant()
class SendsInfos(Enveloped):
    """Has something to say under messages."""

    def write(self, value: dict[str, Any]) -> Response:
        return reply({**value, "messages": [{"code": 10, "message": "deprecated"}, "and a text"]})


@variant()
class OrdersKeysOtherwise(Enveloped):
    """Writes the result last."""

    def write(self, value: dict[str, Any]) -> Response:
        return reply(dict(reversed(value.items())))


@variant()
class WritesPrettyJson(Careless, Enveloped):
    """Escapes what is not ASCII, and writes white space all around."""

    words = ("灯台", " 🗼", "\u2028\u0000\n")

    def write(self, value: dict[str, Any]) -> Response:
        return reply(b"\r\n\t " + dump(value, ensure_ascii=True, indent=4) + b"\n\n")


@variant()
class SendsAnswersInChunks(Enveloped):
    """Sends its answer chunk by chunk, without a Content-Length, and with a charset."""

    def write(self, value: dict[str, Any]) -> Response:
        data = dump(value)

        async def pieces() -> Any:
            for start in range(0, len(data), 7):
                yield data[start : start + 7]

        return StreamingResponse(pieces(), headers={"content-type": 'application/json; charset="UTF-8"'})


@variant()
class LabelsInCapitals(Enveloped):
    """Spells its media type in capitals."""

    def write(self, value: dict[str, Any]) -> Response:
        return reply(value, media_type="Application/JSON ; Charset=utf-8")


@variant()
class ClosesEveryConnection(Enveloped):
    """Keeps no connection."""

    def write(self, value: dict[str, Any]) -> Response:
        response = reply(value)
        response.headers["connection"] = "close"
        return response


@variant()
class CompressesOnlyIfAsked(Conforming):
    """Sends gzip to those who accept it."""

    def app(self) -> Any:
        app = super().app()
        app.add_middleware(GZipMiddleware, minimum_size=1)
        return app


@variant()
class NeverCallsTools(Careless):
    """Answers with text, whatever tools it is offered."""


@variant()
class SendsEmptyToolCalls(Enveloped):
    """Says that it calls no tool, and counts nothing."""

    def write(self, value: dict[str, Any]) -> Response:
        return reply({**value, "result": {"tool_calls": [], "response": value["result"]["response"]}})


CALL = {"name": "get_weather", "arguments": {"city": "Paris"}}


class Calling(Conforming):
    """Calls a tool whenever it may."""

    call: ClassVar[Mapping[str, Any]] = CALL

    def run(self, body: Mapping[str, Any]) -> Any:
        streamed = body.get("stream") is True
        if not (body.get("tools") and "messages" in body):
            return super().run(body)
        return iter([self.streamed()]) if streamed else self.whole()

    def streamed(self) -> dict[str, Any]:
        """The one event of a stream."""
        return {"response": "", "tool_calls": [self.call]}

    def whole(self) -> dict[str, Any]:
        """The whole answer."""
        return {"response": "", "tool_calls": [self.call]}


@variant()
class AlwaysCallsTools(Calling):
    """Calls a tool whenever it is offered one."""


@variant(quick=True)
class SendsNullBesideToolCalls(Calling):
    """Sends null for a text that there is none of, as the documented API does."""

    def streamed(self) -> dict[str, Any]:
        return {"response": None, "tool_calls": [self.call]}

    def whole(self) -> dict[str, Any]:
        return {"response": None, "tool_calls": [self.call]}


@variant()
class SendsToolCallsAlone(Calling):
    """Sends no response beside tool calls."""

    def streamed(self) -> dict[str, Any]:
        return {"tool_calls": [self.call]}

    def whole(self) -> dict[str, Any]:
        return {"tool_calls": [self.call]}


@variant()
class SendsToolCallsOfTheNestedShape(Calling):
    """Sends calls with what the page says of them, and beside it what other clients look for."""

    call: ClassVar = {
        "name": "get_weather",
        "arguments": {"city": "Paris"},
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
    }


@variant()
class AnswersWithOneToken(Careless):
    """Has little to say."""

    words = ("Hi",)


@variant()
class AnswersWithNothing(Careless):
    """Has nothing to say, and says that."""

    words = ()


@variant()
class AnswersWithUnusualText(Careless):
    """Begins with white space, and goes on with what breaks careless clients."""

    words = ("\n\n  ", "👩‍👩‍👧‍👦", "\u202e ", "data: [DONE]\n\n", "\ufeff", '{"success": false}', "</s>")


@variant()
class AnswersAtLength(Careless):
    """Goes on for a hundred kilobytes."""

    words = ("word " * 20_000,)


@variant()
class SpeaksOfErrors(Careless):
    """Answers with words that are those of an error, and is none."""

    words = ("error: ", "the context window is exceeded, ", "too many tokens")

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply(envelope({**answer, "error": None, "errors": []}))
