"""What a run learns from answers that later verdicts need."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from infercheck import jsontext
from infercheck.observation import Observation
from infercheck.spoken import said_in

SILENT = 3
"""Streams that say nothing and are no accident, where every other answer has a text."""

SURE = 3
"""Answers of an odd kind that must come twice before a target is known for it, and each is not asked for again."""


MANY_LOST, LOST_SHARE = 5, 0.15
"""Answers that may be lost once each, in all and as a share of the requests, before the network is not to blame."""


@dataclass(slots=True)
class Branch:
    """What the accepted answers of one branch carried."""

    answers: int = 0
    texts: int = 0
    streams: int = 0
    silent: list[Observation] = field(default_factory=list)

    @property
    def is_silent(self) -> bool:
        """Whether streams say nothing where all other answers have a text: all of them, or too many."""
        if len(self.silent) < SILENT or not self.texts:
            return False
        return len(self.silent) == self.streams or (len(self.silent) >= 2 * SILENT and self.texts == self.answers)


@dataclass(slots=True)
class Learnt:
    """What earlier answers have taught. `alive` tells of a branch whether its smallest valid request is accepted;
    `context_limit` is the size in bytes of the smallest body that was refused for the context window's sake; the
    counts are of answers of an odd kind that came again when asked for again."""

    alive: dict[str | None, bool] = field(default_factory=dict)
    context_limit: int | None = None
    not_left_over: int = 0
    broken_off: int = 0
    asked: Counter[bool] = field(default_factory=Counter)
    lost: list[Observation] = field(default_factory=list)
    server_errors: int = 0
    branches: dict[str | None, Branch] = field(default_factory=dict)

    def lose(self, seen: Observation) -> None:
        """Take notice of an answer that was lost once; where our own patience ended, nothing was."""
        failure = seen.exchange.answer.failure
        if failure is None or not failure.is_ours:
            self.lost.append(seen)

    def listen(self, seen: Observation) -> None:
        """Take notice of what an accepted answer carries."""
        branch = self.branches.setdefault(seen.case.branch, Branch())
        if not seen.case.request.stream:
            branch.answers += 1
            branch.texts += bool(
                isinstance(seen.result, dict) and said_in(seen.result, choices=seen.contract.has_choices)[0]
            )
            return
        branch.streams += 1
        choices = seen.contract.has_choices
        if seen.stream.events and not any(
            _says_something(payload, choices=choices) for _, payload in seen.payloads
        ):
            branch.silent.append(seen)


def too_many(lost: int, asked: int) -> bool:
    """Whether so many answers were lost that it is not the network's doing."""
    return lost > max(MANY_LOST, LOST_SHARE * asked)


def _says_something(payload: jsontext.Document | jsontext.NotJSON, *, choices: bool) -> bool:
    # Whatever is no plain empty piece of text says something, if only how wrong it is.
    value = None if isinstance(payload, jsontext.NotJSON) else payload.value
    if not isinstance(value, dict):
        return True
    text, calls = said_in(value, choices=choices)
    return bool(calls) or (text if text is not None or "response" in value else "") != ""
