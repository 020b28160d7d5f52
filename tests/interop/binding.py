"""Our server behind `env.AI`.

In workerd `env.AI` is the runtime's own code, which fetches from a service in the cloud. Miniflare lets that
service be elsewhere: it sends every request there, the URL and the headers as `MF-…` headers. The body is
`{"inputs", "options"}` and the model a header; what comes back is the bare result, a stream, or an error, whose
code and message the runtime throws.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

from fakes import CONTRACT
from harness import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infercheck.runners.engine import Refusal
from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.server import BAD_INPUT, NO_MODEL, NO_ROUTE, Api
from interop.recording import Recorder

SERVICE = "https://workers-binding.ai/run?version=3"


class Bound(Api):
    """The reference server, spoken to as the runtime speaks. Who may use it is the platform's affair: no token."""

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self.handle, methods=["POST"])])

    def find_model(self, request: Request) -> None:
        if request.headers["mf-url"] != SERVICE:
            raise Refusal(404, NO_ROUTE, "No route for that URI")
        if request.headers["mf-header-cf-consn-model-id"] != self.model:
            raise Refusal(400, NO_MODEL, "No such model or task")

    def parse_body(self, raw: bytes) -> Any:
        body = super().parse_body(raw)
        if "inputs" not in body:  # undefined, and so left out
            raise Refusal(400, BAD_INPUT, "AiError: Bad input: Error: no inputs")
        return body["inputs"]

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        # The runtime parses what is labelled exactly application/json, and hands on the bytes of all else.
        return JSONResponse(dict(answer))


@contextlib.contextmanager
def bound() -> Iterator[tuple[str, Recorder]]:
    """The URL of the service behind `env.AI`, and what is asked of it.

    Miniflare asks for a WebSocket as well, for methods that are not `run`, and does without where there is none.
    """
    recorder = Recorder(Bound(ReferenceEngine(), input_schema=dict(CONTRACT.input)).app())
    with served(recorder) as url:
        yield urljoin(url, "/"), recorder
