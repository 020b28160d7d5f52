"""Answers in other forms than the page's: chat completions, and whatever else a contract requires."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from infercheck.schema import FORMS, kind_of

Output = Mapping[str, Any]


def completion(answer: Output, model: str) -> dict[str, Any]:
    """The chat completion that says what an answer of the page says."""
    calls = _calls(answer.get("tool_calls", ()))
    message = {
        "role": "assistant",
        "content": answer.get("response", ""),
        **({"tool_calls": calls} if calls else {}),
    }
    ended = "tool_calls" if calls else "stop"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": ended}
    return {**_head("chat.completion", model), "choices": [choice], "usage": answer.get("usage", {})}


def chunks(events: Iterator[Output], model: str) -> Generator[Output]:
    """The chunks that say what the events of a stream say, the last one how it ended."""
    ended = "stop"
    for event in events:
        delta: dict[str, Any] = {}
        if event.get("response"):
            delta["content"] = event["response"]
        if calls := _calls(event.get("tool_calls", ())):
            delta["tool_calls"] = calls
            ended = "tool_calls"
        last = "usage" in event
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": ended if last else None}
        usage = {"usage": event["usage"]} if last else {}
        yield {**_head("chat.completion.chunk", model), "choices": [choice], **usage}


def instance(schema: Mapping[str, Any], text: str) -> Any:
    """The smallest value of a schema, a text wherever one has to stand."""
    if "const" in schema or schema.get("enum"):
        return schema["const"] if "const" in schema else schema["enum"][0]
    match kind_of(schema):
        case "string":
            return text.ljust(schema.get("minLength", 0))
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case "array":
            items = schema.get("items")
            return [instance(items, text) if isinstance(items, Mapping) else text] * schema.get("minItems", 0)
        case "null":
            return None
    forms = [form for keyword in FORMS for form in schema.get(keyword, [])]
    value = instance(forms[0], text) if forms else {}
    declared = schema.get("properties", {})
    own = {name: instance(declared.get(name, {}), text) for name in schema.get("required", ())}
    return {**value, **own} if isinstance(value, dict) else value


def _head(kind: str, model: str) -> dict[str, Any]:
    # The same request has the same answer, so that nothing here tells one from another.
    return {"id": "chatcmpl-reference", "object": kind, "created": 0, "model": model}


def _calls(calls: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{number}",
            "type": "function",
            "index": number,
            "function": {
                "name": call["name"],
                "arguments": json.dumps(call["arguments"], ensure_ascii=False),
            },
        }
        for number, call in enumerate(calls)
    ]
