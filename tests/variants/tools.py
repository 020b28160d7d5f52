"""Servers that call tools in another way."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from infercheck.runners.reference import engine as reference
from infercheck.runners.reference.sampler import Settings
from infercheck.runners.reference.template import is_prompt
from infercheck.runners.tooling import definition
from variants.engines import Calls, Count, Generating, Payloads, Request, Steps
from variants.registry import variant


def offered(request: Request) -> list[Mapping[str, Any]]:
    """The tools of a conversation, each with its name and its parameters."""
    tools = None if is_prompt(request) else request.get("tools")
    return [definition(tool) for tool in tools or ()]


def call(tool: Mapping[str, Any], context: int) -> dict[str, Any]:
    """A call whose arguments fit."""
    return {"name": tool["name"], "arguments": reference._arguments(tool["parameters"], context)}


class Calling(Steps):
    """Calls the first tool that it is offered."""

    def calls(self, request: Request, context: int, settings: Settings) -> Calls:
        return [call(tool, context) for tool in offered(request)[:1]]


@variant()
class CallsNothing(Generating):
    """Reads no tools, and answers with text."""

    class Engine(Steps):
        """Calls none."""

        def calls(self, request: Request, context: int, settings: Settings) -> Calls:
            return []


@variant()
class CallsTheFirst(Generating):
    """Calls the first tool, whatever is said."""

    Engine = Calling


@variant()
class CallsAll(Generating):
    """Calls every tool, and the first one twice."""

    class Engine(Steps):
        """Calls all."""

        def calls(self, request: Request, context: int, settings: Settings) -> Calls:
            tools = offered(request)
            return [call(tool, context + place) for place, tool in enumerate([*tools, *tools[:1]])]


@variant()
class CallsWhatIsSpokenOf(Generating):
    """Calls a tool only if the last message has its name, letter by letter."""

    class Engine(Steps):
        """Listens."""

        def calls(self, request: Request, context: int, settings: Settings) -> Calls:
            said = request["messages"][-1]["content"] if request.get("messages") else ""
            return [call(tool, context) for tool in offered(request) if tool["name"] and tool["name"] in said]


@variant()
class CallsByChance(Generating):
    """Draws whether to call a tool, by the seed; at temperature 0, and where one token is left, it does."""

    class Engine(Calling):
        """Draws."""

        def calls(self, request: Request, context: int, settings: Settings) -> Calls:
            sure = settings.temperature == 0 or settings.top_k == 1 or settings.top_p < 0.01
            chosen = sure or random.Random(settings.seed).random() < 0.5
            return super().calls(request, context, settings) if chosen else []


@variant()
class GivesNoArguments(Generating):
    """Calls tools with an empty object."""

    class Engine(Steps):
        """Gives nothing."""

        def calls(self, request: Request, context: int, settings: Settings) -> Calls:
            return [{"name": tool["name"], "arguments": {}} for tool in offered(request)[:1]]


@variant()
class GivesArgumentsThatNobodyAskedFor(Generating):
    """Calls tools with an argument too many, of an odd type."""

    class Engine(Calling):
        """Gives more."""

        def calls(self, request: Request, context: int, settings: Settings) -> Calls:
            found = super().calls(request, context, settings)
            return [{**each, "arguments": {**each["arguments"], "": [{"": None}]}} for each in found]


@variant()
class SendsCallsAsOthersDo(Generating):
    """Sends calls with an id that is another each time, and with what clients of other APIs look for."""

    class Engine(Calling):
        """Knows other APIs."""

        def calls(self, request: Request, context: int, settings: Settings) -> Calls:
            return [
                {
                    "id": f"call_{uuid.uuid4()}",
                    "type": "function",
                    "function": {"name": each["name"], "arguments": json.dumps(each["arguments"])},
                    **each,
                }
                for each in super().calls(request, context, settings)
            ]


@variant()
class SendsNullForNoText(Generating):
    """Sends null for the text beside calls, streamed or not."""

    class Engine(Calling):
        """Says nothing."""

        def events(self, pieces: Iterator[str], calls: Calls, count: Count) -> Payloads:
            for each in super().events(pieces, calls, count):
                yield {**each, "response": None} if "tool_calls" in each else each

        def whole(self, text: str, calls: Calls, count: Count) -> dict[str, Any]:
            return {**super().whole(text, calls, count), "response": None if calls else text}


@variant()
class SendsNoTextBesideCalls(Generating):
    """Leaves out the text beside calls, and the list of calls where there is a text."""

    class Engine(Calling):
        """Says one thing."""

        def events(self, pieces: Iterator[str], calls: Calls, count: Count) -> Payloads:
            return ({k: v for k, v in each.items() if v != ""} for each in super().events(pieces, calls, count))

        def whole(self, text: str, calls: Calls, count: Count) -> dict[str, Any]:
            return {k: v for k, v in super().whole(text, calls, count).items() if not (calls and k == "response")}


@variant()
class SendsAListAlways(Generating):
    """Sends an empty list of calls with every answer and every event that has none."""

    class Engine(Steps):
        """Sends lists."""

        def events(self, pieces: Iterator[str], calls: Calls, count: Count) -> Payloads:
            return ({"tool_calls": [], **each} for each in super().events(pieces, calls, count))

        def whole(self, text: str, calls: Calls, count: Count) -> dict[str, Any]:
            return {"tool_calls": [], **super().whole(text, calls, count)}


@variant()
class SendsCallsOneByOne(Generating):
    """Streams each call in an event of its own."""

    class Engine(CallsAll.Engine):
        """Sends one at a time."""

        def events(self, pieces: Iterator[str], calls: Calls, count: Count) -> Payloads:
            if not calls:
                return super().events(pieces, calls, count)
            each = ({"response": "", "tool_calls": [one]} for one in calls)
            return chain(each, [{"response": "", "usage": self.usage(count)}])


@variant()
class SendsCallsWithTheUsage(Generating):
    """Streams calls in the one event that counts them."""

    class Engine(CallsAll.Engine):
        """Sends all at once."""

        def events(self, pieces: Iterator[str], calls: Calls, count: Count) -> Payloads:
            if not calls:
                return super().events(pieces, calls, count)
            return iter([{"tool_calls": calls, "usage": self.usage(count)}])


@variant()
class SpeaksBeforeItCalls(Generating):
    """Says a few words before it calls a tool, and counts the call alone."""

    class Engine(Calling):
        """Says what it does."""

        def events(self, pieces: Iterator[str], calls: Calls, count: Count) -> Payloads:
            return super().events(self.spoken(pieces, calls), calls, count)

        def whole(self, text: str, calls: Calls, count: Count) -> dict[str, Any]:
            return super().whole("".join(self.spoken(iter([text]), calls)), calls, count)

        def spoken(self, pieces: Iterator[str], calls: Calls) -> Iterator[str]:
            """The words before calls."""
            return iter(["Let me", " see."]) if calls else pieces


@variant(declare=("no-tools",))
class HasNoTools(Generating):
    """Knows no tools, as its operator says, and refuses conversations that offer some."""

    def validate(self, body: Any) -> None:
        super().validate(body)
        if "messages" in body and body.get("tools"):
            raise reference.Refusal(400, 5006, "AiError: Bad input: Error: this model has no tools")
