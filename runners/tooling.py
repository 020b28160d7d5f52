"""Tools of a request, in either of the page's two shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def definition(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a tool's name, description and parameters, from either of the page's two shapes."""
    if _is_definition(tool) or "function" not in tool:  # other pages say less of what a definition is
        return tool
    function: Mapping[str, Any] = tool["function"]
    return function


def _is_definition(value: Mapping[str, Any]) -> bool:
    """Tell whether a schema-valid tool has the flat shape; it may have parts of the other as well."""
    parameters = value.get("parameters")
    if not (
        isinstance(value.get("name"), str)
        and isinstance(value.get("description"), str)
        and isinstance(parameters, dict)
    ):
        return False
    required, properties = parameters.get("required", []), parameters.get("properties")
    return (
        isinstance(parameters.get("type"), str)
        and isinstance(required, list)
        and all(isinstance(name, str) for name in required)
        and isinstance(properties, dict)
        and all(
            isinstance(each, dict)
            and isinstance(each.get("type"), str)
            and isinstance(each.get("description"), str)
            for each in properties.values()
        )
    )
