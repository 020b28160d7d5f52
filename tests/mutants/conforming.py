"""A conforming server in small steps, from which broken ones and unusual ones are made."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from fakes import CONTRACT
from starlette.requests import Request
from starlette.responses import Response

from infercheck.runners.engine import Refusal
from infercheck.runners.reference.engine import UNKNOWN_ADAPTER, ReferenceEngine
from infercheck.runners.reference.model import PEAKED, LanguageModel
from infercheck.runners.server import WRONG_METHOD, Api

MODEL = LanguageModel()
"""What servers generate with unless they are given another."""

PEAKED_MODEL = LanguageModel(peak=PEAKED, length=(20, 60))
"""Leaves little to chance, and ends its answers soon."""

ENGINE = ReferenceEngine(model=MODEL)
PEAKED_ENGINE = ReferenceEngine(model=PEAKED_MODEL)
"""Engines hold no state but caches, so that one of each model serves all."""

ENGINES = {MODEL: ENGINE, PEAKED_MODEL: PEAKED_ENGINE}

FLOATS = ("temperature", "top_p", "repetition_penalty", "frequency_penalty", "presence_penalty")
INTEGERS = ("max_tokens", "top_k", "seed")
NUMBERS = (*FLOATS, *INTEGERS)
BOOLEANS = ("raw", "stream")

TOKEN = "infercheck-test-token"
"""The token of servers that know one; the run that judges them is given it as an option."""


class Conforming(Api):
    """Keeps every promise. `change` may edit the input schema; `answer` may do anything."""

    secret: str | None = None
    """The bearer token that is asked for, if any."""

    is_coded: bool = False
    """Whether it compresses its answers, which only a real client unpacks."""

    generator: type[ReferenceEngine] = ReferenceEngine
    """The class of its engine. An engine of another class than the usual is this server's alone."""

    language: LanguageModel = MODEL
    """The model where none is given."""

    def __init__(self, model: LanguageModel | None = None) -> None:
        schema = copy.deepcopy(CONTRACT.input)
        self.change(schema)
        super().__init__(self.make_engine(model), input_schema=schema, token=self.secret)
        self.prepare()

    def change(self, schema: dict[str, Any]) -> None:
        """Edit the schema that requests are judged by."""

    def prepare(self) -> None:
        """Set up what it remembers from one request to the next."""

    def make_engine(self, model: LanguageModel | None = None) -> Any:
        """The engine behind this server."""
        model = model or self.language
        if self.generator is ReferenceEngine and model in ENGINES:
            return ENGINES[model]
        return self.generator(model=model)

    def respond(self, raw: bytes) -> Response:
        return self.answer(self.parse_body(raw))

    def answer(self, body: Any) -> Response:
        """Answer a parsed body."""
        self.validate(body)
        answer = self.run(body)
        return self.success_response(answer) if isinstance(answer, Mapping) else self.stream_response(answer)


class Careless(Conforming):
    """Answers whatever passes its own validation: what the schema allows as the engine does, and what no engine can
    answer with a few words, always the same. A subclass's own words stand before all its answers."""

    words: tuple[str, ...] = ("Hello", " there", ".")

    def run(self, body: Any) -> Mapping[str, Any] | Iterator[Mapping[str, Any]]:
        if is_valid(body):
            opening = () if self.words is Careless.words else self.words
            try:
                answer = super().run(body)
            except Refusal as refusal:
                if refusal.code == UNKNOWN_ADAPTER:
                    raise
            else:
                if isinstance(answer, Mapping):
                    return {**answer, "response": joined((*opening, answer["response"]))}
                return chain([{"response": word} for word in opening], answer)
        return self.say(body)

    def say(self, body: Any) -> Mapping[str, Any] | Iterator[Mapping[str, Any]]:
        """The words and no others."""
        if isinstance(body, Mapping) and body.get("stream") is True:
            return iter([*({"response": word} for word in self.words), {"response": "", "usage": {}}])
        return {"response": joined(self.words)}


class Laconic(Careless):
    """Says its few words and no others, whatever it is asked."""

    def run(self, body: Any) -> Mapping[str, Any] | Iterator[Mapping[str, Any]]:
        return self.say(body)


class Doored(Careless):
    """Looks at every request, whatever its method, before anything is read of it: `meet` may answer it."""

    def app(self) -> Any:
        app = super().app()
        for route in app.routes:
            route.methods |= {"GET", "PUT"}
        return app

    async def handle(self, request: Request) -> Response:
        met = self.meet(request)
        if met is None and request.method == "POST":
            return await super().handle(request)
        await request.body()  # what is left unread may close the connection, or not
        return met or reply(failure(WRONG_METHOD, "method not allowed for this endpoint", result=None), 405)

    def meet(self, request: Request) -> Response | None:
        """The answer to a request that gets no further; None where it may go on."""
        raise NotImplementedError


class Worker(Careless):
    """A Worker such as the page's two: bare answers, and nothing that catches what the model's binding throws."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        return reply(answer)

    def error_response(self, refusal: Refusal) -> Response:
        return Response("error code: 1101", 500, {"content-type": "text/plain; charset=UTF-8"})


def is_valid(body: Any) -> bool:
    """Whether the page's schema allows a body, of whatever kind."""
    try:
        return CONTRACT.oracle.is_valid(body)
    except (RecursionError, ValueError):  # how jsonschema-rs says that it goes no deeper
        return False


def joined(words: Iterable[str]) -> str:
    """One text of several, in which halves of a character that meet are one."""
    return "".join(words).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def branches(schema: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The properties of the prompt's branch and of the messages' branch."""
    prompt, messages = schema["oneOf"]
    return prompt["properties"], messages["properties"]


def message(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of one message."""
    return branches(schema)[1]["messages"]["items"]


def inside(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object in a schema, itself first."""
    if isinstance(schema, dict):
        yield schema
        for value in list(schema.values()):
            yield from inside(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from inside(value)


def envelope(answer: Any, **changes: Any) -> dict[str, Any]:
    """The envelope of an answer; a change to `...` leaves the member out."""
    usual = {"result": answer, "success": True, "errors": [], "messages": [], **changes}
    return {name: value for name, value in usual.items() if value is not ...}


def failure(code: Any = 5006, words: Any = "AiError: Bad input", **changes: Any) -> dict[str, Any]:
    """The envelope of an error; a change to `...` leaves the member out."""
    usual = {"result": {}, "success": False, "errors": [{"code": code, "message": words}], "messages": []}
    return {name: value for name, value in {**usual, **changes}.items() if value is not ...}


def reply(value: Any, status: int = 200, media_type: str = "application/json", **options: Any) -> Response:
    """A response of JSON, or of bytes as they are; options go to `json.dumps`."""
    body = value if isinstance(value, bytes) else dump(value, **options)
    return Response(body, status, {"content-type": media_type})


def dump(value: Any, **options: Any) -> bytes:
    """JSON in UTF-8, characters as they are."""
    return json.dumps(value, **{"ensure_ascii": False, **options}).encode("utf-8", "surrogatepass")


def frame(payload: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + dump(payload) + b"\n\n"


DONE = b"data: [DONE]\n\n"
