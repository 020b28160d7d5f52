"""Servers that answer with another adapter than the one that is asked for, or without one."""

from __future__ import annotations

from typing import Any

from infercheck.runners.reference.template import is_prompt
from mutants.altered import ADAPTERS, Altered, Body, Streaming, is_streamed, without
from mutants.registry import mutant

OPTIONS: Body = {"adapters": ADAPTERS, "concurrency": 1}
"""Options for servers whose answers depend on what was asked before."""


def adapter(body: Body) -> Any:
    """The adapter that is asked for, if any is."""
    return body.get("lora") if is_prompt(body) else None


class Adapting(Altered):
    """Takes other adapters than those asked for; refuses unknown ones as it should."""

    def alter(self, body: Body) -> Body:
        if not is_prompt(body) or adapter(body) not in (None, *ADAPTERS):
            return body
        name = self.chosen(body, adapter(body))
        return {**body, "lora": name} if name else without(body, "lora")

    def chosen(self, body: Body, name: str | None) -> str | None:
        """The adapter that answers where one of some name, or none, is asked for."""
        raise NotImplementedError


@mutant("lora/effect", "lora/unknown", adapters=ADAPTERS)
class IgnoresLora(Altered):
    """Answers with the base model, whatever lora says."""

    def alter(self, body: Body) -> Body:
        return without(body, "lora") if is_prompt(body) else body


@mutant("lora/effect", may_fail=("stream/equivalence",), adapters=ADAPTERS)
class StreamsWithoutAdapters(Streaming, Adapting):
    """Answers with the base model where it streams."""

    def chosen(self, body: Body, name: str | None) -> str | None:
        return None


@mutant("lora/unknown", adapters=ADAPTERS[:1])
class TakesUnknownAdaptersForNone(Altered):
    """Answers with the base model where it has no adapter of the name."""

    def alter(self, body: Body) -> Body:
        return body if adapter(body) in ADAPTERS or not is_prompt(body) else without(body, "lora")


@mutant("lora/unknown", adapters=ADAPTERS)
class TakesTheFirstAdapterForUnknownOnes(Altered):
    """Answers with its first adapter where it has none of the name."""

    def alter(self, body: Body) -> Body:
        unknown = is_prompt(body) and "lora" in body and body["lora"] not in ADAPTERS
        return {**body, "lora": ADAPTERS[0]} if unknown else body


STICKY = (
    "effect/seed/reproducible",
    "template/messages",
    "stream/equivalence",
    "default/*",
    "robust/disconnect",
    "isolation/concurrency",
)
"""What an answer's adapter may spoil where answers are compared."""


class Sticky(Adapting):
    """Remembers the adapter of a request."""

    def prepare(self) -> None:
        self._loaded: str | None = None

    def alter(self, body: Body) -> Body:
        return super().alter(body) if is_prompt(body) else body


@mutant("isolation/lora", may_fail=("lora/effect", *STICKY), **OPTIONS)
class LeavesTheAdapterForTheNextPrompt(Sticky):
    """Unloads an adapter only when it has answered the prompt after it."""

    def chosen(self, body: Body, name: str | None) -> str | None:
        before, self._loaded = self._loaded, name
        return name or before


@mutant("isolation/lora", may_fail=("lora/effect", *STICKY), **OPTIONS)
class KeepsTheLastAdapter(Sticky):
    """Never unloads an adapter but for another."""

    def chosen(self, body: Body, name: str | None) -> str | None:
        self._loaded = name or self._loaded
        return self._loaded


@mutant("isolation/lora", may_fail=("lora/effect", *STICKY), **OPTIONS)
class KeepsTheAdapterOfAStream(Sticky):
    """Unloads an adapter behind an answer, and behind a stream only for another."""

    def chosen(self, body: Body, name: str | None) -> str | None:
        if name:
            self._loaded = name if is_streamed(body) else None
        return name or self._loaded


@mutant("lora/effect", may_fail=("default/raw",), adapters=ADAPTERS)
class LeavesAdaptersOutWhereItIsRaw(Adapting):
    """Answers raw prompts with the base model."""

    def hits(self, body: Body) -> bool:
        return body.get("raw") is True

    def chosen(self, body: Body, name: str | None) -> str | None:
        return None


@mutant("lora/unknown", adapters=ADAPTERS[:1])
class TakesUnknownAdaptersOfStreamsForNone(Streaming, Altered):
    """Streams from the base model where it has no adapter of the name."""

    def alter(self, body: Body) -> Body:
        return body if adapter(body) in ADAPTERS or not is_prompt(body) else without(body, "lora")


@mutant("lora/effect", adapters=ADAPTERS)
class HasOneAdapterForAllNames(Adapting):
    """Answers with its first adapter, whichever it is asked for."""

    def chosen(self, body: Body, name: str | None) -> str | None:
        return ADAPTERS[0] if name else None


@mutant("isolation/lora", may_fail=("lora/effect", *STICKY), **OPTIONS)
class KeepsTheLastAdapterForStreams(Sticky):
    """Unloads an adapter where it does not stream, and answers streams with what is loaded."""

    def chosen(self, body: Body, name: str | None) -> str | None:
        self._loaded = name or self._loaded
        return self._loaded if is_streamed(body) else name
