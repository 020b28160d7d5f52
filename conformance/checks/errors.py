"""Checks of a refusal: its status, its label and its envelope."""

from __future__ import annotations

from collections.abc import Iterator

from infercheck.cases import Expectation
from infercheck.checks.rules import Said, say, undecided
from infercheck.observation import Observation, Outcome

TOO_LARGE = 413
"""What a server says to a long body before it looks into it (RFC 9110, section 15.5.14)."""


def check(seen: Observation) -> Iterator[Said]:
    """How a target says no."""
    if seen.outcome is not Outcome.REFUSED:
        return
    status = seen.status or 0
    yield say("error/status", not 200 <= status < 300, "a status that is none of success", seen.summary())
    if 200 <= status < 300:
        return  # one defect, one finding: the form of an error sent as a success is not judged again
    if seen.case.at_edge or (status == TOO_LARGE and not seen.is_ordinary):
        return  # what stands before the API says no in its own words
    if seen.case.expectation is Expectation.INVALID:
        yield say("error/client-error", 400 <= status < 500, "a status from 400 to 499", seen.summary())
    if status >= 400:
        yield say("error/media-type", seen.labelled_json, "media type application/json", seen.summary())
        if failure := seen.exchange.answer.failure:
            # Half an envelope is judged as half an answer: http/answer.
            yield undecided(
                "error/envelope", f"the answer was not read to its end: {failure.message}", seen.summary()
            )
            return
        fault = envelope_fault(seen.value)
        yield say("error/envelope", fault is None, fault or "", seen.summary())


def envelope_fault(value: object) -> str | None:
    """What an error's envelope lacks, as the sentence of what was expected; None where it is one."""
    if not isinstance(value, dict):
        return "a JSON object"
    if value.get("success") is not False:
        return '"success": false'
    errors = value.get("errors")
    if not isinstance(errors, list) or not errors:
        return '"errors": a list that is not empty'
    for error in errors:
        if not isinstance(error, dict):
            return "errors that are objects"
        if not isinstance(error.get("code"), int) or isinstance(error.get("code"), bool):
            return 'an integer "code" in each error'
        if not isinstance(error.get("message"), str):
            return 'a string "message" in each error'
    return None
