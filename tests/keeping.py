"""A target that keeps the contract it is given: its schema says what is valid, and the reference engine speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema_rs
from fakes import ENGINE, Target

from infercheck.contract import Contract, answer_schema, says
from infercheck.schema import Schema, kind_of, ways

PLAIN = ("seed", "top_p", "top_k", "repetition_penalty", "frequency_penalty", "presence_penalty")


class Serving(Target):
    """Conforms to a contract. `schema` is its input schema as it was given, before anybody read it."""

    def __init__(
        self,
        contract: Contract,
        schema: Schema | None = None,
        accepts: Callable[[Any], bool] | None = None,
        **more: Any,
    ) -> None:
        validator = jsonschema_rs.validator_for(dict(schema or contract.input))
        super().__init__(
            accepts=accepts or (lambda body: isinstance(body, dict) and validator.is_valid(body)), **more
        )
        self.contract = contract

    def say(self, body: Any) -> Mapping[str, Any] | Iterator[Mapping[str, Any]]:
        roles = self.contract.roles
        text, talk = body.get(roles.get("text", "")), body.get(roles.get("conversation", ""))
        streams = self._value(body, "stream") is True
        if not self.contract.speaks or not (isinstance(text, str) or isinstance(talk, list)):
            made = instance(answer_schema(self.contract.output)[1])
            made = {name: value for name, value in made.items() if name != "tool_calls"}
            made = made if isinstance(made, dict) else {}
            return iter([made, made]) if streams else made
        asked: dict[str, Any] = {"stream": streams, "raw": self._value(body, "raw") is True}
        if isinstance(text, str) and (not isinstance(talk, list) or not self._is_talk(body)):
            asked["prompt"] = text
        else:
            asked["messages"] = [
                {"role": str(one.get("role")), "content": one.get("content") or ""} for one in talk
            ]
        for role in PLAIN:
            if self._value(body, role) is not None:
                asked[role] = self._value(body, role)
        limit, warmth = self._value(body, "output_limit"), self._value(body, "temperature")
        asked["max_tokens"] = 256 if limit is None else limit
        asked["temperature"] = 0.6 if warmth is None else warmth
        if "adapter" in roles and roles["adapter"] in body and "prompt" in asked:
            asked["lora"] = body[roles["adapter"]]
        tools = body.get(roles.get("tools", ""))
        if isinstance(tools, list) and all(is_tool(tool) for tool in tools) and "messages" in asked:
            asked["tools"] = tools
        said = ENGINE.answer(asked)
        if says(self.contract.output, "response"):
            return said
        if isinstance(said, Mapping):
            return completion(said, "message")
        return (completion(event, "delta") for event in said)

    def _is_talk(self, body: Any) -> bool:
        text, talk = self.contract.roles["text"], self.contract.roles["conversation"]
        return not self.accepts({key: value for key, value in body.items() if key != talk}) and text in body

    def _value(self, body: Any, role: str) -> Any:
        name = self.contract.roles.get(role)
        if name is None:
            return None
        if body.get(name) is not None:
            return body[name]
        for _, form in ways(self.contract.input):
            declared = form.get("properties", {})
            if name in declared and set(form.get("required", ())) <= body.keys():
                return declared[name].get("default")
        return None


def completion(said: Mapping[str, Any], member: str) -> dict[str, Any]:
    """The same in the manner of chat completions."""
    held = {
        "role": "assistant",
        "content": said.get("response"),
        **({"tool_calls": c} if (c := said.get("tool_calls")) else {}),
    }
    whole = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, member: held}],
    }
    return whole | ({"usage": said["usage"]} if "usage" in said else {})


def is_tool(tool: Any) -> bool:
    """Whether the reference engine can read a tool."""
    if not isinstance(tool, Mapping):
        return False
    flat = tool.get("function", tool)
    parameters = flat.get("parameters") if isinstance(flat, Mapping) else None
    return isinstance(parameters, Mapping) and isinstance(parameters.get("properties"), Mapping) and "name" in flat


def instance(schema: Schema) -> Any:
    """A small value that a schema allows."""
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            return instance(schema[keyword][0])
    match kind_of(schema):
        case "string":
            return "text"
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "array":
            return [instance(schema.get("items", {}))]
        case _:
            return {name: instance(child) for name, child in schema.get("properties", {}).items()}
