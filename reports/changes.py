"""Changes: what became of a requirement from one run to another."""

from __future__ import annotations

from enum import Enum, StrEnum, auto

from infercheck.findings import Verdict


class Footing(Enum):
    """What a verdict means for whoever compares runs."""

    KEPT = auto()
    KNOWN = auto()
    """Broken, as an expectation says."""
    BROKEN = auto()
    UNDECIDED = auto()
    NOT_JUDGED = auto()
    """It did not apply, or the run does not have the requirement at all."""


FOOTINGS = {
    Verdict.PASS: Footing.KEPT,
    Verdict.NOTE: Footing.KEPT,
    Verdict.EXPECTED: Footing.KNOWN,
    Verdict.FAIL: Footing.BROKEN,
    Verdict.WARN: Footing.BROKEN,
    Verdict.INCONCLUSIVE: Footing.UNDECIDED,
    Verdict.ERROR: Footing.UNDECIDED,
    Verdict.SKIP: Footing.NOT_JUDGED,
}


class Change(StrEnum):
    """What became of a requirement, those first that people look for first."""

    NEWLY_BROKEN = "newly broken"
    NEWLY_UNDECIDED = "newly undecided"
    FOUND_BROKEN = "found broken"
    STILL_BROKEN = "still broken"
    FOUND_UNDECIDED = "found undecided"
    STILL_UNDECIDED = "still undecided"
    MENDED = "mended"
    EXPECTED = "expected now"
    DECIDED = "decided now"
    LEFT_OUT = "not judged now"
    JUDGED = "judged now"
    OTHERWISE = "told otherwise"
    NONE = "the same"


MEANINGS = {
    Change.NEWLY_BROKEN: "the first run does not have it broken, a later one does",
    Change.NEWLY_UNDECIDED: "the first run decided it, a later one could not",
    Change.FOUND_BROKEN: "broken in a later run; the first does not say whether it was kept",
    Change.STILL_BROKEN: "broken in the first run and in a later one",
    Change.FOUND_UNDECIDED: "undecided in a later run, not judged in the first",
    Change.STILL_UNDECIDED: "undecided in the first run and in a later one",
    Change.MENDED: "broken in the first run, kept in a later one",
    Change.EXPECTED: "broken in a later run, as an expectation says, which does not count as broken",
    Change.DECIDED: "undecided in the first run, kept in a later one",
    Change.LEFT_OUT: "judged in the first run, not in a later one",
    Change.JUDGED: "kept in a later run, not judged in the first",
    Change.OTHERWISE: "kept in both, with another verdict",
    Change.NONE: "the verdict is the same",
}

WORSE = frozenset({Change.NEWLY_BROKEN, Change.NEWLY_UNDECIDED})
ORDER = list(Change)


def change(first: Verdict | None, later: Verdict | None) -> Change:
    """What became of a requirement from the first run to a later one; None where a run does not have it."""
    match _footing(first), _footing(later):
        case (Footing.KEPT | Footing.KNOWN, Footing.BROKEN):
            return Change.NEWLY_BROKEN
        case (Footing.BROKEN, Footing.BROKEN):
            return Change.STILL_BROKEN
        case (_, Footing.BROKEN):
            return Change.FOUND_BROKEN
        case (Footing.UNDECIDED, Footing.UNDECIDED):
            return Change.STILL_UNDECIDED
        case (Footing.NOT_JUDGED, Footing.UNDECIDED):
            return Change.FOUND_UNDECIDED
        case (_, Footing.UNDECIDED):
            return Change.NEWLY_UNDECIDED
    return _for_the_better(first, later)


def worse(first: Verdict | None, later: Verdict | None) -> bool:
    """Whether a requirement is worse in a later run than in the first.

    It is where it was kept (`pass`, `note`), or broken only as expected, and is broken now (`fail`, `warn`); and
    where it was decided in whatever way and is undecided now (`inconclusive`, `error`). It is not where the first
    run did not decide it (`skip`, undecided, or no such requirement), for then nothing says that it was better;
    nor where it is not judged now, or broken as an expectation of the later run says.
    """
    return change(first, later) in WORSE


def _for_the_better(first: Verdict | None, later: Verdict | None) -> Change:
    before, now = _footing(first), _footing(later)
    if before is now:
        return Change.NONE if first == later or now is Footing.NOT_JUDGED else Change.OTHERWISE
    if now is Footing.NOT_JUDGED:
        return Change.LEFT_OUT
    if now is Footing.KNOWN:
        return Change.EXPECTED
    return {
        Footing.BROKEN: Change.MENDED,
        Footing.KNOWN: Change.MENDED,
        Footing.UNDECIDED: Change.DECIDED,
        Footing.NOT_JUDGED: Change.JUDGED,
    }[before]


def _footing(verdict: Verdict | None) -> Footing:
    return Footing.NOT_JUDGED if verdict is None else FOOTINGS[verdict]
