"""What every check is made of: a small generator over an observation that says which requirement is kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a check says of one requirement: kept, or not, with what was expected and what was observed.

    With a `reason` nothing could be decided, and it says why.
    """

    requirement: str
    kept: bool
    expected: str = ""
    observed: str = ""
    reason: str = ""


def kept(requirement: str) -> Said:
    """The requirement is kept."""
    return Said(requirement=requirement, kept=True)


def not_kept(requirement: str, expected: str, observed: str) -> Said:
    """The requirement is not kept."""
    return Said(requirement=requirement, kept=False, expected=expected, observed=observed)


def undecided(requirement: str, reason: str, observed: str) -> Said:
    """It cannot be told whether the requirement is kept."""
    return Said(requirement=requirement, kept=False, observed=observed, reason=reason)


def say(requirement: str, ok: bool, expected: str, observed: str) -> Said:
    """Kept or not, by `ok`."""
    return kept(requirement) if ok else not_kept(requirement, expected, observed)
