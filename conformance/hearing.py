"""The hearing: where relations get their replies from, and what is learnt of a target that does not reproduce."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from infercheck.cases import RELATION, Case
from infercheck.checks.relations.language import Claim, Kind, Relation, Ruling, Standing, broken, undecided
from infercheck.door import Door
from infercheck.errors import NotToBeHad, ThrottledForEver
from infercheck.findings import Finding, Verdict
from infercheck.generate.asks import respelled
from infercheck.judge import Judge
from infercheck.observation import Observation, Outcome
from infercheck.plan import Plan
from infercheck.reply import Reply, reply_of, unasked
from infercheck.rulings import is_shown, of_rulings
from infercheck.standings import Standings
from infercheck.steadiness import ANEW, Steadiness
from infercheck.suspicion import Suspicions

PAUSES = (0.1, 0.6)
"""Seconds after which a fresh reply that is lost on the way is asked for again: the gone may be back."""

Trust: TypeAlias = tuple[int, Reply, Reply]
"""Two replies that differ, in one of so many pairs, which was taken for no noise."""

REPRODUCIBLE = "effect/seed/reproducible"


class Hearing:
    """Hears the relations of a run. `alone` tells that the run sends one request at a time."""

    def __init__(self, plan: Plan, door: Door, judge: Judge, *, alone: bool) -> None:
        self._plan = plan
        self._door = door
        self._judge = judge
        self._alone = alone
        self._planned = {case.request.digest for case in plan.cases}
        self._wanted_by: defaultdict[str, list[Relation]] = defaultdict(list)
        for relation in plan.relations:
            for case in relation.asks:
                self._wanted_by[case.request.digest].append(relation)
        self._left_open: dict[str, Relation] = {}
        self._told_on_noise: set[str] = set()
        self._forgone: set[str] = set()
        self.suspicions = Suspicions(judge.contract)
        self.steadiness = Steadiness(judge.contract.roles.get("temperature"))
        self._replies: dict[str, Reply] = {}
        self._corrected = False
        self._heard: set[str] = set()
        self._given_up: Mapping[str, float] = {}
        self._beside_others: set[str] = set()
        self._moved = False
        self._wavered: list[Ruling] = []
        self._is_spelled_one_way = False
        self._standings = Standings(self, self.steadiness, alone=alone)
        self._trusted: list[Trust] = []
        self._on_trust: list[tuple[Relation, Claim, Sequence[Trust]]] = []
        self._held = False
        self._about = ""
        self._broken: set[str] = set()
        self._foreseen = 0
        self._live = False
        self._unjudged: list[Observation] = []
        self._one_at_a_time = asyncio.Lock()

    async def hear(self, relation: Relation) -> list[Finding]:
        """All that a relation comes to, and what else its further requests show. One relation at a time."""
        async with self._one_at_a_time:
            if not self._is_heard(relation):
                return []
            self._heard.add(relation.id)
            self._about = relation.requirements[0]
            if self._is_hopeless(relation):
                self._left_open |= dict.fromkeys(relation.requirements, relation)
                return []
            self._live = relation.row.ordered
            self._foreseen = len(relation.repeats)
            findings = await self._claimed(relation)
            await self._standings.look_again()
            if relation.on_noise:
                told = {one.requirement for one in findings if one.verdict is not Verdict.INCONCLUSIVE}
                self._told_on_noise |= told
            if REPRODUCIBLE in self._judge.contract.requirements:
                findings += of_rulings(self._judge.contract, relation, self._wavered)
            self._wavered = []
            if any(finding.requirement == REPRODUCIBLE and finding.verdict is Verdict.WARN for finding in findings):
                self.steadiness.noisy = True
            if not relation.planned and any(finding.is_broken for finding in findings):
                self.suspicions.explained(relation)
            unjudged, self._unjudged = self._unjudged, []
            for seen in unjudged:
                findings += await self._judge.judge(seen)
            if self.steadiness.given_up != self._given_up:
                self._forgo()
            return findings

    async def _claimed(self, relation: Relation) -> list[Finding]:
        findings: list[Finding] = []
        for claim in relation.claims:
            if is_shown(relation, findings):
                break
            try:
                rulings = await self._ruled(claim)
                if self._trusted:
                    self._on_trust.append((relation, claim, self._trusted))
            except NotToBeHad as spent:
                # What was to be looked at is open, whatever else was found to be in order; not so a last look.
                open_ = replace(undecided(f"not asked: {spent}"), confirmed=False)
                rulings = [] if relation.row.last else [open_]
            except ThrottledForEver as end:
                await self._judge.ask_for_life()  # raises the same where the target throttles everybody
                rulings = [undecided(f"{end}, though others are answered")]
            findings += of_rulings(self._judge.contract, relation, rulings)
            self._broken |= {one.requirement for one in findings if one.is_broken and one.confirmed}
        return findings

    def _is_heard(self, relation: Relation) -> bool:
        if relation.on_noise:
            name, about = replace(relation.form, greedy=False).name, {*relation.requirements}
            others = (one for one in self._plan.relations if one.planned and one.form.name == name)
            return any(self._is_given_up(one) for one in others if about & {*one.requirements})
        return relation.planned or self.suspicions.suffices(relation)

    def _is_hopeless(self, relation: Relation) -> bool:
        row = relation.row
        return not (row.on_noise or row.without or row.basic) and self._is_given_up(relation)

    def _is_given_up(self, relation: Relation) -> bool:
        return self.steadiness.is_given_up(relation.form.name, relation.least)

    async def sum_up(self) -> list[Finding]:
        """What could not be compared, and was not told in another way either; and what differed, as it seemed."""
        async with self._one_at_a_time:
            findings = [finding for trusted in self._on_trust for finding in await self._doubted(*trusted)]
        open_ = replace(undecided(ANEW), confirmed=False)
        findings += [
            finding
            for id_, relation in self._left_open.items()
            for finding in of_rulings(self._judge.contract, relation, [replace(open_, requirement=id_)])
        ]
        return [finding for finding in findings if finding.requirement not in self._told_on_noise]

    async def _doubted(self, relation: Relation, claim: Claim, trusted: Sequence[Trust]) -> list[Finding]:
        # What was taken on trust before there was noise, and is no longer.
        if not any(self.steadiness.is_noise_likely(*each) for each in trusted):
            return []
        try:
            rulings = await claim.rule(self)
        except (NotToBeHad, ThrottledForEver) as end:
            rulings = [undecided(f"answers differed, as noise may make them, and were not asked again: {end}")]
        told = [one for one in rulings if one.kind in (Kind.BROKEN, Kind.UNDECIDED)]
        told = [replace(one, confirmed=one.confirmed and one.kind is Kind.BROKEN) for one in told]
        return of_rulings(self._judge.contract, relation, told)

    def _forgo(self) -> None:
        # What is not worth sending any more leaves room for what is asked instead.
        self._given_up = self.steadiness.given_up
        compared = [case for case in self._plan.cases if case.group == RELATION]
        unsent = [case for case in compared if not self._door.has(case) and not self.needs(case)]
        waiting = [one for one in self._plan.relations if one.id not in self._heard and self._is_hopeless(one)]
        for name, cases in (*((one.id, [one]) for one in unsent), *((one.id, one.repeats) for one in waiting)):
            for case in cases if name not in self._forgone else ():
                self._door.forgo(case)
            self._forgone.add(name)

    def needs(self, case: Case) -> bool:
        """Whether a request that is planned to be compared is still worth sending."""
        wanted = self._wanted_by[case.request.digest]
        return not wanted or not all(map(self._is_hopeless, wanted))

    async def _ruled(self, claim: Claim) -> list[Ruling]:
        self._corrected = False
        self._trusted = []
        rulings = await claim.rule(self)
        if not self._corrected or claim.repeats:
            return rulings
        # A first answer that was none of those that came ever since is no reason to leave anything undecided.
        self._trusted = []
        return await claim.rule(self)

    # What claims ask for

    async def ask(self, case: Case) -> Reply:
        """The first reply to a request, or the first beside no other where that makes a difference."""
        digest = case.request.digest
        if self._moved and digest in self._beside_others:
            self._beside_others.discard(digest)
            self._replies[digest] = await self.again(case)
            self.steadiness.unsettle(case)
        if digest not in self._replies:
            self._replies[digest] = await self._first(case)
        return self._replies[digest]

    def apart(self, case: Case) -> Case:
        """A case as it is to be asked: with nothing beside it where that makes a difference."""
        if self._moved:
            return replace(case, alone=True)
        self._beside_others.add(case.request.digest)
        return case

    async def _first(self, case: Case) -> Reply:
        if reason := self._why_not(case):
            return unasked(self._judge.contract, case, reason)
        planned = case.request.digest in self._planned
        seen = await self._judge.ask(self.apart(case), extra=not planned, held=self._held)
        if not planned:
            self._unjudged.append(seen)
        # What was lost on the way is asked for again; whoever judges it looks into the loss.
        again = _is_lost(seen) and await self._judge.lives.may_be_lost_again(is_looked_into=planned)
        return await self.again(case) if again else reply_of(seen)

    async def again(self, case: Case, *, beside: bool = False) -> Reply:
        """A fresh reply, given while nothing else is under way, or with others `beside` it."""
        for pause in (*PAUSES, None):
            if reason := self._why_not(case):
                return unasked(self._judge.contract, case, reason)
            # What the plan foresaw is not paid for with what is kept for making sure.
            foreseen, self._foreseen = self._foreseen > 0, max(0, self._foreseen - 1)
            seen = await self._judge.ask(case, fresh=True, extra=not foreseen, held=self._held, live=self._live)
            failure = seen.exchange.answer.failure
            if not _is_lost(seen) or pause is None or (failure and failure.is_ours):
                break
            if failure and failure.kind != "connect":
                if self._judge.lives.few:
                    break
                self._unjudged.append(seen)
            await asyncio.sleep(pause)
        self._unjudged.append(seen)
        reply = reply_of(seen)
        if not (beside or reply.problem) and self.steadiness.again(reply, self._replies.get(case.request.digest)):
            self._replies[case.request.digest] = reply
            self._corrected = True
        return reply

    async def respelled(self, case: Case, number: int) -> Reply | None:
        """A fresh reply to the same request, spelled in another way; None where other spellings are refused."""
        if self._is_spelled_one_way or self._why_not(case):
            return None
        seen = await self._judge.ask(respelled(case, number), fresh=True, held=self._held)
        if seen.outcome is not Outcome.ACCEPTED:
            self._is_spelled_one_way = seen.outcome is Outcome.REFUSED
            return None
        self._unjudged.append(seen)
        return reply_of(seen)

    async def moves(self, *cases: Case) -> bool:
        """Whether requests that are answered alike alone get other answers while others are under way."""
        if not (self._moved or self._alone):
            others = [each.case for each in self._replies.values() if not each.problem and each.case not in cases]
            self._moved = await self._standings.moves(cases, others)
        return self._moved

    def _why_not(self, case: Case) -> str:
        # What is known to be refused, lost or deadly is not sent again for the sake of a comparison.
        unsent = self._judge.unsent(case)
        if unsent is not None:
            return unsent[0].reason if unsent else "not sent"
        return "" if self._judge.spare(case) is case else "the target does not survive one of its values"

    async def together(self, cases: Sequence[Case]) -> list[Reply]:
        """Fresh replies to requests that are all under way at once, and nothing beside them."""
        async with self.quiet():
            return list(await asyncio.gather(*(self.again(case, beside=True) for case in cases)))

    @contextlib.asynccontextmanager
    async def quiet(self) -> AsyncIterator[None]:
        """Nothing of anybody else's is under way between the fresh replies asked for within."""
        if self._held:
            yield
            return
        async with self._door.quiet():
            self._held = True
            try:
                yield
            finally:
                self._held = False

    async def stand(self, one: Reply, other: Reply, *, known: bool = False) -> Standing:
        """Whether two replies that differ go on to do so."""
        return await self._standings.stand(one, other, known=known)

    def knows(self, requirement: str) -> bool:
        """Whether a requirement, or that of the row that is heard, is known to be broken."""
        return (requirement or self._about) in self._broken

    async def differ(self, one: Reply, other: Reply, *, pairs: int = 0) -> Standing:
        """Whether two replies differ for another reason than noise; on trust where one of so many `pairs` does."""
        if not pairs or self.steadiness.is_noise_likely(pairs, one, other):
            return await self._standings.differ(one, other)
        self._trusted.append((pairs, one, other))
        return Standing.STANDS

    def forget(self, cases: Sequence[Case]) -> None:
        """Nobody asks about these any more."""
        for case in cases:
            self._replies.pop(case.request.digest, None)
            self._beside_others.discard(case.request.digest)
            self._door.forget(case)

    def unsteady(self, *replies: Reply) -> str:
        """Why replies like these cannot be compared: requests of this form are not answered alike twice."""
        return self.steadiness.unsteady(*replies)

    def give_up(self, reply: Reply, *, whole: bool = False) -> None:
        """Compare nothing of this reply's form any more; of the `whole` target, nothing as much left to chance."""
        self.steadiness.give_up(reply, whole=whole)

    def waver(self, one: Reply, other: Reply) -> None:
        """Take notice of two different replies to one request."""
        self.steadiness.waver(one)
        self._standings.doubt(one)
        if not (one.problem or other.problem):
            expected = f"the same answer when it is asked again: {one.shown(other)}"
            self._wavered.append(
                broken(one, other, expected=expected, observed=other.shown(one), requirement=REPRODUCIBLE)
            )

    @property
    def wavers(self) -> bool:
        """Whether any request at all was answered in two ways."""
        return self.steadiness.noisy

    def settled(self, case: Case) -> bool:
        """Whether a request was answered as at first when it was asked again."""
        return self.steadiness.settled(case)

    def compared(self, form: str, case: Case, *, alike: bool) -> None:
        """Take notice of whether a request in another form than the first was answered as in the first."""
        self.suspicions.compared(form, case, alike=alike)


def _is_lost(seen: Observation) -> bool:
    return seen.outcome is Outcome.NO_ANSWER or seen.is_broken_off
