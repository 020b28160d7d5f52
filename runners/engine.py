"""What an engine is: the thing behind the documented API that turns a request into an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol


class Refusal(Exception):
    """A request that is not answered, with the status and the code that the client is to see.

    `status` is the HTTP status (4xx), `code` the integer of the envelope's `errors[].code`, `message` its
    text.
    """

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Engine(Protocol):
    """Answers requests that are already known to satisfy the contract's input schema.

    `answer` may be called from several threads at once, and the iterators that it returns are each driven
    by one thread at a time.
    """

    adapters: Sequence[str]
    """Names that `lora` may take."""

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any] | Iterator[Mapping[str, Any]]:
        """Answer one request, a schema-valid body.

        Without `stream: true`: the page's Output, `response` (string) and perhaps `tool_calls`, plus `usage`
        (`prompt_tokens`, `completion_tokens`, `total_tokens`, in tokens). With it: an iterator of the events'
        payloads, `{"response": "piece"}` each, one with `tool_calls` where there are any, and a last one
        `{"response": "", "usage": {…}}`.

        Raises `Refusal`, in a stream before the first event.
        """
        ...
