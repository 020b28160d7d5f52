"""The registry of conforming servers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from mutants.conforming import Conforming
from mutants.registry import snake


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A conforming server, the options of the run that judges it, and what cannot be decided of it, honestly."""

    name: str
    server: type[Conforming]
    undecided: tuple[str, ...]
    options: Mapping[str, Any]
    quick: bool

    def doubted(self, found: Iterable[str]) -> set[str]:
        """The requirements that were not decided, and could have been."""
        return {id_ for id_ in found if not any(fnmatchcase(id_, pattern) for pattern in self.undecided)}


VARIANTS: list[Variant] = []


def variant(
    *, undecided: tuple[str, ...] = (), quick: bool = False, **options: Any
) -> Callable[[type[Conforming]], type[Conforming]]:
    """Register a conforming server. The requirements that `undecided` means, by ids or patterns, may stay so."""

    def register(server: type[Conforming]) -> type[Conforming]:
        VARIANTS.append(
            Variant(name=snake(server), server=server, undecided=undecided, options=options, quick=quick)
        )
        return server

    return register
