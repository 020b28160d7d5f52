"""Liveness: which request a target died of is named, and innocents are not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from fakes import CONTRACT, Failure, Target, answer, events, no_answer, stream
from harness import broken, ids, judge

from infercheck import liveness, pulse
from infercheck.conduct import Settings, conduct
from infercheck.dialect import Dialect
from infercheck.findings import Verdict
from infercheck.gate import Gate
from infercheck.plan import Options, make_plan
from infercheck.record import read

pytestmark = pytest.mark.slow


LIVENESS = "robust/liveness"


@dataclass
class Mortal(Target):
    """Dies of what `kills` says; nobody is there for the next `stays_dead` requests, or ever again."""

    kills: Any = None
    stays_dead: int | None = None
    dead: int = 0
    died_of: list[Any] = field(default_factory=list)
    silent: bool = False

    async def send(self, request, *, alone=False):
        await asyncio.sleep(0)
        if self.dead:
            self.dead -= 1
            self.sent.append(request)
            return no_answer("timeout" if self.silent else "connect")
        if self.kills(request, len(self.sent)):
            self.died_of.append(request)
            self.sent.append(request)
            self.dead = 10**9 if self.stays_dead is None else self.stays_dead
            return no_answer("timeout" if self.silent else "closed")
        return await super().send(request, alone=alone)


def of_body(text):
    return lambda request, number: text in request.body


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(pulse, "WAITS", (0.0, 0.001))


def finding(results):
    (result,) = (one for one in results.results if one.requirement.id == LIVENESS)
    return result.groups[0].finding


def test_a_target_that_lives_to_the_end_passes():
    results = judge(Target())
    assert LIVENESS in ids(results, Verdict.PASS)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_what_it_always_dies_of_is_named_where_it_comes_back(concurrency):
    target = Mortal(kills=of_body(b":NaN"), stays_dead=3)
    results = judge(target, concurrency=concurrency, restart_wait=5.0)
    assert broken(results) == {LIVENESS}
    assert finding(results).case == "wire/nan"
    assert len(target.died_of) == 2
    assert finding(results).confirmed
    assert results.record.complete
    assert "just after, nobody did" in finding(results).observed
    assert ids(results, Verdict.INCONCLUSIVE) == {"http/non-finite"}


@pytest.mark.parametrize("concurrency", [1, 4])
def test_what_it_dies_of_for_good_is_named_and_the_run_is_incomplete(concurrency):
    results = judge(Mortal(kills=of_body(b":NaN")), concurrency=concurrency, restart_wait=0.05)
    assert broken(results) == {LIVENESS}
    assert finding(results).case == "wire/nan"
    assert not results.record.complete
    assert "stopped answering at wire/nan" in results.record.why_incomplete
    assert results.exit_status() == 1


def test_a_value_in_a_shared_request_is_named_alone():
    kills = of_body(b'"seed":9999999999')
    results = judge(Mortal(kills=kills, stays_dead=2), restart_wait=5.0)
    assert broken(results) == {LIVENESS, "input/prompt/seed/maximum", "input/messages/seed/maximum"}
    shown = results.record.exchanges[finding(results).exchanges[-1]].request.body
    assert b'"seed":9999999999' in shown
    assert len(shown) < 150


@pytest.mark.parametrize("concurrency", [1, 4])
def test_where_it_dies_at_some_moment_all_that_was_under_way_is_named(concurrency):
    results = judge(Mortal(kills=lambda request, number: number == 100), concurrency=concurrency, restart_wait=0.05)
    assert broken(results) == {LIVENESS}
    assert not results.record.complete
    named = finding(results)
    assert 1 <= len(named.exchanges) <= concurrency
    for number in named.exchanges:
        assert f"(request {number})" in named.observed
        assert results.record.exchanges[number].request.body


def test_a_death_that_no_request_brings_about_again_is_nobodys():
    killed = []

    def once(request, number):
        if number >= 100 and not killed:
            killed.append(request)
            return True
        return False

    results = judge(Mortal(kills=once, stays_dead=3), concurrency=4, restart_wait=5.0)
    assert broken(results) == set()
    assert results.record.complete
    assert results.exit_status() == 0
    assert "http/answer" in ids(results, Verdict.NOTE)


@pytest.mark.parametrize(("deaths", "verdict"), [(1, Verdict.NOTE), (4, Verdict.NOTE), (5, Verdict.FAIL)])
def test_a_target_that_goes_away_again_and_again_is_broken_though_nobody_knows_of_what(deaths, verdict):
    left = [75 * number for number in range(1, deaths + 1)]

    def now_and_then(request, number):
        if left and number >= left[0]:
            left.pop(0)
            return True
        return False

    results = judge(Mortal(kills=now_and_then, stays_dead=6), restart_wait=5.0)
    assert LIVENESS in ids(results, verdict)
    assert f"gone {'once' if deaths == 1 else f'{deaths} times'}; it came back" in finding(results).observed
    assert results.exit_status() == (1 if verdict is Verdict.FAIL else 0)


def test_what_a_target_dies_of_after_it_has_answered_is_found_where_it_comes_back():
    class Poisoned(Mortal):
        """Refuses NaN, and goes."""

        async def send(self, request, *, alone=False):
            reply = await super().send(request, alone=alone)
            if b":NaN" in request.body and reply.status:
                self.dead = 2
            return reply

    results = judge(Poisoned(kills=of_body(b"never")), restart_wait=5.0)
    assert broken(results) == {LIVENESS}
    assert finding(results).case == "wire/nan"
    assert finding(results).observed.startswith("400 application/json")
    assert results.record.complete


def test_a_target_that_dies_of_the_last_request_has_not_survived():
    class Last(Mortal):
        """Goes for good with the last of the long texts."""

        async def send(self, request, *, alone=False):
            reply = await super().send(request, alone=alone)
            if len(request.body) > 520_000:
                self.dead = 10**9
            return reply

    results = judge(Last(kills=of_body(b"never")), restart_wait=0.05)
    assert broken(results) == {LIVENESS}
    assert not results.record.complete


def test_a_target_that_dies_when_it_has_answered_is_broken():
    class Exhausted(Mortal):
        """Goes for good after its hundredth answer."""

        async def send(self, request, *, alone=False):
            self.dead = 10**9 if len(self.sent) >= 100 else 0
            return await super().send(request, alone=alone)

    results = judge(Exhausted(kills=of_body(b"never")), restart_wait=0.05)
    assert broken(results) == {LIVENESS}
    assert "did not come back" in finding(results).observed
    assert "(request 100)" in finding(results).observed
    assert results.exit_status() == 1


def test_who_was_under_way_beside_a_killer_is_not_named():
    kills = (b":NaN", b'"top_k":1.5', b'"seed":0', b'"temperature":-0.01')
    target = Mortal(kills=lambda request, number: any(text in request.body for text in kills), stays_dead=3)
    results = judge(target, concurrency=8, restart_wait=5.0)
    (result,) = (one for one in results.results if one.requirement.id == LIVENESS)
    assert result.verdict is Verdict.FAIL
    # The last may be left unsure of for want of requests, but is no other's fault either.
    assert {group.finding.verdict for group in result.groups} <= {Verdict.FAIL, Verdict.NOTE}
    for group in result.groups:
        body = results.record.exchanges[group.finding.exchanges[-1]].request.body
        assert any(text in body for text in kills), group.finding


def test_what_a_target_dies_of_is_told_whatever_was_asked_about():
    results = judge(Mortal(kills=of_body(b":NaN"), stays_dead=3), only=("http/non-finite",), restart_wait=5.0)
    assert "died of wire/nan (robust/liveness)" in results.record.why_incomplete
    assert results.exit_status() == 4


def test_a_stream_in_the_middle_of_which_the_target_dies_is_a_death_too():
    class Falls(Mortal):
        """Goes in the middle of a stream of messages."""

        async def send(self, request, *, alone=False):
            if request.stream and b"messages" in request.body and b"tools" in request.body and not self.dead:
                self.dead = 3
                whole = stream(events({"response": "Hello"}, done=False))
                return replace(whole, failure=Failure(kind="closed", message="the connection was closed"))
            return await super().send(request, alone=alone)

    results = judge(Falls(kills=of_body(b"never")), restart_wait=5.0)
    assert {LIVENESS, "stream/complete"} <= broken(results)


def test_a_target_that_is_merely_silent_is_not_called_dead():
    results = judge(Mortal(kills=of_body(b":NaN"), silent=True), restart_wait=0.05)
    assert LIVENESS not in ids(results, Verdict.PASS)
    assert not results.record.complete
    assert results.exit_status() in (1, 4)


def test_a_target_that_dies_of_everything_is_given_up(monkeypatch):
    monkeypatch.setattr(liveness, "DEATHS", 3)
    target = Mortal(kills=of_body(b"top_k"), stays_dead=2)
    results = judge(target, restart_wait=5.0)
    assert "died 3 times" in results.record.why_incomplete
    assert LIVENESS in broken(results)


def test_a_server_error_before_the_end_is_a_suspect():
    class Falls(Mortal):
        """Answers with 500 and goes."""

        async def send(self, request, *, alone=False):
            if b":NaN" in request.body and not self.dead:
                self.dead = 10**9
                return answer(500, {"errors": []})
            return await super().send(request, alone=alone)

    results = judge(Falls(kills=of_body(b"never")), restart_wait=0.05)
    assert LIVENESS in broken(results)
    assert "wire/nan" in finding(results).observed
    assert not results.record.complete


def test_the_gate_lets_many_in_or_one_alone():
    inside, most = set(), {"shared": 0, "alone": 0}

    async def enter(gate, number):
        door = gate.alone() if number % 5 == 0 else gate.shared()
        async with door:
            inside.add(number)
            kind = "alone" if number % 5 == 0 else "shared"
            most[kind] = max(most[kind], len(inside))
            await asyncio.sleep(0.001)
            inside.discard(number)

    async def everybody():
        gate = Gate()
        await asyncio.gather(*(enter(gate, number) for number in range(23)))

    asyncio.run(everybody())
    assert most["alone"] == 1
    assert most["shared"] == 4


def test_who_waits_at_the_gate_and_leaves_keeps_nobody_out():
    async def go():
        gate = Gate()
        async with gate.shared():
            waiting = asyncio.create_task(gate.alone().__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            async with asyncio.timeout(1), gate.shared():
                pass
        async with asyncio.timeout(1), gate.alone():
            pass

    asyncio.run(go())


def test_a_run_that_goes_on_asks_anew_what_got_no_answer(tmp_path):
    options, path = Options(only=("http",)), tmp_path / "journal.ndjson"
    plan = make_plan(CONTRACT, options)
    settings = Settings(address="fake", url="http://fake/", dialect=Dialect.REST, restart_wait=0.05)
    dead = Mortal(kills=of_body(b":NaN"))
    assert not asyncio.run(conduct(CONTRACT, plan, options, dead, path, settings)).complete
    again = Target()
    ending = asyncio.run(conduct(CONTRACT, plan, options, again, path, settings, earlier=read(path)))
    assert ending.complete, ending.reason
    answered = [one for one in read(path).exchanges.values() if one.answer.status is not None]
    assert any(one.case == "wire/nan" and not one.ordinal for one in answered)
    assert len(again.sent) < len(plan.cases)
