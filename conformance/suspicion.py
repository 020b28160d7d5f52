"""Suspicion: which relations of a form are worth a close look, by what was not answered as in the first form."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from enum import IntEnum

from infercheck.cases import Case
from infercheck.checks.relations.language import Relation
from infercheck.contract import Contract


class Suspicion(IntEnum):
    """Why a relation is looked at closely, the best reason first."""

    OF_A_PARAMETER = 0
    OF_A_DEFAULT = 1
    OF_A_VALUE = 2
    NONE = 3


class Suspicions:
    """What is known, by form, of the parameters of requests that were answered as in the first form, or not."""

    def __init__(self, contract: Contract) -> None:
        self._roles = contract.roles
        self._trusted: defaultdict[str, set[str]] = defaultdict(set)
        self._doubted: defaultdict[str, set[str]] = defaultdict(set)
        self._explained: set[str] = set()

    def compared(self, form: str, case: Case, *, alike: bool) -> None:
        """Take notice of whether a request in another form than the first was answered as in the first."""
        labels = self._trusted[form] if alike else self._doubted[form]
        labels.update(part.label for part in case.parts)
        keys = {part.key for part in case.parts}
        labels.update(_left_out(key) for key in self._roles.values() if key not in keys)

    def explained(self, relation: Relation) -> None:
        """Take notice of a cause that was found: what is less likely to be one is not looked at any more."""
        self._explained.add(relation.form.name)

    def of(self, relation: Relation) -> Suspicion:
        """Why a relation that is not planned is to be heard: what it is about in requests that were not answered
        alike, and in no others of its form."""
        doubted, trusted = self._doubted[relation.form.name], self._trusted[relation.form.name]
        about = {self._roles.get(role) for role in relation.row.roles}
        if about & (_names(doubted) - _names(trusted)):
            return Suspicion.OF_A_PARAMETER
        own = _left_out(self._roles.get(relation.row.roles[0], ""))
        if relation.requirements[0].startswith("default/") and own in doubted - trusted:
            return Suspicion.OF_A_DEFAULT
        return Suspicion.OF_A_VALUE if about & _names((doubted - trusted) or doubted) else Suspicion.NONE

    def suffices(self, relation: Relation) -> bool:
        """Whether a relation that is not planned is to be heard."""
        found = relation.form.name in self._explained
        return self.of(relation) <= (Suspicion.OF_A_DEFAULT if found else Suspicion.OF_A_VALUE)


def _left_out(key: str) -> str:
    return f"{key} left out"


def _names(labels: Iterable[str]) -> set[str]:
    return {label.partition("=")[0] for label in labels}
