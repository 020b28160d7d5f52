"""The language of relations: claims about several answers, which ask for what they need and rule on it.

A row of DESIGN's table is a function from a form of requests to claims. A claim names the requests that are planned
for it (`asks`, `repeats`), asks a `Hearing` for replies, and rules: kept, broken, undecided for want of power, or
not applicable. It knows nothing of HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, partial
from typing import Protocol, TypeAlias

from infercheck.cases import Case, distinct
from infercheck.generate.asks import Form, Unfit
from infercheck.reply import Reply

Pair: TypeAlias = tuple[Case, Case]


class Kind(StrEnum):
    """What a claim comes to."""

    KEPT = "kept"
    BROKEN = "broken"
    UNDECIDED = "undecided"
    SKIPPED = "skipped"
    """It does not apply to this target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What a claim comes to, and the replies that show it. `requirement` is the row's own where it is empty."""

    kind: Kind
    replies: tuple[Reply, ...] = ()
    expected: str = ""
    observed: str = ""
    reason: str = ""
    requirement: str = ""
    confirmed: bool = True
    at: int | None = None
    """Where in the first reply the event of a stream begins that it is about, in bytes."""


class Standing(StrEnum):
    """What comes of asking two requests again, in turns (A B B A)."""

    STANDS = "both gave their first answers again, twice"
    FELL = "asked again, both gave the same answer"
    UNSTEADY = "the same request was answered in different ways"
    SPENT = "they were not asked again, for want of budget"
    MOODS = "they were not asked again, as other differences were gone whenever they were: the target has moods"

    @property
    def is_open(self) -> bool:
        """Whether they were not asked again."""
        return self in (Standing.SPENT, Standing.MOODS)


class Hearing(Protocol):
    """Where claims get their replies from: the one door of a run."""

    async def ask(self, case: Case) -> Reply:
        """The first reply to a request; the same request is never paid for twice."""

    async def again(self, case: Case) -> Reply:
        """A fresh reply, given while nothing else is under way."""

    async def together(self, cases: Sequence[Case]) -> list[Reply]:
        """Fresh replies to requests that are all under way at once, and nothing beside them."""

    def quiet(self) -> AbstractAsyncContextManager[None]:
        """Nothing of anybody else's is under way between the fresh replies asked for within."""

    async def stand(self, one: Reply, other: Reply, *, known: bool = False) -> Standing:
        """Whether two replies that differ go on to do so; asked once where what they show is `known`."""

    async def differ(self, one: Reply, other: Reply, *, pairs: int = 0) -> Standing:
        """Whether two replies differ for another reason than noise; taken on trust where that is not likely to be
        why one of so many `pairs` does."""

    async def respelled(self, case: Case, number: int) -> Reply | None:
        """A fresh reply to the same request, spelled in another way; None where other spellings are refused."""

    async def moves(self, *cases: Case) -> bool:
        """Whether requests that are answered alike alone get other answers while others are under way."""

    def knows(self, requirement: str) -> bool:
        """Whether a requirement, or where it is empty that of the row itself, is known to be broken."""

    def unsteady(self, *replies: Reply) -> str:
        """Why replies like these cannot be compared: requests of this form are not answered alike twice."""

    @property
    def wavers(self) -> bool:
        """Whether any request at all was answered in two ways."""

    def settled(self, case: Case) -> bool:
        """Whether a request was answered as at first when it was asked again."""

    def give_up(self, reply: Reply, *, whole: bool = False) -> None:
        """Compare nothing of the form of this reply's request any more; of the `whole` target, with as much or as
        little left to chance."""

    def waver(self, one: Reply, other: Reply) -> None:
        """Take notice of two different replies to one request."""

    def compared(self, form: str, case: Case, *, alike: bool) -> None:
        """Take notice of whether a request in another form than the first was answered as in the first.

        Where one was not, what it carries, and others that were do not, is looked at closely in that form.
        """


class Claim(Protocol):
    """One statement about replies."""

    @property
    def asks(self) -> Sequence[Case]:
        """The requests that are planned for it."""

    @property
    def repeats(self) -> Sequence[Case]:
        """The requests that are planned to be asked again, as often as they stand here; none by default."""
        return ()

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        """Ask, and rule."""


Claims: TypeAlias = Callable[[Form], Iterable[Claim]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table: its requirements, the first of which it is named after, and its claims for a form.

    `roles` are the parameters that it needs. Those `closely` are asked for in other forms than the first only where
    something is wrong with such a form, those `first_only` never. `ordered` ones depend on what was asked before;
    without the `basic` ones others can tell nothing. Those `on_noise` are for targets whose answers cannot be
    compared, and only for these, and so are those `greedy` in the form that leaves nothing to chance; all others
    need answers that come again, unless they do `without` that. Only profile deep has room for what is `deep`. What
    is `last` is a look at what nobody doubts.
    """

    requirements: tuple[str, ...]
    claims: Claims
    roles: tuple[str, ...] = ()
    closely: bool = False
    first_only: bool = False
    ordered: bool = False
    basic: bool = False
    on_noise: bool = False
    greedy: bool = False
    without: bool = False
    deep: bool = False
    last: bool = False
    absent: str = ""
    """What an operator may declare so that the row does not apply."""

    @property
    def function(self) -> Claims:
        """The function that says what it claims, without what is given to it."""
        return self.claims.func if isinstance(self.claims, partial) else self.claims


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A row in one form of requests. `planned` tells that its requests are; else they are asked on suspicion."""

    row: Row
    form: Form = field(repr=False, compare=False)
    planned: bool
    case: Case = field(repr=False)
    """What stands for it in the journal."""

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """Its claims; made when they are first wanted, since most of those on suspicion never are.

        None where the contract does not allow what would have to be asked.
        """
        try:
            return tuple(self.row.claims(self.form))
        except Unfit:
            return ()

    @cached_property
    def least(self) -> int:
        """The lowest price of its requests."""
        return min((case.price for claim in self.claims for case in claim.asks), default=0)

    @property
    def id(self) -> str:
        """Its name: the row's and the form's."""
        return self.case.id

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirements that it can decide."""
        return self.row.requirements

    @property
    def on_noise(self) -> bool:
        """Whether it is only for targets that do not give the same answer to the same request twice."""
        return self.row.on_noise or self.form.greedy

    @property
    def is_basic(self) -> bool:
        """Whether others can tell nothing without it."""
        return self.row.basic

    @property
    def asks(self) -> list[Case]:
        """The requests that are planned for it, each once."""
        return distinct(case for claim in self.claims for case in claim.asks) if self.planned else []

    @property
    def repeats(self) -> list[Case]:
        """The requests that are planned to be asked again."""
        return [case for claim in self.claims for case in claim.repeats] if self.planned else []


def kept(*replies: Reply, requirement: str = "") -> Ruling:
    """A claim holds."""
    return Ruling(kind=Kind.KEPT, replies=replies, requirement=requirement)


def broken(
    *replies: Reply,
    expected: str,
    observed: str,
    requirement: str = "",
    confirmed: bool = True,
    reason: str = "",
) -> Ruling:
    """A claim does not hold; `reason` says why that could not be confirmed."""
    return Ruling(
        kind=Kind.BROKEN,
        replies=replies,
        expected=expected,
        observed=observed,
        requirement=requirement,
        confirmed=confirmed,
        reason=reason,
    )


def undecided(reason: str, *replies: Reply, requirement: str = "") -> Ruling:
    """Nothing can be told, and why. A reply that says nothing comes first: it is what has to be looked at."""
    first = tuple(sorted(replies, key=lambda reply: not reply.problem))
    return Ruling(kind=Kind.UNDECIDED, replies=first, reason=reason, requirement=requirement)


def skipped(reason: str, *, requirement: str = "") -> Ruling:
    """A claim does not apply, and why."""
    return Ruling(kind=Kind.SKIPPED, reason=reason, requirement=requirement)


def problem_of(*replies: Reply) -> str:
    """Why one of some replies says nothing; empty where all say something."""
    return next((reply.problem for reply in replies if reply.problem), "")


def troubled(hearing: Hearing, *replies: Reply) -> str:
    """Why some replies cannot be compared; empty where they can."""
    return problem_of(*replies) or hearing.unsteady(*replies)


async def contest(
    hearing: Hearing, one: Reply, other: Reply, expected: str, observed: str, requirement: str
) -> Ruling:
    """Rule on two replies that differ and should not: broken where they go on to differ."""
    match await hearing.stand(one, other, known=hearing.knows(requirement)):
        case Standing.STANDS:
            return broken(one, other, expected=expected, observed=observed, requirement=requirement)
        case Standing.SPENT | Standing.MOODS as standing:
            return broken(
                one,
                other,
                expected=expected,
                observed=observed,
                requirement=requirement,
                confirmed=False,
                reason=f"they differed, and {standing}",
            )
        case Standing.FELL if await hearing.moves(one.case, other.case):
            # What counts is what is said with nothing else under way.
            return kept(one, other, requirement=requirement)
        case standing:
            return undecided(f"they differed, and {standing}", one, other, requirement=requirement)
