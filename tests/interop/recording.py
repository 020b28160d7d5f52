"""What a client sent, to the byte, and what it was answered."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Received:
    """One HTTP request as it came in. `path` is what stood in the request line, nothing of it decoded."""

    method: str = "POST"
    host: str
    path: str
    content_type: str | None
    body: bytes

    @property
    def json(self) -> Any:
        """The body, where how it is spelled makes no difference."""
        return json.loads(self.body)


class Recorder:
    """Stands before an ASGI application."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._exchanges: list[tuple[Received, bytearray]] = []

    def exchanges(self) -> list[tuple[Received, bytes]]:
        """What came in since the last time, and the body of each answer."""
        seen, self._exchanges = self._exchanges, []
        return [(received, bytes(answer)) for received, answer in seen]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        body, is_whole, answer = b"", False, bytearray()
        while not is_whole:
            message = await receive()
            body += message.get("body", b"")
            is_whole = not message.get("more_body", False)
        self._exchanges.append((_received(scope, body), answer))
        unread = [{"type": "http.request", "body": body, "more_body": False}]

        async def read() -> Message:
            return unread.pop() if unread else await receive()

        async def tell(message: Message) -> None:
            answer.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, read, tell)


def _received(scope: Message, body: bytes) -> Received:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope["query_string"].decode("latin-1")
    return Received(
        method=scope["method"],
        host=headers["host"],
        path=scope["raw_path"].decode("latin-1") + ("?" + query if query else ""),
        content_type=headers.get("content-type"),
        body=body,
    )


def text_of(answer: bytes) -> str:
    """The text of an answer of ours, streamed or in its envelope."""
    if not answer.startswith(b"data: "):
        return json.loads(answer)["result"]["response"]
    events = answer.decode().removesuffix("data: [DONE]\n\n").split("\n\n")
    return "".join(json.loads(event.removeprefix("data: "))["response"] for event in events if event)
