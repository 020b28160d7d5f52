"""The registry of broken servers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from fakes import CONTRACT

from infercheck.checks.relations import COMPARED
from mutants.conforming import Conforming


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A broken server, the requirements that must be broken by it and those that may be, and the options of the run
    that judges it."""

    name: str
    server: type[Conforming]
    must_fail: tuple[str, ...]
    may_fail: tuple[str, ...]
    options: Mapping[str, Any]
    quick: bool
    unseen: str
    """Why nothing of what it does is to be seen on a peaked model; empty where something is, or it is undecided."""

    @property
    def required(self) -> set[str]:
        """The requirements that must be broken."""
        return {id_ for pattern in self.must_fail for id_ in expand(pattern)}

    @property
    def speaks(self) -> bool:
        """Whether what it breaks is how the model speaks, rather than the form of requests and answers."""
        return bool(self.required & COMPARED)

    def missing(self, found: set[str]) -> set[str]:
        """The requirements that had to be broken, and were not found so."""
        return self.required - found

    def surplus(self, found: set[str]) -> set[str]:
        """The requirements that were found broken, and are not."""
        known = {id_ for pattern in (*self.must_fail, *self.may_fail) for id_ in expand(pattern)}
        return found - known


MUTANTS: list[Mutant] = []


def mutant(
    *must_fail: str, may_fail: tuple[str, ...] = (), quick: bool = False, unseen: str = "", **options: Any
) -> Callable[[type[Conforming]], type[Conforming]]:
    """Register a broken server. Patterns are ids, or have * and ?; all that `must_fail` means must be broken.

    `quick` is for the fast tests, `unseen` says why a peaked model hides what it does; what else is given goes to
    the run that judges the server. Its `profile` may be quick where every answer or every refusal shows the fault.
    """

    def register(server: type[Conforming]) -> type[Conforming]:
        MUTANTS.append(
            Mutant(
                name=snake(server),
                server=server,
                must_fail=must_fail,
                may_fail=may_fail,
                options=options,
                quick=quick,
                unseen=unseen,
            )
        )
        return server

    return register


def expand(pattern: str) -> set[str]:
    """The requirement ids that a pattern means; none is a mistake of the pattern."""
    found = {id_ for id_ in CONTRACT.requirements if fnmatchcase(id_, pattern)}
    if not found:
        raise ValueError(f"{pattern} means no requirement")
    return found


def snake(server: type) -> str:
    """AcceptsMissingRole as accepts_missing_role."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", server.__name__).lower()
