"""What every check is made of: a small generator over an observation that says which requirement is kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a check says of one requirement: kept, or not, with what was expected and what was observed."""

    requirement: str
    kept: bool
    expected: str = ""
    observed: str = ""


def kept(requirement: str) -> Said:
    """The requirement is kept."""
    return Said(requirement=requirement, kept=True)


def not_kept(requirement: str, expected: str, observed: str) -> Said:
    """The requirement is not kept."""
    return Said(requirement=requirement, kept=False, expected=expected, observed=observed)


def say(requirement: str, ok: bool, expected: str, observed: str) -> Said:
    """Kept or not, by `ok`."""
    return kept(requirement) if ok else not_kept(requirement, expected, observed)
