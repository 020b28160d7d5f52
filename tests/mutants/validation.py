"""Servers that accept what the schema forbids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mutants.conforming import BOOLEANS, INTEGERS, NUMBERS, Careless, branches, inside, message
from mutants.registry import mutant

KEYWORDS = ("type", "required", "minimum", "maximum")
BOTH = ("prompt", "messages")


def each(names: tuple[str, ...], keyword: str = "type") -> tuple[str, ...]:
    """The same keyword of parameters that both branches have."""
    return tuple(f"input/*/{name}/{keyword}" for name in names)


@mutant(
    *("input/type", "input/oneOf", "input/*/minLength", "input/*/maxLength", "input/*/oneOf"),
    *(f"input/*/{keyword}" for keyword in KEYWORDS),
)
class ValidatesNothing(Careless):
    """Answers every JSON text there is."""

    def validate(self, body: Any) -> None:
        pass


@mutant(
    *(f"input/messages/*/{keyword}" for keyword in (*KEYWORDS, "maxLength", "oneOf")),
    may_fail=("input/oneOf",),
)
class ValidatesPromptsOnly(Careless):
    """Lets everything pass that has messages."""

    def validate(self, body: Any) -> None:
        if not (isinstance(body, Mapping) and "messages" in body):
            super().validate(body)


@mutant(
    *(f"input/prompt/*/{keyword}" for keyword in ("type", "minimum", "maximum", "minLength", "maxLength", "oneOf")),
    may_fail=("input/oneOf",),
)
class ValidatesMessagesOnly(Careless):
    """Lets everything pass that has a prompt."""

    def validate(self, body: Any) -> None:
        if not (isinstance(body, Mapping) and "prompt" in body):
            super().validate(body)


@mutant("input/prompt/prompt/minLength", "input/messages/temperature/minimum")
class ValidatesNoStreams(Careless):
    """Begins to stream before it looks at the request; only a streamed request shows it."""

    def validate(self, body: Any) -> None:
        if not (isinstance(body, Mapping) and body.get("stream") is True):
            super().validate(body)


@mutant("input/*/minimum", "input/*/maximum", "input/*/minLength", "input/*/maxLength")
class ChecksNoBounds(Careless):
    """Checks types alone."""

    def change(self, schema: dict[str, Any]) -> None:
        for place in inside(schema):
            for keyword in ("minimum", "maximum", "minLength", "maxLength"):
                if not isinstance(place.get(keyword), dict):
                    place.pop(keyword, None)


@mutant(
    "input/messages/messages/items/type",
    "input/messages/messages/items/role/type",
    may_fail=("input/messages/messages/items/*",),
)
class ChecksLastMessageAlone(Careless):
    """Looks at the last message and hands on those before it as they are."""

    def validate(self, body: Any) -> None:
        if isinstance(body, dict) and isinstance(body.get("messages"), list):
            body = {**body, "messages": body["messages"][-1:]}
        super().validate(body)


@mutant("input/*/top_k/minimum", "input/*/seed/minimum")
class StartsIntegersAtZero(Careless):
    """Takes top_k 0 for "off" and seed 0 for a seed."""

    def change(self, schema: dict[str, Any]) -> None:
        for branch in branches(schema):
            branch["top_k"]["minimum"] = branch["seed"]["minimum"] = 0


@mutant("input/*/top_k/maximum", "input/*/seed/maximum")
class CountsOneTooFar(Careless):
    """Takes one more than the highest top_k and seed."""

    def change(self, schema: dict[str, Any]) -> None:
        for branch in branches(schema):
            branch["top_k"]["maximum"] += 1
            branch["seed"]["maximum"] += 1


@mutant("input/messages/frequency_penalty/minimum", "input/messages/presence_penalty/minimum")
class TakesNegativePenaltiesBesideMessages(Careless):
    """Knows the penalties of another API, from -2 to 2, in one branch only."""

    def change(self, schema: dict[str, Any]) -> None:
        _, messages = branches(schema)
        messages["frequency_penalty"]["minimum"] = messages["presence_penalty"]["minimum"] = -2


class Coercing(Careless):
    """Changes top-level values before they are validated."""

    def validate(self, body: Any) -> None:
        if isinstance(body, dict):
            body = {name: self.coerce(name, value) for name, value in body.items()}
            body = {name: value for name, value in body.items() if value is not ...}
        super().validate(body)

    def coerce(self, name: str, value: Any) -> Any:
        """A value as it is validated; `...` for one that is left out."""
        raise NotImplementedError


@mutant(*each(NUMBERS), "input/*/stream/type", "input/prompt/raw/type")
class CoercesStrings(Coercing):
    """Reads numbers and booleans from strings, and booleans from numbers, as a lax model does."""

    def coerce(self, name: str, value: Any) -> Any:
        if name in NUMBERS and isinstance(value, str):
            try:
                return float(value) if name not in INTEGERS else int(value)
            except ValueError:
                return value
        if name in BOOLEANS and value in ("true", "false", 0, 1):
            return value in ("true", 1)
        return value


@mutant(*each(NUMBERS))
class TakesBooleansForNumbers(Coercing):
    """Asks isinstance(value, int), to which True says yes."""

    def coerce(self, name: str, value: Any) -> Any:
        return int(value) if name in NUMBERS and isinstance(value, bool) else value


@mutant(*each(INTEGERS))
class TruncatesFractions(Coercing):
    """Takes top_k 1.5 for 1."""

    def coerce(self, name: str, value: Any) -> Any:
        return int(value) if name in INTEGERS and isinstance(value, float) else value


@mutant("input/*/stream/type", "input/prompt/raw/type")
class TakesOneForTrue(Coercing):
    """Takes 1 for true and 0 for false."""

    def coerce(self, name: str, value: Any) -> Any:
        return bool(value) if name in BOOLEANS and isinstance(value, int) else value


@mutant(
    *each((*NUMBERS, "stream")),
    "input/prompt/raw/type",
    "input/prompt/lora/type",
    "input/messages/tools/type",
    "input/messages/functions/type",
    may_fail=("input/*/image/*",),
)
class TakesNullForAbsent(Coercing):
    """Takes null for a parameter that was not given."""

    def coerce(self, name: str, value: Any) -> Any:
        return ... if value is None else value


@mutant("input/messages/messages/items/*")
class ChecksNoMessage(Careless):
    """Asks that messages be a list, and nothing of what stands in it."""

    def change(self, schema: dict[str, Any]) -> None:
        del branches(schema)[1]["messages"]["items"]


@mutant("input/messages/messages/items/required")
class AcceptsMissingRole(Careless):
    """Takes a message without a role for one of the user."""

    def change(self, schema: dict[str, Any]) -> None:
        message(schema)["required"] = ["content"]


@mutant("input/messages/messages/items/content/type")
class AcceptsPartsAsContent(Careless):
    """Takes a list of parts for content, as newer APIs do."""

    def change(self, schema: dict[str, Any]) -> None:
        message(schema)["properties"]["content"] = {"type": ["string", "array"], "maxLength": 131072}


@mutant("input/messages/messages/items/content/type")
class AcceptsNullContent(Careless):
    """Takes null for content, which another API allows beside tool calls."""

    def change(self, schema: dict[str, Any]) -> None:
        message(schema)["properties"]["content"]["type"] = ["string", "null"]


@mutant("input/messages/tools/*")
class ChecksNoTools(Careless):
    """Hands tools on as they are."""

    def change(self, schema: dict[str, Any]) -> None:
        del branches(schema)[1]["tools"]


@mutant("input/messages/tools/items/oneOf", may_fail=("input/messages/tools/*",))
class KnowsOnlyFunctionTools(Careless):
    """Knows tools of the nested shape alone, whatever else stands in them; refuses flat ones."""

    def change(self, schema: dict[str, Any]) -> None:
        items = branches(schema)[1]["tools"]["items"]
        items["allOf"] = [items.pop("oneOf")[1]]


@mutant("input/messages/tools/items/*/additionalProperties/*")
class ChecksNoToolProperties(Careless):
    """Asks nothing of what tools say about their parameters."""

    def change(self, schema: dict[str, Any]) -> None:
        for place in inside(branches(schema)[1]["tools"]):
            place.pop("additionalProperties", None)


@mutant("input/*/image/oneOf", "input/*/image/*/type")
class ChecksNoImage(Careless):
    """Ignores images, wrong ones too, as a model without eyes does."""

    def change(self, schema: dict[str, Any]) -> None:
        for branch in branches(schema):
            del branch["image"]


@mutant("input/oneOf")
class AcceptsPromptBesideMessages(Careless):
    """Takes the messages and forgets the prompt where both are given."""

    def change(self, schema: dict[str, Any]) -> None:
        schema["anyOf"] = schema.pop("oneOf")


@mutant("input/oneOf", "input/prompt/required", "input/messages/required")
class AsksForNoText(Careless):
    """Answers a body with neither prompt nor messages, as if the prompt had a default."""

    def validate(self, body: Any) -> None:
        if isinstance(body, dict) and not {"prompt", "messages"} & set(body):
            body = {**body, "prompt": "Hello"}
        super().validate(body)


@mutant("input/prompt/prompt/minLength")
class AcceptsEmptyPrompt(Careless):
    """Answers a prompt without a character."""

    def change(self, schema: dict[str, Any]) -> None:
        del branches(schema)[0]["prompt"]["minLength"]


@mutant(
    "input/messages/messages/items/required",
    "input/messages/messages/items/content/type",
    may_fail=("input/messages/messages/items/*",),
)
class ChecksFirstMessageAlone(Careless):
    """Looks at the first message and hands on the others as they are."""

    def validate(self, body: Any) -> None:
        if isinstance(body, dict) and isinstance(body.get("messages"), list):
            body = {**body, "messages": body["messages"][:1]}
        super().validate(body)


@mutant("input/*/top_k/minimum", "input/*/seed/minimum")
class TakesMinusOneForOff(Coercing):
    """Takes -1 for "no top_k" and for "any seed", as other servers do; refuses 0."""

    def coerce(self, name: str, value: Any) -> Any:
        return ... if name in ("top_k", "seed") and value == -1 else value
