"""Servers that have limits, or count, in another way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from mutants.conforming import failure, reply
from starlette.requests import Request
from starlette.responses import Response

from infercheck.runners.engine import Refusal
from variants.engines import Calls, Count, Generating, Payloads, Steps
from variants.registry import variant

LONG_TEXTS = ("effect/prompt", "effect/prompt/middle", "effect/messages", "effect/messages/middle")
"""What takes a text that a small window does not hold."""


class Windowed(Steps):
    """Refuses a prompt and an answer that are too long together."""

    window = 2048
    status = 413
    words = (
        "AiError: The estimated number of input and maximum output tokens ({0}) exceeded this model context window"
    )

    def admitted(self, prompt: Sequence[int], limit: int) -> int:
        tokens = self.estimate(prompt) + limit
        if tokens > self.window:
            raise Refusal(self.status, 5021, self.words.format(tokens))
        return limit

    def estimate(self, prompt: Sequence[int]) -> int:
        """How many tokens a prompt is taken for."""
        return len(prompt)


@variant(undecided=LONG_TEXTS)
class HoldsAFewHundredTokens(Generating):
    """Has a window of 512 tokens, and takes three tokens of a text for two."""

    class Engine(Windowed):
        """Estimates."""

        window = 512

        def estimate(self, prompt: Sequence[int]) -> int:
            return len(prompt) * 2 // 3


@variant(undecided=LONG_TEXTS)
class HoldsAThousandTokens(Generating):
    """Has a window of 1,024 tokens, and refuses more with 400 and words about it."""

    class Engine(Windowed):
        """Says it in another API's words."""

        window = 1024
        status = 400
        words = "This model's maximum context length is 1024 tokens. However, you requested {0} tokens."


@variant(context_window=2048, undecided=LONG_TEXTS)
class HoldsTwoThousandTokens(Generating):
    """Has a window of 2,048 tokens, of which the operator speaks."""

    Engine = Windowed


@variant(context_window=8192)
class EndsWithItsWindow(Generating):
    """Ends an answer where its window of 8,192 tokens is full, and refuses only texts that leave no room."""

    class Engine(Windowed):
        """Has room for one token at least."""

        window = 8192

        def admitted(self, prompt: Sequence[int], limit: int) -> int:
            super().admitted(prompt, 1)
            return min(limit, self.window - len(prompt))


class Throttled(Generating):
    """Asks some requests to come back later."""

    def prepare(self) -> None:
        self._count = 0

    def busy(self, count: int) -> tuple[int, str] | None:
        """The status and the Retry-After for the request of this number, if it is to come back later."""
        raise NotImplementedError

    async def handle(self, request: Request) -> Response:
        self._count += 1
        busy = self.busy(self._count)
        if busy is None:
            return await super().handle(request)
        await request.body()
        response = reply(failure(3040, "AiError: out of capacity"), busy[0])
        response.headers["retry-after"] = busy[1]
        return response


@variant()
class TurnsAwayOneInSeven(Throttled):
    """Answers 429 to every seventh request, whatever it is about."""

    def busy(self, count: int) -> tuple[int, str] | None:
        return (429, "0") if count % 7 == 0 else None


@variant()
class TurnsAwayManyAtOnce(Throttled):
    """Answers 503 with Retry-After to three requests in a row, now and then."""

    def busy(self, count: int) -> tuple[int, str] | None:
        return (503, "0") if count % 100 in (40, 41, 42) else None


@variant()
class PausesForASecond(Throttled):
    """Answers 429 twice in a run, with a second to wait."""

    def busy(self, count: int) -> tuple[int, str] | None:
        return (429, "1") if count in (150, 450) else None


@variant()
class CountsNothing(Generating):
    """Sends no usage, streamed or not."""

    class Engine(Steps):
        """Does not count."""

        def events(self, pieces: Iterator[str], calls: Calls, count: Count) -> Payloads:
            return (
                {k: v for k, v in each.items() if k != "usage"} for each in super().events(pieces, calls, count)
            )

        def whole(self, text: str, calls: Calls, count: Count) -> dict[str, Any]:
            return {k: v for k, v in super().whole(text, calls, count).items() if k != "usage"}


@variant()
class CountsWholeAnswersAlone(Generating):
    """Sends usage with answers that are not streamed, and none with streams."""

    class Engine(Steps):
        """Counts what is whole."""

        def events(self, pieces: Iterator[str], calls: Calls, count: Count) -> Payloads:
            *events, last = super().events(pieces, calls, count)
            yield from events
            yield {"response": last["response"]}


@variant()
class CountsStreamsAlone(Generating):
    """Sends usage with streams, and null with answers that are not streamed."""

    class Engine(Steps):
        """Counts what it streams."""

        def whole(self, text: str, calls: Calls, count: Count) -> dict[str, Any]:
            return {**super().whole(text, calls, count), "usage": None}


@variant()
class CountsAsItGoes(Generating):
    """Sends usage with every event of a stream, as far as it has come."""

    class Engine(Steps):
        """Counts aloud."""

        def events(self, pieces: Iterator[str], calls: Calls, count: Count) -> Payloads:
            for each in super().events(pieces, calls, count):
                yield {"usage": self.usage(count), **each}


@variant()
class SendsNullForUsageUntilTheEnd(Generating):
    """Sends usage null with every event but the last, which has no response."""

    class Engine(Steps):
        """Counts at the end."""

        def events(self, pieces: Iterator[str], calls: Calls, count: Count) -> Payloads:
            for each in super().events(pieces, calls, count):
                yield {**each, "usage": None} if "usage" not in each else {"usage": each["usage"]}


@variant()
class CountsMuchElse(Generating):
    """Sends more than three numbers under usage."""

    more: ClassVar[Mapping[str, Any]] = {
        "prompt_tokens_details": {"cached_tokens": 0},
        "neurons": 1.25,
        "cost": None,
    }

    class Engine(Steps):
        """Counts on."""

        def usage(self, count: Count) -> dict[str, Any]:
            return {**super().usage(count), **CountsMuchElse.more}


@variant()
class CountsThePromptOtherwise(Generating):
    """Counts no tokens of the template, and all tokens as if the prompt cost nothing."""

    class Engine(Steps):
        """Gives the prompt away."""

        def usage(self, count: Count) -> dict[str, Any]:
            usage = super().usage(count)
            return {**usage, "prompt_tokens": max(0, count.prompt - 11), "total_tokens": usage["completion_tokens"]}


@variant()
class CountsCallsApart(Generating):
    """Counts tool calls neither as tokens nor against max_tokens."""

    class Engine(Steps):
        """Calls tools for nothing."""

        def limited(self, calls: Calls, limit: int) -> Calls:
            return calls

        def usage(self, count: Count) -> dict[str, Any]:
            count.calls = 0
            return super().usage(count)
