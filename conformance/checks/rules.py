"""What every check is made of: a small generator over an observation that says which requirement is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a check says of one requirement: kept, or not, with what was expected and what was observed.

    With a `reason` nothing could be decided, and it says why. `at` is the byte of the body at which the event of a
    stream begins that it is about.
    """

    requirement: str
    kept: bool
    expected: str = ""
    observed: str = ""
    reason: str = ""
    at: int | None = None


def kept(requirement: str) -> Said:
    """The requirement is kept."""
    return Said(requirement=requirement, kept=True)


def not_kept(requirement: str, expected: str, observed: str) -> Said:
    """The requirement is not kept."""
    return Said(requirement=requirement, kept=False, expected=expected, observed=observed)


def undecided(requirement: str, reason: str, observed: str) -> Said:
    """It cannot be told whether the requirement is kept."""
    return Said(requirement=requirement, kept=False, observed=observed, reason=reason)


def of_event(offset: int, all_: Iterable[Said]) -> Iterator[Said]:
    """What is said of the event of a stream that begins at a byte of the body."""
    return (one if one.kept else replace(one, at=offset) for one in all_)


def say(requirement: str, ok: bool, expected: str, observed: str) -> Said:
    """Kept or not, by `ok`."""
    return kept(requirement) if ok else not_kept(requirement, expected, observed)
