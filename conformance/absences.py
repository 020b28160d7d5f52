"""Absences: what the operator of a target declares that it does not have. Nothing of the kind is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from enum import StrEnum

from infercheck import jsontext
from infercheck.cases import Case
from infercheck.contract import Contract


class Absence(StrEnum):
    """What a target may lack."""

    NO_LORA = "no-lora"
    NO_TOOLS = "no-tools"
    NO_STREAM = "no-stream"
    NO_TEMPLATE = "no-template"


ROLES: Mapping[Absence, tuple[str, ...]] = {
    Absence.NO_LORA: ("adapter",),
    Absence.NO_TOOLS: ("tools", "functions"),
    Absence.NO_STREAM: ("stream",),
    Absence.NO_TEMPLATE: (),
}
"""The roles of a contract whose parameters a target does not know then."""


def absent_keys(contract: Contract, declared: Iterable[str]) -> dict[str, Absence]:
    """The top-level parameters that a target does not have, each with what was declared of it."""
    return {
        contract.roles[role]: absence
        for absence in map(Absence, declared)
        for role in ROLES[absence]
        if role in contract.roles
    }


def parameters(case: Case) -> frozenset[str]:
    """The top-level parameters that a request carries; none where its body is no JSON object."""
    if case.parts:
        return frozenset(case.base or ()) | {part.key for part in case.parts}
    try:
        value = jsontext.parse(case.request.body).value
    except jsontext.NotJSON:
        return frozenset()
    return frozenset(value) if isinstance(value, dict) else frozenset()


def without(case: Case, keys: Set[str], stream: str | None) -> Case | None:
    """A case that leaves out parameters which it carries; None where it is about them.

    A value that shares its request with others is taken out of it.
    """
    if not case.parts or keys & set(case.base or ()):
        return None
    parts = tuple(part for part in case.parts if part.key not in keys)
    return case.with_parts(parts, stream) if parts else None


_OF_ADAPTERS = ("lora/", "isolation/lora")
_OF_TOOLS = ("tool_calls", "tool-calls", "tools/names", "tools/arguments")


def why_absent(id_: str, lost: Mapping[str, Absence], declared: Sequence[str]) -> str:
    """Why nothing of this run can decide a requirement; empty where something can.

    `lost` are the requirements that no case aims at any more, each with what was declared.
    """
    absence = lost.get(id_)
    if absence is None and Absence.NO_STREAM in declared and id_.split("/", 1)[0] == "stream":
        absence = Absence.NO_STREAM
    if absence is None and Absence.NO_LORA in declared and id_.startswith(_OF_ADAPTERS):
        absence = Absence.NO_LORA
    if absence is None and Absence.NO_TOOLS in declared and any(word in id_ for word in _OF_TOOLS):
        absence = Absence.NO_TOOLS
    if absence is None and Absence.NO_TEMPLATE in declared and id_ in ("default/raw", "template/raw"):
        absence = Absence.NO_TEMPLATE
    return f"the operator declares {absence}" if absence else ""
