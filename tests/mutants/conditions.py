"""Servers that keep a promise until something happens, or as long as nothing else does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from starlette.responses import Response

from infercheck.runners.engine import Refusal
from infercheck.runners.reference.template import is_prompt
from mutants.altered import Altered, Body, Defaulting, Ignoring, Numbering, has_tools, is_streamed, limit
from mutants.registry import mutant

ORDER: Mapping[str, Any] = {"concurrency": 1}
"""Options for servers whose answers depend on what came before."""

CHANGED = ("effect/seed/reproducible", "stream/equivalence", "template/messages", "robust/disconnect")
"""What is spoiled where the change comes between two answers that are compared."""


class Changing(Altered):
    """Errs from something that happens on."""

    def prepare(self) -> None:
        self.has_changed = False

    def hits(self, body: Body) -> bool:
        if self.changes(body):
            self.has_changed = True
        return self.has_changed

    def changes(self, body: Body) -> bool:
        """Whether this is what has to happen."""
        return False


class Refused(Changing):
    """Errs from its first refusal on."""

    def error_response(self, refusal: Refusal) -> Response:
        self.has_changed = True
        return super().error_response(refusal)


@mutant("default/temperature", may_fail=CHANGED, **ORDER)
class SamplesAtOneByDefaultAfterARefusal(Refused, Defaulting):
    """Does not come to where it sets its default after it has refused a request, and samples at temperature 1."""

    values: ClassVar = {"temperature": 1.0}


@mutant("effect/max_tokens", may_fail=("default/max_tokens", *CHANGED), **ORDER)
class StopsAfter200TokensAfterARefusal(Refused):
    """Leaks a little room with its first refusal, and writes 200 tokens at most from then on."""

    def alter(self, body: Body) -> Body:
        return {**body, "max_tokens": 200} if limit(body) > 200 else body


@mutant("effect/temperature", may_fail=("effect/*", "default/temperature", *CHANGED), **ORDER)
class IgnoresTemperatureAfterTools(Changing, Ignoring):
    """Has another sampler once it was offered tools, which knows no temperature."""

    names = ("temperature",)

    def changes(self, body: Body) -> bool:
        return has_tools(body)


@mutant("effect/messages", may_fail=CHANGED, **ORDER)
class DropsTheSystemAfterARefusal(Refused):
    """Begins its conversations anew after it has refused a request, and without what the system says."""

    def alter(self, body: Body) -> Body:
        if is_prompt(body):
            return body
        return {
            **body,
            "messages": [each for each in body["messages"] if each["role"] != "system"] or body["messages"],
        }


@mutant("effect/seed/reproducible", may_fail=("effect/*", "default/*", *CHANGED), **ORDER)
class AnswersOtherwiseAfterAStream(Altered):
    """Draws a number too many in the answer that follows a stream."""

    def prepare(self) -> None:
        self._streamed = False

    def alter(self, body: Body) -> Body:
        before, self._streamed = self._streamed, is_streamed(body)
        return {**body, "seed": body["seed"] + 10**12} if before and not self._streamed and "seed" in body else body


@mutant("effect/seed/reproducible", may_fail=("effect/*", "default/*", *CHANGED), **ORDER)
class AnswersHotEveryTenthTime(Numbering):
    """Has ten workers, one of which was set up with another temperature."""

    def is_hit(self, number: int) -> bool:
        return number % 10 == 0

    def alter(self, body: Body) -> Body:
        return {**body, "temperature": 5}


@mutant("stream/equivalence", may_fail=("effect/*", "default/max_tokens", *CHANGED), **ORDER)
class LosesTheSecondTokenOfStreamsFromTheFiftiethAnswerOn(Numbering):
    """Loses the second token of a stream once it has answered 49 times."""

    def hits(self, body: Body) -> bool:
        return super().hits(body) and is_streamed(body)

    def is_hit(self, number: int) -> bool:
        return number >= 50

    def pieces(self, body: Body, pieces: Iterator[str]) -> Iterator[str]:
        return (piece for number, piece in enumerate(pieces, 1) if number != 2)


@mutant("effect/max_tokens", may_fail=("default/max_tokens",))
class IgnoresMaxTokensBesideASeed(Altered):
    """Writes 256 tokens where it is given a seed and a limit."""

    def hits(self, body: Body) -> bool:
        return "seed" in body

    def alter(self, body: Body) -> Body:
        return {**body, "max_tokens": 256} if limit(body) > 0 else body
