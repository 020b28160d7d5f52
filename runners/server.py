"""An engine behind the documented HTTP API.

`Api` is one request's way in small steps, each a method that a subclass may replace: `authorize`,
`find_model`, `read_body`, `parse_body`, `validate`, `run`, then `success_response`, `stream_response` (by
`stream_events`) or `error_response`. Statuses and codes are those that the hosted API is seen to send.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import math
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import chain, islice
from typing import Any

import jsonschema_rs
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from infercheck.runners.engine import Engine, Refusal

NO_ROUTE = 7000
WRONG_METHOD = 7001
NO_ACCOUNT = 7003
AUTHENTICATION = 10000
BAD_INPUT = 5006
NO_MODEL = 5007
TOO_LARGE = 3006
INTERNAL = 5000  # no published code fits; hosted clients only ever see a number here

DEFAULT_MODEL = "@cf/mistral/mistral-7b-instruct-v0.2-lora"

_PATIENCE = 0.001
_MOST_FRAMES = 32
_MOST_ERRORS = 10
_MOST_VALUES = 1000
_SURROGATE = re.compile(rb"\\u[dD][89abcdefABCDEF]")
_TYPE_NAMES = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


class EdgeRefusal(Refusal):
    """A refusal by the API's edge, before Workers AI: authentication, routing, method."""

    def __init__(self, status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, code, message)
        self.headers = dict(headers or {})


class Api:
    """Serves `engine` at POST /client/v4/accounts/{account}/ai/run/{model}.

    `input_schema` is the contract's; `token` the bearer token to ask for (none: no authentication);
    `account` the only account id that is served (none: any).
    """

    body_limit = 16 * 2**20
    """Longest body that is read, in bytes."""

    def __init__(
        self,
        engine: Engine,
        *,
        input_schema: dict[str, Any],
        token: str | None = None,
        model: str = DEFAULT_MODEL,
        account: str | None = None,
    ) -> None:
        self.engine = engine
        self.token = token
        self.model = model
        self.account = account
        self.validator = jsonschema_rs.Draft202012Validator(input_schema)

    def app(self) -> Starlette:
        """Return the ASGI application."""
        app = Starlette(
            routes=[
                Route("/client/v4/accounts/{account}/ai/run/{model:path}", self.handle, methods=["POST"]),
            ],
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
            # Off the loop: a body of megabytes, a long answer or a slow engine holds up nobody else.
            return await run_in_threadpool(self.respond, raw)
        except Refusal as refusal:
            return self.error_response(refusal)

    def authorize(self, request: Request) -> None:
        """Refuse a request without the token, where there is one."""
        if self.token is None:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given, wanted = token.strip().encode("latin-1", "replace"), self.token.encode()
        if scheme.lower() != "bearer" or not hmac.compare_digest(given, wanted):
            raise EdgeRefusal(401, AUTHENTICATION, "Authentication error", {"www-authenticate": "Bearer"})

    def find_model(self, request: Request) -> None:
        """Refuse another account or model than the one served."""
        if self.account is not None and request.path_params["account"] != self.account:
            message = "Could not route to this account, perhaps your object identifier is invalid?"
            raise EdgeRefusal(404, NO_ACCOUNT, message)
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

    def run(self, body: Mapping[str, Any]) -> Mapping[str, Any] | Iterator[Mapping[str, Any]]:
        """Ask the engine. A stream comes back begun, so that what is refused is no stream."""
        answer = self.engine.answer(body)
        if isinstance(answer, Mapping):
            return answer
        events = iter(answer)
        return chain(list(islice(events, 1)), events)

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        """Put an answer in the REST envelope."""
        return _json(200, {"result": answer, "success": True, "errors": [], "messages": []})

    def error_response(self, refusal: Refusal) -> Response:
        """Put a refusal in the envelope: the edge's has no result, that of Workers AI an empty one."""
        at_edge = isinstance(refusal, EdgeRefusal)
        envelope: dict[str, Any] = {
            "result": None if at_edge else {},
            "success": False,
            "errors": [{"code": refusal.code, "message": refusal.message}],
            "messages": [],
        }
        return _json(refusal.status, envelope, refusal.headers if isinstance(refusal, EdgeRefusal) else None)

    def stream_events(self, events: Iterator[Mapping[str, Any]]) -> Iterator[bytes]:
        """Yield the bytes of each server-sent event, `[DONE]` last."""
        for payload in events:
            yield b"data: " + _dump(payload) + b"\n\n"
        yield b"data: [DONE]\n\n"

    def stream_response(self, events: Iterator[Mapping[str, Any]]) -> Response:
        """Send events as they come, each a chunk of its own; a client that leaves ends the generation."""
        headers = {"content-type": "text/event-stream", "cache-control": "no-cache"}
        return StreamingResponse(_pump(self.stream_events(events)), headers=headers)

    async def _on_http_error(self, request: Request, error: Exception) -> Response:
        """Say in the edge's words what Starlette's router found."""
        if isinstance(error, HTTPException) and error.status_code == 405:
            message = f"{request.method} method not allowed for this endpoint"
            return self.error_response(EdgeRefusal(405, WRONG_METHOD, message, error.headers))
        return self.error_response(EdgeRefusal(404, NO_ROUTE, "No route for that URI"))

    async def _on_fault(self, request: Request, error: Exception) -> Response:
        """Hide a fault of the engine from the client; Starlette raises it again, for the log."""
        return self.error_response(Refusal(500, INTERNAL, "AiError: Internal error"))


async def _pump(frames: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Drive a blocking iterator from the loop.

    What comes within a millisecond comes together, since a thread costs more than a fast engine's token; a
    slow engine's tokens come one by one.
    """
    try:
        while True:
            ready, error = await run_in_threadpool(_pull, frames)
            for frame in ready:
                yield frame
                await asyncio.sleep(0)  # else a lost connection is noticed only after the batch
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error  # the stream breaks off: to end it well would call half an answer whole
    finally:
        if (close := getattr(frames, "close", None)) is not None:
            close()


def _pull(frames: Iterator[bytes]) -> tuple[list[bytes], Exception | None]:
    """Return the next few frames, and how the iterator ended if it did."""
    ready: list[bytes] = []
    deadline = time.monotonic() + _PATIENCE
    try:
        while len(ready) < _MOST_FRAMES:
            ready.append(next(frames))
            if time.monotonic() > deadline:
                break
    except Exception as error:  # carried to the loop, raised there
        return ready, error
    return ready, None


def describe(validator: jsonschema_rs.Draft202012Validator, body: Any) -> str:
    """Say what is wrong with an invalid body, in the manner of the hosted API's own validator."""
    if not _is_small(body):  # the errors of an array of millions would take minutes to make
        return "oneOf at '/' not met"
    heads: list[str] = []
    leaves: list[str] = []
    pending = list(validator.iter_errors(body))
    while pending and len(leaves) < _MOST_ERRORS:
        error = pending.pop(0)
        place = "'/" + "/".join(map(str, error.instance_path))[:100] + "'"
        if error.schema_path[-1] == "oneOf":
            branches = getattr(error.kind, "context", [])
            heads.append(f"oneOf at {place} not met, {sum(not branch for branch in branches)} matches")
            pending.extend(chain.from_iterable(branches))
        else:
            leaves.append(_describe_leaf(error, place))
    return ": ".join(filter(None, (", ".join(heads), ", ".join(leaves))))


def _describe_leaf(error: jsonschema_rs.ValidationError, place: str) -> str:
    keyword, kind = error.schema_path[-1], error.kind
    limit = getattr(kind, "limit", None)
    match keyword:
        case "required":
            return f"required properties at {place} are '{getattr(kind, 'property', '')}'"
        case "type":
            wanted = ",".join(getattr(kind, "types", ()))
            return f"Type mismatch of {place}, '{wanted}' not in '{_type_name(error.instance)}'"
        case "minLength" | "maxLength":
            return f"Length of {place} must be {'>=' if keyword == 'minLength' else '<='} {limit}"
        case "minimum" | "maximum":
            return f"{place} must be {'>=' if keyword == 'minimum' else '<='} {limit}"
        case _:
            return f"{keyword} at {place} not met"


def _type_name(value: Any) -> str:
    for kind, name in _TYPE_NAMES:
        if isinstance(value, kind):
            return name
    return "null"


def _is_small(body: Any) -> bool:
    """Tell whether a JSON value has at most `_MOST_VALUES` values in it."""
    pending, count = [body], 0
    while pending:
        value = pending.pop()
        count += 1
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        if count + len(children) > _MOST_VALUES:
            return False
        pending.extend(children)
    return True


def _finite(literal: str) -> float:
    value = float(literal)
    if math.isinf(value):
        raise ValueError("number out of range")
    return value


def _refuse_constant(literal: str) -> None:
    raise ValueError(f"{literal} is no JSON")


def _dump(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")  # a lone surrogate must not become bytes that are no UTF-8


def _json(status: int, value: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(_dump(value), status, headers, media_type="application/json")
