"""The chat template: how a request becomes the one text that the model reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_LONGEST_PROMPT = 131072


def is_prompt(request: Mapping[str, Any]) -> bool:
    """Tell whether a schema-valid body matches the page's Prompt branch; if not, it matches Messages.

    A body that has both `prompt` and `messages` is valid where one branch fails. The keys that both branches
    declare are declared alike, so only those that Prompt alone declares can decide. One without messages is a
    prompt, however long.
    """
    prompt = request.get("prompt")
    return isinstance(prompt, str) and (
        "messages" not in request
        or (
            1 <= len(prompt) <= _LONGEST_PROMPT
            and isinstance(request.get("raw", False), bool)
            and isinstance(request.get("lora", ""), str)
        )
    )


def render(request: Mapping[str, Any]) -> str:
    """Return the text of a schema-valid body, in Mistral's form `<s>[INST] … [/INST]`.

    A prompt is one user message, unless `raw` is true: then it is the text, verbatim. Images, functions and
    tools are no part of it.
    """
    if not is_prompt(request):
        return render_messages(request["messages"])
    prompt: str = request["prompt"]
    if request.get("raw", False):
        return prompt
    return render_messages([{"role": "user", "content": prompt}])


def render_messages(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of a conversation. Any role is taken; each message and its place shows in the text."""
    return "<s>" + "".join(_render_message(message["role"], text_of(message["content"])) for message in messages)


def text_of(content: Any) -> str:
    """Return the text of a message: its content, or the texts of its parts, as newer pages have them."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, Mapping))


def _render_message(role: str, content: str) -> str:
    match role:
        case "user":
            return f"[INST] {content} [/INST]"
        case "assistant":
            return f" {content}</s>"
        case "system":
            return f"<<SYS>>\n{content}\n<</SYS>>\n\n"
        case _:
            return f"[{role}] {content} [/{role}]"
