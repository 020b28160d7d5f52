"""A request as the tokens that the model reads: by the tokenizer's chat template, whatever it takes."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from infercheck.runners.reference.template import is_prompt, text_of
from infercheck.runners.tooling import definition

BETWEEN = "\n\n"
"""What stands between texts that are put together."""


class Template:
    """Renders requests. Without a chat template a conversation is the texts of its messages in a row."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._lock = threading.Lock()  # a tokenizer keeps state while it encodes

    def tokens(self, request: Mapping[str, Any]) -> list[int]:
        """The tokens of a schema-valid body; perhaps none."""
        if is_prompt(request):
            prompt: str = request["prompt"]
            if request.get("raw", False) or not self._tokenizer.chat_template:
                return self._encoded(prompt, whole=False)
            return self._conversation([{"role": "user", "content": prompt}], ())
        messages = [{"role": one["role"], "content": text_of(one["content"])} for one in request["messages"]]
        if not self._tokenizer.chat_template:
            return self._encoded(_plain(messages), whole=False)
        return self._conversation(messages, request.get("tools") or ())

    def _encoded(self, text: str, *, whole: bool) -> list[int]:
        # A text that begins with the token of the beginning, as templates and hand-made prompts do, needs no other.
        first = self._tokenizer.bos_token
        special = not whole and not (first and text.startswith(first))
        with self._lock:
            tokens: list[int] = self._tokenizer(text, add_special_tokens=special, verbose=False)["input_ids"]
        return tokens

    def _conversation(self, messages: Sequence[Mapping[str, str]], tools: Sequence[Mapping[str, Any]]) -> list[int]:
        offered = [{"type": "function", "function": dict(definition(tool))} for tool in tools] or None
        forms = messages, alternating(messages)
        for told in (offered, None) if offered else (None,):
            for form in forms:
                text = self._rendered(form, told)
                if text is not None and self._keeps_all(form, told):
                    return self._encoded(text, whole=True)
        return self._encoded(_plain(messages), whole=False)

    def _keeps_all(self, messages: Sequence[Mapping[str, str]], tools: Any) -> bool:
        # A template may leave out a message that it does not know, and raise on nothing. What it makes of a text is
        # its own affair, and a text may stand in another: so it is asked with others in their place.
        marks = [f"mark{number}end" for number in range(len(messages))]
        text = self._rendered([{**one, "content": mark} for one, mark in zip(messages, marks, strict=True)], tools)
        return text is not None and all(mark in text for mark in marks)

    def _rendered(self, messages: Sequence[Mapping[str, str]], tools: Any) -> str | None:
        try:
            text: str = self._tokenizer.apply_chat_template(
                messages, tools=tools, tokenize=False, add_generation_prompt=True
            )
        except Exception:  # whatever the template's author made it raise, and what its expressions do by themselves
            return None
        return text


def alternating(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The same texts in the form that the strictest templates take: user and assistant by turns, the user first.

    What is neither of these is put before what the user says next; texts of one that follow each other become one.
    """
    found: list[dict[str, str]] = []
    for message in messages:
        role = "assistant" if message["role"] == "assistant" else "user"
        if not found and role == "assistant":
            found.append({"role": "user", "content": ""})
        if found and found[-1]["role"] == role:
            found[-1]["content"] += BETWEEN + message["content"]
        else:
            found.append({"role": role, "content": message["content"]})
    return found or [{"role": "user", "content": ""}]


def _plain(messages: Sequence[Mapping[str, str]]) -> str:
    return BETWEEN.join(one["content"] for one in messages)
