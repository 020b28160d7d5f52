"""Targets without a network: each answers as a conforming server would, but for the one thing it is told to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs

from infercheck import jsontext
from infercheck.cases import Request, Token
from infercheck.contract_loader import load
from infercheck.exchange import Answer, Chunk, Failure
from infercheck.runners.engine import Refusal
from infercheck.runners.reference.engine import ReferenceEngine

CONTRACT = load()
ENGINE = ReferenceEngine()
NOT_JSON = "what is no JSON text stands for itself as a text, which no schema of a request allows"
JSON = (("content-type", "application/json"),)
WORDS = {"response": "Hello there"}
SSE = (("content-type", "text/event-stream"),)


def answer(status: int, value: object, headers: tuple[tuple[str, str], ...] = JSON) -> Answer:
    """An answer whose body is a JSON value, or bytes as they are."""
    body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    return Answer(status=status, headers=headers, chunks=(Chunk(data=body, time=0.001),), seconds=0.001)


def success(result: object) -> Answer:
    """The envelope of an answer."""
    return answer(200, {"result": result, "success": True, "errors": [], "messages": []})


def refusal(status: int = 400, message: str = "AiError: Bad input") -> Answer:
    """The envelope of an error."""
    errors = [{"code": 5006, "message": message}]
    return answer(status, {"result": {}, "success": False, "errors": errors, "messages": []})


def events(*payloads: object, done: bool = True) -> bytes:
    """A stream's bytes."""
    lines = [f"data: {json.dumps(payload)}\n\n" for payload in payloads]
    return "".join([*lines, "data: [DONE]\n\n"] if done else lines).encode()


def no_answer(kind: str = "closed") -> Answer:
    """The connection was closed before a status came."""
    return Answer(failure=Failure(kind=kind, message="the connection was closed"))


def stream(data: bytes, status: int = 200) -> Answer:
    """A streamed answer."""
    return answer(status, data, SSE)


@dataclass
class Target:
    """A conforming target. `accepts` decides what is valid; `changes` may answer a request in another way."""

    accepts: Callable[[Any], bool] = field(default=CONTRACT.oracle.is_valid)
    changes: Callable[[Any, Answer], Answer | None] = lambda body, usual: None
    sent: list[Request] = field(default_factory=list)

    async def send(self, request: Request, *, alone: bool = False) -> Answer:
        self.sent.append(request)
        if request.method != "POST":
            return answer(405, b"Method Not Allowed", (("allow", "POST"), ("content-type", "text/plain")))
        if request.model is not None or request.token is not Token.GIVEN:
            return refusal(401 if request.model is None else 404)
        try:
            body = jsontext.parse(request.body).value
            json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is no text
        except (jsontext.NotJSON, UnicodeEncodeError, RecursionError):
            body = NOT_JSON
        usual = self._usual(body)
        changed = self.changes(body, usual)
        return usual if changed is None else changed

    def _usual(self, body: Any) -> Answer:
        if not self.accepts(body):
            return refusal()
        try:
            said = self.say(body)
        except Refusal as refused:
            return refusal(refused.status, refused.message)
        return success(said) if isinstance(said, Mapping) else stream(events(*said))

    def say(self, body: Any) -> Mapping[str, Any] | Iterator[Mapping[str, Any]]:
        """What the model says to a body that is accepted; raises Refusal as an engine does."""
        try:
            return _said(body)
        except Refusal:
            return WORDS


def _said(body: Any) -> Mapping[str, Any] | Iterator[Mapping[str, Any]]:
    # What a conforming target would refuse gets a few words all the same from one that takes it.
    if CONTRACT.oracle.is_valid(body):
        return ENGINE.answer(body)
    if isinstance(body, Mapping) and body.get("stream") is True:
        return iter([{"response": "Hello"}, {"response": " there"}, {"response": "", "usage": {}}])
    return WORDS


def accepting(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    """What a server with another schema takes for valid."""
    return jsonschema_rs.Draft202012Validator(dict(schema)).is_valid
