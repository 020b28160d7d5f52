"""What can go wrong that is not a finding.

InfercheckError
├── UserError          the user can mend it: exit status 2
│   ├── UsageError         an option, an address, a pattern
│   ├── ContractError      a contract that is not one: file, place, what was expected
│   ├── ConfigError        a config or expectations file that is not one
│   └── JournalError       a journal that is not one, or that cannot be written
├── TargetError        the target is out of reach: exit status 3
├── ThrottledForEver   the target said "later" again and again: the run ends incomplete
└── NotToBeHad         an answer that cannot be had: what hangs on it stays undecided
    ├── BudgetSpent        requests, tokens or time are spent
    ├── NotRecorded        a recorded run does not have it
    └── TargetGone         the target does not answer any more
"""

from __future__ import annotations


class InfercheckError(Exception):
    """The base of all; `hint` says what to do, in one sentence."""

    exit_status = 3

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UserError(InfercheckError):
    """Something that the user can mend."""

    exit_status = 2


class UsageError(UserError):
    """An option, an address or a pattern that makes no sense."""


class ContractError(UserError):
    """A contract that is not one; the message begins with the file and the place in it."""

    def __init__(self, file: object, place: str, expected: str, *, hint: str = "") -> None:
        where = f"{file}: {place}" if place else str(file)
        super().__init__(f"{where}: {expected}", hint=hint)


class ConfigError(UserError):
    """A config or expectations file that is not one; the message begins with the file and the line in it."""


class JournalError(UserError):
    """A journal that cannot be read or written."""


class TargetError(InfercheckError):
    """The target is out of reach, or it refuses everybody."""


class ThrottledForEver(InfercheckError):
    """The target kept saying "later"."""


class NotToBeHad(InfercheckError):
    """An answer that cannot be had."""


class BudgetSpent(NotToBeHad):
    """No more requests, tokens or time may be spent."""


class NotRecorded(NotToBeHad):
    """A recorded run has no answer to the request."""


class TargetGone(NotToBeHad):
    """The target does not answer any more."""


class BrokenShould(UserWarning):
    """A promise of level SHOULD that a target did not keep: what the pytest plugin warns of."""
