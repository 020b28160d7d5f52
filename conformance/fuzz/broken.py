"""Invalid requests to draw: valid ones with one keyword broken, or a few, anywhere in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from infercheck.cases import Side
from infercheck.fuzz import texts
from infercheck.fuzz.valid import Valid, nested
from infercheck.generate.boundary import Boundary
from infercheck.generate.builder import LONG, Beside
from infercheck.schema import CLOSED, FORMS, Items, Occurrence, Place, Property, kind_of

BESIDE = 6
"""Valid elements of an array on either side of one that is not."""

MOST = 8
"""Keywords as which those under a parameter count, however many it has: some have fifty, most three."""

SIDES = {
    "type": Side.WRONG_TYPE,
    "minimum": Side.OUTSIDE,
    "maximum": Side.OUTSIDE,
    "minLength": Side.OUTSIDE,
    "maxLength": Side.OUTSIDE,
    "required": Side.MISSING,
    **dict.fromkeys(FORMS, Side.NO_MATCH),
    **dict.fromkeys(
        (
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
            "minItems",
            "maxItems",
            "pattern",
            "enum",
            "const",
            CLOSED,
        ),
        Side.OUTSIDE,
    ),
}
"""The side of a keyword on which what breaks it stands."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A keyword that is broken: where, the top-level key that it lies under, and the value of that key, if any."""

    occurrence: Occurrence
    key: str | None
    value: Any
    is_missing: bool = False

    def in_(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A request with the mistake."""
        rest = {key: value for key, value in body.items() if key != self.key}
        return rest if self.is_missing or self.key is None else {**rest, self.key: self.value}


class Broken:
    """What may be drawn that breaks keywords of a contract: any, or those that state what it is `about`."""

    def __init__(self, boundary: Boundary, valid: Valid, about: frozenset[str] = frozenset()) -> None:
        self._boundary = boundary
        self._builder = boundary.builder
        self._valid = valid
        ids = boundary.contract.input_ids
        known = {branch.steps: [*self._breakable(branch)] for branch in self._builder.branches()}
        about = about & {ids[one.pointer] for each in known.values() for one in each}
        self._occurrences = {
            steps: [one for one in each if not about or ids[one.pointer] in about] for steps, each in known.items()
        }

    def bodies(self, branch: Place) -> SearchStrategy[tuple[dict[str, Any], tuple[Mistake, ...]]]:
        """Requests of a branch with the mistakes in them."""
        under: defaultdict[str | None, list[SearchStrategy[Mistake]]] = defaultdict(list)
        for one in self._occurrences[branch.steps]:
            under[self._key(branch, one)].append(self._mistakes(branch, one))
        mistakes = texts.weighted(*((min(len(each), MOST), st.one_of(each)) for each in under.values()))
        several = texts.weighted(
            (3, mistakes.map(lambda one: [one])), (1, st.lists(mistakes, min_size=2, max_size=3))
        )
        usual = st.just(self._builder.base(branch))
        return st.builds(_made, st.one_of(usual, self._valid.bodies(branch)), several)

    def can_be_in(self, branch: Place) -> bool:
        """Whether requests of a branch can have such mistakes."""
        return bool(self._occurrences[branch.steps])

    def _breakable(self, branch: Place) -> Iterator[Occurrence]:
        for place in self._builder.places.values():
            if place.steps[: len(branch.steps)] == branch.steps:
                yield from (one for one in place.keywords() if self._can_be_broken(branch, one))

    def _can_be_broken(self, branch: Place, occurrence: Occurrence) -> bool:
        return self._key(branch, occurrence) is not None or occurrence.keyword == "required"

    def _key(self, branch: Place, occurrence: Occurrence) -> str | None:
        steps = occurrence.place.steps[len(branch.steps) :]
        return steps[0].name if steps and isinstance(steps[0], Property) else None

    def _mistakes(self, branch: Place, occurrence: Occurrence) -> SearchStrategy[Mistake]:
        key, place = self._key(branch, occurrence), occurrence.place
        if key is None:  # the request itself lacks a name
            missing = st.sampled_from(occurrence.value)
            return missing.map(lambda name: Mistake(occurrence, name, None, is_missing=True))
        within = len(place.steps) > len(branch.steps) + 1
        listed = within and kind_of(self._builder.places[(*branch.steps, Property(key))].schema) == "array"

        def made(value: Any, where: Beside, before: int = 0, behind: int = 0) -> Mistake:
            # A bad element may stand anywhere in a list.
            whole = self._builder.embed(place, value, where)[key]
            if listed:
                bad, good = (whole[0], whole[1:]) if where == "first" else (whole[-1], whole[:-1])
                whole = [*good * before, bad, *good * behind]
            return Mistake(occurrence, key, whole)

        values = self._values(occurrence)
        if not listed:
            return st.builds(made, values, st.just("alone"))
        count = st.integers(0, BESIDE)
        return st.builds(made, values, st.sampled_from(["first", "last"]), count, count)

    def _values(self, occurrence: Occurrence) -> SearchStrategy[Any]:
        place, limit = occurrence.place, occurrence.value
        whole = kind_of(place.schema) == "integer"
        match occurrence.keyword:
            case "type":
                return st.one_of(self._of_other_types(place), nested())
            case "minimum" | "exclusiveMinimum":
                return _beyond(limit, -1, whole=whole)
            case "maximum" | "exclusiveMaximum":
                return _beyond(limit, 1, whole=whole)
            case "enum" | "const" | "pattern":
                return st.one_of(texts.short(), st.integers(-(2**31), 2**31))
            case "minItems" | "maxItems":
                count = (
                    st.integers(0, limit - 1)
                    if occurrence.keyword == "minItems"
                    else st.integers(limit + 1, limit + 9)
                )
                return count.map(lambda size: [self._ordinary(place)] * size) if limit else st.just([])
            case "additionalProperties":
                return self._valid.values(place).map(lambda value: {**value, "x-unknown": 1})
            case "minLength":
                return texts.short().map(lambda text: text[: max(0, limit - 1)])
            case "maxLength":
                more = limit if limit < LONG else limit // 20
                return texts.texts(1, 300).flatmap(
                    lambda text: st.integers(1, more).map(
                        lambda over: (text * ((limit + over) // len(text) + 1))[: limit + over]
                    )
                )
            case "required":
                return st.builds(
                    lambda value, name: {key: one for key, one in value.items() if key != name},
                    self._valid.values(place),
                    st.sampled_from(limit),
                )
            case _:
                return st.one_of(nested(), st.dictionaries(texts.names(), nested(), max_size=2))

    def _ordinary(self, place: Place) -> Any:
        items = self._builder.places.get((*place.steps, Items()))
        return self._builder.minimal(items) if items else None

    def _of_other_types(self, place: Place) -> SearchStrategy[Any]:
        # The right value in the wrong clothes, then anything else.
        right = self._valid.values(place)
        return st.one_of(
            right.map(lambda value: value if isinstance(value, str) else str(value)),
            right.map(lambda value: [value]),
            right.map(lambda value: {"value": value}),
            st.booleans(),
            st.integers(-(2**40), 2**40),
            st.floats(allow_nan=False, allow_infinity=False),
            texts.short(),
            st.none(),
        )


def _beyond(limit: float, direction: int, *, whole: bool) -> SearchStrategy[Any]:
    # Just outside, and as far as it takes: what is clamped may be so up to anything.
    steps = st.one_of(st.integers(1, 10), st.integers(1, 1000), st.integers(1, 2**70))
    outside = steps.map(lambda step: limit + direction * step)
    if whole:
        return outside
    fractions = st.one_of(st.integers(1, 99), st.integers(1, 1000), st.integers(1, 10**6)).map(
        lambda hundredths: limit + direction * hundredths / 100
    )
    return texts.weighted((2, fractions), (1, outside))


def _made(body: dict[str, Any], mistakes: list[Mistake]) -> tuple[dict[str, Any], tuple[Mistake, ...]]:
    kept: dict[str | None, Mistake] = {mistake.key: mistake for mistake in mistakes}
    for mistake in kept.values():
        body = mistake.in_(body)
    return body, tuple(kept.values())
