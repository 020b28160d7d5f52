"""The registry of conforming servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mutants.conforming import Conforming
from mutants.registry import snake


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A conforming server, and the options of the run that judges it."""

    name: str
    server: type[Conforming]
    options: Mapping[str, Any]
    quick: bool


VARIANTS: list[Variant] = []


def variant(*, quick: bool = False, **options: Any) -> Callable[[type[Conforming]], type[Conforming]]:
    """Register a conforming server."""

    def register(server: type[Conforming]) -> type[Conforming]:
        VARIANTS.append(Variant(name=snake(server), server=server, options=options, quick=quick))
        return server

    return register
