"""Servers that put prompts and messages to their model in another way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from infercheck.runners.reference.template import is_prompt
from variants.engines import Generating, Request, Steps
from variants.registry import variant

Messages = Sequence[Mapping[str, Any]]


class Templated(Steps):
    """Has a template of its own: `template` for a conversation; a prompt is one message of the user."""

    def render(self, request: Request) -> str:
        if not is_prompt(request):
            return self.template(request["messages"])
        if request.get("raw", False):
            return request["prompt"]
        return self.template([{"role": "user", "content": request["prompt"]}])

    def template(self, messages: Messages) -> str:
        """The text of a conversation."""
        raise NotImplementedError


@variant()
class SpeaksChatMl(Generating):
    """Marks messages by their roles, as ChatML does."""

    class Engine(Templated):
        """Writes ChatML."""

        def template(self, messages: Messages) -> str:
            turns = [f"<|im_start|>{each['role']}\n{each['content']}<|im_end|>\n" for each in messages]
            return "".join([*turns, "<|im_start|>assistant\n"])


@variant()
class SpeaksAsLlamaDoes(Generating):
    """Marks messages by headers, and ends each with a token."""

    class Engine(Templated):
        """Writes headers."""

        def template(self, messages: Messages) -> str:
            names = {"assistant": "model", "tool": "ipython"}
            turns = [
                f"<|start|>{names.get(each['role'], each['role'])}<|end|>\n\n{each['content'].strip()}<|eot|>"
                for each in messages
            ]
            return "".join(["<|begin|>", *turns, "<|start|>model<|end|>\n\n"])


@variant()
class SpeaksPlainly(Generating):
    """Writes a conversation as a play, in which unknown roles are the user's."""

    class Engine(Templated):
        """Writes plays."""

        def template(self, messages: Messages) -> str:
            names = {"system": "Rules", "assistant": "A", "tool": "Result"}
            return "\n".join([*(f"{names.get(each['role'], 'Q')}: {each['content']}" for each in messages), "A:"])


@variant()
class MergesTheSystemsWords(Generating):
    """Puts what the system says before what the user says first, as Mistral's template does."""

    class Engine(Templated):
        """Merges."""

        def template(self, messages: Messages) -> str:
            rules = "\n".join(each["content"] for each in messages if each["role"] == "system")
            text, first = "<s>", True
            for each in messages:
                if each["role"] == "assistant":
                    text += f" {each['content']}</s>"
                elif each["role"] != "system":
                    text += f"[INST] {rules + chr(10) * 2 if rules and first else ''}{each['content']} [/INST]"
                    first = False
            return text if not first else f"{text}[INST] {rules} [/INST]"


@variant()
class TrimsContents(Generating):
    """Takes the white space off both ends of what each message says, and of a prompt."""

    class Engine(Templated):
        """Trims."""

        def template(self, messages: Messages) -> str:
            return "<s>" + "".join(f"[{each['role']}]{each['content'].strip()}[/]" for each in messages)


@variant()
class HasRulesOfItsOwn(Generating):
    """Adds a message of the system where there is none, to prompts and conversations alike."""

    class Engine(Templated):
        """Rules."""

        def template(self, messages: Messages) -> str:
            own: Messages = [{"role": "system", "content": "You are a helpful assistant."}]
            messages = messages if any(each["role"] == "system" for each in messages) else [*own, *messages]
            return "".join(f"<{each['role']}>{each['content']}" for each in messages)


@variant()
class JoinsNeighbours(Generating):
    """Joins messages that follow each other in the same role."""

    class Engine(Templated):
        """Joins."""

        def template(self, messages: Messages) -> str:
            text, last = "", None
            for each in messages:
                text += (
                    f"\n{each['content']}" if each["role"] == last else f"\n### {each['role']}\n{each['content']}"
                )
                last = each["role"]
            return f"{text}\n### assistant\n"


@variant()
class BeginsRawPromptsToo(Generating):
    """Puts the token that begins a text before raw prompts, unless it stands there."""

    class Engine(Steps):
        """Begins everything."""

        def render(self, request: Request) -> str:
            return f"<s>{super().render(request).removeprefix('<s>')}"


@variant()
class NormalisesItsInput(Generating):
    """Reads CR LF as LF, and a tab as a space."""

    class Engine(Steps):
        """Reads simply."""

        def render(self, request: Request) -> str:
            return super().render(request).replace("\r\n", "\n").replace("\t", " ")


@variant()
class ReadsTools(Generating):
    """Puts the tools that it is offered into its text, so that the answer depends on them."""

    class Engine(Steps):
        """Reads tools."""

        def render(self, request: Request) -> str:
            offered = None if is_prompt(request) else request.get("tools")
            return super().render(request) + (json.dumps(offered, sort_keys=True) if offered else "")


@variant()
class LooksAtImagesAndFunctions(Generating):
    """Lets images and functions count, where there are any."""

    class Engine(Steps):
        """Looks."""

        def render(self, request: Request) -> str:
            seen = json.dumps([request.get("image"), request.get("functions")])
            added = (
                hashlib.sha256(seen.encode()).hexdigest() if "image" in request or "functions" in request else ""
            )
            return super().render(request) + added


@variant()
class IgnoresWhatItDoesNotKnow(Generating):
    """Accepts images and functions, and answers as if there were none."""


@variant()
class KnowsTheNameOfTheUser(Generating):
    """Lets every key that no branch declares count, such as a user's name, and says nothing of it."""

    class Engine(Steps):
        """Reads all that is sent."""

        def render(self, request: Request) -> str:
            return super().render(request) + (json.dumps(request["user"]) if "user" in request else "")


@variant(declare=("no-template",))
class HasNoTemplate(Generating):
    """Has no template, as its operator declares: reads prompts as they are, raw or not, and messages by lines."""

    class Engine(Templated):
        """Reads on."""

        def template(self, messages: Messages) -> str:
            return "\n".join(each["content"] for each in messages)
