"""Blamed: the requirement that is broken where a valid value is refused."""

from __future__ import annotations

from typing import Any

from infercheck.generate.builder import Builder
from infercheck.schema import Place

UNKNOWN = "input/unknown-properties"
"""What a parameter that no branch declares is accepted by."""

LONG_TEXT = 1000
"""Characters from which on a text is a long one."""


def blamed(builder: Builder, place: Place, value: Any) -> str:
    """The bound on the value's side of an ordinary one, else the type."""
    known = builder.contract.input_ids
    ids = {each.keyword: known[each.pointer] for each in place.keywords()}
    usual = builder.minimal(place)
    if isinstance(value, int | float) and isinstance(usual, int | float) and value != usual:
        wanted = "maximum" if value > usual else "minimum"
    elif isinstance(value, str):
        wanted = "maxLength" if len(value) > LONG_TEXT else "type"
    else:
        long = any(len(str(each)) > LONG_TEXT for each in value) if isinstance(value, list) else False
        within = f"{place.pointer}/items/properties/content/maxLength"
        if long and within in known:
            return known[within]
        wanted = "type"
    exclusive = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}.get(wanted, "enum")
    kept = ids.get(wanted) or ids.get(exclusive) or ids.get("type")
    return kept or next(iter(ids.values()), "input/combinations")
