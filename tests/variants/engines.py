"""An engine in small steps, from which servers are made that generate in another way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, ClassVar

from mutants.conforming import Conforming

from infercheck.runners.engine import Refusal
from infercheck.runners.reference import engine as reference
from infercheck.runners.reference.model import DEFAULT_LENGTH, DEFAULT_PEAK, LanguageModel, decode, encode
from infercheck.runners.reference.sampler import Settings
from infercheck.runners.reference.template import is_prompt, render
from variants.draws import Draws, Table

Request = Mapping[str, Any]
Payloads = Iterator[dict[str, Any]]
Calls = list[dict[str, Any]]


class Count:
    """Tokens of one answer, counted while they are made."""

    def __init__(self, prompt: int, calls: int) -> None:
        self.prompt = prompt
        self.calls = calls
        self.written = 0

    def each(self, pieces: Iterable[str]) -> Iterator[str]:
        """The texts of tokens, each counted as it goes by."""
        for piece in pieces:
            self.written += 1
            yield piece


class Steps:
    """Answers as the reference engine does. Whatever a step does, it does to streams and whole answers alike; only
    `events` and `whole` tell them apart."""

    adapters: Sequence[str] = ("poet", "pirate")
    draws: type[Draws] = Draws

    def __init__(self, model: LanguageModel | None = None) -> None:
        self.model = model or language()
        self._tables: dict[tuple[Any, ...], Table] = {}

    def answer(self, request: Request) -> Any:
        """Answer one schema-valid body; see `Engine.answer`."""
        limit = self.limit(request)
        text = self.render(request)
        prompt = encode(text)
        limit = self.admitted(prompt, limit)
        context = self.start(text, self.adapter(request))
        settings = self.settings(request)
        calls = self.limited(self.calls(request, context, settings), limit)
        count = Count(len(prompt), len(calls))
        tokens: Iterable[str] = () if calls else self.tokens(request, context, self.drawn(settings, prompt), limit)
        pieces = self.polish(count.each(tokens))
        if request.get("stream", False):
            return self.events(pieces, calls, count)
        return self.whole("".join(pieces), calls, count)

    def limit(self, request: Request) -> int:
        """How many tokens an answer may have."""
        limit = int(request.get("max_tokens", reference.DEFAULT_MAX_TOKENS))
        if limit < 0:
            raise Refusal(400, 5006, "AiError: Bad input: Error: '/max_tokens' must be >= 0")
        return limit

    def render(self, request: Request) -> str:
        """The text that the model reads."""
        return render(request)

    def admitted(self, prompt: Sequence[int], limit: int) -> int:
        """How many tokens there is room for; a refusal of what is too long."""
        return limit

    def adapter(self, request: Request) -> str | None:
        """The adapter asked for."""
        return self.known(request["lora"]) if "lora" in request and is_prompt(request) else None

    def known(self, name: str) -> str | None:
        """An adapter of this name; a refusal where there is none."""
        if name not in self.adapters:
            raise Refusal(400, 3037, f"AiError: LoRA not found: {name[:100]}")
        return name

    def start(self, text: str, adapter: str | None) -> int:
        """The model's context before the answer."""
        return self.model.start(text, adapter)

    def settings(self, request: Request) -> Settings:
        """The sampling parameters of a request."""
        return Settings.of(request)

    def calls(self, request: Request, context: int, settings: Settings) -> Calls:
        """The tools that are called instead of an answer."""
        return reference._calls(request, context)

    def limited(self, calls: Calls, limit: int) -> Calls:
        """The calls that a limit leaves: each counts as one token."""
        return calls[:limit]

    def drawn(self, settings: Settings, prompt: Sequence[int]) -> Draws:
        """What draws the tokens of one answer."""
        key = (settings.temperature, settings.top_p, settings.top_k)
        if len(self._tables) > 32:
            self._tables = {}
        return self.draws(settings, prompt, self._tables.setdefault(key, {}))

    def tokens(self, request: Request, context: int, draws: Draws, limit: int) -> Iterator[str]:
        """The texts of an answer's tokens."""
        for _ in range(min(limit, self.model.length(context))):
            token = draws.pick(self.model.row(context))
            context = self.model.advance(context, token)
            yield decode([token])

    def polish(self, pieces: Iterator[str]) -> Iterator[str]:
        """What is made of the text."""
        return pieces

    def usage(self, count: Count) -> dict[str, Any]:
        """How many tokens there were."""
        written = count.calls or count.written
        return {
            "prompt_tokens": count.prompt,
            "completion_tokens": written,
            "total_tokens": count.prompt + written,
        }

    def events(self, pieces: Iterator[str], calls: Calls, count: Count) -> Payloads:
        """The payloads of a stream's events."""
        for piece in self.cut(pieces):
            yield {"response": piece}
        if calls:
            yield {"response": "", "tool_calls": calls}
        yield {"response": "", "usage": self.usage(count)}

    def cut(self, pieces: Iterator[str]) -> Iterator[str]:
        """The pieces of a stream, joined or cut in another way."""
        return pieces

    def whole(self, text: str, calls: Calls, count: Count) -> dict[str, Any]:
        """The answer without a stream."""
        found = {"tool_calls": calls} if calls else {}
        return {"response": text, **found, "usage": self.usage(count)}


class Generating(Conforming):
    """A server that generates with an engine of its own."""

    Engine: type[Steps] = Steps
    peak: ClassVar[float] = DEFAULT_PEAK
    length: ClassVar[tuple[int, int]] = DEFAULT_LENGTH

    def make_engine(self, model: LanguageModel | None = None) -> Any:
        """The engine behind this server."""
        return self.Engine(model or language(self.peak, self.length))


@cache
def language(peak: float = DEFAULT_PEAK, length: tuple[int, int] = DEFAULT_LENGTH) -> LanguageModel:
    """A model; the same for the same description, for making its rows takes a while."""
    return LanguageModel(peak=peak, length=length)


def batched(pieces: Iterator[str], size: int) -> Iterator[str]:
    """Pieces joined, so many at a time."""
    while group := list(islice(pieces, size)):
        yield "".join(group)
