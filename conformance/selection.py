"""Patterns: how users name requirements and cases."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from infercheck.contract import Contract
from infercheck.errors import UsageError

SUGGESTED = 3
"""Ids that are named to whoever mistypes one."""


def select(contract: Contract, only: Sequence[str], exclude: Sequence[str]) -> set[str]:
    """The requirement ids that the patterns leave; a pattern is an id, its beginning, or has * and ?."""
    ids = set(contract.requirements)
    for pattern in (*only, *exclude):
        if not any(matches(id_, pattern) for id_ in ids):
            near = get_close_matches(pattern, sorted(ids), SUGGESTED)
            meant = f"Did you mean {' or '.join(near)}? " if near else ""
            listed = "`infercheck explain` lists the ids; * and ? stand for anything, as in 'input/prompt/*'."
            raise UsageError(f"no requirement matches {pattern!r}", hint=meant + listed)
    kept = {id_ for id_ in ids if not only or any(matches(id_, pattern) for pattern in only)}
    kept = {id_ for id_ in kept if not any(matches(id_, pattern) for pattern in exclude)}
    if not kept:
        raise UsageError("nothing is left to test: what --only selects, --exclude takes away")
    return kept


def matches(id_: str, pattern: str) -> bool:
    """Whether a pattern means this id: equal, a folder above it, or by * and ?."""
    return id_ == pattern or id_.startswith(pattern.rstrip("/") + "/") or fnmatchcase(id_, pattern)
