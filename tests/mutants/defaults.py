"""Servers whose values for what is not given are others than the page's."""

from __future__ import annotations

from typing import Any, ClassVar

from infercheck.runners.reference.template import is_prompt
from mutants.altered import Altered, Body, Conversing, Defaulting, Numbering, Streaming, reworded
from mutants.registry import mutant


@mutant("default/max_tokens")
class Writes16TokensByDefault(Defaulting):
    """Stops after 16 tokens where it is not told when, as another API did."""

    values: ClassVar = {"max_tokens": 16}


@mutant("default/max_tokens")
class Writes128TokensByDefault(Defaulting):
    """Stops after 128 tokens where it is not told when."""

    values: ClassVar = {"max_tokens": 128}


@mutant("default/max_tokens")
class Writes255TokensByDefault(Defaulting):
    """Counts the end of an answer among the 256 tokens that it writes where it is not told how many."""

    values: ClassVar = {"max_tokens": 255}


@mutant("default/max_tokens")
class WritesToTheEndByDefault(Defaulting):
    """Goes on until its answer ends, or its window, where it is not told when to stop."""

    values: ClassVar = {"max_tokens": 1_000_000}


@mutant("default/max_tokens", may_fail=("stream/equivalence", "stream/usage"))
class Streams128TokensByDefault(Streaming, Defaulting):
    """Stops a stream after 128 tokens where it is not told when."""

    values: ClassVar = {"max_tokens": 128}


@mutant("default/max_tokens", may_fail=("template/messages",))
class Writes128TokensBesideMessagesByDefault(Conversing, Defaulting):
    """Stops after 128 tokens where it has messages and is not told when."""

    values: ClassVar = {"max_tokens": 128}


class Remembering(Altered):
    """Takes the value of the last request that had one for what is not given."""

    name: str

    def prepare(self) -> None:
        self._last: dict[str, Any] = {}

    def alter(self, body: Body) -> Body:
        if self.name in body:
            self._last = {self.name: body[self.name]}
        return {**self._last, **body}


@mutant("effect/seed/reproducible", may_fail=("default/max_tokens",), concurrency=1)
class RemembersMaxTokens(Remembering):
    """Keeps the max_tokens of a request for those that have none."""

    name = "max_tokens"


@mutant("default/temperature")
class SamplesAtOneByDefault(Defaulting):
    """Samples at temperature 1 where it is not told another, as most APIs do."""

    values: ClassVar = {"temperature": 1.0}


@mutant("default/temperature")
class SamplesAtZeroByDefault(Defaulting):
    """Takes the likeliest token where it is given no temperature."""

    values: ClassVar = {"temperature": 0}


@mutant("default/temperature")
class SamplesAtSevenTenthsByDefault(Defaulting):
    """Samples at temperature 0.7 where it is not told another: near enough that nobody looks."""

    values: ClassVar = {"temperature": 0.7}


@mutant("stream/equivalence", may_fail=("default/temperature", "stream/usage"))
class StreamsAtOneByDefault(Streaming, Defaulting):
    """Streams at temperature 1 where it is not told another."""

    values: ClassVar = {"temperature": 1.0}


@mutant("default/temperature", may_fail=("template/messages",))
class SamplesAtOneBesideMessagesByDefault(Conversing, Defaulting):
    """Samples at temperature 1 where it has messages and is not told another."""

    values: ClassVar = {"temperature": 1.0}


@mutant("default/temperature", may_fail=("template/messages", "effect/seed/reproducible"), concurrency=1)
class SamplesAtOneByDefaultFromTheThirtiethAnswerOn(Numbering, Defaulting):
    """Loses its settings after 29 answers, and samples at temperature 1 where it is not told another."""

    values: ClassVar = {"temperature": 1.0}

    def is_hit(self, number: int) -> bool:
        return number >= 30


@mutant("default/raw", may_fail=("template/messages", "template/raw"))
class TakesPromptsRawByDefault(Defaulting):
    """Applies its template only where raw is false in so many letters."""

    values: ClassVar = {"raw": True}


@mutant("default/raw")
class AppliesItsTemplateToRawPrompts(Altered):
    """Applies its template whatever raw says."""

    def alter(self, body: Body) -> Body:
        return {**body, "raw": False} if is_prompt(body) else body


class Prompted(Altered):
    """Makes another text of prompts that are not raw than of messages."""

    def alter(self, body: Body) -> Body:
        if is_prompt(body) and not body.get("raw"):
            return reworded(body, self.made(body["prompt"]))
        return body

    def made(self, prompt: str) -> str:
        """What stands in place of a prompt."""
        raise NotImplementedError


@mutant("template/messages")
class AppliesItsTemplateToPromptsTwice(Prompted):
    """Applies its template to a prompt before it makes a message of it."""

    def made(self, prompt: str) -> str:
        return f"[INST] {prompt} [/INST]"
