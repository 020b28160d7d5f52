"""The door counts, paces, remembers, and keeps for the plan what the plan needs."""

from __future__ import annotations

import asyncio
import time

import pytest
from fakes import answer, success

from infercheck import door as door_module
from infercheck.cases import Case, Expectation, Request
from infercheck.door import Budget, Door
from infercheck.errors import BudgetSpent, ThrottledForEver, UsageError
from infercheck.journal import JournalWriter
from infercheck.pace import PATIENCE, Pace, parse_rate, remaining, retry_after, throttled


def case(number=1, price=1):
    return Case(
        id=f"case/{number}",
        title="",
        expectation=Expectation.VALID,
        request=Request(body=b"%d" % number),
        price=price,
    )


class Runner:
    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    async def send(self, request, *, alone=False):
        self.sent.append(request.body)
        await asyncio.sleep(0)
        return self.answers.pop(0) if self.answers else success({})


def opened(runner, tmp_path, script, rate=None, **budget):
    async def go():
        with JournalWriter(tmp_path / "journal.ndjson") as journal:
            limits = {"requests": 99, "tokens": 99, "extra_requests": 99, "extra_tokens": 99, **budget}
            door = Door(runner, journal, pace=Pace(rate), budget=Budget(**limits))
            await script(door)
            return door

    return asyncio.run(go())


def test_the_same_request_is_paid_for_once_unless_a_fresh_answer_is_asked_for(tmp_path):
    runner = Runner()

    async def script(door):
        first, second = await asyncio.gather(door.ask(case()), door.ask(case()))
        assert first is second is await door.ask(case())
        fresh = await door.ask(case(), fresh=True)
        assert (fresh.number, fresh.ordinal) == (2, 1)

    assert opened(runner, tmp_path, script).requests == len(runner.sent) == 2


@pytest.mark.parametrize(
    ("budget", "extra"),
    [({"requests": 2}, False), ({"tokens": 2}, False), ({"extra_requests": 2}, True), ({"extra_tokens": 2}, True)],
)
def test_a_budget_that_is_spent_lets_nobody_through(tmp_path, budget, extra):
    runner = Runner()

    async def script(door):
        await door.ask(case(1), extra=extra)
        await door.ask(case(2), extra=extra)
        with pytest.raises(BudgetSpent):
            await door.ask(case(3), extra=extra)
        if extra:
            await door.ask(case(4))  # what is planned still goes

    opened(runner, tmp_path, script, **budget)
    assert b"3" not in runner.sent


def test_a_target_that_says_later_is_asked_again_and_counted_apart(tmp_path):
    later = (("retry-after", "0"),)
    runner = Runner(answer(429, {}, later), answer(503, {}, later), success({}))

    async def script(door):
        exchange = await door.ask(case())
        assert exchange.answer.status == 200
        assert exchange.retries == 2

    door = opened(runner, tmp_path, script)
    assert (door.requests, door.retries) == (1, 2)


def test_a_target_that_says_later_for_ever_ends_the_run(tmp_path):
    runner = Runner(*[answer(429, {}, (("retry-after", "0"),))] * 50)

    async def script(door):
        with pytest.raises(ThrottledForEver):
            await door.ask(case())

    opened(runner, tmp_path, script)
    assert len(runner.sent) == 6


def test_only_answers_that_are_remembered_count_against_what_can_be_held(tmp_path, monkeypatch):
    monkeypatch.setattr(door_module, "MOST_BYTES", 50)

    async def script(door):
        for number in range(20):
            await door.ask(case(number), once=True)
        for number in range(20, 40):
            await door.ask(case(number))

    with pytest.raises(BudgetSpent, match="come to more than"):
        opened(Runner(), tmp_path, script)


def test_a_503_without_retry_after_is_a_finding_and_not_retried(tmp_path):
    runner = Runner(answer(503, {}))

    async def script(door):
        assert (await door.ask(case())).answer.status == 503

    assert opened(runner, tmp_path, script).retries == 0


def test_a_rate_spaces_requests_out(tmp_path):
    runner = Runner()
    began = time.monotonic()

    async def script(door):
        await asyncio.gather(*(door.ask(case(number)) for number in range(5)))

    opened(runner, tmp_path, script, rate=50)
    # A lower bound holds on any machine, however slow.
    assert time.monotonic() - began >= 4 / 50


def test_rates_and_retry_after_are_read():
    assert parse_rate("300/m") == 5
    assert parse_rate("2/s") == 2
    assert parse_rate("3600/h") == 1
    for nonsense in ("0/s", "fast", "5", "5/d", "-1/s"):
        with pytest.raises(UsageError):
            parse_rate(nonsense)
    assert retry_after(answer(429, {}, (("Retry-After", "7"),))) == 7
    assert retry_after(answer(429, {}, (("retry-after", "99999999999999999999"),))) == PATIENCE
    assert retry_after(answer(429, {}, (("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"),))) == 0
    assert retry_after(answer(429, {}, (("retry-after", "soon"),))) is None
    assert retry_after(answer(429, {})) is None
    assert throttled(answer(429, {}))
    assert not throttled(answer(503, {}))


def headed(**headers):
    return answer(200, {}, tuple((name.replace("_", "-"), value) for name, value in headers.items()))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"RateLimit_Remaining": "5", "RateLimit_Reset": "10"}, (5, 10)),
        ({"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "2.5"}, (0, 2.5)),
        ({"x_ratelimit_remaining_requests": "59", "x_ratelimit_reset_requests": "1m1s"}, (59, 61)),
        ({"x_ratelimit_remaining_requests": "1", "x_ratelimit_reset_requests": "250ms"}, (1, 0.25)),
        ({"RateLimit": '"default";r=50;t=30'}, (50, 30)),
        ({"RateLimit_Remaining": "5", "RateLimit_Reset": "99999999"}, (5, PATIENCE)),
        ({"X_RateLimit_Remaining": "1", "X_RateLimit_Reset": "1000000001"}, (1, 0)),  # long ago
        ({"RateLimit_Remaining": "5"}, None),
        ({"RateLimit_Remaining": "-1", "RateLimit_Reset": "10"}, None),
        ({"RateLimit_Remaining": "5", "RateLimit_Reset": "soon"}, None),
        ({"RateLimit_Remaining": "\u0665", "RateLimit_Reset": "1"}, None),
        ({"RateLimit_Remaining": "9" * 5000, "RateLimit_Reset": "9" * 5000}, None),
        ({}, None),
    ],
)
def test_rate_headers_are_read(headers, expected):
    assert remaining(headed(**headers)) == expected


def test_who_throttles_is_asked_as_slowly_as_it_answers_and_faster_again_when_it_does_not():
    pace = Pace()
    for _ in range(4):
        pace.answered(answer(200, {}))
    assert pace.interval == 0
    pace.later(1)
    assert 0.25 <= pace.interval < 0.3
    slow = pace.interval
    pace.later(1)  # another request that was under way: nothing was answered since
    assert pace.interval == slow
    for _ in range(29):
        pace.answered(answer(200, {}))
    assert pace.interval == slow
    pace.answered(answer(200, {}))
    assert pace.interval < slow
    pace.answered(headed(RateLimit_Remaining="2", RateLimit_Reset="8"))
    assert pace.interval == 4


def test_rate_headers_slow_nobody_down_who_was_never_throttled():
    pace = Pace()
    pace.answered(headed(RateLimit_Remaining="0", RateLimit_Reset="100"))
    pace.answered(headed(RateLimit_Remaining="1", RateLimit_Reset="100"))
    assert pace.interval == 0
    began = time.monotonic()
    asyncio.run(pace.turn())
    assert time.monotonic() - began < 50


def test_a_quota_that_is_used_up_ends_the_run_soon(tmp_path, monkeypatch):
    monkeypatch.setattr("infercheck.pace.PATIENCE", 0.01)
    runner = Runner(*[answer(429, {}, (("Retry-After", "86400"),))] * 9)

    async def script(door):
        with pytest.raises(ThrottledForEver, match="--resume"):
            await door.ask(case())

    opened(runner, tmp_path, script)
    assert len(runner.sent) == 2
