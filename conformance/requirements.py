"""Requirements: one promise each, with its level and the clause it comes from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from infercheck.schema import FORMS, Branch, Extra, Items, Occurrence, Property, Schema, Step, walk


class Level(StrEnum):
    """How much a requirement binds (DESIGN: MUST the page or a standard, SHOULD convention, INFO left open)."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    INFO = "INFO"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """Where a requirement comes from: a JSON pointer with its fragment, or a quoted sentence with its source."""

    pointer: str | None = None
    quote: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One promise. `id` is stable and readable, never positional; `keyword` is set for those from a schema."""

    id: str
    level: Level
    title: str
    clause: Clause
    keyword: str | None = None

    @property
    def area(self) -> str:
        """The first word of the id, by which reports group."""
        return self.id.split("/", 1)[0]


def keyword_ids(root: str, schema: Schema, names: Mapping[str, list[str]]) -> dict[str, str]:
    """The requirement id of every constraining keyword, by its JSON pointer.

    An id is `root`, the branch titles, the path (`items` and `additionalProperties` as words) and the keyword.
    The name that a contract gives an untitled branch is written once where the branch's own property of that
    name follows (`tools/items/function/parameters/required`), unless another occurrence has that id already.
    """
    occurrences = list(occurrences_of(schema, names))
    long = {o.pointer: "/".join([root, *_words(o.place.steps, fold=False), o.keyword]) for o in occurrences}
    short = {o.pointer: "/".join([root, *_words(o.place.steps, fold=True), o.keyword]) for o in occurrences}
    taken = Counter(short.values())
    return {pointer: id_ if taken[id_] == 1 else long[pointer] for pointer, id_ in short.items()}


def occurrences_of(schema: Schema, names: Mapping[str, list[str]]) -> Iterator[Occurrence]:
    """Every constraining keyword of a schema."""
    for place in walk(schema, names):
        yield from place.keywords()


def from_schema(root: str, schema: Schema, names: Mapping[str, list[str]], pointer: str = "") -> list[Requirement]:
    """One MUST for each constraining keyword of a schema, in its order; `pointer` is where the schema stands."""
    ids = keyword_ids(root, schema, names)
    return [
        Requirement(
            id=ids[occurrence.pointer],
            level=Level.MUST,
            title=_title(occurrence),
            clause=Clause(
                pointer=pointer + occurrence.pointer, quote=_fragment(occurrence), source=f"{root} schema"
            ),
            keyword=occurrence.keyword,
        )
        for occurrence in occurrences_of(schema, names)
    ]


def _words(steps: Sequence[Step], *, fold: bool) -> list[str]:
    words: list[str] = []
    given = False
    for step in steps:
        match step:
            case Property(name=name):
                if not (fold and given and words[-1] == name):
                    words.append(name)
                given = False
            case Items():
                words.append("items")
                given = False
            case Extra():
                words.append("additionalProperties")
                given = False
            case Branch(name=name, titled=titled):
                words.append(name)
                given = not titled
    return words


def instance_path(steps: Sequence[Step]) -> str:
    """Where in a request the steps lead, as people write it: `tools[].function.parameters`; empty at the root."""
    path = ""
    for step in steps:
        match step:
            case Property(name=name):
                path += f".{name}" if path else name
            case Items():
                path += "[]"
            case Extra():
                path += ".*"
            case Branch():
                pass
    return path


def _title(occurrence: Occurrence) -> str:
    steps = occurrence.place.steps
    forms = [step.name for step in steps if isinstance(step, Branch)]
    within = f" ({', '.join(forms)})" if forms else ""
    return f"{instance_path(steps) or 'the body'} {_says(occurrence)}{within}"


def _says(occurrence: Occurrence) -> str:
    value = occurrence.value
    match occurrence.keyword:
        case "type":
            kinds = " or ".join(value) if isinstance(value, list) else value
            return f"is of type {kinds}"
        case "required":
            return f"has {', '.join(value)}"
        case "oneOf":
            return f"matches exactly one of its {len(value)} forms"
        case "anyOf":
            return f"matches one at least of its {len(value)} forms"
        case "enum":
            return f"is one of {', '.join(map(_json, value))}"
        case "additionalProperties":
            return "has no key that the schema does not declare"
        case "minLength" | "maxLength" | "minItems" | "maxItems":
            return f"has {_BOUNDS[occurrence.keyword]} {value} {_counted(occurrence.keyword, value)}"
        case keyword:
            return f"{_BOUNDS[keyword]} {_json(value)}"


_BOUNDS = {
    "minimum": "is at least",
    "maximum": "is at most",
    "exclusiveMinimum": "is greater than",
    "exclusiveMaximum": "is less than",
    "multipleOf": "is a multiple of",
    "const": "is",
    "pattern": "matches the pattern",
    **dict.fromkeys(("minLength", "minItems"), "at least"),
    **dict.fromkeys(("maxLength", "maxItems"), "at most"),
}


def _counted(keyword: str, count: int) -> str:
    one = "character" if keyword.endswith("Length") else "element"
    return one if count == 1 else f"{one}s"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _fragment(occurrence: Occurrence) -> str:
    value = "[…]" if occurrence.keyword in FORMS else json.dumps(occurrence.value)
    return f'"{occurrence.keyword}": {value}'
