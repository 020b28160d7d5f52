"""An engine behind the documented HTTP API.

`Api` is one request's way in small steps, each a method that a subclass may replace: `authorize`,
`find_model`, `read_body`, `parse_body`, `validate`, `run`, then `success_response`, `stream_response` (by
`stream_events`) or `error_response`. Statuses and codes are those that the hosted API is seen to send.
"""

from __future__ import annotations

import hmac
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema_rs
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from infercheck.runners.complaints import describe
from infercheck.runners.engine import BAD_INPUT, UNKNOWN_ADAPTER, Engine, Refusal, refusal_of
from infercheck.runners.pump import Begun, ClientLeft, pump, settled, unless_left, while_connected
from infercheck.runners.turns import Turn, Turns, turn_of

NO_ROUTE = 7000
WRONG_METHOD = 7001
AUTHENTICATION = 10000
NO_MODEL = 5007
TOO_LARGE = 3006
INTERNAL = 5000  # no published code fits; hosted clients only ever see a number here

DEFAULT_MODEL = "@cf/mistral/mistral-7b-instruct-v0.2-lora"

_SURROGATE = re.compile(rb"\\u[dD][89abcdefABCDEF]")


class EdgeRefusal(Refusal):
    """A refusal by the API's edge, before Workers AI: authentication, routing, method."""

    def __init__(self, status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, code, message)
        self.headers = dict(headers or {})


class Api:
    """Serves `engine` at POST /client/v4/accounts/{account}/ai/run/{model}.

    `input_schema` is the contract's; `token` the bearer token to ask for (none: no authentication);
    any account id is served. `adapters` are the names that `lora` may take beside
    a `prompt` (none: the engine knows). At most `concurrency` answers are made at once (none: any number); four
    times as many requests wait for their turn, and those beyond are refused with 429.
    """

    route = "/client/v4/accounts/{account}/ai/run/{model:path}"
    """The path that is served, as Starlette writes it."""

    body_limit = 16 * 2**20
    """Longest body that is read, in bytes."""

    def __init__(
        self,
        engine: Engine,
        *,
        input_schema: dict[str, Any],
        token: str | None = None,
        model: str = DEFAULT_MODEL,
        adapters: Sequence[str] | None = None,
        concurrency: int | None = None,
    ) -> None:
        self.engine = engine
        self.token = token
        self.model = model
        self.adapters = adapters
        self.concurrency = concurrency
        self.validator = jsonschema_rs.Draft202012Validator(input_schema)

    def app(self) -> Starlette:
        """Return the ASGI application."""
        most = self.concurrency
        app = Starlette(
            routes=[Route(self.route, self.handle, methods=["POST"])],
            middleware=[Middleware(Turns, most=most, waiting=4 * most)] if most else [],
            exception_handlers={HTTPException: self._on_http_error, Exception: self._on_fault},
        )
        app.router.redirect_slashes = False
        return app

    async def handle(self, request: Request) -> Response:
        """Answer one HTTP request."""
        try:
            self.authorize(request)
            self.find_model(request)
            raw = await self.read_body(request)
            return await while_connected(request, self._respond_in_turn(turn_of(request.scope), raw))
        except Refusal as refusal:
            return self.error_response(refusal)
        except ClientLeft:
            return Response(status_code=499)

    async def _respond_in_turn(self, turn: Turn | None, raw: bytes) -> Response:
        if turn is not None:
            await unless_left(turn.take())
        # Off the loop: a body of megabytes, a long answer or a slow engine holds up nobody else.
        return await run_in_threadpool(self.respond, raw)

    def authorize(self, request: Request) -> None:
        """Refuse a request without the token, where there is one."""
        if self.token is None:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given, wanted = token.strip().encode("latin-1", "replace"), self.token.encode()
        if scheme.lower() != "bearer" or not hmac.compare_digest(given, wanted):
            raise EdgeRefusal(401, AUTHENTICATION, "Authentication error", {"www-authenticate": "Bearer"})

    def find_model(self, request: Request) -> None:
        """Refuse another model than the one served."""
        model = request.path_params["model"]
        if model != self.model:
            raise Refusal(400, NO_MODEL, f"No such model {model[:200]} or task")

    async def read_body(self, request: Request) -> bytes:
        """Read the body, whatever its Content-Type: the page's own curl sends it as form-urlencoded."""
        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size <= self.body_limit:
                    chunks.append(chunk)
                # A client that is answered before it has sent all may see a reset instead of the answer.
                elif size > 4 * self.body_limit:
                    break
        except ClientDisconnect:
            raise Refusal(400, BAD_INPUT, "AiError: Bad input: Error: incomplete body") from None
        if size > self.body_limit:
            raise Refusal(413, TOO_LARGE, f"Request is too large: more than {self.body_limit} bytes")
        return b"".join(chunks)

    def respond(self, raw: bytes) -> Response:
        """Answer a body; runs in a thread of its own."""
        body = self.parse_body(raw)
        self.validate(body)
        self.find_adapter(body)
        answer = self.run(body)
        return self.success_response(answer) if isinstance(answer, Mapping) else self.stream_response(answer)

    def parse_body(self, raw: bytes) -> Any:
        """Read strict JSON, or refuse: no NaN, no invalid UTF-8, nothing that this server cannot hold."""
        try:
            body = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
            if _SURROGATE.search(raw):  # two may make one character; one alone is no text that can be answered
                json.dumps(body, ensure_ascii=False).encode("utf-8")
        except RecursionError:
            raise Refusal(400, BAD_INPUT, "AiError: Bad input: Error: nested too deeply") from None
        except ValueError as error:  # bad UTF-8, bad JSON, numbers out of range, integers of too many digits
            words = str(error).encode("ascii", "replace").decode()[:200]
            raise Refusal(400, BAD_INPUT, f"AiError: Bad input: Error: not JSON: {words}") from None
        return body

    def validate(self, body: Any) -> None:
        """Refuse a body that the input schema does not allow."""
        try:
            if self.validator.is_valid(body):
                return
            words = describe(self.validator, body)
        except (RecursionError, ValueError):  # how jsonschema-rs says that it goes no deeper
            words = "nested too deeply"
        raise Refusal(400, BAD_INPUT, f"AiError: Bad input: Error: {words}")

    def find_adapter(self, body: Any) -> None:
        """Refuse an adapter that is not served. The page declares `lora` for prompts only; elsewhere it is none."""
        name = body.get("lora") if isinstance(body, dict) and isinstance(body.get("prompt"), str) else None
        if self.adapters is not None and isinstance(name, str) and name not in self.adapters:
            raise Refusal(400, UNKNOWN_ADAPTER, f"AiError: LoRA not found: {name[:100]}")

    def run(self, body: Mapping[str, Any]) -> Mapping[str, Any] | Iterator[Mapping[str, Any]]:
        """Ask the engine. A stream comes back begun, so that what is refused is no stream."""
        try:
            answer = settled(self.engine.answer(body))
            return answer if isinstance(answer, Mapping) else Begun(answer)
        except Exception as error:
            if (refusal := refusal_of(error)) is None:
                raise
            raise refusal from error
        except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
            raise RuntimeError(f"the engine raised {type(error).__name__}") from error  # a fault like any other

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        """Put an answer in the REST envelope."""
        return json_response(200, {"result": answer, "success": True, "errors": [], "messages": []})

    def error_response(self, refusal: Refusal) -> Response:
        """Put a refusal in the envelope: the edge's has no result, that of Workers AI an empty one."""
        at_edge = isinstance(refusal, EdgeRefusal)
        envelope: dict[str, Any] = {
            "result": None if at_edge else {},
            "success": False,
            "errors": [{"code": refusal.code, "message": refusal.message}],
            "messages": [],
        }
        return json_response(
            refusal.status, envelope, refusal.headers if isinstance(refusal, EdgeRefusal) else None
        )

    def stream_events(self, events: Iterator[Mapping[str, Any]]) -> Iterator[bytes]:
        """Yield the bytes of each server-sent event, `[DONE]` last."""
        for payload in events:
            yield b"data: " + _dump(payload) + b"\n\n"
        yield b"data: [DONE]\n\n"

    def stream_response(self, events: Iterator[Mapping[str, Any]]) -> Response:
        """Send events as they come, each a chunk of its own; a client that leaves ends the generation."""
        headers = {"content-type": "text/event-stream", "cache-control": "no-cache"}
        return StreamingResponse(pump(self.stream_events(events), events), headers=headers)

    async def _on_http_error(self, request: Request, error: Exception) -> Response:
        """Say in the edge's words what Starlette's router found."""
        if isinstance(error, HTTPException) and error.status_code == 405:
            message = f"{request.method} method not allowed for this endpoint"
            return self.error_response(EdgeRefusal(405, WRONG_METHOD, message, error.headers))
        return self.error_response(EdgeRefusal(404, NO_ROUTE, "No route for that URI"))

    async def _on_fault(self, request: Request, error: Exception) -> Response:
        """Hide a fault of the engine from the client; Starlette raises it again, for the log."""
        return self.error_response(Refusal(500, INTERNAL, "AiError: Internal error"))


def _finite(literal: str) -> float:
    value = float(literal)
    if math.isinf(value):
        raise ValueError("number out of range")
    return value


def _refuse_constant(literal: str) -> None:
    raise ValueError(f"{literal} is no JSON")


def _dump(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Half of a surrogate pair must not become bytes that are no UTF-8; JSON has an escape for it.
    return text.encode("utf-8", "backslashreplace")


def json_response(status: int, value: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Strict JSON, whatever characters an engine's texts have."""
    return Response(_dump(value), status, headers, media_type="application/json")
