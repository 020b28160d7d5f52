"""Cases of drawn requests: what each is for, and which of two stands for the other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from infercheck import jsontext
from infercheck.cases import Aim, Case, Expectation, Part, Request, Side, short_digest
from infercheck.fuzz.sketch import Sketch
from infercheck.fuzz.turns import is_in_turn
from infercheck.generate.blamed import LONG_TEXT, UNKNOWN, blamed
from infercheck.generate.builder import Builder
from infercheck.generate.price import Pricing
from infercheck.schema import Place, Property

FUZZ = "fuzz"
"""The group of the cases that are drawn."""

REMEMBERED = "remembered"
"""The group of those that showed a defect in an earlier run."""

TWINS = "twins"
"""The group of what stands for two drawn requests whose answers are compared."""

SHOWN = 60
"""Characters of a value that a title shows."""


class Cases:
    """Makes cases of sketches."""

    def __init__(self, builder: Builder, pricing: Pricing) -> None:
        self._builder = builder
        self._pricing = pricing
        self._conversation = builder.contract.roles.get("conversation", "")
        self._branches = {builder.name(branch): branch for branch in builder.branches()}

    def of(self, sketch: Sketch, group: str = FUZZ) -> Case:
        """The case of a request as it was drawn, or as it is remembered."""
        body = json.loads(sketch.body)
        kind = "valid" if sketch.is_valid else "invalid"
        batch = str(sketch.batch) if group == FUZZ else ""
        case = Case(
            id="/".join(filter(None, (group, batch, kind, sketch.branch, short_digest(sketch.body)))),
            title="",
            expectation=Expectation.VALID if sketch.is_valid else Expectation.INVALID,
            request=Request(body=sketch.body, stream=self._builder.streams(body)),
            branch=sketch.branch or None,
            aims=tuple(Aim(requirement=id_, side=Side(side)) for id_, side in sketch.breaks),
            size=_longest(body),
        )
        if sketch.is_valid and not is_in_turn(body.get(self._conversation)):
            # Valid, though nobody has to make sense of it.
            case = replace(case, expectation=Expectation.OPEN)
        elif sketch.is_valid:
            base = self._builder.base(self._branches[sketch.branch])
            parts = tuple(
                self._part(sketch.branch, key, value) for key, value in body.items() if base.get(key) != value
            )
            case = replace(case, parts=parts, base=base)
        return self._pricing.priced(replace(case, title=_title(body, sketch), alone=bool(case.size)))

    def branch_of(self, body: Mapping[str, Any]) -> str:
        """The name of the branch that a valid request takes: the first all of whose required members it has."""
        names = (name for name, place in self._branches.items() if body.keys() >= set(_required(place)))
        return next(names, "")

    def declares(self, body: Mapping[str, Any], key: str) -> bool:
        """Whether a valid request's branch declares a parameter."""
        return self._place(self.branch_of(body), key) is not None

    def _place(self, branch: str, key: str) -> Place | None:
        return self._builder.places.get((*self._branches[branch].steps, Property(key)))

    def _part(self, branch: str, key: str, value: Any) -> Part:
        place = self._place(branch, key)
        requirement = blamed(self._builder, place, value) if place else UNKNOWN
        aim = Aim(requirement=requirement, side=Side.VALID)
        return Part(key=key, value=value, label=f"{_name(key)}={_shown(value)}", aims=(aim,))


def _title(body: Any, sketch: Sketch) -> str:
    if not isinstance(body, Mapping):
        return f"drawn: {_shown(body)}"
    told = {key: f"{_name(key)}={_shown(value)}" for key, value in body.items()}
    if sketch.is_valid:
        return f"drawn: {', '.join(told.values())}"
    # What is wrong comes first.
    wrong = [told[key] for key in told if sketch.is_about(key)]
    rest = [text for text in told.values() if text not in wrong]
    beside = f", beside {', '.join(rest)}" if rest else ""
    sides = ", ".join(dict.fromkeys(side for _, side in sketch.breaks))
    return f"drawn: {', '.join(wrong) or 'a name is missing'} ({sides}){beside}"


def _shown(value: Any) -> str:
    text = json.dumps(value)
    if len(text) <= SHOWN:
        return text
    size = f"{len(value)} characters" if isinstance(value, str) else f"{len(text)} bytes"
    return f"{text[:SHOWN]}… ({size})"


def _name(key: str) -> str:
    # What nobody declares may have any name.
    return key if key.isascii() and key.isidentifier() else _shown(key)


def _required(place: Place) -> Sequence[str]:
    required: Sequence[str] = place.schema.get("required", ())
    return required


def _longest(value: Any) -> int:
    # The length of the longest text, where it is a long one.
    if isinstance(value, str):
        return len(value) if len(value) > LONG_TEXT else 0
    if isinstance(value, Mapping):
        value = list(value.values())
    return max(map(_longest, value), default=0) if isinstance(value, list) else 0


ALIKE = 64
"""Characters of a text from which on what matters may be its length."""


def has(value: Any, small: Any) -> bool:
    """Whether a value has all that a smaller one has: what is wrong with that is wrong with it."""
    if isinstance(small, Mapping):
        return isinstance(value, Mapping) and all(
            key in value and has(value[key], one) for key, one in small.items()
        )
    if isinstance(small, list):
        if not isinstance(value, list) or len(value) < len(small):
            return False
        return all(any(has(each, one) for each in value) for one in small)
    if isinstance(small, str):
        if not isinstance(value, str):
            return False
        return small in value or (len(small) >= ALIKE and len(value) >= len(small))
    return type(value) is type(small) and value == small


def essence(case: Case) -> Any:
    """What a valid request has beside the smallest of its branch; an invalid one whole."""
    if case.parts:
        return {part.key: part.value for part in case.parts}
    return jsontext.parse(case.request.body).value
