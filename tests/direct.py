"""Servers without a socket: an ASGI application is called for every request, as a web server would call it.

For servers whose way of speaking is on trial rather than their HTTP: it takes a third of the time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from fakes import CONTRACT

from infercheck.cases import Request, Token
from infercheck.exchange import Answer, Chunk, Failure

ADDRESS = "http://direct/client/v4/accounts/test/ai/run"
URL = f"{ADDRESS}/{CONTRACT.model}"


class Direct:
    """Carries requests to an ASGI application in this process. It knows of no token."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def send(self, request: Request, *, alone: bool = False) -> Answer:
        """One call of the application; a stream that is left is one whose client is gone."""
        call = _Call(request)
        try:
            await self._app(call.scope, call.receive, call.send)
        except Exception:
            await call.fail()
        return call.answer()


class _Call:
    def __init__(self, request: Request) -> None:
        path = f"/client/v4/accounts/test/ai/run/{request.model or CONTRACT.model}"
        headers = [(b"host", b"direct")]
        if request.content_type is not None:
            headers.append((b"content-type", request.content_type.encode()))
        if request.token is Token.WRONG:
            headers.append((b"authorization", b"Bearer wrong"))
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "client": ("direct", 0),
            "server": ("direct", 80),
        }
        self._stop_after = request.stop_after
        self._body: bytes | None = request.body
        self._gone = asyncio.Event()
        self._began = time.monotonic()
        self._chunks: list[Chunk] = []
        self._start: Mapping[str, Any] = {}
        self._failure: Failure | None = None
        self._is_whole = False

    async def receive(self) -> Mapping[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._gone.is_set():
            return  # nobody is there to read it
        if data := message.get("body", b""):
            self._chunks.append(Chunk(data=data, time=time.monotonic() - self._began))
        self._is_whole = not message.get("more_body")
        if not message.get("more_body") or (self._stop_after and len(self._chunks) >= self._stop_after):
            self._gone.set()

    async def fail(self) -> None:
        """What the web server answers where the application fails; it breaks off what was begun."""
        if self._is_whole:
            return
        if self._start:
            self._failure = Failure(kind="closed", message="the connection was closed in mid-answer")
            return
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": b"Internal Server Error"})

    def answer(self) -> Answer:
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._start["headers"])
        return Answer(
            status=self._start["status"],
            headers=headers,
            chunks=tuple(self._chunks),
            seconds=time.monotonic() - self._began,
            cut=bool(self._stop_after and len(self._chunks) >= self._stop_after),
            failure=self._failure,
        )
