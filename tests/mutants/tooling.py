"""Servers that call tools which nobody offered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mutants.altered import Altered, Body, Events, Numbering, has_tools, is_streamed
from mutants.registry import mutant

Call = Mapping[str, Any]


class Calling(Altered):
    """Calls other tools than those of its model."""

    def whole(self, body: Body, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.changed(body, answer)

    def events(self, body: Body, events: Events) -> Events:
        return (self.changed(body, payload) for payload in events)

    def changed(self, body: Body, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """An answer, or an event, with other calls."""
        if "tool_calls" not in answer:
            return answer
        return {**answer, "tool_calls": [self.call(each) for each in answer["tool_calls"]]}

    def call(self, call: Call) -> Call:
        """What is called instead."""
        return {**call, "name": self.name(call["name"])}

    def name(self, name: str) -> str:
        """The name that is called instead."""
        raise NotImplementedError


@mutant("tools/names")
class CallsToolsByAPath(Calling):
    """Calls functions.get_weather where it was offered get_weather."""

    def name(self, name: str) -> str:
        return f"functions.{name}"


@mutant("tools/names")
class CallsItsOwnTool(Calling):
    """Has a tool of its own, and calls that rather than what it was offered."""

    def call(self, call: Call) -> Call:
        return {"name": "web_search", "arguments": {"query": call["name"]}}


@mutant("tools/names", may_fail=("stream/equivalence",))
class CallsItsOwnToolInStreams(CallsItsOwnTool):
    """Calls a tool of its own where it streams."""

    def hits(self, body: Body) -> bool:
        return is_streamed(body)


@mutant("tools/names", may_fail=("effect/seed/reproducible", "stream/equivalence"), concurrency=1)
class CallsItsOwnToolEverySecondTime(CallsItsOwnTool, Numbering):
    """Calls a tool of its own in every second answer to those who offer tools."""

    def hits(self, body: Body) -> bool:
        return has_tools(body) and Numbering.hits(self, body)

    def is_hit(self, number: int) -> bool:
        return number % 2 == 0


@mutant(
    "tools/names", may_fail=("stream/equivalence", "effect/seed/reproducible", "template/messages"), concurrency=1
)
class RemembersTools(Altered):
    """Offers its model whatever tools it was ever told of, and so calls them where nobody offers any."""

    def prepare(self) -> None:
        self._known = False

    def hits(self, body: Body) -> bool:
        self._known = self._known or has_tools(body)
        return self._known and not has_tools(body) and not is_streamed(body)

    def whole(self, body: Body, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        call = {"name": "get_weather", "arguments": {"city": "Paris"}}
        return {**answer, "tool_calls": [call]}
