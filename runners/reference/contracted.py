"""The reference engine behind another contract than the one it was written for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infercheck.contract import Contract
from infercheck.runners.reference.engine import ReferenceEngine

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

    def __init__(self, engine: ReferenceEngine, contract: Contract) -> None:
        self._engine = engine
        self._contract = contract
        self.adapters: Sequence[str] = engine.adapters

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any] | Iterator[Mapping[str, Any]]:
        """Answer one body that the contract allows; see `Engine.answer`."""
        roles = self._contract.roles
        asked: dict[str, Any] = {}
        for role, name in NAMES.items():
            value = request.get(roles.get(role, ""))
            value = self._default(role, request) if value is None else value
            if value is not None:
                asked[name] = value
        if isinstance(tools := request.get(roles.get("tools", "")), list) and all(map(_is_known, tools)):
            asked["tools"] = tools
        if "messages" in asked:
            asked["messages"] = [
                {"role": str(one.get("role", "")), "content": one.get("content") or ""} for one in asked["messages"]
            ]
        if not {"prompt", "messages"} & asked.keys():
            return iter([NOTHING]) if asked.get("stream") is True else NOTHING
        return self._engine.answer(asked)

    def _default(self, role: str, request: Mapping[str, Any]) -> Any:
        # Of the first form of a request that it can be.
        name = self._contract.roles.get(role)
        for form in self._contract.forms if name else ():
            declared = form.get("properties", {})
            if name in declared and set(form.get("required", ())) <= request.keys():
                return declared[name].get("default")
        return None


def _is_known(tool: Any) -> bool:
    function = tool.get("function", tool) if isinstance(tool, Mapping) else None
    parameters = function.get("parameters") if isinstance(function, Mapping) else None
    return (
        isinstance(parameters, Mapping)
        and isinstance(parameters.get("properties"), Mapping)
        and isinstance(function, Mapping)
        and isinstance(function.get("name"), str)
    )
