"""Blame: why a valid request was refused, down to the one value, or the pair of values, that the target minds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias

from infercheck.cases import RELATION, Case, Part
from infercheck.conclusions import COMBINATIONS, of_accepted_valid
from infercheck.contract import Contract
from infercheck.errors import NotToBeHad
from infercheck.findings import Finding, Verdict, broken
from infercheck.observation import Observation, Outcome
from infercheck.split import guilty_sets

Key: TypeAlias = tuple[str | None, str, str]


class Ask(Protocol):
    """Asks the target about a case, alone; NotToBeHad where there can be no answer."""

    async def __call__(self, case: Case, *, fresh: bool) -> Observation:
        """The answer, a fresh one where that is asked for."""


class Blame:
    """Splits refused requests. Remembers which values are guilty and which were accepted once, so that nothing is
    asked twice; one split at a time, so that the next knows what this one found. A target of `few_lives` dies only
    as often as it takes to name one value."""

    def __init__(self, contract: Contract, ask: Ask, *, few_lives: bool = False) -> None:
        self._contract = contract
        self._ask = ask
        self.few_lives = few_lives
        self._guilty: dict[Key, Finding] = {}
        self._deadly: list[tuple[str | None, Part]] = []
        self._innocent: set[Key] = set()
        self._quarrels: dict[frozenset[Key], Finding] = {}
        self._refused: dict[Key, tuple[Part, Observation]] = {}
        self._one_at_a_time = asyncio.Lock()

    def acquit(self, case: Case) -> None:
        """The values of an accepted request are none of them guilty alone."""
        self._innocent.update(_key(case, part) for part in case.parts)

    def spare(self, case: Case) -> Case:
        """A case without the values that are known to get no answer at all: a target need not die of each again.

        What is asked to be compared goes without those that get none in another branch, too, and so does all that a
        target of few lives is asked.
        """
        deadly = self._deadly_in(case)
        left = tuple(part for part in case.parts if part not in deadly)
        return case if len(left) == len(case.parts) else self._with(case, left)

    def spared(self, case: Case) -> Iterator[Finding]:
        """What remains open of a case because the target was spared values of it."""
        for part in self._deadly_in(case) if case.group != RELATION else ():
            reason = f"not sent: the target does not survive {part.label} in another branch"
            for aim in part.aims if not self._is_deadly(part, case.branch) else ():
                yield Finding(
                    requirement=aim.requirement,
                    verdict=Verdict.INCONCLUSIVE,
                    case=case.id,
                    reason=reason,
                    side=aim.side,
                )

    def _deadly_in(self, case: Case) -> list[Part]:
        anywhere = case.group == RELATION or self.few_lives
        return [part for part in case.parts if self._is_deadly(part, None if anywhere else case.branch)]

    def _is_deadly(self, part: Part, branch: str | None) -> bool:
        # The value, whatever it is called and why it is sent; without a branch, in any.
        return any(
            part.key == one.key and type(part.value) is type(one.value) and part.value == one.value
            for where, one in self._deadly
            if branch in (None, where)
        )

    def _with(self, case: Case, parts: Sequence[Part]) -> Case:
        return case.with_parts(tuple(parts), self._contract.roles.get("stream"))

    async def of(self, first: Observation) -> list[Finding]:
        """The findings about a valid request that was refused, confirmed by a fresh answer."""
        case = first.case
        if case.group != RELATION and first.outcome is Outcome.REFUSED:
            for part in case.parts:
                self._refused.setdefault(_key(case, part), (part, first))
        async with self._one_at_a_time:
            try:
                if self._knows_why(case):
                    # Requests whose answers are compared are many, and there to be compared: what is known will do.
                    return self._known(first) if case.group == RELATION else await self._split(first)
                seen = await self._ask(case, fresh=True)
                if not _refuses(seen):
                    self.acquit(case)
                    reason = f"{first.outcome} once, {seen.outcome} when asked again"
                    return [self._undecided(seen, reason, also=first.exchange.number)]
                if case.parts:
                    return await self._split(seen)
            except NotToBeHad as spent:
                return [self._undecided(first, f"not asked again: {spent}", confirmed=False)]
        return [self._guilty_alone(seen, case.aims[0].requirement, case, also=first.exchange.number)]

    async def of_lost(self, seen: Observation, *, died: bool) -> list[Finding]:
        """The findings about a valid request that never got an answer, however often it was sent.

        Each value is sent alone: of all but one there is an answer, which costs less than the halves of a request
        that a target dies of. Where none gets no answer by itself it is split like any other, unless the target
        `died` of it and has few lives.
        """
        case = seen.case
        async with self._one_at_a_time:
            if self._knows_why(case):
                return self._known(seen)
            findings: list[Finding] = []
            try:
                for part in case.parts:
                    if _key(case, part) in self._innocent:
                        continue
                    guilty, rest = await self._alone(seen, part, findings), self._without(case, part)
                    if guilty and (not rest.parts or await self._accepts(rest, findings)):
                        break
                if any(finding.is_broken for finding in findings):
                    return findings
                if not (died and self.few_lives):
                    return [*findings, *await self._split(seen)]
            except NotToBeHad as spent:
                return [*findings, self._undecided(seen, f"not split down to one value: {spent}", confirmed=False)]
        reason = "no value gets no answer by itself, and the target is not made to die of several more often"
        return [*findings, self._undecided(seen, reason)]

    async def _alone(self, lost: Observation, part: Part, findings: list[Finding]) -> bool:
        # Whether a value by itself gets no answer, or another refusal.
        alone = self._with(lost.case, (part,))
        seen = await self._ask(alone, fresh=False)
        if seen.outcome is Outcome.ACCEPTED:
            self.acquit(alone)
            findings.extend(of_accepted_valid(seen))
        if not _refuses(seen):
            return False
        # What got no answer was lost beside others already, twice: it need not be lost alone twice as well.
        if seen.outcome is Outcome.NO_ANSWER:
            requirement, also = part.aims[0].requirement, lost.exchange.number
            finding = self._guilty_alone(seen, requirement, alone, part=part, also=also)
            self._deadly.append((alone.branch, part))
        else:
            finding = await self._sentence((part,), seen)
        findings.append(finding)
        if finding.is_broken:
            self._guilty[_key(alone, part)] = finding
        return finding.is_broken

    async def _accepts(self, case: Case, findings: list[Finding]) -> bool:
        seen = await self._ask(case, fresh=False)
        if seen.outcome is Outcome.ACCEPTED:
            self.acquit(case)
            findings.extend(of_accepted_valid(seen))
        return not _refuses(seen)

    def _without(self, case: Case, part: Part) -> Case:
        return self._with(case, [one for one in case.parts if one is not part])

    def known_lost(self, seen: Observation) -> list[Finding]:
        """What is known of a request that got no answer; nothing where no value of it is known to get none."""
        deadly = self._deadly_in(seen.case)
        if not deadly:
            return []
        reason = f"not sent again: the target does not survive {deadly[0].label} in another branch"
        return self._known(seen) or [self._undecided(seen, reason)]

    def left_open(self) -> Iterator[Finding]:
        """Of values that were refused beside others, and never accepted: whether they are to blame is open."""
        told = self._innocent.union(self._guilty, *self._quarrels)
        for key, (part, seen) in self._refused.items():
            if key not in told:
                yield Finding(
                    requirement=part.aims[0].requirement,
                    verdict=Verdict.INCONCLUSIVE,
                    case=seen.case.id,
                    expected=f"accepted: {part.label}",
                    observed=seen.summary(),
                    reason="refused beside other values, and not asked alone",
                    exchanges=(seen.exchange.number,),
                    side=part.aims[0].side,
                )

    def _knows_why(self, case: Case) -> bool:
        here = {_key(case, part) for part in case.parts}
        return any(key in self._guilty for key in here) or any(pair <= here for pair in self._quarrels)

    def _known(self, seen: Observation) -> list[Finding]:
        # What is known of the values of a request already.
        here = [_key(seen.case, part) for part in seen.case.parts]
        known = [self._guilty[key] for key in here if key in self._guilty]
        known += [finding for pair, finding in self._quarrels.items() if pair <= set(here)]
        return [
            replace(finding, case=seen.case.id, observed=seen.summary(), exchanges=(seen.exchange.number,))
            for finding in known
        ]

    async def _split(self, seen: Observation) -> list[Finding]:
        case = seen.case
        here = [_key(case, part) for part in case.parts]
        quarrels = [pair for pair in self._quarrels if pair <= set(here)]
        findings = self._known(seen)
        # Without the guilty, and without one of each pair that is known to quarrel, all should be well.
        left_out = {key for key in here if key in self._guilty} | {min(pair, key=str) for pair in quarrels}
        last: dict[frozenset[int], Observation] = {}

        async def refused(parts: Sequence[Part]) -> bool:
            one = self._with(case, parts)
            last[frozenset(map(id, parts))] = observed = await self._ask(one, fresh=False)
            if observed.outcome is Outcome.ACCEPTED:
                self.acquit(one)
                findings.extend(of_accepted_valid(observed))
            return _refuses(observed)

        async def split(parts: Sequence[Part]) -> None:
            if not parts or not await refused(parts):
                return
            for one in await guilty_sets(parts, refused):
                finding = await self._sentence(one, last[frozenset(map(id, one))])
                findings.append(finding)
                if finding.verdict is Verdict.INCONCLUSIVE:
                    continue
                if len(one) == 1:
                    self._guilty[_key(case, one[0])] = finding
                    if last[frozenset(map(id, one))].outcome is Outcome.NO_ANSWER:
                        self._deadly.append((case.branch, one[0]))
                    left_out.add(_key(case, one[0]))
                else:
                    self._quarrels[frozenset(_key(case, part) for part in one)] = finding

        # First those that were never accepted; then what is left without the guilty, for values that quarrel.
        try:
            if not findings:
                await split([part for part in case.parts if _key(case, part) not in self._innocent])
            await split([part for part in case.parts if _key(case, part) not in left_out])
        except NotToBeHad as spent:
            # What was found before stands.
            findings.append(self._undecided(seen, f"not split down to one value: {spent}", confirmed=False))
        blamed = any(finding.verdict is not Verdict.PASS for finding in findings)
        return findings if blamed else [self._undecided(seen, "refused as a whole, accepted in parts"), *findings]

    async def _sentence(self, parts: tuple[Part, ...], first: Observation) -> Finding:
        # What is called guilty was refused twice: a mood of the target is nobody's value.
        again = await self._ask(first.case, fresh=True)
        if not _refuses(again):
            reason = f"{first.outcome} once, {again.outcome} when asked again"
            return self._undecided(again, reason, also=first.exchange.number)
        if len(parts) == 1:
            return self._guilty_alone(
                again, parts[0].aims[0].requirement, again.case, part=parts[0], also=first.exchange.number
            )
        return self._guilty_together(again, parts, also=first.exchange.number)

    def _guilty_alone(
        self,
        seen: Observation,
        requirement: str,
        case: Case,
        *,
        part: Part | None = None,
        also: int | None = None,
    ) -> Finding:
        what = part.label if part else case.title
        side = part.aims[0].side if part else case.aims[0].side
        return Finding(
            requirement=requirement,
            verdict=broken(self._contract.requirements[requirement]),
            case=case.id,
            expected=f"accepted: {what}",
            observed=seen.summary(),
            exchanges=_numbers(also, seen.exchange.number),
            side=side,
        )

    def _guilty_together(self, seen: Observation, parts: Sequence[Part], *, also: int | None = None) -> Finding:
        labels = " with ".join(part.label for part in parts)
        return Finding(
            requirement=COMBINATIONS,
            verdict=broken(self._contract.requirements[COMBINATIONS]),
            case=seen.case.id,
            expected=f"accepted: {labels}, which are accepted where one of them is missing",
            observed=seen.summary(),
            exchanges=_numbers(also, seen.exchange.number),
        )

    def _undecided(
        self, seen: Observation, reason: str, *, confirmed: bool = True, also: int | None = None
    ) -> Finding:
        aims = [aim for part in seen.case.parts for aim in part.aims[:1]] or list(seen.case.aims[:1])
        return Finding(
            requirement=aims[0].requirement if len(aims) == 1 else COMBINATIONS,
            verdict=Verdict.INCONCLUSIVE,
            case=seen.case.id,
            expected=f"accepted: {seen.case.title}",
            observed=seen.summary(),
            reason=reason,
            exchanges=_numbers(also, seen.exchange.number),
            confirmed=confirmed,
        )


def _key(case: Case, part: Part) -> Key:
    return case.branch, part.key, part.label


def _refuses(seen: Observation) -> bool:
    return seen.outcome in (Outcome.REFUSED, Outcome.SERVER_ERROR, Outcome.NO_ANSWER)


def _numbers(*numbers: int | None) -> tuple[int, ...]:
    return tuple(number for number in numbers if number is not None)
