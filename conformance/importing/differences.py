"""Differences: what changed from one contract to another, in requirements, and which of the two accepts less."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infercheck.contract import Contract, answer_schema
from infercheck.generate.blamed import UNKNOWN
from infercheck.generate.boundary import Boundary
from infercheck.generate.builder import Builder
from infercheck.requirements import occurrences_of
from infercheck.schema import FORMS, Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A value that is another, or only on one side (`before` or `after` None), under an id."""

    id: str
    before: Any = None
    after: Any = None

    @property
    def line(self) -> str:
        """For people."""
        if self.before is None:
            return f"+ {self.id}  {_shown(self.after)}"
        if self.after is None:
            return f"- {self.id}  {_shown(self.before)}"
        return f"  {self.id}  {_shown(self.before)} -> {_shown(self.after)}"


@dataclass(frozen=True, kw_only=True)
class Differences:
    """What changed, by kind. `less` and `more` are requests that one contract allows and the other refuses."""

    one: str
    other: str
    branches: tuple[Change, ...]
    parameters: tuple[Change, ...]
    input: tuple[Change, ...]
    defaults: tuple[Change, ...]
    roles: tuple[Change, ...]
    output: tuple[Change, ...]
    promises: tuple[Change, ...]
    less: tuple[str, ...]
    """What B refuses of what A allows."""
    more: tuple[str, ...]
    """What B allows of what A refuses."""

    @property
    def any(self) -> bool:
        """Whether anything changed."""
        return any(lines for _, lines in self.sections())

    def sections(self) -> Iterator[tuple[str, list[str]]]:
        """The kinds of changes, each with its lines for people."""
        for title, changes in (
            ("forms of a request", self.branches),
            ("parameters", self.parameters),
            ("requirements of a request", self.input),
            ("defaults", self.defaults),
            ("roles", self.roles),
            ("requirements of an answer", self.output),
            ("promises", self.promises),
        ):
            yield title, [change.line for change in changes]

    @property
    def verdict(self) -> str:
        """Which of the two accepts less, in a line."""
        refused = f"B accepts less: a client that keeps to A may be refused ({_some(self.less)})"
        allowed = f"B accepts more: a server that keeps to A may refuse what B allows ({_some(self.more)})"
        if self.less and self.more:
            return f"{refused}\n{allowed}"
        if self.less:
            return refused
        if self.more:
            return allowed
        return "B accepts what A accepts, as far as requests at the limits of both tell"

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        kinds = ("branches", "parameters", "input", "defaults", "roles", "output", "promises")
        return {
            "a": self.one,
            "b": self.other,
            **{
                kind: [
                    {"id": one.id, "before": one.before, "after": one.after, "change": _kind(one)}
                    for one in getattr(self, kind)
                ]
                for kind in kinds
            },
            "accepts_less": list(self.less),
            "accepts_more": list(self.more),
        }


def differences(one: Contract, other: Contract, names: tuple[str, str]) -> Differences:
    """What changed from one contract to another; `names` are what people call them."""
    first, second = _inputs(one), _inputs(other)
    added = {name for name in _parameters(other) if name not in _parameters(one)}
    removed = {name for name in _parameters(one) if name not in _parameters(other)}
    return Differences(
        one=names[0],
        other=names[1],
        branches=tuple(_compared(_branches(one), _branches(other))),
        parameters=tuple(_compared(_parameters(one), _parameters(other))),
        # What belongs to a parameter that came or went is told with it.
        input=tuple(
            change
            for change in _compared(first, second)
            if not _is_within(change.id, removed if change.after is None else added)
            or None not in (change.before, change.after)
        ),
        defaults=tuple(_compared(_defaults(one), _defaults(other))),
        roles=tuple(_compared(dict(one.roles), dict(other.roles))),
        output=tuple(_compared(_outputs(one), _outputs(other))),
        promises=tuple(_compared(_promises(one), _promises(other))),
        less=tuple(_refused(one, other)),
        more=tuple(_refused(other, one)),
    )


def _compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for id_ in dict.fromkeys([*before, *after]):
        if before.get(id_) != after.get(id_):
            yield Change(id=id_, before=before.get(id_), after=after.get(id_))


def _inputs(contract: Contract) -> dict[str, Any]:
    return _values(contract.input, contract.branches, contract.input_ids)


def _outputs(contract: Contract) -> dict[str, Any]:
    answers = _values(answer_schema(contract.output)[1], {}, contract.output_ids)
    return answers | _values(contract.event, {}, contract.event_ids)


def _values(schema: Schema, names: Mapping[str, list[str]], ids: Mapping[str, str]) -> dict[str, Any]:
    found = {}
    for one in occurrences_of(schema, names):
        value = f"{len(one.value)} forms" if one.keyword in FORMS else one.value
        found[ids[one.pointer]] = value
    return found


def _branches(contract: Contract) -> dict[str, Any]:
    builder = Builder(contract)
    return {
        builder.name(branch) or "body": branch.schema.get("required", [])
        for branch in builder.branches()
    }  # fmt: skip


def _parameters(contract: Contract) -> dict[str, Any]:
    builder = Builder(contract)
    found: dict[str, Any] = {}
    for branch in builder.branches():
        within = "/".join(filter(None, ("input", builder.name(branch))))
        for name, schema in branch.schema.get("properties", {}).items():
            found[f"{within}/{name}"] = schema.get("type", "any") if isinstance(schema, Mapping) else "none"
    return found


def _defaults(contract: Contract) -> dict[str, Any]:
    builder = Builder(contract)
    found: dict[str, Any] = {}
    for branch in builder.branches():
        within = builder.name(branch)
        for name, schema in branch.schema.get("properties", {}).items():
            if isinstance(schema, Mapping) and schema.get("default") is not None:
                found[f"{within}/{name}" if within else name] = schema["default"]
    return found


def _promises(contract: Contract) -> dict[str, Any]:
    return {
        id_: str(one.level)
        for id_, one in contract.requirements.items()
        if one.keyword is None and one.area not in ("example", "open")
    }


def _is_within(id_: str, parameters: Iterable[str]) -> bool:
    return any(id_.startswith(f"{name}/") for name in parameters)


def _refused(one: Contract, other: Contract) -> Iterator[str]:
    # Values at the limits of one contract that another refuses, each named once.
    builder = Builder(one)
    boundary = Boundary(builder)
    seen: set[str] = set()
    for branch in builder.branches():
        base = builder.base(branch)
        if not other.oracle.is_valid(base):
            yield f"{builder.name(branch) or 'body'}: the smallest request"
            continue
        unknown = {**base, "x-unknown": 1}
        if one.oracle.is_valid(unknown) and not other.oracle.is_valid(unknown) and UNKNOWN not in seen:
            seen.add(UNKNOWN)
            yield "an unknown property"
        for key, parts in boundary.parts(branch).items():
            for part in parts:
                if part.label not in seen and not other.oracle.is_valid({**base, key: part.value}):
                    seen.add(part.label)
                    yield part.label


def _kind(change: Change) -> str:
    if change.before is None:
        return "added"
    return "removed" if change.after is None else "changed"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _some(texts: tuple[str, ...]) -> str:
    return ", ".join(texts[:5]) + (f" and {len(texts) - 5} more" if len(texts) > 5 else "")
