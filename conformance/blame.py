"""Blame: why a valid request was refused, down to the one value, or the pair of values, that the target minds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from infercheck.cases import Case, Part, Side
from infercheck.contract import Contract
from infercheck.door import BudgetSpent, Door
from infercheck.exchange import Exchange
from infercheck.findings import Finding, Verdict, broken
from infercheck.observation import Observation, Outcome
from infercheck.split import guilty_sets

COMBINATIONS = "input/combinations"


class Blame:
    """Splits refused requests; remembers which values are guilty, so that no split is paid for twice."""

    def __init__(self, contract: Contract, door: Door) -> None:
        self._contract = contract
        self._door = door
        self._guilty: dict[tuple[str | None, str, str], Finding] = {}

    async def of(self, seen: Observation) -> list[Finding]:
        """The findings about a valid request that was refused, confirmed by a fresh answer."""
        case = seen.case
        try:
            again = await self._observe(case, fresh=True)
        except BudgetSpent as spent:
            return [self._undecided(seen, f"not confirmed: {spent}", confirmed=False)]
        if not _refuses(again):
            reason = f"{seen.outcome} once, {again.outcome} when asked again"
            return [self._undecided(again, reason, also=seen.exchange.number)]
        if not case.parts:
            return [self._guilty_alone(again, case.aims[0].requirement, case, also=seen.exchange.number)]
        return await self._split(again)

    async def _split(self, seen: Observation) -> list[Finding]:
        case = seen.case
        known = [part for part in case.parts if self._key(case, part) in self._guilty]
        rest = tuple(part for part in case.parts if part not in known)
        repeated = [
            replace(self._guilty[self._key(case, part)], case=case.id, exchanges=(seen.exchange.number,))
            for part in known
        ]
        last: dict[frozenset[int], Observation] = {}

        async def refused(parts: Sequence[Part]) -> bool:
            observed = await self._observe(case.with_parts(tuple(parts), self._contract.roles.get("stream")))
            last[frozenset(map(id, parts))] = observed
            return _refuses(observed)

        try:
            if known and not (rest and await refused(rest)):
                return repeated
            sets = await guilty_sets(rest if known else case.parts, refused)
        except BudgetSpent as spent:
            return [
                *repeated,
                self._undecided(seen, f"not split down to one value: {spent}", confirmed=False),
            ]
        findings = list(repeated)
        for one in sets:
            shown = last.get(frozenset(map(id, one)), seen)
            if len(one) == 1:
                finding = self._guilty_alone(shown, one[0].aims[0].requirement, shown.case, part=one[0])
                self._guilty[self._key(case, one[0])] = finding
            else:
                finding = self._guilty_together(shown, one)
            findings.append(finding)
        return findings

    async def _observe(self, case: Case, *, fresh: bool = False) -> Observation:
        exchange: Exchange = await self._door.ask(case, fresh=fresh)
        return Observation(contract=self._contract, case=case, exchange=exchange)

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

    def _guilty_together(self, seen: Observation, parts: Sequence[Part]) -> Finding:
        labels = " with ".join(part.label for part in parts)
        return Finding(
            requirement=COMBINATIONS,
            verdict=broken(self._contract.requirements[COMBINATIONS]),
            case=seen.case.id,
            expected=f"accepted: {labels}, each of which is accepted without the other",
            observed=seen.summary(),
            exchanges=(seen.exchange.number,),
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

    @staticmethod
    def _key(case: Case, part: Part) -> tuple[str | None, str, str]:
        return case.branch, part.key, part.label


def _refuses(seen: Observation) -> bool:
    return seen.outcome in (Outcome.REFUSED, Outcome.SERVER_ERROR, Outcome.NO_ANSWER)


def _numbers(*numbers: int | None) -> tuple[int, ...]:
    return tuple(number for number in numbers if number is not None)


def passed(case: Case, seen: Observation) -> Iterator[Finding]:
    """What an accepted valid request says of everything that it aims at."""
    for aim in [*case.aims, *(aim for part in case.parts for aim in part.aims)]:
        yield Finding(
            requirement=aim.requirement,
            verdict=Verdict.PASS,
            case=case.id,
            exchanges=(seen.exchange.number,),
            side=aim.side,
        )
    if len(case.parts) > 1:
        yield Finding(
            requirement=COMBINATIONS,
            verdict=Verdict.PASS,
            case=case.id,
            exchanges=(seen.exchange.number,),
            side=Side.VALID,
        )
