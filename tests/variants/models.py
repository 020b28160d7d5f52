"""Servers whose models speak in another way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from infercheck.runners.reference.model import (
    PEAKED,
    LanguageModel,
    Row,
    decode,
    encode,
)
from infercheck.runners.reference.sampler import Settings
from infercheck.runners.reference.template import is_prompt
from variants.draws import Draws
from variants.engines import Generating, Request, Steps
from variants.registry import variant

LONG = ("default/max_tokens", "effect/max_tokens")
"""What takes an answer of more than 256 tokens to be decided."""

REPEATED = ("effect/*_penalty", "effect/*_penalty/*")
"""What takes an answer long enough to repeat something in it."""


@variant(undecided=LONG)
class IsSureOfItself(Generating):
    """Has hardly a choice at the usual temperature, and comes to an end within 60 tokens."""

    peak = PEAKED
    length = (20, 60)


@variant()
class IsVerySureOfItself(Generating):
    """Has a choice only where it is hot, and says so at length."""

    peak = 6.0


@variant()
class IsSureOfNothing(Generating):
    """Takes all tokens for about as likely."""

    peak = 0.25


@variant(undecided=(*LONG, *REPEATED, "stream/incremental"))
class IsBrief(Generating):
    """Says 5 to 15 tokens."""

    length = (5, 15)


@variant(undecided=(*LONG, *REPEATED, "stream/incremental"))
class SaysOneWord(Generating):
    """Says one token, and ends."""

    length = (1, 1)


@variant(undecided=(*LONG, "effect/messages"))
class HasNothingToSayNowAndThen(Generating):
    """Answers some prompts with nothing, and some with up to 40 tokens."""

    class Engine(Steps):
        """Is silent for one prompt in five."""

        def tokens(self, request: Request, context: int, draws: Draws, limit: int) -> Iterator[str]:
            return iter(()) if context % 5 == 0 else super().tokens(request, context, draws, limit)

    length = (10, 40)


@variant(only=("default", "effect/max_tokens", "stream", "output", "open/max_tokens"))
class NeverComesToAnEnd(Generating):
    """Says 5,000 tokens where it may."""

    length = (5000, 5000)


@variant(undecided=LONG)
class EndsWhereItMay(Generating):
    """Ends after any number of tokens from 1 to 400, so that some prompts get long answers and some do not."""

    length = (1, 400)


class Mixed(LanguageModel):
    """Is sure of three tokens in four, and free in the fourth."""

    def _make_row(self, index: int) -> Row:
        row = super()._make_row(index)
        return Row(index, [each * 12 for each in row.logits]) if index % 4 else row


@variant(undecided=("effect/top_k",))
class ChoosesNowAndThen(Generating):
    """Is sure of most tokens even where it is hot, and free in some."""

    def make_engine(self, model: Any = None) -> Any:
        return self.Engine(one(Mixed))


class Forgetful(LanguageModel):
    """Has an eye for the prompt and for the last token, and so goes round in circles."""

    def start(self, text: str, adapter: str | None = None) -> int:
        return super().start(text, adapter) << 16

    def advance(self, context: int, token: int) -> int:
        return (context >> 16 << 16) | (token + 1)

    def row(self, context: int) -> Row:
        return super().row(super().advance(context >> 16, context & 0xFFFF))

    def length(self, start: int) -> int:
        return super().length(start >> 16)


@variant()
class GoesRoundInCircles(Generating):
    """Repeats itself for ever at temperature 0, as small models do, unless a penalty keeps it from that."""

    def make_engine(self, model: Any = None) -> Any:
        return self.Engine(one(Forgetful))


@variant(undecided=("effect/top_k",))
class BeginsAlike(Generating):
    """Begins every answer with the same three tokens, and is free only behind them."""

    class Engine(Steps):
        """Knows how to begin."""

        def tokens(self, request: Request, context: int, draws: Draws, limit: int) -> Iterator[str]:
            opening = (" Well", ",", " then")[:limit]
            yield from opening
            yield from super().tokens(request, context, draws, limit - len(opening))


@variant()
class RepeatsTheQuestionPolitely(Generating):
    """Begins a third of its answers with the first words of the question, in quotation marks."""

    class Engine(Steps):
        """Quotes."""

        def tokens(self, request: Request, context: int, draws: Draws, limit: int) -> Iterator[str]:
            asked = (
                request["prompt"]
                if is_prompt(request)
                else "".join(each["content"] for each in request["messages"][-1:])
            )
            raw = is_prompt(request) and request.get("raw", False)
            quote = encode(f'You asked: "{asked[:24]}…" ') if context % 3 == 0 and not raw else []
            spoken = [decode([token]) for token in quote[:limit]]
            yield from spoken
            yield from super().tokens(request, context, draws, limit - len(spoken))


@variant()
class WritesMarkersWhereItIsAskedTo(Generating):
    """Speaks of [INST] and </s> in the middle of a text that is about them."""

    class Engine(Steps):
        """Has words for markers."""

        def tokens(self, request: Request, context: int, draws: Draws, limit: int) -> Iterator[str]:
            text = str(request.get("prompt") or request.get("messages"))
            markers = {" great": " the [INST] tag", " hand": " the </s> tag", " used": " [/INST] too"}
            asked = not request.get("raw") and ("[INST]" in text or "</s>" in text)
            known = markers if asked else {}
            return (known.get(piece, piece) for piece in super().tokens(request, context, draws, limit))


class Bytes(Steps):
    """Has a token for each byte of what is not ASCII, so that a limit may cut a character in two."""

    def tokens(self, request: Request, context: int, draws: Draws, limit: int) -> Iterator[Any]:
        written = 0
        for piece in super().tokens(request, context, draws, limit):
            data = piece.encode()
            parts = [data] if len(data) == len(piece) else [data[at : at + 1] for at in range(len(data))]
            yield from parts[: limit - written]
            written += len(parts)
            if written >= limit:
                return

    def polish(self, pieces: Iterator[Any]) -> Iterator[str]:
        held = b""
        for piece in pieces:
            held += piece
            text = held.decode("utf-8", "ignore")
            held = held[len(text.encode()) :]
            if text:
                yield text
        yield from self.rest(held)

    def rest(self, held: bytes) -> list[str]:
        """What becomes of half a character."""
        return ["\ufffd"] if held else []


@variant()
class CutsCharactersInTwo(Generating):
    """Spells other scripts byte by byte, and shows half a character as U+FFFD at the end of an answer."""

    Engine = Bytes


@variant()
class LeavesOutHalfACharacter(Generating):
    """Spells other scripts byte by byte, and leaves out half a character at the end of an answer."""

    class Engine(Bytes):
        """Has no use for halves."""

        def rest(self, held: bytes) -> list[str]:
            return []


@variant(undecided=LONG)
class CountsTheEnd(Generating):
    """Counts the token that ends an answer, where there is room for it."""

    class Engine(Steps):
        """Counts what has no text."""

        def tokens(self, request: Request, context: int, draws: Draws, limit: int) -> Iterator[str]:
            yield from super().tokens(request, context, draws, limit)
            if limit > self.model.length(context):
                yield ""

        def polish(self, pieces: Iterator[str]) -> Iterator[str]:
            return filter(None, pieces)

    length = (40, 300)


@variant(undecided=("effect/*_penalty", "effect/*_penalty/*", "effect/top_k", "stream/incremental"))
class WritesFormLetters(Generating):
    """Fills in a form: what stands there twice is the form's, and what is filled in is never the same."""

    class Engine(Steps):
        """Chooses every other token."""

        form = (" Dear", " thank", " you", " for", " your", ".")

        def settings(self, request: Request) -> Settings:
            # No word that it chooses stands there before, so that there is nothing to penalise.
            settings = super().settings(request)
            return replace(settings, repetition_penalty=1.0, frequency_penalty=0.0, presence_penalty=0.0)

        def tokens(self, request: Request, context: int, draws: Draws, limit: int) -> Iterator[str]:
            for number, word in enumerate(super().tokens(request, context, draws, limit)):
                last = self.form[number // 2 % len(self.form)]
                yield last if number % 2 else f" {word.strip()}{number}"


@variant(undecided=("effect/*", "default/*"))
class BeginsWithADisclaimer(Generating):
    """Begins every answer with the same two sentences, and then says something."""

    class Engine(Steps):
        """Is careful."""

        opening = tuple(
            f" {word}" for word in ("I am an assistant and what I write may be wrong so check it " * 3).split()
        )

        def tokens(self, request: Request, context: int, draws: Draws, limit: int) -> Iterator[str]:
            yield from self.opening[:limit]
            yield from super().tokens(request, context, draws, limit - len(self.opening[:limit]))


@variant(
    undecided=(
        *LONG,
        *REPEATED,
        "effect/*",
        "default/*",
        "isolation/*",
        "template/*",
        "lora/*",
        "robust/disconnect",
    )
)
class RefusesStories(Generating):
    """Says the same to whoever wants a story, and answers questions."""

    class Engine(Steps):
        """Has no fancy."""

        no = tuple(
            f" {word}" for word in ("I cannot tell stories but I can answer questions about invoices " * 4).split()
        )

        def tokens(self, request: Request, context: int, draws: Draws, limit: int) -> Iterator[str]:
            text = self.render(request)
            if "story" in text or "stories" in text:
                return iter(self.no[:limit])
            return super().tokens(request, context, draws, limit)


@variant(undecided=LONG)
class SaysFortyTokens(Generating):
    """Answers everything with 40 tokens."""

    length = (40, 40)


@variant(undecided=("effect/prompt*", "effect/messages*", "effect/top_k"))
class QuotesTheQuestion(Generating):
    """Begins every answer with the first words of the question, as it was taught to."""

    class Engine(Steps):
        """Says what it was asked."""

        def tokens(self, request: Request, context: int, draws: Draws, limit: int) -> Iterator[str]:
            last = request["messages"][-1:] if not is_prompt(request) else []
            asked = request["prompt"] if is_prompt(request) else "".join(each["content"] for each in last)
            words = ['You asked: "', *(f"{word} " for word in asked.split()[:60]), '" –']
            spoken = [] if request.get("raw") else words[:limit]
            yield from spoken
            yield from super().tokens(request, context, draws, limit - len(spoken))


@variant(undecided=("effect/top_k", *LONG))
class SpellsWithADefaultOfItsOwn(Generating):
    """Has 30 tokens in all, and keeps 10 of them where no top_k is given."""

    class Engine(Steps):
        """Has a small vocabulary."""

        def settings(self, request: Request) -> Settings:
            settings = super().settings(request)
            return replace(settings, top_k=min(30, settings.top_k or 10))


@cache
def one(kind: type[LanguageModel]) -> LanguageModel:
    """The model of a kind."""
    return kind()
