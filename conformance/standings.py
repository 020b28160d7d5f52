"""Standings: whether two replies that differ go on to do so, found out by asking again."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence

from infercheck.cases import Case
from infercheck.checks.relations.language import Hearing, Standing
from infercheck.errors import NotToBeHad
from infercheck.reply import Reply
from infercheck.steadiness import Steadiness

TURNS = 2
"""How often two requests are asked again in turns at least."""

MOST_VAIN = 5
"""How often a difference may be gone when it is asked about, before no more are: the target has moods."""

USUAL, TRIES = {False: 2, True: 3}, {False: 3, True: 4}
"""How often what is said usually is said, and how often it is asked for again until it has been; more where any
request was answered in two ways."""


SPELLED = 4
"""Answers to requests that were spelled in another way, and were those to the usual spelling, after which no cache
of requests hides that a target draws anew."""

MOST_DOUBTS = 6
"""Differences that are asked about before they make a pass, and are not there, before no more are."""

LOOKS = 3
"""How often a request that was answered in two ways is asked again, the first of its form."""

PROBES, ROUNDS, COMPANY = 2, 3, 4
"""How often it is asked whether answers depend on what else is under way, and how many
rounds of how many requests that takes."""


class Standings:
    """Asks a hearing again; `alone` tells that the run sends one request at a time."""

    def __init__(self, hearing: Hearing, steadiness: Steadiness, *, alone: bool) -> None:
        self._hearing = hearing
        self._steadiness = steadiness
        self._alone = alone
        self._vain = 0
        self._doubts = 0
        self._probes = 0
        self._spelled = 0
        self._doubtful: dict[str, Reply] = {}
        self._looked_at: set[str] = set()

    def doubt(self, reply: Reply) -> None:
        """Take notice of a request that was answered in two ways."""
        self._doubtful.setdefault(self._steadiness.form(reply.case), reply)

    async def look_again(self) -> None:
        """Ask again for what was doubted, the first of each form: it may be so seldom; where no seed is honoured it
        will be at once again."""
        with contextlib.suppress(NotToBeHad):
            for form, reply in self._doubtful.items():
                if form not in self._looked_at and not self._steadiness.unsteady(reply):
                    self._looked_at.add(form)
                    replies = [await self._hearing.again(reply.case) for _ in range(LOOKS)]
                    if len({one.said for one in replies}) > 1:
                        self._steadiness.give_up(reply, price=reply.case.price)
        self._doubtful = {}

    async def stand(self, one: Reply, other: Reply, *, known: bool = False) -> Standing:
        """Whether two replies that differ go on to do so: asked again in turns, A B B A, each gives its first.

        What they show may be `known`: then one more instance of it is made sure of by one turn.
        """
        if self._vain >= MOST_VAIN:
            return Standing.MOODS
        standing = await self._stand(one, other, known=known)
        self._vain += standing is not Standing.STANDS
        return standing

    async def differ(self, one: Reply, other: Reply) -> Standing:
        """Whether what is usually said to two requests differs, however often something else is said."""
        if self._doubts >= MOST_DOUBTS:
            return Standing.MOODS
        standing = await self._differ(one, other)
        self._doubts += standing is not Standing.STANDS
        return standing

    async def _differ(self, one: Reply, other: Reply) -> Standing:
        try:
            async with self._hearing.quiet():
                usual = [await self._usual(reply) for reply in (one, other)]
        except NotToBeHad:
            return Standing.SPENT
        if None in usual:
            return Standing.UNSTEADY
        return Standing.STANDS if usual[0] != usual[1] else Standing.FELL

    async def moves(self, cases: Sequence[Case], others: Sequence[Case]) -> bool:
        """Whether cases get other answers while they, and some others, are under way at once; asked a few times."""
        if self._probes >= PROBES:
            return False
        self._probes += 1
        with contextlib.suppress(NotToBeHad):
            usual = [await self._hearing.again(case) for case in cases]
            for _ in range(ROUNDS):
                together = await self._hearing.together([*cases, *others[: COMPANY - len(cases)]])
                for mine, alone in zip(together, usual, strict=False):
                    if not (mine.problem or alone.problem) and mine.said != alone.said:
                        self._vain = 0  # the reason why differences were gone
                        return True
        return False

    async def _usual(self, reply: Reply) -> tuple[str, str] | None:
        # Nothing where two things are said twice, as by two machines.
        times = Counter({reply.said: 1 + self._hearing.settled(reply.case)})
        noisy = self._hearing.wavers
        if times[reply.said] >= USUAL[noisy]:
            return reply.said
        for _ in range(TRIES[noisy]):
            fresh = await self._hearing.again(reply.case)
            if fresh.problem:
                return None
            times[fresh.said] += 1
            if sum(count > 1 for count in times.values()) > 1:
                break
            if times[fresh.said] >= USUAL[noisy]:
                return fresh.said
        self._hearing.waver(reply, fresh)
        return None

    async def _stand(self, one: Reply, other: Reply, *, known: bool) -> Standing:
        ones: list[Reply] = []
        others: list[Reply] = []
        try:
            async with self._hearing.quiet():
                while self._goes_on(one, other, ones, others, known=known):
                    # A B B A: machines that take turns would each get the same of the two, A B A B.
                    turns = [(ones, one), (others, other)]
                    for same, reply in turns if len(ones) % 2 == 0 else reversed(turns):
                        same.append(await self._again(reply, len(same)))
                    for same in (ones, others):
                        if same[-1].problem or same[-1].said != same[0].said:
                            self._hearing.waver(same[0], same[-1])
                            return Standing.UNSTEADY
                    self._spelled += 2 * (len(ones) > 1)
        except NotToBeHad:
            return Standing.SPENT
        if ones[0].said == one.said and others[0].said == other.said:
            return Standing.STANDS
        if self._alone:
            # Their first answers were given with nothing else under way, too.
            self._hearing.waver(*((one, ones[0]) if ones[0].said != one.said else (other, others[0])))
        return Standing.FELL if ones[0].said == others[0].said else Standing.UNSTEADY

    async def _again(self, reply: Reply, turn: int) -> Reply:
        # First as it was; then in other spellings, for a cache, or a choice of machines by the request, would give
        # the same answer for ever.
        spelled = await self._hearing.respelled(reply.case, turn) if turn else None
        return spelled or await self._hearing.again(reply.case)

    def _goes_on(
        self, one: Reply, other: Reply, ones: Sequence[Reply], others: Sequence[Reply], *, known: bool
    ) -> bool:
        if known or len(ones) < TURNS:
            return not (known and ones)
        # What is not what it was at first stands for nothing, however often it is asked for.
        stands = ones[0].said == one.said and others[0].said == other.said
        if stands and self._spelled < SPELLED:
            return True
        most = self._steadiness.most_turns
        return stands and len(ones) < most and not self._steadiness.is_proved(one, other)
