"""Checks of the HTTP around every answer: status, and that there is a whole answer at all."""

from __future__ import annotations

from collections.abc import Iterator

from infercheck.cases import Expectation
from infercheck.checks.rules import Said, kept, not_kept, say, undecided
from infercheck.dialect import Dialect
from infercheck.observation import Observation, Outcome, excerpt


def check(seen: Observation) -> Iterator[Said]:
    """Server errors, the status of success, and the token."""
    outcome = seen.outcome
    if outcome is Outcome.NO_ANSWER:
        return  # asked again and judged by the suite, which can tell a dead target from a dead connection
    failure = seen.exchange.answer.failure
    if failure and failure.is_ours:
        yield undecided("http/answer", f"we stopped reading: {failure.message}", seen.summary())
    elif failure and not seen.is_stream:
        yield not_kept("http/answer", "a whole answer", seen.summary())
    else:
        yield kept("http/answer")
    if outcome is Outcome.THROTTLED:
        return
    if seen.dialect is not Dialect.WORKER:  # a Worker's uncaught refusal is a 500
        yield say("http/server-error", outcome is not Outcome.SERVER_ERROR, "any status below 500", seen.summary())
    coding = (seen.exchange.answer.header("content-encoding") or "identity").strip().lower()
    wanted = "no Content-Encoding, as the request says Accept-Encoding: identity"
    yield say("http/content-coding", coding == "identity", wanted, f"Content-Encoding: {excerpt(coding)}")
    if outcome is Outcome.ACCEPTED and seen.case.expectation is Expectation.VALID:
        yield say("http/status", seen.status == 200, "status 200", seen.summary())
    if seen.exchange.answer.reused:
        yield kept("http/persistent")
    if seen.exchange.answer.echoed:
        yield not_kept("http/token-echo", "no token in the answer", "the answer repeats the request's token")
    else:
        yield kept("http/token-echo")
