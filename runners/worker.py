"""An engine as a Worker of the page shows it: what `env.AI.run` returns, without the REST API's envelope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from infercheck.runners.engine import Refusal
from infercheck.runners.server import Api, json_response


class WorkerApi(Api):
    """Serves an engine at POST of any path; a refusal is `{"error": "<code>: <message>"}`."""

    route = "/{path:path}"

    def find_model(self, request: Request) -> None:
        """A Worker names its model itself."""

    def success_response(self, answer: Mapping[str, Any]) -> Response:
        """The page's Output, bare."""
        return json_response(200, answer)

    def error_response(self, refusal: Refusal) -> Response:
        """What the binding throws."""
        return json_response(refusal.status, {"error": f"{refusal.code}: {refusal.message}"})
