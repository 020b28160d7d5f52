"""Conclusions: what one exchange says of the requirements that its case aims at, and of those that all share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from infercheck.cases import RELATION, Case, Side
from infercheck.checks import judge
from infercheck.checks.rules import Said
from infercheck.dialect import FORM_OF_ERRORS, LENIENT_WORKERS, Dialect
from infercheck.findings import Finding, Verdict, broken
from infercheck.liveness import Killed, Liveness, Unanswered
from infercheck.observation import Observation, Outcome
from infercheck.pulse import Pulse

COMBINATIONS = "input/combinations"
LIVENESS = "robust/liveness"

TITLE = 100
"""Characters of a case's title that are told in a sentence."""

OFTEN = 5
"""How often a target may be gone for a while, nobody knows why, before that is no accident."""

SUSPECTS = 12
"""Requests that may have killed a target that are named."""


def universal(seen: Observation) -> Iterator[Finding]:
    """What the checks say that look at every exchange; the first objection to a requirement stands for all."""
    said: dict[str, Said] = {}
    for one in judge(seen):
        if one.requirement not in seen.contract.requirements:
            continue  # another contract may promise less
        if one.requirement not in said or _weight(said[one.requirement]) < _weight(one):
            said[one.requirement] = one
    for id_, one in said.items():
        yield Finding(
            requirement=id_,
            verdict=_verdict(seen, one),
            case=seen.case.id,
            expected="" if one.kept else one.expected,
            observed="" if one.kept else one.observed,
            reason=one.reason,
            exchanges=(seen.exchange.number,),
            at=one.at,
        )


def _weight(said: Said) -> int:
    return 0 if said.kept else 1 if said.reason else 2


def _verdict(seen: Observation, said: Said) -> Verdict:
    if said.kept:
        return Verdict.PASS
    if seen.dialect is Dialect.WORKER and said.requirement in FORM_OF_ERRORS:
        return Verdict.NOTE  # nothing in the page's Workers catches errors
    return Verdict.INCONCLUSIVE if said.reason else broken(seen.contract.requirements[said.requirement])


def of_accepted_valid(seen: Observation) -> Iterator[Finding]:
    """A valid request was accepted: all that it aims at is kept on this side."""
    yield from for_aims(seen, Verdict.PASS, "")
    if len(seen.case.parts) > 1:
        yield Finding(
            requirement=COMBINATIONS,
            verdict=Verdict.PASS,
            case=seen.case.id,
            exchanges=(seen.exchange.number,),
            side=Side.VALID,
        )


def of_invalid(seen: Observation, *, valid_is_accepted: bool) -> Iterator[Finding]:
    """An invalid request. Its refusal says something only where valid ones are accepted."""
    match seen.outcome:
        case Outcome.ACCEPTED:
            for aim in seen.case.aims:
                lenient = seen.dialect is Dialect.WORKER and aim.requirement in LENIENT_WORKERS
                lenient = lenient or (seen.case.at_edge and not seen.is_answer)
                yield Finding(
                    requirement=aim.requirement,
                    verdict=Verdict.NOTE if lenient else broken(seen.contract.requirements[aim.requirement]),
                    case=seen.case.id,
                    expected=f"a refusal (4xx) of {seen.case.title}",
                    observed=seen.summary(),
                    exchanges=(seen.exchange.number,),
                    side=aim.side,
                )
        case Outcome.REFUSED if valid_is_accepted:
            yield from for_aims(seen, Verdict.PASS, "")
        case Outcome.REFUSED:
            reason = "valid requests of this branch are refused too, so this refusal says nothing"
            yield from for_aims(seen, Verdict.INCONCLUSIVE, reason)
        case Outcome.SERVER_ERROR:
            reason = (
                f"answered {seen.status}, which neither accepts nor refuses; mend http/server-error, then run again"
            )
            yield from for_aims(seen, Verdict.INCONCLUSIVE, reason)
        case outcome:
            yield from for_aims(seen, Verdict.INCONCLUSIVE, str(outcome))


def of_open(seen: Observation) -> Iterator[Finding]:
    """A request that the page leaves open: what the target does is recorded, and only a server error is blamed."""
    for finding in universal(seen):
        if finding.verdict is Verdict.PASS or finding.requirement.startswith("http/"):
            yield finding
        else:
            yield replace(finding, requirement=seen.case.question or "", verdict=Verdict.NOTE, reason="")
    yield Finding(
        requirement=seen.case.question or "",
        verdict=Verdict.NOTE,
        case=seen.case.id,
        expected="anything but a server error",
        observed=f"{seen.outcome}: {seen.summary()}",
        exchanges=(seen.exchange.number,),
    )
    if seen.outcome is Outcome.ACCEPTED:
        yield from of_accepted_valid(seen)


def of_silence(silent: Sequence[Observation]) -> Finding:
    """Streams say nothing, though answers that are not streamed have a text."""
    first = silent[0]
    return Finding(
        requirement="stream/present",
        verdict=broken(first.contract.requirements["stream/present"]),
        case=first.case.id,
        expected="a response or tool_calls",
        observed=f"nothing in {len(silent)} streams, where answers that are not streamed say something: "
        f"{first.summary()}",
        exchanges=tuple(seen.exchange.number for seen in silent),
    )


def of_unsent(case: Case, verdict: Verdict, reason: str) -> Iterator[Finding]:
    """A case that was not sent, because earlier answers settle it or make it hopeless."""
    for aim in case.all_aims:
        yield Finding(requirement=aim.requirement, verdict=verdict, case=case.id, reason=reason, side=aim.side)


def of_mistake(case: Case, requirements: Sequence[str], error: Exception) -> Iterator[Finding]:
    """A case that could not be judged for a mistake of the suite itself."""
    reason = f"infercheck failed at it: {type(error).__name__}: {error}"
    for id_ in requirements or ("http/answer",):
        yield Finding(requirement=id_, verdict=Verdict.ERROR, case=case.id, reason=reason)


def of_inapplicable(case: Case, reason: str) -> Iterator[Finding]:
    """A case that does not apply to this target."""
    for id_ in case.requirements:
        yield Finding(requirement=id_, verdict=Verdict.SKIP, case=case.id, reason=reason)


def of_lost(seen: Observation) -> Finding:
    """A request that was not answered to the end once, and was when sent again: the way loses connections, too."""
    return Finding(
        requirement="http/answer",
        verdict=Verdict.NOTE,
        case=seen.case.id,
        expected="a whole answer",
        observed=seen.summary(),
        reason="not answered to the end once, answered when asked again",
        exchanges=(seen.exchange.number,),
    )


def of_doubt(seen: Observation, reason: str) -> Iterator[Finding]:
    """A request was not answered, and why that is not looked into."""
    yield Finding(
        requirement="http/answer",
        verdict=Verdict.INCONCLUSIVE,
        case=seen.case.id,
        observed=seen.summary(),
        reason=reason,
        exchanges=(seen.exchange.number,),
    )


def of_passing_error(seen: Observation, again: Observation) -> Finding:
    """A request was answered with a server error once, and otherwise when asked again."""
    reused = seen.exchange.answer.reused
    return Finding(
        requirement="http/server-error",
        verdict=broken(seen.contract.requirements["http/server-error"]),
        case=seen.case.id,
        expected="any status below 500, whatever goes on beside it",
        observed=f"{seen.summary()}; asked again: {again.summary()}",
        # On a kept connection it may have been the answer to another request.
        confirmed=not reused,
        reason="on a connection that was kept, and otherwise on one of its own" if reused else "",
        exchanges=(seen.exchange.number, again.exchange.number),
    )


def of_left_over(seen: Observation, again: Observation) -> Finding:
    """A request was answered in one way on a kept connection and in another on one of its own."""
    return Finding(
        requirement="http/persistent",
        verdict=broken(seen.contract.requirements["http/persistent"]),
        case=seen.case.id,
        expected=f"the answer that the request gets on a connection of its own: {again.summary()}",
        observed=f"on a kept connection, where the body of an earlier request may lie unread: {seen.summary()}",
        exchanges=(seen.exchange.number, again.exchange.number),
    )


def of_unanswered(first: Observation, found: Unanswered | Killed, *, slow: bool) -> Iterator[Finding]:
    """A request that was not answered twice: others are, or it is what the target died of."""
    again = found.again
    id_, expected, fate = "http/answer", "an answer, whatever its status", "others are answered"
    if isinstance(found, Killed):
        id_, expected, fate = LIVENESS, survival(first.case.title), _fate(found.pulse)
    finding = Finding(
        requirement=id_,
        verdict=broken(first.contract.requirements[id_]),
        case=first.case.id,
        expected=expected,
        observed=f"{again.summary()}, and so when sent again; {fate}",
        exchanges=(first.exchange.number, again.exchange.number),
    )
    reason = "our patience ended, and answers of this target take their time" if slow else ""
    if not first.is_ordinary and not slow and not isinstance(found, Killed):
        reason = "a limit on bodies whose answer is lost because the connection is closed at once looks the same"
    if reason:
        finding = replace(finding, verdict=Verdict.INCONCLUSIVE, reason=reason)
    yield finding


def survival(what: str) -> str:
    """What is expected of a target that dies of something."""
    return f"a target that survives {what if len(what) <= TITLE else f'{what[:TITLE]}…'}"


def _fate(pulse: Pulse) -> str:
    match pulse:
        case Pulse.BACK:
            return "asked just before, the target answered; just after, nobody did for a while"
        case Pulse.REVIVED:
            return "asked just before, the target answered; then it was silent until it was started again"
        case Pulse.GONE:
            return "asked just before, the target answered; since then nobody does"
        case _:
            return "asked just before, the target answered; since then it is silent"


def of_liveness(liveness: Liveness, *, slow: bool) -> Iterator[Finding]:
    """What a whole run says of the target's life: it answered to the end, or all that it may have died of.

    What it is known to have died of was said when it was found.
    """
    absences, last = liveness.absences, liveness.last
    if not absences:
        if last is not None and not liveness.over and not liveness.died_of:
            yield Finding(
                requirement=LIVENESS, verdict=Verdict.PASS, case=last.case.id, exchanges=(last.exchange.number,)
            )
        return
    suspects = list({seen.exchange.number: seen for absence in absences for seen in _first(absence)}.values())
    if not suspects:
        return
    named = ", ".join(f"{seen.case.id} (request {seen.exchange.number})" for seen in suspects[:SUSPECTS])
    more = f" and {len(suspects) - SUSPECTS} more" if len(suspects) > SUSPECTS else ""
    times = "once" if len(absences) == 1 else f"{len(absences)} times"
    how = f"{liveness.over}, and it did not come back" if liveness.over else "it came back, and lives"
    verdict, reason = broken(suspects[0].contract.requirements[LIVENESS]), ""
    if slow:
        verdict, reason = Verdict.INCONCLUSIVE, "our patience ended, and the target may merely take its time"
    elif not liveness.over and len(absences) < OFTEN:
        verdict, reason = Verdict.NOTE, "nothing brings it about again"
    yield Finding(
        requirement=LIVENESS,
        verdict=verdict,
        case=suspects[0].case.id,
        expected="a target that answers the next request",
        observed=f"gone {times}; {how}; under way, or just answered, were: {named}{more}",
        reason=reason,
        exchanges=tuple(seen.exchange.number for seen in suspects),
    )


def _first(absence: Sequence[Observation]) -> list[Observation]:
    # What was sent after the first of them had gone unanswered found the target as it was.
    lost = [seen for seen in absence if seen.outcome is Outcome.NO_ANSWER]
    end = min((seen.exchange.started + seen.exchange.answer.seconds for seen in lost), default=math.inf)
    return [seen for seen in absence if seen.exchange.started <= end]


def of_losses(requirement: str, lost: Sequence[Observation], requests: int) -> Finding:
    """So many requests were not answered to the end, each once, that it is not the network's doing."""
    first = lost[0]
    return Finding(
        requirement=requirement,
        verdict=broken(first.contract.requirements[requirement]),
        case=first.case.id,
        expected="a whole answer",
        observed=f"{len(lost)} of {requests} requests were not answered to the end at first: {first.summary()}",
        exchanges=tuple(seen.exchange.number for seen in lost[:SUSPECTS]),
    )


def for_aims(seen: Observation, verdict: Verdict, reason: str) -> Iterator[Finding]:
    """The same verdict for all that a case aims at, and for what it asks."""
    if verdict in (Verdict.PASS, Verdict.INCONCLUSIVE) and seen.case.group == RELATION:
        return  # its values are on no bound: others are, and its comparison says what it tells
    observed = "" if verdict is Verdict.PASS else seen.summary()
    about: list[tuple[str, Side | None]] = [(aim.requirement, aim.side) for aim in seen.case.all_aims]
    if seen.case.question and verdict is not Verdict.PASS:
        about.append((seen.case.question, None))
    for requirement, side in about:
        yield Finding(
            requirement=requirement,
            verdict=verdict,
            case=seen.case.id,
            observed=observed,
            reason=reason,
            exchanges=(seen.exchange.number,),
            side=side,
        )
