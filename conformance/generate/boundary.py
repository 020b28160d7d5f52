"""The deterministic walk: every constraining keyword to both sides of its limit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from infercheck import jsontext
from infercheck.cases import Aim, Case, Expectation, Part, Request, Side, short_digest
from infercheck.generate.blamed import UNKNOWN
from infercheck.generate.builder import Beside, Builder
from infercheck.generate.page import FIRST_CHUNKS
from infercheck.generate.price import UNLIMITED_DEFAULT
from infercheck.generate.value import Value
from infercheck.generate.values import invalid_values, long_texts, valid_values
from infercheck.requirements import instance_path
from infercheck.schema import FORMS, Occurrence, Place, Property

COME_WITH_TYPE = (*FORMS, "enum", "const")
WHOLE = "body"
"""What stands for the name of a branch in ids, where a contract has none."""


class Boundary:
    """The boundary cases of a contract. `adapters` are names that the target is said to know."""

    def __init__(self, builder: Builder, adapters: Sequence[str] = ()) -> None:
        self.builder = builder
        self.contract = builder.contract
        self.oracle = builder.contract.oracle
        self.adapters = tuple(adapters)
        self._parts: dict[str, dict[str, list[Part]]] = {}
        self._index: dict[str, dict[tuple[str, str], Part]] = {}
        self._open = {aim for question in self.contract.open for aim in question.aims}

    def baselines(self) -> Iterator[Case]:
        """The smallest request of each branch: what everything else is compared with."""
        for branch in self.builder.branches():
            body = self.builder.base(branch)
            within = [branch.steps, *(branch.steps[:length] for length in range(len(branch.steps)))]
            aims = [
                Aim(requirement=self.contract.input_ids[occurrence.pointer], side=Side.VALID)
                for steps in within
                for occurrence in self.builder.places[steps].keywords()
            ]
            id_ = f"boundary/valid/{self._branch(branch) or WHOLE}/smallest"
            yield self._valid(id_, branch, body, (), tuple(aims))
            stream = self.builder.places.get((*branch.steps, Property(self.builder.stream or "")))
            if stream and self.builder.can_stream(branch):
                streamed: dict[str, Any] = {**body, str(self.builder.stream): True}
                yield self._valid(f"{id_}+stream", branch, streamed, (), self._of_type(stream))

    def shared(self) -> Iterator[Case]:
        """Valid requests that carry many parameters at their limits at once."""
        for branch in self.builder.branches():
            parts = self.parts(branch)
            rows = max((len(options) for options in parts.values()), default=0)
            for row in range(rows):
                chosen = tuple(options[row % len(options)] for options in parts.values())
                yield self.together("boundary/valid", branch, chosen, "at once")

    def together(self, group: str, branch: Place, parts: tuple[Part, ...], how: str) -> Case:
        """A valid request that carries these values; `how` says in its title what they are together for."""
        body = self._body(branch, parts)
        id_ = f"{group}/{self._branch(branch) or WHOLE}/{short_digest(jsontext.dump(body))}"
        title = f"valid values {how}: {', '.join(part.label for part in parts)}"
        return replace(self._valid(id_, branch, body, parts, ()), title=title)

    def parts(self, branch: Place) -> dict[str, list[Part]]:
        """Every valid value of a branch worth sending, by top-level key; equal values are one part."""
        if branch.pointer not in self._parts:
            self._parts[branch.pointer] = self._make_parts(branch)
        return self._parts[branch.pointer]

    def part(self, branch: Place, key: str, text: str) -> Part | None:
        """The part of a branch with this key and this value, as JSON with its keys sorted."""
        index = self._index.get(branch.pointer)
        if index is None:
            parts = (part for options in self.parts(branch).values() for part in options)
            index = {(part.key, json.dumps(part.value, sort_keys=True)): part for part in parts}
            self._index[branch.pointer] = index
        return index.get((key, text))

    def _make_parts(self, branch: Place) -> dict[str, list[Part]]:
        found: dict[str, dict[str, Part]] = {}
        for occurrence in self._occurrences(branch):
            id_ = self.contract.input_ids[occurrence.pointer]
            for value in self._valid_values(occurrence, id_):
                body = self.builder.embed(occurrence.place, value.value)
                key = self.builder.key(occurrence.place)
                if key is None or not self.oracle.is_valid(body):
                    continue
                if not self.oracle.is_valid({**self.builder.base(branch), key: body[key]}):
                    continue  # only beside others, and a part may stand without them
                aim = Aim(requirement=id_, side=value.side)
                said = json.dumps(value.value) if isinstance(value.value, int | float) else value.label
                label = f"{instance_path(occurrence.place.steps)}={said}"
                options = found.setdefault(key, {})
                text = json.dumps(body[key], sort_keys=True)
                if text in options:
                    if aim not in options[text].aims:
                        options[text] = replace(options[text], aims=(*options[text].aims, aim))
                else:
                    options[text] = Part(key=key, value=body[key], label=label, aims=(aim,))
        return {key: _blame_first(list(options.values())) for key, options in found.items()}

    def _valid_values(self, occurrence: Occurrence, id_: str) -> Iterable[Value]:
        if id_ not in self._open:
            return valid_values(occurrence, self.builder)
        adapter = self.contract.roles.get("adapter")
        if self.builder.key(occurrence.place) == adapter:
            return [Value(value=name, label=name, side=Side.VALID) for name in self.adapters]
        return ()

    def long(self) -> Iterator[Case]:
        """Texts at a long limit and just outside, alone in their requests."""
        for branch in self.builder.branches():
            for occurrence in self._occurrences(branch):
                for value in long_texts(occurrence):
                    if value.side.is_valid:
                        yield self._long_valid(branch, occurrence, value)
                    else:
                        case = self._invalid(branch, occurrence, value)
                        if case:
                            yield replace(case, size=len(value.value))

    def _long_valid(self, branch: Place, occurrence: Occurrence, value: Value) -> Case:
        id_ = self.contract.input_ids[occurrence.pointer]
        body = self.builder.embed(occurrence.place, value.value)
        aims = (Aim(requirement=id_, side=value.side),)
        case = self._valid(f"boundary/{id_}/{value.label}", branch, body, (), aims)
        path = instance_path(occurrence.place.steps)
        return replace(case, title=f"{path}: {value.words}", size=len(value.value))

    def invalid(self) -> Iterator[Case]:
        """Requests that break one keyword each, in the order of the schema; equal requests are one case."""
        found: dict[bytes, Case] = {}
        for branch in [*self.builder.holders(), *self.builder.branches()]:
            for number, occurrence in enumerate(self._occurrences(branch)):
                for index, value in enumerate(invalid_values(occurrence, self.builder)):
                    # In a list first alone, then behind or before an ordinary element: some look at one alone.
                    alone = index == 0 or occurrence.keyword == "oneOf"
                    beside: Beside = "alone" if alone else ("last", "first")[(number + index) % 2]
                    case = self._invalid(branch, occurrence, value, beside)
                    if case is None:
                        continue
                    same = found.get(case.request.body)
                    found[case.request.body] = replace(same, aims=same.aims + case.aims) if same else case
        yield from found.values()

    def _invalid(
        self, branch: Place, occurrence: Occurrence, value: Value, beside: Beside = "alone"
    ) -> Case | None:
        place = occurrence.place
        body = bare = self.builder.embed(place, value.value, beside)
        limit = self.builder.limit
        if isinstance(body, dict) and limit and limit not in body:
            body = {**body, limit: self.builder.base(self.builder.branches()[0]).get(limit, 1)}
        if not self.breaks_only(body, occurrence):
            body = bare
            if not self.breaks_only(body, occurrence):
                return None
        id_ = self.contract.input_ids[occurrence.pointer]
        path = instance_path(place.steps) or "the body"
        return Case(
            id=f"boundary/{id_}/{value.label}",
            title=f"{path}: {value.words} ({value.side})",
            expectation=Expectation.INVALID,
            request=Request(body=jsontext.dump(body), stream=self.builder.streams(body)),
            branch=self._branch(branch) or None,
            aims=(Aim(requirement=id_, side=value.side),),
        )

    def breaks_only(self, body: Any, occurrence: Occurrence) -> bool:
        """Whether a request breaks this keyword and no other."""
        broken = self.oracle.broken(body, occurrence.place.steps)
        # A value of the wrong type fits no form of a sibling oneOf, or all of them: that comes with it. So it does
        # that it is none of the values that a sibling lists.
        if occurrence.keyword == "type":
            broken -= {f"{occurrence.place.pointer}/{keyword}" for keyword in COME_WITH_TYPE}
        return broken == {occurrence.pointer} and not self.oracle.is_valid(body)

    def streamed_invalid(self, cases: Sequence[Case]) -> Iterator[Case]:
        """For each branch one out-of-bounds request that also asks for a stream: refused before it begins."""
        seen: set[str | None] = set()
        branches = self.builder.branches()
        streams = {self._branch(branch) or None for branch in branches if self.builder.can_stream(branch)}
        for case in cases:
            is_out = any(aim.side is Side.OUTSIDE for aim in case.aims)
            if case.branch in seen or case.branch not in streams or not is_out:
                continue
            body = {**json.loads(case.request.body), self.builder.stream: True}
            if self.oracle.is_valid(body):
                continue  # it was about the stream
            seen.add(case.branch)
            yield replace(
                case,
                id=f"{case.id}+stream",
                title=f"{case.title}, where a stream is asked for",
                request=Request(body=jsontext.dump(body), stream=True),
            )

    def form_invalid(self, cases: Sequence[Case]) -> Iterator[Case]:
        """One out-of-bounds request under the label that curl gives it, as the page's own call does."""
        for case in cases:
            if any(aim.side is Side.OUTSIDE for aim in case.aims):
                yield replace(
                    case,
                    id=f"{case.id}+form",
                    title=f"{case.title}, labelled as a form",
                    request=replace(case.request, content_type="application/x-www-form-urlencoded"),
                )
                return

    def unlimited(self, examples: Iterable[Case]) -> Iterator[Case]:
        """For each branch that no example takes, a request with nothing but what is required: any length."""
        taken = {case.branch for case in examples}
        for branch in self.builder.branches():
            name = self._branch(branch)
            if (name or None) not in taken and "required" in branch.schema:
                aims = (Aim(requirement=self.contract.input_ids[f"{branch.pointer}/required"], side=Side.VALID),)
                bare = self.builder.minimal(branch)
                yield self._valid(f"boundary/valid/{name or WHOLE}/bare", branch, bare, (), aims)

    def long_answers(self) -> Iterator[Case]:
        """For each branch a limit just over the default, streamed and cut: the page states no maximum."""
        limit, stream = self.builder.limit, self.builder.stream
        for branch in self.builder.branches():
            place = self.builder.places.get((*branch.steps, Property(limit or "")))
            streamed = next((part for part in self.parts(branch).get(stream or "", ()) if part.value is True), None)
            if place is None or streamed is None or not (aims := self._of_type(place)):
                continue
            default = place.schema.get("default", UNLIMITED_DEFAULT)
            value = (default if isinstance(default, int) else UNLIMITED_DEFAULT) + 44
            id_ = aims[0].requirement
            parts = (Part(key=str(limit), value=value, label=f"{limit}={value}", aims=aims), streamed)
            body = self._body(branch, parts)
            if not self.oracle.is_valid(body):
                continue
            case = self._valid(f"boundary/{id_}/{value}", branch, body, parts, ())
            request = replace(case.request, stop_after=FIRST_CHUNKS)
            yield replace(case, title=f"{limit}: {value}", request=request)

    def unknown_properties(self) -> Iterator[Case]:
        """For each branch a request with keys that no branch declares."""
        for branch in self.builder.branches():
            extra = {"x-unknown": {"deep": [[[[[[[[{"a": None}]]]]]]]]}, "x-ключ": "值"}
            body = {**self.builder.base(branch), **extra}
            aims = (Aim(requirement=UNKNOWN, side=Side.VALID),)
            name = self._branch(branch) or WHOLE
            if UNKNOWN in self.contract.requirements and self.oracle.is_valid(body):
                yield self._valid(f"boundary/input/unknown-properties/{name}", branch, body, (), aims)

    # Helpers

    def _of_type(self, place: Place) -> tuple[Aim, ...]:
        # What a plain value of a place is about: its type, else whatever its schema says first.
        ids = [self.contract.input_ids[occurrence.pointer] for occurrence in place.keywords()]
        ids.sort(key=lambda id_: not id_.endswith("/type"))
        return tuple(Aim(requirement=id_, side=Side.VALID) for id_ in ids[:1])

    def _occurrences(self, branch: Place) -> Iterator[Occurrence]:
        steps = branch.steps
        if branch in self.builder.holders():
            yield from branch.keywords()
            return
        for place in self.builder.places.values():
            if place.steps[: len(steps)] == steps:
                yield from place.keywords()

    def _branch(self, branch: Place) -> str:
        return self.builder.name(branch)

    def _body(self, branch: Place, parts: Sequence[Part]) -> dict[str, Any]:
        return {**self.builder.base(branch), **{part.key: part.value for part in parts}}

    def _valid(self, id_: str, branch: Place, body: Any, parts: tuple[Part, ...], aims: tuple[Aim, ...]) -> Case:
        return Case(
            id=id_,
            title=f"a valid request ({self._branch(branch) or WHOLE})",
            expectation=Expectation.VALID,
            request=Request(body=jsontext.dump(body), stream=self.builder.streams(body)),
            branch=self._branch(branch) or None,
            aims=aims,
            parts=parts,
            base=self.builder.base(branch) if parts else None,
        )


def _blame_first(parts: list[Part]) -> list[Part]:
    # A value at a limit is about that limit; else the aim that fewest other values of the key share is meant.
    shared = Counter(aim.requirement for part in parts for aim in part.aims)

    def rank(aim: Aim) -> tuple[bool, int, int]:
        return aim.side is Side.VALID, shared[aim.requirement], len(aim.requirement)

    return [replace(part, aims=tuple(sorted(part.aims, key=rank))) for part in parts]
