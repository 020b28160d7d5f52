"""What the validator says about an instance: the one judge of valid and invalid.

`jsonschema_rs` judges in bulk; `jsonschema`, the reference, explains. A test holds both to the same verdicts.
No draft is named by the page; 2020-12 is used, and requests on which the drafts differ are open questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import jsonschema_rs

from infercheck.schema import Branch, Extra, Items, Property, Schema, Step, escape

SHOWN = 160
"""Characters of a validator's message that are shown; it repeats the instance."""


class Oracle:
    """The verdicts of one schema."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._whole = jsonschema_rs.Draft202012Validator(dict(schema))
        self._descended: dict[tuple[Step, ...], jsonschema_rs.Draft202012Validator] = {}

    def is_valid(self, instance: object) -> bool:
        """Whether the whole schema accepts the instance."""
        return self._whole.is_valid(instance)

    def broken(self, instance: object, steps: tuple[Step, ...] = ()) -> set[str]:
        """JSON pointers of the keywords that the instance breaks.

        At each `oneOf` and `anyOf` that `steps` goes through, only the branch that it takes is looked at; any other
        is judged as a whole.
        """
        while steps and not isinstance(steps[-1], Branch):
            steps = steps[:-1]
        if steps not in self._descended:
            self._descended[steps] = jsonschema_rs.Draft202012Validator(_descend(self.schema, steps))
        detours = list(_detours(self.schema, steps))
        try:
            paths = [error.schema_path for error in self._descended[steps].iter_errors(instance)]
        except ValueError:  # it does not follow all the nesting that a target may send
            import jsonschema

            reference = jsonschema.Draft202012Validator(_descend(self.schema, steps))
            paths = [list(error.absolute_schema_path) for error in reference.iter_errors(instance)]
        return {_original(path, detours) for path in paths}

    def explain(self, instance: object) -> Iterator[str]:
        """The reference validator's errors, one line each, the most relevant branch's causes beneath."""
        import jsonschema

        validator = jsonschema.Draft202012Validator(dict(self.schema))
        for error in validator.iter_errors(instance):
            yield f"{error.json_path}: {_short(error.message)}"
            for cause in sorted(error.context or [], key=lambda cause: list(cause.absolute_schema_path)[:2]):
                branch = cause.relative_schema_path[0]
                yield f"  in branch {branch}, {cause.json_path}: {_short(cause.message)}"


def _descend(schema: Schema, steps: Sequence[Step]) -> dict[str, Any]:
    # The oneOf and anyOf on the way become the last of an allOf, the branch taken, so that its errors come out one
    # by one.
    copy: dict[str, Any] = dict(schema)
    if not steps:
        return copy
    step, rest = steps[0], steps[1:]
    match step:
        case Branch(index=index, keyword=keyword):
            copy["allOf"] = [*copy.get("allOf", []), _descend(copy.pop(keyword)[index], rest)]
        case Property(name=name):
            copy["properties"] = {**copy["properties"], name: _descend(copy["properties"][name], rest)}
        case Items():
            copy["items"] = _descend(copy["items"], rest)
        case Extra():
            copy["additionalProperties"] = _descend(copy["additionalProperties"], rest)
    return copy


def _detours(schema: Schema, steps: Sequence[Step]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    # Where each branch taken stands in what _descend made, and where in the schema; the outermost first.
    made: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    for step in steps:
        match step:
            case Branch(index=index, keyword=keyword):
                made += ("allOf", str(len(schema.get("allOf", []))))
                found += (keyword, str(index))
                schema = schema[keyword][index]
                yield made, found
                continue
            case Property(name=name):
                way: tuple[str, ...] = ("properties", name)
                schema = schema["properties"][name]
            case Items():
                way, schema = ("items",), schema["items"]
            case Extra():
                way, schema = ("additionalProperties",), schema["additionalProperties"]
        made += way
        found += way


def _original(path: Sequence[str | int], detours: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]) -> str:
    # Back to the oneOf or anyOf that stands in the schema.
    tokens = tuple(str(token) for token in path)
    for made, found in reversed(detours):
        if tokens[: len(made)] == made:
            tokens = (*found, *tokens[len(made) :])
            break
    return "".join(f"/{escape(token)}" for token in tokens)


def _short(message: str) -> str:
    return message if len(message) <= SHOWN else f"{message[:SHOWN]}…"
