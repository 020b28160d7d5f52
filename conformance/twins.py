"""Twins: a drawn request, put in two ways that have to be answered alike.

What holds of the requests that rows of relations compare has to hold of any: a stream says what the answer without
one says, what is left out is the default, a lower limit cuts off and changes nothing. Drawn requests have unusual
companions, beside which a target may forget that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from infercheck import jsontext
from infercheck.cases import Case
from infercheck.checks.relations.claims import Besides, Same
from infercheck.checks.relations.language import Claim, Row
from infercheck.checks.relations.limits import Prefix
from infercheck.checks.relations.settings import LENGTH, SEEDS
from infercheck.checks.relations.streams import SPACE, USAGE, Equivalent, says_the_same
from infercheck.contract import Contract
from infercheck.fuzz.cases import FUZZ, Cases
from infercheck.fuzz.sketch import Sketch
from infercheck.reply import Reply

Body: TypeAlias = Mapping[str, Any]
Pair: TypeAlias = tuple[Body, Body]

SHORT = 11
"""Tokens of an answer that is to be the beginning of a longer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Two requests, and the row of the table of relations that says what holds of their answers."""

    kind: str
    row: Row
    one: Case
    other: Case
    are_alike: Callable[[Reply, Reply], bool]
    """Whether two replies are what they should be, at a glance."""


@dataclass(frozen=True, slots=True)
class Law:
    """What has to hold of the answers to twins: as a claim that is made sure of, and at a glance."""

    claim: Callable[[Case, Case], Claim]
    are_alike: Callable[[Reply, Reply], bool]
    others: tuple[str, ...] = ()
    """What else the claim decides."""


SAME = Law(
    lambda one, other: Same(pairs=[(one, other)]),
    lambda one, other: one.said == other.said,
)
STREAMED = Law(
    lambda one, other: Equivalent(plain=one, streamed=other),
    says_the_same,
    (SPACE, USAGE),
)
PREFIX = Law(
    lambda one, other: Prefix(shorter=one, longer=other, limit=SHORT),
    lambda one, other: other.text.startswith(one.text.rstrip("\ufffd")) and (one.tokens or 0) <= SHORT,
)


class Twinning:
    """Makes twins of drawn requests, by the roles of a contract's parameters."""

    def __init__(self, contract: Contract, cases: Cases, absent: Sequence[str] = ()) -> None:
        self._contract = contract
        self._cases = cases
        self._keys = {role: key for role, key in contract.roles.items() if key not in absent}
        self._kinds: Mapping[str, tuple[str, Callable[[Body], Pair | None], Law]] = {
            "streamed": ("stream/equivalence", self._streamed, STREAMED),
            **{
                f"without {role}": (f"default/{role}", self._defaulted(role), SAME)
                for role in ("temperature", "raw", "stream")
            },
            "as messages": ("template/messages", self._said, SAME),
            "shorter": ("effect/max_tokens", self._shorter, PREFIX),
            "respelled": ("effect/seed/reproducible", self._respelled, SAME),
        }

    @property
    def kinds(self) -> Iterator[tuple[str, str]]:
        """The kinds of twins that this contract knows, each with the requirement that they are about."""
        for kind, (requirement, _, _) in self._kinds.items():
            if requirement in self._contract.requirements:
                yield kind, requirement

    def of(self, sketch: Sketch, kind: str, group: str = FUZZ) -> Twins | None:
        """The twins of a valid request, as cases of a group; None where it has none of this kind."""
        requirement, put, law = self._kinds[kind]
        seed, limit = self._keys.get("seed"), self._keys.get("output_limit")
        body = json.loads(sketch.body)
        if seed is None or limit is None:
            return None
        # An answer that comes again, and says enough to be told from another.
        pair = put({seed: SEEDS[0], **body, limit: max(LENGTH, body.get(limit) or 0)})
        if pair is None or not all(map(self._contract.oracle.is_valid, pair)):
            return None
        one, other = (self._case(sketch, each, group) for each in pair)
        made = law.claim(one, other)
        row = Row(requirements=(requirement, *law.others), claims=lambda form: [Besides(made)], without=True)
        return Twins(kind=kind, row=row, one=one, other=other, are_alike=law.are_alike)

    def _case(self, sketch: Sketch, body: Body, group: str) -> Case:
        return self._cases.of(replace(sketch, branch=self._cases.branch_of(body), body=_spelled(body)), group)

    # Ways to put it

    def _streamed(self, body: Body) -> Pair | None:
        stream = self._keys.get("stream")
        if stream is None:
            return None
        plain = {key: value for key, value in body.items() if key != stream}
        return plain, {**plain, stream: True}

    def _defaulted(self, role: str) -> Callable[[Body], Pair | None]:
        def put(body: Body) -> Pair | None:
            key = self._keys.get(role)
            default = self._contract.default_of(body, key) if key else None
            return None if key is None or default is None or key in body else (body, {**body, key: default})

        return put

    def _said(self, body: Body) -> Pair | None:
        text, conversation = self._keys.get("text", ""), self._keys.get("conversation", "")
        said = body.get(text)
        # What a template strips, and what is a word of its own, may count in one of the two alone.
        if not conversation or not isinstance(said, str) or not said.replace(" ", "a").isalnum():
            return None
        rest = {key: value for key, value in body.items() if key not in (text, self._keys.get("raw"))}
        declares = self._cases.declares
        if any(declares(body, key) and not declares({conversation: []}, key) for key in rest):
            return None
        pair = {**rest, conversation: [{"role": "user", "content": said}]}, {text: said, **rest}
        return pair if self._contract.set_alike(*pair) else None

    def _shorter(self, body: Body) -> Pair | None:
        limit = self._keys["output_limit"]
        # A tool call that is cut off is no tool call.
        if any(self._keys.get(role) in body for role in ("tools", "functions")):
            return None
        return {**body, limit: SHORT}, body

    def _respelled(self, body: Body) -> Pair | None:
        return body, _Respelled(reversed(list(body.items())))


class _Respelled(dict[str, Any]):
    """A body that is written with other white space."""


def _spelled(body: Body) -> bytes:
    return json.dumps(body, indent=1).encode() if isinstance(body, _Respelled) else jsontext.dump(dict(body))
