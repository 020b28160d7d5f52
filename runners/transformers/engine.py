"""The engine behind `transformers:PATH`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator, Iterator, Mapping
from collections.abc import Sequence as Listed
from typing import Any

from infercheck.runners.engine import Output, Refusal
from infercheck.runners.reference.engine import adapter_of, limit_of
from infercheck.runners.reference.sampler import Settings
from infercheck.runners.transformers.calls import calls_of, mark_of
from infercheck.runners.transformers.checkpoint import Checkpoint
from infercheck.runners.transformers.model import Model
from infercheck.runners.transformers.sampler import Sampler
from infercheck.runners.transformers.scheduler import Scheduler
from infercheck.runners.transformers.sequence import Sequence
from infercheck.runners.transformers.template import Template
from infercheck.runners.transformers.text import Text

CONCURRENCY = 16
"""Answers made at once, one token of each in turn, where they do not share steps."""

WINDOW = 5021
"""The hosted API's code for what does not fit into the context window."""


class TransformersEngine:
    """An `Engine` over a checkpoint; loads it, and refuses with `UsageError` what cannot be loaded.

    A stream is a blocking iterator, a whole answer awaitable, so that either ends where the client leaves.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.adapters: Listed[str] = tuple(checkpoint.adapters)
        self.concurrency = checkpoint.batch if checkpoint.batch > 1 else CONCURRENCY
        self.model = Model(checkpoint)
        self.scheduler = Scheduler(self.model, batch=checkpoint.batch, most=self.concurrency)
        self._template = Template(self.model.tokenizer)
        self._mark = mark_of(self.model.tokenizer)

    def close(self) -> None:
        """End the thread that drives the model, and all answers under way."""
        self.scheduler.close()

    def answer(self, request: Mapping[str, Any]) -> Awaitable[Output] | Iterator[Output]:
        """Answer one schema-valid body; see `Engine.answer`.

        Refuses with 400 an unknown `lora` (code 3037) and a negative `max_tokens` (5006), with 413 a prompt
        that leaves no room in the context window (5021). An answer ends where the window does; it has no token
        of the end.
        """
        limit = limit_of(request)
        adapter = adapter_of(request, self.adapters)
        # Some tokenizers know tokens that their model has no place for, such as one that pads.
        prompt = [token for token in self._template.tokens(request) if token < self.model.vocabulary]
        prompt = prompt or [self.model.first]
        room = self.model.window - len(prompt)
        if room < 1:
            message = f"the prompt has {len(prompt)} tokens, and the context window is {self.model.window}"
            raise Refusal(413, WINDOW, f"AiError: Request is too large: {message}")
        sequence = Sequence(
            prompt,
            Sampler(Settings.of(request), prompt),
            adapter=adapter,
            limit=min(limit, room),
            ends=self.model.ends,
            chunk=self.model.chunk,
        )
        answer = _Answer(sequence, len(prompt), self._text(), self._mark if request.get("tools") else None)
        if not request.get("stream", False):
            return self._whole(answer, sequence, limit)
        self._begin(sequence, limit)
        return _Stream(answer, sequence)

    def _begin(self, sequence: Sequence, limit: int) -> None:
        if limit:
            self.scheduler.submit(sequence)
        else:
            sequence.end()

    async def _whole(self, answer: _Answer, sequence: Sequence, limit: int) -> Output:
        try:
            self._begin(sequence, limit)
            await asyncio.wrap_future(sequence.ended)
        finally:
            sequence.leave()
        return await asyncio.to_thread(answer.whole)  # to spell a long answer takes a while

    def _text(self) -> Text:
        tokenizer = self.model.tokenizer
        return Text(
            lambda tokens: tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )


class _Stream(Iterator[Output]):
    """The payloads of a stream's events, which end at once where the client leaves; see `Engine`."""

    def __init__(self, answer: _Answer, sequence: Sequence) -> None:
        self._events = answer.events()
        self._sequence = sequence

    def __next__(self) -> Output:
        return next(self._events)

    def leave(self) -> None:
        """Nobody waits for more, though somebody may be waiting now."""
        self._sequence.leave()

    def close(self) -> None:
        """The same, from whoever drives it."""
        self.leave()
        self._events.close()


class _Answer:
    """One answer, as it is told. `mark` is the token that begins tool calls, where tools were offered."""

    def __init__(self, sequence: Sequence, prompt: int, text: Text, mark: int | None) -> None:
        self._sequence = sequence
        self._prompt = prompt
        self._text = text
        self._mark = mark

    def whole(self) -> Output:
        """The page's Output; waits until all of it is there."""
        answer: dict[str, Any] = {"response": ""}
        for event in self.events():
            answer["response"] += event["response"]
            answer.update((key, event[key]) for key in ("tool_calls", "usage") if key in event)
        return answer

    def events(self) -> Generator[Output]:
        """The payloads of its events, as they come; none any more once the client has left."""
        calling: list[str] | None = None
        first = True
        while (token := self._sequence.tokens.get()) is not None:
            piece = self._text.piece(token)
            if first and token == self._mark:
                calling = []
            elif calling is not None:
                calling.append(piece)
            elif piece:
                yield {"response": piece}
            first = False
        if not self._sequence.ended.done():
            return  # nobody waits for the end
        written = self._sequence.ended.result()
        rest = self._text.rest()
        if calling is not None:
            rest = "".join(calling) + rest
            if calls := calls_of(rest):
                yield {"response": "", "tool_calls": calls}
                rest = ""
        if rest:
            yield {"response": rest}
        usage = {
            "prompt_tokens": self._prompt,
            "completion_tokens": written,
            "total_tokens": self._prompt + written,
        }
        yield {"response": "", "usage": usage}
