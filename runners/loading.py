"""Engines and applications by name, `engine:module:object` and `asgi:module:app`, imported to be served.

Beside them stands `transformers:PATH`, an engine of ours over a checkpoint in files.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from infercheck.addresses import SERVED
from infercheck.errors import UsageError
from infercheck.runners.engine import Engine, Result

KINDS = tuple(prefix.removesuffix(":") for prefix in SERVED)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an engine or an application is found: `kind` is `engine`, `asgi` or `transformers`.

    `path` is where to POST to an application, `/v1/run` of `asgi:module:app/v1/run`; empty where it is the path of
    the documented API. A checkpoint has no module and no name; `checkpoint` is its path.
    """

    kind: str
    module: str
    name: str
    path: str = ""
    checkpoint: str = ""

    @classmethod
    def parse(cls, address: str) -> Self | None:
        """What an address names; None where it names neither, `UsageError` where it does so wrongly."""
        kind, colon, rest = address.partition(":")
        if not colon or kind not in KINDS:
            return None
        if kind == "transformers":
            if not rest:
                raise UsageError(f"{address!r} names no checkpoint", hint="Write transformers:PATH.")
            return cls(kind, "", "", checkpoint=rest)
        module, _, name = rest.partition(":")
        name, slash, path = name.partition("/")
        dotted = re.compile(r"\w+(\.\w+)*", re.UNICODE)
        if not dotted.fullmatch(module) or not dotted.fullmatch(name) or (slash and kind == "engine"):
            raise UsageError(
                f"{address!r} names no {'engine' if kind == 'engine' else 'application'}",
                hint="Write engine:MODULE:OBJECT or asgi:MODULE:APP, as in asgi:my_server.main:app; the path of an "
                "application may follow, as in asgi:my_server.main:app/v1/run.",
            )
        return cls(kind, module, name, slash + path)


def load(place: Place) -> Any:
    """Import what a place names, the current folder first on the path.

    `UsageError` where there is no such module or object; what the module itself raises is not caught.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.import_module(place.module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{place.module}.".startswith(f"{error.name}."):
            raise  # the module is there, and misses another
        raise UsageError(
            f"there is no module {error.name!r}", hint=f"It is looked for in {here}, and where Python looks."
        ) from None
    for part in place.name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            names = (
                ", ".join(name for name in vars(found) if not name.startswith("_"))
                if inspect.ismodule(found)
                else ""
            )
            raise UsageError(
                f"{place.module} has no {place.name!r}", hint=f"It has: {names[:300]}." if names else ""
            ) from None
    return found


def engine_of(found: Any) -> Engine:
    """The engine that an object is: it has `answer`, or is a function of the request; or it makes one of these.

    A class, or a function without parameters, is called. `UsageError` where none of this holds.
    """
    if not inspect.isclass(found) and callable(getattr(found, "answer", None)):
        engine: Engine = found
        return engine
    if callable(found):
        needed = _needed(found)
        if needed == 0:
            return engine_of(_made(found))
        if needed == 1 and not inspect.isclass(found):
            return Function(found)
    raise UsageError(
        f"{_shown(found)} is no engine",
        hint="An engine has a method answer(request), or is a function of the request, or a class or a function "
        "without parameters that makes one.",
    )


def application_of(found: Any) -> Any:
    """The ASGI application that an object is, or that a function without parameters makes; else `UsageError`."""
    if is_application(found):
        return found
    if callable(found) and _needed(found) == 0:
        made = _made(found)
        if is_application(made):
            return made
    raise UsageError(
        f"{_shown(found)} is no ASGI application",
        hint="It is called with scope, receive and send. A WSGI application has to be wrapped, as by a2wsgi.",
    )


def is_application(found: Any) -> bool:
    """Whether an object takes what an ASGI server calls it with."""
    return callable(found) and not inspect.isclass(found) and _takes(found, 3)


def is_only_application(found: Any) -> bool:
    """Whether an object is an application rather than an engine, where nobody says which."""
    return is_application(found) and not hasattr(found, "answer") and _needed(found) != 1


class Function:
    """An engine that is one function of the request."""

    def __init__(self, function: Callable[[Mapping[str, Any]], Result]) -> None:
        self._function = function

    def answer(self, request: Mapping[str, Any]) -> Result:
        """Answer one request; see `Engine.answer`."""
        return self._function(request)


def _made(maker: Callable[[], Any]) -> Any:
    made = maker()
    if made is maker:
        raise UsageError(f"{_shown(maker)} makes itself")
    return made


def _shown(found: Any) -> str:
    return getattr(found, "__qualname__", None) or f"an object of type {type(found).__qualname__}"


def _needed(found: Callable[..., Any]) -> int | None:
    # How many positional arguments it cannot do without; None where that is not to be known.
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in positional and one.default is inspect.Parameter.empty for one in parameters)


def _takes(found: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(found).bind(*range(count))
    except TypeError:
        return False
    except ValueError:
        return True
    return True
