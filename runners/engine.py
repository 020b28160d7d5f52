"""What an engine is: the thing behind the documented API that turns a request into an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

Output: TypeAlias = Mapping[str, Any]
"""The page's Output, or the payload of one event of a stream."""

Events: TypeAlias = Iterator[Output] | AsyncIterator[Output]
Result: TypeAlias = Output | Events | Awaitable[Output | Events]


BAD_INPUT = 5006
"""The hosted API's code for a request that its model does not take."""
UNKNOWN_ADAPTER = 3037
"""Its code for an adapter that it does not know."""


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


def refusal_of(error: Exception) -> Refusal | None:
    """The refusal that an engine's error is: a `Refusal`, or any error with an integer `code` and a `message`.

    Its `status` is taken where it is one of 4xx, else it is 400. None where the error is a fault.
    """
    if isinstance(error, Refusal):
        return error
    code, message, status = (getattr(error, name, None) for name in ("code", "message", "status"))
    if type(code) is not int or not isinstance(message, str):
        return None
    return Refusal(status if type(status) is int and 400 <= status < 500 else 400, code, message)


@runtime_checkable
class Engine(Protocol):
    """Answers requests that are already known to satisfy the contract's input schema.

    `answer` may be called from several threads at once, and the iterators that it returns are each driven by one
    thread at a time, and closed where the client leaves. One that has a method `leave` is told so before, from
    another thread, while it may be at its next event: it should end then. An engine may also have `adapters`, the
    names that `lora` may take, and `concurrency`, how many answers it makes at once: further ones wait for their
    turn.
    """

    def answer(self, request: Mapping[str, Any]) -> Result:
        """Answer one request, a schema-valid body.

        Without `stream: true`: the page's Output, `response` (string) and perhaps `tool_calls`, plus `usage`
        (`prompt_tokens`, `completion_tokens`, `total_tokens`, in tokens). With it: an iterator of the events'
        payloads, `{"response": "piece"}` each, one with `tool_calls` where there are any, and a last one
        `{"response": "", "usage": {…}}`. It may be `async def`, and the iterator asynchronous: then it is called
        on the event loop, and cancelled where the client leaves.

        Raises `Refusal`, or any error with an integer `code` and a `message`; in a stream before the first event.
        Any other error is a fault: status 500, and its traceback in the log.
        """
        ...
