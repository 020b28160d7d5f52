"""When answers that never end are no more asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from fakes import SSE, Target
from harness import broken, ids, judge

from infercheck import patience
from infercheck.exchange import Answer, Chunk, Failure
from infercheck.findings import Verdict


def unfinished(usual, kind="timeout"):
    """An answer that we stopped reading."""
    failure = Failure(kind=kind, message="no more bytes for 1 s")
    return Answer(status=usual.status, headers=usual.headers, chunks=(Chunk(data=b" ", time=0.1),), failure=failure)


@dataclass
class Lazy(Target):
    """Does not bring certain answers to their end; counts them."""

    lazy: Any = None
    asked: int = 0

    async def send(self, request, *, alone=False):
        usual = await super().send(request, alone=alone)
        if not self.lazy(request):
            return usual
        self.asked += 1
        return unfinished(usual)


def test_streams_that_never_end_are_given_up_and_the_rest_goes_on():
    target = Lazy(lazy=lambda request: request.stream)
    results = judge(target)
    assert broken(results) == set()
    assert target.asked < 12
    assert "stream/complete" in ids(results, Verdict.INCONCLUSIVE)
    assert "input/prompt/top_k/maximum" in ids(results, Verdict.PASS)
    assert results.exit_status() == 4
    sent_last = target.sent[-1]
    assert not sent_last.stream


def test_a_target_whose_answers_never_end_is_given_up():
    target = Lazy(lazy=lambda request: True)
    results = judge(target)
    assert broken(results) == set()
    assert target.asked <= 4 * patience.STRIKES
    assert "not read to their end" in results.record.why_incomplete
    assert results.exit_status() == 4


def test_answers_that_do_not_end_now_and_then_end_a_run_too():
    target = Lazy(lazy=lambda request: b"top_k" in request.body and b"seed" not in request.body)
    results = judge(target)
    assert broken(results) == set()
    assert target.asked <= 3 * patience.IN_ALL
    assert "--timeout" in results.record.why_incomplete


@pytest.mark.parametrize(("pieces", "is_broken"), [(100, False), (2000, True)])
def test_a_stream_that_goes_on_and_on_is_broken_and_one_that_is_merely_slow_is_not(pieces, is_broken):
    data = b'data: {"response":"x"}\n\n' * pieces

    def endless(body, usual):
        if usual.headers != SSE:
            return None
        failure = Failure(kind="timeout", message="not finished after 600 s")
        return Answer(status=200, headers=SSE, chunks=(Chunk(data=data, time=1.0),), failure=failure)

    results = judge(Target(changes=endless))
    assert broken(results) == ({"stream/complete"} if is_broken else set())
