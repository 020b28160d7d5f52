"""What is wrong with an invalid body, in the words of the hosted API's own validator."""

from __future__ import annotations

from itertools import chain
from typing import Any

import jsonschema_rs

_MOST_ERRORS = 10
_MOST_VALUES = 1000
_TYPE_NAMES = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


def describe(validator: jsonschema_rs.Draft202012Validator, body: Any) -> str:
    """Say what is wrong with an invalid body, in the manner of the hosted API's own validator."""
    if not _is_small(body):  # the errors of an array of millions would take minutes to make
        return "oneOf at '/' not met"
    heads: list[str] = []
    leaves: list[str] = []
    pending = list(validator.iter_errors(body))
    while pending and len(leaves) < _MOST_ERRORS:
        error = pending.pop(0)
        place = "'/" + "/".join(map(str, error.instance_path))[:100] + "'"
        if error.schema_path[-1] == "oneOf":
            branches = getattr(error.kind, "context", [])
            heads.append(f"oneOf at {place} not met, {sum(not branch for branch in branches)} matches")
            pending.extend(chain.from_iterable(branches))
        else:
            leaves.append(_describe_leaf(error, place))
    return ": ".join(filter(None, (", ".join(heads), ", ".join(leaves))))


def _describe_leaf(error: jsonschema_rs.ValidationError, place: str) -> str:
    keyword, kind = error.schema_path[-1], error.kind
    limit = getattr(kind, "limit", None)
    match keyword:
        case "required":
            return f"required properties at {place} are '{getattr(kind, 'property', '')}'"
        case "type":
            wanted = ",".join(getattr(kind, "types", ()))
            return f"Type mismatch of {place}, '{wanted}' not in '{_type_name(error.instance)}'"
        case "minLength" | "maxLength":
            return f"Length of {place} must be {'>=' if keyword == 'minLength' else '<='} {limit}"
        case "minimum" | "maximum":
            return f"{place} must be {'>=' if keyword == 'minimum' else '<='} {limit}"
        case _:
            return f"{keyword} at {place} not met"


def _type_name(value: Any) -> str:
    for kind, name in _TYPE_NAMES:
        if isinstance(value, kind):
            return name
    return "null"


def _is_small(body: Any) -> bool:
    """Tell whether a JSON value has at most `_MOST_VALUES` values in it."""
    pending, count = [body], 0
    while pending:
        value = pending.pop()
        count += 1
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        if count + len(children) > _MOST_VALUES:
            return False
        pending.extend(children)
    return True
