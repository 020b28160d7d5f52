"""Nearest neighbours: a request told as its difference from the one most like it that passed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infercheck.cases import Request, Token
from infercheck.exchange import Exchange
from infercheck.reports.survey import Passed, members

VALUE = 400
"""Characters of a value that are shown."""
CHANGES = 12
"""Changes up to which two requests are neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A place where two requests differ, and what stands there in each; empty where nothing does."""

    place: str
    there: str
    here: str
    weight: int = 1
    """How many values differ: a member that only one has may hold many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a request differs from another. `same` names the members that both have alike."""

    number: int
    changes: tuple[Change, ...]
    same: tuple[str, ...]


def nearest(exchange: Exchange, branch: str | None, passed: Sequence[Passed]) -> Difference | None:
    """The difference from the request that passed and is most like this one; None where none is like it."""
    body = members(exchange.request.body)
    if body is None:
        return None
    best: tuple[int, int, Difference] | None = None
    for one in passed:
        if one.exchange.number == exchange.number:
            continue
        changes = tuple(_changes(one.exchange.request, one.body, exchange.request, body))
        weight = sum(change.weight for change in changes) + 2 * (one.branch != branch)
        if changes and len(changes) <= CHANGES and (best is None or (weight, _length(changes)) < best[:2]):
            best = weight, _length(changes), _difference(one.exchange.number, one.body, body, changes)
    return None if best is None else best[2]


def between(there: Exchange, here: Exchange) -> Difference | None:
    """How a request differs from the one that it is compared with; None where nothing can be told."""
    left, right = members(there.request.body), members(here.request.body)
    if left is None or right is None:
        return None
    changes = tuple(_changes(there.request, left, here.request, right))
    return _difference(there.number, left, right, changes) if 0 < len(changes) <= CHANGES else None


def _difference(
    number: int, left: Mapping[str, Any], right: Mapping[str, Any], changes: tuple[Change, ...]
) -> Difference:
    same = tuple(name for name in right if name in left and _same(left[name], right[name]))
    return Difference(number=number, changes=changes, same=same)


def _length(changes: Sequence[Change]) -> int:
    return sum(len(change.there) + len(change.here) for change in changes)


def _changes(there: Request, left: Mapping[str, Any], here: Request, right: Mapping[str, Any]) -> Iterator[Change]:
    for place, one, other in _sent(there, here):
        if one != other:
            yield Change(place=place, there=one, here=other)
    yield from _between(left, right, "")


def _sent(there: Request, here: Request) -> Iterator[tuple[str, str, str]]:
    yield "method", there.method, here.method
    yield "Content-Type", there.content_type or "none", here.content_type or "none"
    yield "token", _token(there.token), _token(here.token)
    yield "model", there.model or "the contract's", here.model or "the contract's"


def _token(token: Token) -> str:
    return "yours" if token is Token.GIVEN else str(token)


def _between(left: Any, right: Any, place: str) -> Iterator[Change]:
    if isinstance(left, dict) and isinstance(right, dict):
        for name in dict.fromkeys([*left, *right]):
            inner = f"{place}.{name}" if place else name
            if name not in left or name not in right:
                weight = _count(left.get(name, right.get(name)))
                yield Change(place=inner, there=_shown(left, name), here=_shown(right, name), weight=weight)
            else:
                yield from _between(left[name], right[name], inner)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from _between(one, other, f"{place}[{index}]")
    elif not _same(left, right):
        weight = max(_count(left), _count(right))
        yield Change(place=place, there=_written(left), here=_written(right), weight=weight)


def _count(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max(1, sum(map(_count, inner)))


def _same(left: Any, right: Any) -> bool:
    # 1, 1.0 and true are equal to Python, and not to a schema.
    return bool(left == right) and json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def _shown(held: Mapping[str, Any], name: str) -> str:
    return _written(held[name]) if name in held else ""


def _written(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE else f"{text[:VALUE]}… ({len(text):,} characters)"
