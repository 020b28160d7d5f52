"""The engine behind `transformers:PATH`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Mapping
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
        prompt = self._template.tokens(request) or [self.model.first]
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
        )
        if limit:
            self.scheduler.submit(sequence)
        else:
            sequence.end()
        answer = _Answer(sequence, len(prompt), self._text(), self._mark if request.get("tools") else None)
        return answer.stream() if request.get("stream", False) else answer.whole()

    def _text(self) -> Text:
        tokenizer = self.model.tokenizer
        return Text(
            lambda tokens: tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )


class _Answer:
    """One answer, as it is told. `mark` is the token that begins tool calls, where tools were offered."""

    def __init__(self, sequence: Sequence, prompt: int, text: Text, mark: int | None) -> None:
        self._sequence = sequence
        self._prompt = prompt
        self._text = text
        self._mark = mark

    def stream(self) -> Iterator[Output]:
        """The payloads of its events, as they come."""
        try:
            yield from self._events()
        finally:
            self._sequence.leave()

    async def whole(self) -> Output:
        """The page's Output, once all of it is there."""
        try:
            await asyncio.wrap_future(self._sequence.ended)
        finally:
            self._sequence.leave()
        return await asyncio.to_thread(self._gathered)  # to spell a long answer takes a while

    def _gathered(self) -> Output:
        answer: dict[str, Any] = {"response": ""}
        for event in self._events():
            answer["response"] += event["response"]
            answer.update((key, event[key]) for key in ("tool_calls", "usage") if key in event)
        return answer

    def _events(self) -> Iterator[Output]:
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
