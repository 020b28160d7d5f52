"""Patience: when to stop asking a target for answers that never come to their end."""

from __future__ import annotations

from infercheck.cases import Case
from infercheck.observation import Observation

STRIKES = 4
"""Ordinary answers of a kind, one after the other, that we may have to stop reading before it is given up."""

IN_ALL = 12
"""Ordinary answers in all that we may have to stop reading before the run is given up: each costs a long wait."""


class Patience:
    """Counts answers that our own patience ended: streamed ones and others apart, for one may work without the
    other."""

    def __init__(self) -> None:
        self._strikes = {False: 0, True: 0}
        self._in_all = 0

    def note(self, seen: Observation) -> None:
        """Take notice of an exchange."""
        if not seen.is_ordinary or seen.exchange.answer.cut:
            return
        failure = seen.exchange.answer.failure
        kind = seen.case.request.stream
        if failure and failure.is_ours:
            self._strikes[kind] += 1
            self._in_all += 1
        else:
            self._strikes[kind] = 0

    def lost_with(self, case: Case) -> str:
        """Why a case is not worth sending any more; empty where it is."""
        if self._strikes[case.request.stream] < STRIKES:
            return ""
        kind = "streamed answers" if case.request.stream else "answers that are not streamed"
        return f"not sent: the last {STRIKES} {kind} were not read to their end"

    @property
    def over(self) -> str:
        """Why no case at all is worth sending any more; empty where some are."""
        if self._in_all >= IN_ALL:
            return f"{IN_ALL} answers were not read to their end; with a longer --timeout they might be"
        if min(self._strikes.values()) < STRIKES:
            return ""
        return f"the last {STRIKES} answers of each kind, streamed and not, were not read to their end"
