"""Servers that answer as the engine does but for one thing: what it is asked, or what is made of what it says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from infercheck.runners.reference.engine import DEFAULT_MAX_TOKENS
from infercheck.runners.reference.template import is_prompt
from mutants.conforming import Conforming

Body = Mapping[str, Any]
Events = Iterator[Mapping[str, Any]]

ADAPTERS = ("poet", "pirate")
"""The adapters of the reference engine; the run that judges servers by them is told so."""


class Altered(Conforming):
    """Asks the engine something else, or says something else than the engine, over the bodies that it `hits`."""

    def run(self, body: Body) -> Any:
        if not self.hits(body):
            return super().run(body)
        answer = super().run(self.alter(body))
        return self.whole(body, answer) if isinstance(answer, Mapping) else self.events(body, answer)

    def hits(self, body: Body) -> bool:
        """Whether it errs over a valid body; is asked once for each."""
        return True

    def alter(self, body: Body) -> Body:
        """What the engine is asked instead."""
        return body

    def whole(self, body: Body, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """An answer that is not streamed."""
        return {**answer, "response": self.text(body, answer["response"])}

    def text(self, body: Body, text: str) -> str:
        """The text of an answer that is not streamed."""
        return text

    def events(self, body: Body, events: Events) -> Events:
        """The payloads of a stream; those of the text come first."""
        others: list[Mapping[str, Any]] = []

        def texts() -> Iterator[str]:
            for payload in events:
                if set(payload) == {"response"}:
                    yield payload["response"]
                else:
                    others.append(payload)

        for piece in self.pieces(body, texts()):
            yield {"response": piece}
        yield from others

    def pieces(self, body: Body, pieces: Iterator[str]) -> Iterator[str]:
        """The texts of the events of a stream."""
        return pieces


class Defaulting(Altered):
    """Has values of its own for what is not given."""

    values: ClassVar[Body] = {}

    def alter(self, body: Body) -> Body:
        return {**self.values, **body}


class Ignoring(Altered):
    """Leaves out some parameters."""

    names: ClassVar[tuple[str, ...]] = ()

    def alter(self, body: Body) -> Body:
        return without(body, *self.names)


class Mapped(Altered):
    """Takes another value for one parameter, where that is given."""

    name: ClassVar[str]

    def alter(self, body: Body) -> Body:
        return {**body, self.name: self.other(body[self.name])} if self.name in body else body

    def other(self, value: Any) -> Any:
        """The value that is taken instead."""
        raise NotImplementedError


class Streaming(Altered):
    """Errs over streams alone."""

    def hits(self, body: Body) -> bool:
        return is_streamed(body)


class Conversing(Altered):
    """Errs over messages alone."""

    def hits(self, body: Body) -> bool:
        return not is_prompt(body)


class Numbering(Altered):
    """Errs over some of its answers, told by their numbers."""

    def prepare(self) -> None:
        self._numbers = itertools.count(1)

    def hits(self, body: Body) -> bool:
        return self.is_hit(next(self._numbers))

    def is_hit(self, number: int) -> bool:
        """Whether it errs over the answer of this number, from 1 on."""
        raise NotImplementedError


class Uncounted(Altered):
    """Does not say how many tokens there were."""

    def whole(self, body: Body, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        return without(answer, "usage")

    def events(self, body: Body, events: Events) -> Events:
        return (payload for payload in events if "usage" not in payload)


def without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The members that have other names than these."""
    return {name: value for name, value in values.items() if name not in names}


def reworded(body: Body, prompt: str) -> Body:
    """A body with another prompt; as it was where that would be too long, or empty."""
    return {**body, "prompt": prompt} if 1 <= len(prompt) <= 131072 else body


def is_streamed(body: Body) -> bool:
    """Whether a stream is asked for."""
    return body.get("stream") is True


def limit(body: Body) -> int:
    """How many tokens are asked for at most."""
    return int(body.get("max_tokens", DEFAULT_MAX_TOKENS))


def spoken(body: Body) -> list[Mapping[str, Any]]:
    """The messages of a valid body, if that is what it has."""
    return [] if is_prompt(body) else list(body["messages"])


def has_tools(body: Body) -> bool:
    """Whether tools are offered."""
    return not is_prompt(body) and bool(body.get("tools"))
