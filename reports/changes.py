"""Changes: what became of a requirement from one run to another."""

from __future__ import annotations

from enum import Enum, StrEnum, auto

from infercheck.findings import Verdict


class Standing(Enum):
    """What a verdict means for whoever compares runs."""

    KEPT = auto()
    KNOWN = auto()
    """Broken, as an expectation says."""
    BROKEN = auto()
    UNDECIDED = auto()
    NOT_JUDGED = auto()
    """It did not apply, or the run does not have the requirement at all."""


STANDINGS = {
    Verdict.PASS: Standing.KEPT,
    Verdict.NOTE: Standing.KEPT,
    Verdict.EXPECTED: Standing.KNOWN,
    Verdict.FAIL: Standing.BROKEN,
    Verdict.WARN: Standing.BROKEN,
    Verdict.INCONCLUSIVE: Standing.UNDECIDED,
    Verdict.ERROR: Standing.UNDECIDED,
    Verdict.SKIP: Standing.NOT_JUDGED,
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
    match _standing(first), _standing(later):
        case (Standing.KEPT | Standing.KNOWN, Standing.BROKEN):
            return Change.NEWLY_BROKEN
        case (Standing.BROKEN, Standing.BROKEN):
            return Change.STILL_BROKEN
        case (_, Standing.BROKEN):
            return Change.FOUND_BROKEN
        case (Standing.UNDECIDED, Standing.UNDECIDED):
            return Change.STILL_UNDECIDED
        case (Standing.NOT_JUDGED, Standing.UNDECIDED):
            return Change.FOUND_UNDECIDED
        case (_, Standing.UNDECIDED):
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
    before, now = _standing(first), _standing(later)
    if before is now:
        return Change.NONE if first == later or now is Standing.NOT_JUDGED else Change.OTHERWISE
    if now is Standing.NOT_JUDGED:
        return Change.LEFT_OUT
    if now is Standing.KNOWN:
        return Change.EXPECTED
    return {
        Standing.BROKEN: Change.MENDED,
        Standing.KNOWN: Change.MENDED,
        Standing.UNDECIDED: Change.DECIDED,
        Standing.NOT_JUDGED: Change.JUDGED,
    }[before]


def _standing(verdict: Verdict | None) -> Standing:
    return Standing.NOT_JUDGED if verdict is None else STANDINGS[verdict]
