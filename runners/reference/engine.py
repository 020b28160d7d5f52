"""The built-in engine: a synthetic model under a real sampler, which keeps every promise of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infercheck.runners.engine import BAD_INPUT, UNKNOWN_ADAPTER, Refusal
from infercheck.runners.reference.model import VOCABULARY, LanguageModel, encode
from infercheck.runners.reference.sampler import DistributionCache, Sampler, Settings
from infercheck.runners.reference.template import is_prompt, render, text_of
from infercheck.runners.tooling import definition

DEFAULT_MAX_TOKENS = 256
"""The page's default, in tokens."""


class ReferenceEngine:
    """An `Engine` without weights, files or state: the same request and seed give the same answer, always.

    `adapters` are the names that `lora` may take, each of which makes another model of `model`.
    """

    def __init__(self, *, adapters: Sequence[str] = ("poet", "pirate"), model: LanguageModel | None = None) -> None:
        self.adapters: Sequence[str] = tuple(adapters)
        self._model = model or LanguageModel()
        self._distributions = DistributionCache()

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any] | Iterator[Mapping[str, Any]]:
        """Answer one schema-valid body; see `Engine.answer`.

        Refuses with 400 an unknown `lora` (code 3037) and a negative `max_tokens` (code 5006). A `max_tokens`
        of 0 is an empty answer; the answer's own end bounds one of any size.
        """
        limit = limit_of(request)
        text = render(request)
        context = self._model.start(text, adapter_of(request, self.adapters))
        prompt = encode(text)
        calls = _calls(request, context)[:limit]
        if calls:  # a call is one token of this model
            pieces: Iterator[str] = iter(())
        else:
            sampler = Sampler(Settings.of(request), self._distributions, prompt)
            pieces = self._generate(context, sampler, limit)
        if request.get("stream", False):
            return _stream(pieces, calls, len(prompt))
        written = list(pieces)
        answer: dict[str, Any] = {"response": "".join(written)}
        if calls:
            answer["tool_calls"] = calls
        answer["usage"] = _usage(len(prompt), len(calls) or len(written))
        return answer

    def _generate(self, context: int, sampler: Sampler, limit: int) -> Iterator[str]:
        """Yield the texts of the answer's tokens."""
        model = self._model
        for _ in range(min(limit, model.length(context))):
            token = sampler.pick(model.row(context))
            context = model.advance(context, token)
            yield VOCABULARY[token]


def limit_of(request: Mapping[str, Any]) -> int:
    """Return the tokens that an answer may have; `Refusal` of a number below 0."""
    limit = int(request.get("max_tokens", DEFAULT_MAX_TOKENS))
    if limit < 0:
        raise Refusal(400, BAD_INPUT, "AiError: Bad input: Error: '/max_tokens' must be >= 0")
    return limit


def adapter_of(request: Mapping[str, Any], adapters: Sequence[str]) -> str | None:
    """Return the adapter asked for; `Refusal` of one that is none of `adapters`.

    The page declares `lora` for prompts only; elsewhere it is none.
    """
    if "lora" not in request or not is_prompt(request):
        return None
    name: str = request["lora"]
    if name not in adapters:
        raise Refusal(400, UNKNOWN_ADAPTER, f"AiError: LoRA not found: {name[:100]}")
    return name


def _usage(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def _stream(
    pieces: Iterator[str], calls: Sequence[Mapping[str, Any]], prompt_tokens: int
) -> Iterator[Mapping[str, Any]]:
    """Yield the payloads of the events of one answer."""
    written = 0
    for piece in pieces:
        written += 1
        yield {"response": piece}
    if calls:
        yield {"response": "", "tool_calls": calls}
    yield {"response": "", "usage": _usage(prompt_tokens, len(calls) or written)}


def _calls(request: Mapping[str, Any], context: int) -> list[dict[str, Any]]:
    """Return the tool calls of an answer: the tools that the last message names, else perhaps one."""
    if is_prompt(request) or not request.get("tools"):
        return []
    tools = [definition(tool) for tool in request["tools"]]
    last = text_of(request["messages"][-1]["content"]).casefold() if request["messages"] else ""
    called = [tool for tool in tools if _is_named(tool["name"].casefold(), last)]
    if not called and context % 2:
        called = [tools[context // 2 % len(tools)]]
    return [{"name": tool["name"], "arguments": _arguments(tool["parameters"], context)} for tool in called]


def _is_named(name: str, text: str) -> bool:
    """Tell whether a text speaks of a tool: by its name, or by a word of it, as "weather" of get_weather."""
    words = (word for word in re.split(r"[\W_]+", name) if len(word) > 3)
    return bool(name) and (name in text or any(word in text for word in words))


def _arguments(parameters: Mapping[str, Any], context: int) -> dict[str, Any]:
    """Return arguments that fit a tool's parameters: every declared property, and every required name."""
    properties: Mapping[str, Mapping[str, Any]] = parameters["properties"]
    names = [*properties, *(name for name in parameters.get("required", ()) if name not in properties)]
    return {name: _argument(properties.get(name, {}), context + place) for place, name in enumerate(names)}


def _argument(declared: Any, chance: int) -> Any:
    """Return a value of a declared property's type; one that the page's `type` leaves open is a string."""
    declared = declared if isinstance(declared, Mapping) else {}  # other pages say nothing of what a property is
    choices = declared.get("enum")
    if isinstance(choices, list) and choices:
        return choices[chance % len(choices)]
    match declared.get("type"):
        case "integer":
            return chance % 10
        case "number":
            return chance % 100 / 10
        case "boolean":
            return chance % 2 == 0
        case "array":
            return []
        case "object":
            return {}
        case "null":
            return None
        case _:
            return VOCABULARY[chance % len(VOCABULARY)].strip() or "text"
