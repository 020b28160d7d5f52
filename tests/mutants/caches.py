"""Servers that answer from a cache which takes different requests for one."""

from __future__ import annotations

import json
import time
from typing import Any, ClassVar

from infercheck.runners.reference.template import is_prompt
from mutants.altered import ADAPTERS, Altered, Body, is_streamed, limit, without
from mutants.registry import mutant

ORDER = {"concurrency": 1}
"""Options for servers whose answers depend on who asked first."""


class Caching(Altered):
    """Answers a request as the first that it takes for the same."""

    names: ClassVar[tuple[str, ...]] = ()
    """The parameters that make no difference to it."""

    def prepare(self) -> None:
        self._first: dict[str, Body] = {}

    def alter(self, body: Body) -> Body:
        if limit(body) <= 0:  # what may be refused would be refused to others
            return body
        first = self._first.setdefault(json.dumps(self.key(body), sort_keys=True), body)
        return {**without(first, "stream"), "stream": is_streamed(body)}

    def key(self, body: Body) -> Any:
        """What makes a difference to it."""
        return without(body, "stream", *self.names)


@mutant("effect/seed/distinct", may_fail=("effect/temperature", "effect/top_k", "effect/top_p"), **ORDER)
class CachesWithoutTheSeed(Caching):
    """Takes requests for the same that differ in their seeds."""

    names = ("seed",)


@mutant(
    "effect/temperature",
    may_fail=(
        "effect/temperature/zero",
        "default/temperature",
        "effect/top_k/one",
        "effect/top_p/zero",
        "effect/seed/reproducible",
    ),
    **ORDER,
)
class CachesWithoutTheTemperature(Caching):
    """Takes requests for the same that differ in their temperatures."""

    names = ("temperature",)


@mutant("effect/max_tokens", may_fail=("default/*", "template/messages", "effect/seed/reproducible"), **ORDER)
class CachesWithoutTheLimit(Caching):
    """Takes requests for the same that differ in max_tokens."""

    names = ("max_tokens",)


@mutant("lora/effect", may_fail=("isolation/lora",), adapters=ADAPTERS, **ORDER)
class CachesWithoutTheAdapter(Caching):
    """Takes prompts for the same that ask for different adapters, of those that it knows."""

    def key(self, body: Body) -> Any:
        known = is_prompt(body) and body.get("lora") in ADAPTERS
        return super().key(without(body, "lora") if known else body)


@mutant("default/raw", **ORDER)
class CachesWithoutRaw(Caching):
    """Takes prompts for the same that differ in raw."""

    names = ("raw",)


@mutant("effect/messages", **ORDER)
class CachesWithoutTheSystem(Caching):
    """Takes conversations for the same that differ in the system's messages."""

    def key(self, body: Body) -> Any:
        if is_prompt(body):
            return super().key(body)
        return super().key({**body, "messages": [each for each in body["messages"] if each["role"] != "system"]})


@mutant("effect/prompt", may_fail=("effect/prompt/middle",), **ORDER)
class CachesByHowPromptsBegin(Caching):
    """Takes prompts for the same that have their first 500 characters in common."""

    def key(self, body: Body) -> Any:
        return super().key({**body, "prompt": body["prompt"][:500]} if is_prompt(body) else body)


@mutant("effect/prompt", may_fail=("isolation/concurrency", "effect/prompt/middle"), **ORDER)
class CachesByTheLengthOfPrompts(Caching):
    """Takes prompts for the same that have as many kilobytes, where they have more than one."""

    def key(self, body: Body) -> Any:
        if not is_prompt(body) or len(body["prompt"]) < 1000:
            return super().key(body)
        return super().key({**body, "prompt": len(body["prompt"]) // 1000})


@mutant("isolation/concurrency", may_fail=("isolation/load", "effect/max_tokens"), concurrency=1)
class AnswersThePromptThatIsUnderWay(Altered):
    """Answers a prompt with what it is just computing for the same one, whatever else that was asked with."""

    def prepare(self) -> None:
        self._under_way: dict[str, Body] = {}

    def hits(self, body: Body) -> bool:
        return is_prompt(body) and limit(body) >= 16 and "lora" not in body and not is_streamed(body)

    def alter(self, body: Body) -> Body:
        first = self._under_way.setdefault(body["prompt"], body)
        time.sleep(0.01)
        if first is body:
            self._under_way.pop(body["prompt"], None)
        return first
