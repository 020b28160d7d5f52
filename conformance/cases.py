"""Cases: a request, the branch it takes, and the outcomes that are allowed, bound to requirements."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from infercheck import jsontext


class Side(StrEnum):
    """The side of a keyword's limit that a request stands on."""

    AT_LIMIT = "valid at limit"
    INSIDE = "just inside"
    VALID = "valid"
    OUTSIDE = "just outside"
    WRONG_TYPE = "wrong type"
    MISSING = "missing"
    NO_MATCH = "zero matches"
    TWO_MATCHES = "two matches"

    @property
    def is_valid(self) -> bool:
        """Whether a request on this side keeps the keyword."""
        return self in (Side.AT_LIMIT, Side.INSIDE, Side.VALID)


class Expectation(StrEnum):
    """What the contract allows a target to do with a request."""

    VALID = "valid"
    """It is accepted."""
    INVALID = "invalid"
    """It is refused."""
    OPEN = "open"
    """Either; what the target does is recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a request tests: a requirement, and on which side of it the request stands."""

    requirement: str
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One top-level key of a valid request with its value: what a shared request is split into.

    `aims` go from the one to blame, if this value alone is refused, to those that merely profit.
    """

    key: str
    value: Any
    label: str
    aims: tuple[Aim, ...]


class Token(StrEnum):
    """Which bearer token a request carries."""

    GIVEN = "given"
    """The one that the user gave, if any."""
    WRONG = "wrong"
    MISSING = "missing"


class Need(StrEnum):
    """What a case asks of the way to the target; without it the case does not apply."""

    REST = "the REST API: nothing in a Worker of the page's knows methods, tokens or other models"
    TOKEN = "a token, so that another one can be refused"
    MODEL = "an address that ends with the model's name"


WRONG_TOKEN = "infercheck-wrong-token"
"""The token that nobody gave out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a runner sends: the body's bytes and how they are labelled.

    `stream` tells that the body asks for a stream. `stop_after` closes the connection after that many chunks of
    the answer, for requests that ask for output without end. `content_type` None sends no such header; `model` is
    asked for in the place of the contract's.
    """

    body: bytes
    content_type: str | None = "application/json"
    stream: bool = False
    stop_after: int | None = None
    method: str = "POST"
    token: Token = Token.GIVEN
    model: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 over all that is sent, in hexadecimal."""
        parts = (self.content_type, self.stream, self.stop_after, self.method, self.token, self.model)
        return hashlib.sha256("\n".join(map(str, parts)).encode() + b"\n" + self.body).hexdigest()


def short_digest(body: bytes) -> str:
    """A body's name in the ids of cases that have no better one."""
    return hashlib.sha256(body).hexdigest()[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request and what it is for. `price` is in output tokens; `size` is the length of the longest text.

    `alone` keeps other requests from being under way beside it: its like are known to kill servers. `needs` is what
    it asks of the way to the target. `lenient` are statuses that count as a refusal though they say server error;
    with `at_edge` what stands before the API may refuse, in a form of its own.
    """

    id: str
    title: str
    expectation: Expectation
    request: Request
    branch: str | None = None
    aims: tuple[Aim, ...] = ()
    parts: tuple[Part, ...] = ()
    base: Mapping[str, Any] | None = None
    question: str | None = None
    price: int = 0
    size: int = 0
    alone: bool = False
    needs: frozenset[Need] = frozenset()
    lenient: frozenset[int] = frozenset()
    at_edge: bool = False

    @property
    def group(self) -> str:
        """The first word of the id: where it comes from, such as boundary, wire, relation or fuzz."""
        return self.id.split("/", 1)[0]

    @property
    def all_aims(self) -> tuple[Aim, ...]:
        """Its own aims and those of its parts."""
        return (*self.aims, *(aim for part in self.parts for aim in part.aims))

    @property
    def is_smallest(self) -> bool:
        """Whether this is the smallest valid request of its branch, with which all others are compared."""
        return self.id.endswith("/smallest")

    @property
    def requirements(self) -> tuple[str, ...]:
        """The ids of the requirements that this case can decide."""
        ids = [aim.requirement for aim in self.all_aims]
        if self.question:
            ids.append(self.question)
        return tuple(dict.fromkeys(ids))

    def with_parts(self, parts: tuple[Part, ...], stream_key: str | None) -> Case:
        """This case with some of its parts only, as splitting asks for it."""
        body = {**(self.base or {}), **{part.key: part.value for part in parts}}
        labels = "+".join(part.label for part in parts) or "base"
        data = jsontext.dump(body)
        return Case(
            id=f"{self.id}~{short_digest(data)}",
            title=f"{self.title}: only {labels}",
            expectation=self.expectation,
            request=Request(body=data, stream=bool(stream_key and body.get(stream_key) is True)),
            branch=self.branch,
            parts=parts,
            base=self.base,
            price=self.price,
            size=self.size,
        )


RELATION = "relation"
"""The group of the cases that are sent for the sake of comparing their answers."""


def distinct(cases: Iterable[Case]) -> list[Case]:
    """Cases, each request once."""
    return list({case.request.digest: case for case in cases}.values())
