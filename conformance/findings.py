"""Findings: a verdict on a requirement, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from infercheck.cases import Side
from infercheck.requirements import Level, Requirement


class Verdict(StrEnum):
    """What a run says of a requirement."""

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    NOTE = "note"
    SKIP = "skip"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    EXPECTED = "expected"
    """Broken, as an expectation says."""


BROKEN = {Level.MUST: Verdict.FAIL, Level.SHOULD: Verdict.WARN, Level.INFO: Verdict.NOTE}
"""What it is called when a requirement of a level is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict on a requirement. `exchanges` are numbers; `side` is set for keywords of the input schema.

    `reason` says why nothing could be decided; `expected` and `observed` are for people and quote the target.
    What is not `confirmed` was to be looked into closer, and was not.
    """

    requirement: str
    verdict: Verdict
    case: str = ""
    expected: str = ""
    observed: str = ""
    reason: str = ""
    exchanges: tuple[int, ...] = ()
    confirmed: bool = True
    at: int | None = None
    """Where in the answer the event of a stream begins that it is about, in bytes."""
    versus: int | None = None
    """Of two answers that are compared, the exchange of the other; the finding's own is then the first of all."""
    side: Side | None = None

    @property
    def is_broken(self) -> bool:
        """Whether a promise is broken by it."""
        return self.verdict in (Verdict.FAIL, Verdict.WARN)


def broken(requirement: Requirement) -> Verdict:
    """The verdict of a requirement that is not kept, by its level."""
    return BROKEN[requirement.level]
