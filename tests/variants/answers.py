"""Servers that answer in another way, and legally."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from mutants.conforming import Careless, Conforming, Laconic, dump, envelope, reply
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response, StreamingResponse

from infercheck.runners.reference.template import is_prompt
from variants.engines import Generating, Steps
from variants.registry import variant

NOTHING = ("default/*", "effect/*", "isolation/*", "robust/disconnect", "stream/incremental")
"""What takes an answer with something in it."""


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

    def run(self, body: Mapping[str, Any]) -> Any:
        return super().run(body if is_prompt(body) else {**body, "tools": []})


class Calling(Conforming):
    """Calls a tool whenever it may."""

    arguments: ClassVar[Mapping[str, Any]] = {"city": "Paris"}

    def run(self, body: Mapping[str, Any]) -> Any:
        if is_prompt(body) or not body.get("tools"):
            return super().run(body)
        tool = body["tools"][0]
        call = self.call(tool["name"] if isinstance(tool.get("name"), str) else tool["function"]["name"])
        return iter([self.streamed(call)]) if body.get("stream") is True else self.whole(call)

    def call(self, name: str) -> dict[str, Any]:
        """A call of a tool."""
        return {"name": name, "arguments": self.arguments}

    def streamed(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """The one event of a stream."""
        return {"response": "", "tool_calls": [call]}

    def whole(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """The whole answer."""
        return {"response": "", "tool_calls": [call]}


@variant()
class AlwaysCallsTools(Calling):
    """Calls a tool whenever it is offered one."""


@variant()
class SendsNullBesideToolCalls(Calling):
    """Sends null for a text that there is none of, as the documented API does."""

    def streamed(self, call: Mapping[str, Any]) -> dict[str, Any]:
        return {"response": None, "tool_calls": [call]}

    def whole(self, call: Mapping[str, Any]) -> dict[str, Any]:
        return {"response": None, "tool_calls": [call]}


@variant()
class SendsToolCallsAlone(Calling):
    """Sends no response beside tool calls."""

    def streamed(self, call: Mapping[str, Any]) -> dict[str, Any]:
        return {"tool_calls": [call]}

    def whole(self, call: Mapping[str, Any]) -> dict[str, Any]:
        return {"tool_calls": [call]}


@variant()
class SendsToolCallsOfTheNestedShape(Calling):
    """Sends calls with what the page says of them, and beside it what other clients look for."""

    def call(self, name: str) -> dict[str, Any]:
        nested = {"name": name, "arguments": '{"city": "Paris"}'}
        return {**super().call(name), "id": "call_1", "type": "function", "function": nested}


@variant(undecided=NOTHING)
class AnswersWithNothing(Laconic):
    """Has nothing to say, and says that."""

    words = ()


@variant()
class AnswersWithUnusualText(Careless):
    """Begins with white space, and goes on with what breaks careless clients."""

    words = ("\n\n  ", "👩‍👩‍👧‍👦", "\u202e ", "data: [DONE]\n\n", "\ufeff", "</s>", '{"success": false}')


@variant()
class AnswersAtLength(Generating):
    """Has long tokens: says a hundred kilobytes in 256 of them."""

    class Engine(Steps):
        """Repeats."""

        def polish(self, pieces: Iterator[str]) -> Iterator[str]:
            return (piece * 130 for piece in pieces)


@variant()
class SpeaksOfErrors(Careless):
    """Answers with words that are those of an error, and is none."""

    words = ("error: ", "the context window is exceeded, ", "too many tokens")

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply(envelope({**answer, "error": None, "errors": []}))
