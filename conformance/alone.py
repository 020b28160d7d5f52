"""What a single answer shows by itself: nothing is asked again to make sure, or to find the value to blame."""

from __future__ import annotations

from collections.abc import Iterator

from infercheck import conclusions
from infercheck.cases import Expectation
from infercheck.findings import Finding, Verdict
from infercheck.observation import Observation, Outcome


def of_one(seen: Observation) -> Iterator[Finding]:
    """All findings of one exchange, those that passed among them."""
    number = (seen.exchange.number,)
    if seen.outcome in (Outcome.NO_ANSWER, Outcome.THROTTLED):
        yield Finding(
            requirement="http/answer",
            verdict=Verdict.FAIL if seen.outcome is Outcome.NO_ANSWER else Verdict.INCONCLUSIVE,
            case=seen.case.id,
            expected="an answer",
            observed=seen.summary(),
            reason="" if seen.outcome is Outcome.NO_ANSWER else "the target said later",
            exchanges=number,
        )
        return
    match seen.case.expectation:
        case Expectation.OPEN:
            yield from conclusions.of_open(seen)
        case Expectation.INVALID:
            yield from conclusions.universal(seen)
            yield from conclusions.of_invalid(seen, valid_is_accepted=True)
        case Expectation.VALID:
            yield from conclusions.universal(seen)
            yield from _of_valid(seen)


def _of_valid(seen: Observation) -> Iterator[Finding]:
    if seen.outcome is Outcome.ACCEPTED:
        yield from conclusions.of_accepted_valid(seen)
        return
    if seen.outcome is Outcome.SERVER_ERROR:
        return  # that is http/server-error
    window = seen.about_context_window
    yield Finding(
        # Which of its values is refused, a single answer does not tell.
        requirement=(seen.case.requirements or (conclusions.COMBINATIONS,))[0],
        verdict=Verdict.NOTE if window else Verdict.FAIL,
        case=seen.case.id,
        expected=f"accepted: {seen.case.title}",
        observed=seen.summary(),
        reason="refused because of the context window" if window else "",
        exchanges=(seen.exchange.number,),
    )
