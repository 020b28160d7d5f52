"""An engine of ours behind another contract than the one it was written for."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from typing import Any

from infercheck.contract import Contract, answer_schema, says
from infercheck.runners.completions import chunks, completion, instance
from infercheck.runners.engine import Engine, Output, Result
from infercheck.runners.pump import close_events, leave_events
from infercheck.spoken import TEXT

NAMES: Mapping[str, str] = {
    "text": "prompt",
    "conversation": "messages",
    "output_limit": "max_tokens",
    "adapter": "lora",
    **{
        role: role
        for role in (
            *("stream", "raw", "seed", "temperature", "top_p", "top_k"),
            *("repetition_penalty", "frequency_penalty", "presence_penalty"),
        )
    },
}
"""What the engine calls the parameter of each role."""

NOTHING = {"response": ""}
"""The answer to a request that holds neither a text nor messages."""


class Contracted:
    """An `Engine` that knows a contract's parameters by their roles, and its defaults."""

    def __init__(self, engine: Engine, contract: Contract) -> None:
        self._engine = engine
        self._contract = contract
        self.adapters: Sequence[str] = getattr(engine, "adapters", ())
        self.concurrency: int | None = getattr(engine, "concurrency", None)
        self._wants_choices = contract.has_choices and not says(contract.output, TEXT)
        self._other = None if contract.speaks else answer_schema(contract.output)[1]

    def answer(self, request: Mapping[str, Any]) -> Result:
        """Answer one body that the contract allows; see `Engine.answer`."""
        roles = self._contract.roles
        asked: dict[str, Any] = {}
        for role, ours in NAMES.items():
            name = roles.get(role, "")
            value = request.get(name)
            value = self._contract.default_of(request, name) if value is None else value
            if value is not None:
                asked[ours] = value
        if isinstance(tools := request.get(roles.get("tools", "")), list) and all(map(_is_known, tools)):
            asked["tools"] = tools
        if "messages" in asked:
            asked["messages"] = [
                {"role": str(one.get("role", "")), "content": one.get("content") or ""} for one in asked["messages"]
            ]
        if {"prompt", "messages"} & asked.keys():
            answer = self._engine.answer(asked)
        else:
            answer = iter([NOTHING]) if asked.get("stream") is True else NOTHING
        if self._other is None and not self._wants_choices:
            return answer
        if isinstance(answer, Mapping):
            return self._shaped(answer)
        if isinstance(answer, Awaitable):
            return self._once_there(answer)
        assert isinstance(answer, Iterator)  # noqa: S101 - for the type checker: an engine of ours
        return _Chunks(answer, self._contract.model) if self._wants_choices else answer

    async def _once_there(self, answer: Awaitable[Any]) -> Output:
        return self._shaped(await answer)

    def _shaped(self, answer: Output) -> Output:
        if self._wants_choices:
            return completion(answer, self._contract.model)
        return {**instance(self._other or {}, answer["response"]), **answer}


class _Chunks(Iterator[Output]):
    """The chunks of a stream, which is left where they are."""

    def __init__(self, events: Iterator[Output], model: str) -> None:
        self._events = events
        self._chunks = chunks(events, model)

    def __next__(self) -> Output:
        return next(self._chunks)

    def leave(self) -> None:
        """The client has left."""
        leave_events(self._events)

    def close(self) -> None:
        """End the generation."""
        close_events(self._chunks, self._events)


def _is_known(tool: Any) -> bool:
    function = tool.get("function", tool) if isinstance(tool, Mapping) else None
    parameters = function.get("parameters") if isinstance(function, Mapping) else None
    return (
        isinstance(parameters, Mapping)
        and isinstance(parameters.get("properties"), Mapping)
        and isinstance(function, Mapping)
        and isinstance(function.get("name"), str)
    )
