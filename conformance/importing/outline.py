"""Outlines: the list in which a documentation page shows a schema, a line for each member of a value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_LINE = re.compile(r"^(?P<indent>\s*)[•*-]\s+(?P<name>\S+)(?:\s+(?P<rest>.*))?$")
_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_ENDS = ("Input", "Output", "API Schemas", "Parameters")


@dataclass
class _Row:
    indent: int
    name: str
    kind: str
    rest: list[str]
    description: str = ""
    rows: list[_Row] = field(default_factory=list)


def outline(text: str, heading: str) -> dict[str, Any] | None:
    """The schema that the list under a heading shows; None where there is no list."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        if line.strip("#* \t") == heading:
            rows = _rows(lines[start + 1 :])
            if rows:
                return _schema(_Row(indent=-1, name="", kind="object", rest=[], rows=_tree(rows)))
    return None


def _rows(lines: Sequence[str]) -> list[_Row]:
    rows: list[_Row] = []
    for line in lines:
        if line.strip("#* \t") in _ENDS or line.lstrip().startswith("{"):
            break
        if match := _LINE.match(line):
            words = (match["rest"] or "").split()
            kind = words[0] if words and words[0] in _TYPES else ""
            rows.append(_Row(len(match["indent"]), match["name"], kind, words[1:] if kind else words))
        elif line.strip() and rows:
            rows[-1].description = " ".join(filter(None, (rows[-1].description, line.strip())))
    return rows


def _tree(rows: Sequence[_Row]) -> list[_Row]:
    top: list[_Row] = []
    stack: list[_Row] = []
    for row in rows:
        while stack and stack[-1].indent >= row.indent:
            stack.pop()
        (stack[-1].rows if stack else top).append(row)
        stack.append(row)
    return top


def _schema(row: _Row) -> dict[str, Any]:
    made: dict[str, Any] = {"type": row.kind} if row.kind else {}
    if row.description:
        made["description"] = row.description
    if row.rows and all(one.name.isdigit() for one in row.rows):
        forms = [_schema(one) for one in row.rows]
        # A string beside an object is the body of a stream.
        return {**{key: value for key, value in made.items() if key != "type" or row.indent >= 0}, "oneOf": forms}
    for one in row.rows:
        if one.name in ("items", "additionalProperties") and made.get("type") in ("array", "object"):
            made[one.name] = _schema(one)
        else:
            made.setdefault("properties", {})[one.name] = _schema(one)
            if "required" in one.rest:
                made.setdefault("required", []).append(one.name)
    return made
