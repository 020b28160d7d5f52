"""Asks: valid requests that relations compare, told by the roles of their parameters."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from infercheck import jsontext
from infercheck.cases import Aim, Case, Expectation, Part, Request, Side, short_digest
from infercheck.generate.blamed import LONG_TEXT, blamed
from infercheck.generate.boundary import Boundary
from infercheck.generate.price import Pricing
from infercheck.generate.texts import TEXTS
from infercheck.generate.value import multiple_at
from infercheck.schema import Items, Place, Property, kind_of

DROPPED = 2
"""Chunks of a stream that are read before it is left in mid-answer."""

GREEDY = "+greedy"
"""How the names of forms end that leave nothing to chance."""

TEXT, CONVERSATION, STREAM = "text", "conversation", "stream"
"""The roles of what a request is about, and of how it is answered."""


COMPARING = ("output_limit", "seed", "temperature")
"""The roles of what nearly all comparisons carry."""

NEXT = 0.01
"""How far a value stays from a limit that is itself excluded."""


class Unfit(ValueError):
    """A request that a relation asks for and that the contract does not allow."""


@dataclass(frozen=True)
class Form:
    """One way to put a request: a branch of the contract, streamed or not. Rows of relations are asked in forms."""

    boundary: Boundary
    pricing: Pricing
    branch: Place
    subject: str
    """The role of the parameter that the request is about: `text` or `conversation`."""
    streamed: bool = False
    greedy: bool = False
    """Whether nothing is left to chance: every request is at temperature 0."""
    streams: bool = True
    """Whether the target is said to stream."""
    other: Form | None = None
    """Of a form with a text, the same with a conversation."""

    @property
    def adapters(self) -> tuple[str, ...]:
        """The names of adapters that the target is said to know, where this form takes one."""
        return self.boundary.adapters if self.has("adapter") else ()

    @property
    def stream(self) -> Form | None:
        """The same form, streamed; None where it cannot be."""
        can = self.streams and self.has(STREAM) and self.boundary.builder.can_stream(self.branch)
        return replace(self, streamed=True) if can else None

    @property
    def as_greedy(self) -> Form:
        """The same form, with nothing left to chance."""
        return replace(self, greedy=True, other=replace(self.other, greedy=True) if self.other else None)

    @property
    def name(self) -> str:
        """The form, for ids: `prompt`, `messages+stream+greedy`."""
        return form_name(self.family, streamed=self.streamed, greedy=self.greedy)

    @property
    def family(self) -> str:
        """The branch alone."""
        return self.boundary.builder.name(self.branch) or "body"

    @property
    def is_first(self) -> bool:
        """Whether no other form comes before this one: what holds for a target rather than a form is asked here."""
        return not (self.is_conversation and TEXT in self.boundary.contract.roles)

    @property
    def is_conversation(self) -> bool:
        """Whether the request is a list of messages."""
        return self.subject == CONVERSATION

    def has(self, *roles: str) -> bool:
        """Whether the branch declares the parameters that play these roles."""
        return all(self._key(role) in self.branch.schema.get("properties", {}) for role in roles)

    def declared(self, role: str, keyword: str) -> Any:
        """What the schema of a parameter says under a keyword; None where it says nothing."""
        return self._place(role).schema.get(keyword)

    def within(self, role: str, values: Sequence[Any]) -> list[Any]:
        """Values of a parameter, each brought within the bounds of its schema, and none twice."""
        return list(dict.fromkeys(self._within(role, value) for value in values))

    def allows(self, role: str, value: Any) -> bool:
        """Whether a value of a parameter keeps the bounds of its schema."""
        return bool(self._within(role, value) == value)

    def ask(
        self,
        text: str = TEXTS[0],
        *,
        named: str = "",
        messages: Sequence[Mapping[str, Any]] = (),
        drop: bool = False,
        is_open: bool = False,
        **roles: Any,
    ) -> Case:
        """A request by the roles of its parameters; numbers are brought within the bounds of the schema.

        The text is one message of the user in a conversation, unless `messages` are given. `named` says in the id
        what is special about the text; with `drop` the stream is left in mid-answer. What `is_open` may be refused.
        """
        subject: Any = text
        if self.is_conversation:
            subject = list(messages) if messages else [{"role": "user", "content": text}]
            subject = [self._said(message) for message in subject]
        if text != TEXTS[0] and not named:
            named = f"text-{TEXTS.index(text) + 1}" if text in TEXTS else short_digest(text.encode())
        values = {role: self._within(role, value) for role, value in roles.items()}
        if self.greedy:
            values["temperature"] = self._within("temperature", 0)
        if self.streamed:
            values[STREAM] = True
        own = [self._part(role, value) for role, value in values.items()]
        parts = (self._part(self.subject, subject, label=f"{self._key(self.subject)}={named or 'a text'}"), *own)
        body = {**self.boundary.builder.minimal(self.branch), **{part.key: part.value for part in parts}}
        if not (is_open or self.boundary.oracle.is_valid(body)):
            raise Unfit(f"{self.name}: the contract does not allow {said_of(own)}")
        said = ",".join(part.label for part in own if part.key != self.boundary.builder.stream)
        data = jsontext.dump(body)
        id_ = "/".join(
            filter(None, ("relation", self.name, named, said if len(said) < 150 else short_digest(data)))
        )
        case = Case(
            id=f"{id_}/dropped" if drop else id_,
            title=self._title(named, said),
            expectation=Expectation.OPEN if is_open else Expectation.VALID,
            request=Request(
                body=data, stream=self.boundary.builder.streams(body), stop_after=DROPPED if drop else None
            ),
            branch=self.boundary.builder.name(self.branch) or None,
            parts=parts,
            base=self.boundary.builder.base(self.branch),
            size=len(text) if len(text) > LONG_TEXT else 0,
        )
        return self.pricing.priced(case)

    # Helpers

    def _said(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        # A message whose content is a list of parts, where the contract allows no text alone.
        items = self.boundary.builder.places.get((*self._place(CONVERSATION).steps, Items()))
        content = self.boundary.builder.places.get((*items.steps, Property("content"))) if items else None
        if content is None or kind_of(content.schema) != "array":
            return message
        return {**message, "content": [{"type": "text", "text": message["content"]}]}

    def _title(self, named: str, said: str) -> str:
        how = f"{self.family}, streamed," if self.streamed else self.family
        return f"{how} with {', '.join(filter(None, (named, *said.split(','))))}"

    def _key(self, role: str) -> str:
        return self.boundary.contract.roles.get(role, "")

    def _place(self, role: str) -> Place:
        place = self.boundary.builder.places.get((*self.branch.steps, Property(self._key(role))))
        if place is None:
            raise Unfit(f"{self.name}: the contract declares no {role} there")
        return place

    def _within(self, role: str, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        schema = self._place(role).schema
        least, greatest = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
        bounded = min(max(value, least), greatest)
        for exclusive, step in (("exclusiveMinimum", NEXT), ("exclusiveMaximum", -NEXT)):
            if bounded == schema.get(exclusive):
                bounded += (
                    step if isinstance(value, float) or kind_of(schema) == "number" else round(step + step / 2)
                )
        if multiple := schema.get("multipleOf"):
            above = multiple_at(bounded, multiple)
            return above if above <= greatest else multiple_at(bounded, multiple, -1)
        return bounded

    def _part(self, role: str, value: Any, *, label: str = "") -> Part:
        # A value that the boundary walk sends too is the same part, so that what is known of it is known here.
        key = self._key(role)
        text = json.dumps(value, sort_keys=True)
        known = self.boundary.part(self.branch, key, text)
        if known is not None:
            return known
        aims = (Aim(requirement=blamed(self.boundary.builder, self._place(role), value), side=Side.VALID),)
        if isinstance(value, bool | int | float):
            said = text
        else:
            said = value[:60] if isinstance(value, str) else short_digest(text.encode())
        return Part(key=key, value=value, label=label or f"{key}={said}", aims=aims)


def respelled(case: Case, number: int = 0) -> Case:
    """The same request, spelled in another way: other white space, its members the other way round and, in each but
    the first of many spellings, one that means nothing to anybody."""
    more = {"x-spelling": number} if number else {}
    body = {**more, **dict(reversed(json.loads(case.request.body).items()))}
    return replace(
        case,
        id=f"{case.id}/respelled-{number}" if number else f"{case.id}/rewritten",
        title=f"{case.title}, spelled in another way" if number else case.title,
        request=replace(case.request, body=json.dumps(body, indent=1).encode()),
    )


def said_of(parts: Sequence[Part]) -> str:
    """What a request says beside its text, for people."""
    return ", ".join(part.label for part in parts) or "a text alone"


def form_name(family: str, *, streamed: bool, greedy: bool) -> str:
    """The name of a form of requests."""
    return f"{family or 'body'}{'+stream' if streamed else ''}{GREEDY if greedy else ''}"


def forms(boundary: Boundary, pricing: Pricing, *, streams: bool) -> list[Form]:
    """The forms of a contract that are not streamed: with a text, then with a conversation."""
    found: dict[str, Form] = {}
    for branch in boundary.builder.branches():
        declared = branch.schema.get("properties", {})
        for subject in (TEXT, CONVERSATION):
            if boundary.contract.roles.get(subject) in declared and subject not in found:
                form = Form(boundary, pricing, branch, subject, streams=streams)
                if _is_fit(form):
                    found[subject] = form
                break
    text, conversation = found.get(TEXT), found.get(CONVERSATION)
    # What is asked of both takes what all comparisons take.
    if text and conversation and all(conversation.has(role) for role in COMPARING if text.has(role)):
        found[TEXT] = replace(text, other=conversation)
    return [found[subject] for subject in (TEXT, CONVERSATION) if subject in found]


def _is_fit(form: Form) -> bool:
    # Whether a request with nothing but a text is one at all.
    try:
        form.ask()
    except Unfit:
        return False
    return True
