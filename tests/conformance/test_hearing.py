"""Relations heard over a whole run: what they cost, what confirms them, and targets that do not reproduce."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import harness
import pytest
from direct import URL
from fakes import CONTRACT, Target, refusal
from harness import broken, ids, judge, plan_of
from mutants.conforming import Conforming
from mutants.framing import LosesAPieceAndTheLastBlankLine
from mutants.judging import judge_server
from noise.kinds import noisy

from infercheck import plan as planning
from infercheck.checks.relations import COMPARED
from infercheck.findings import Verdict
from infercheck.plan import Options
from infercheck.sse import parse
from infercheck.standings import TURNS

SEED = "effect/seed/reproducible"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["batches", "batches now and then"])
def test_what_depends_on_load_alone_is_compared_without_load(kind):
    results = judge(noisy(Conforming, kind), url=URL, concurrency=4)
    assert broken(results) == set()
    undecided = ids(results, Verdict.INCONCLUSIVE)
    assert len(undecided) <= 2, undecided
    assert "isolation/load" in ids(results, Verdict.NOTE)


@pytest.mark.slow
def test_a_target_that_ignores_the_seed_gets_that_one_finding_and_is_asked_what_chance_has_no_part_in():
    results = judge(noisy(Conforming, "ignores the seed, greedy is steady"), url=URL)
    assert broken(results) == {SEED}
    undecided = {result.requirement.id: result.reason for result in results.undecided}
    assert undecided.keys() <= {"default/temperature", "effect/temperature", "effect/top_k", "effect/top_p"}
    assert all("effect/seed/reproducible" in reason for reason in undecided.values())
    told = {
        "stream/equivalence",
        "default/max_tokens",
        "effect/prompt",
        "effect/top_k/one",
        "effect/temperature/zero",
    }
    assert told <= ids(results, Verdict.PASS)
    plan = plan_of(CONTRACT, Options())
    sent = {exchange.request.digest for exchange in results.record.exchanges.values()}
    # What could not be compared anyhow was not sent.
    assert len(results.record.exchanges) <= plan.budget
    assert sum(case.group == "relation" and case.request.digest not in sent for case in plan.cases) > 50


@pytest.mark.slow
def test_where_nothing_comes_twice_even_at_temperature_0_that_is_shown_and_nothing_else():
    results = judge(noisy(Conforming, "ignores the seed, and temperature 0"), url=URL)
    assert broken(results) == {SEED, "effect/temperature/zero"}
    assert "stream/equivalence" in ids(results, Verdict.INCONCLUSIVE)
    footer = results.record.footer
    assert 0 <= footer["answered_alike"] < footer["asked_again"]


def test_a_steady_target_is_measured_as_one():
    footer = judge(Target()).record.footer
    assert footer["answered_alike"] == footer["asked_again"] > 10
    assert not footer["unasked"]


def test_a_conforming_target_is_asked_what_was_planned_and_nothing_more():
    target = Target()
    results = judge(target)
    plan = plan_of(CONTRACT, Options())
    assert broken(results) == set()
    # The farewell asks once more whether the target is there; what answers at once is asked when its streams begin.
    assert plan.requests - 5 <= len(target.sent) <= plan.requests + 7
    sent = Counter(request.digest for request in target.sent)
    assert all(sent[case.request.digest] for case in plan.cases if not case.needs)


@pytest.mark.parametrize("adapters", [(), ("poet",), ("poet", "pirate")])
def test_all_of_it_fits_into_profile_standard_with_room_to_confirm(adapters):
    plan = plan_of(CONTRACT, Options(adapters=adapters))
    assert plan.left_out == 0
    assert plan.requests + plan.profile.reserve <= plan.profile.requests == 600
    assert plan.price <= plan.profile.tokens == 60_000
    needed = {id_ for id_ in COMPARED if adapters or "lora" not in id_}
    assert {id_ for id_ in needed if plan.planned.get(id_)} == needed


class Forgetful(Target):
    """Has a default of 100 tokens where a stream is asked for."""

    def say(self, body):
        if isinstance(body, dict) and body.get("stream") is True and "max_tokens" not in body:
            body = {**body, "max_tokens": 100}
        return super().say(body)


def test_a_difference_is_reported_with_both_requests_once_it_came_again():
    results = judge(Forgetful(), only=("stream/equivalence",))
    (result,) = results.with_verdict(Verdict.FAIL)
    assert result.requirement.id == "stream/equivalence"
    finding = result.findings[0]
    exchanges = results.record.exchanges
    assert exchanges[finding.exchanges[0]].request.stream
    assert not exchanges[finding.versus].request.stream
    assert "the end is lost" in finding.observed
    # Asked again in turns, A B B A, in the same words and in others.
    case = exchanges[finding.versus].case
    asked = Counter(each.case for each in exchanges.values())
    assert asked[case] >= 2
    assert all(asked[f"{case}/respelled-{number}"] == 1 for number in (1, 2))


class ColdAtFirst(Target):
    """Draws its first answers to a few requests otherwise than all that follow."""

    def say(self, body):
        if isinstance(body, dict) and CONTRACT.oracle.is_valid(body) and len(self.sent) < 7:
            body = {**body, "seed": body.get("seed", 1) + 1}
        return super().say(body)


@pytest.mark.slow
def test_a_first_answer_that_never_comes_again_spoils_no_comparison():
    results = judge(ColdAtFirst(), concurrency=1)
    assert broken(results) <= {SEED}
    undecided = ids(results, Verdict.INCONCLUSIVE)
    assert undecided <= {SEED}, undecided


def test_what_cannot_be_confirmed_for_want_of_budget_is_undecided():
    results = judge(Forgetful(), only=("stream/equivalence",), max_requests=15)
    assert "stream/equivalence" not in broken(results)


class Deaf(Target):
    """Ignores top_k where it streams."""

    def say(self, body):
        if isinstance(body, dict) and body.get("stream") is True:
            body = {key: value for key, value in body.items() if key != "top_k"}
        return super().say(body)


@pytest.mark.slow
def test_what_is_suspected_and_not_looked_into_for_want_of_budget_is_undecided(monkeypatch):
    plan = plan_of(CONTRACT, Options())
    profile = replace(plan.profile, requests=plan.requests + 3, reserve=3)
    monkeypatch.setattr(planning, "PROFILES", {"standard": profile})
    monkeypatch.setattr(harness, "_PLANS", {})
    results = judge(Deaf())
    # With other requests, or without streams, top_k has its effect.
    undecided = {result.requirement.id: result.reason for result in results.undecided}
    assert "requests is spent; mend what is broken" in undecided["effect/top_k"]
    assert "kept for looking closer are spent; mend" in results.record.footer["unasked"]
    assert "stream/equivalence" in undecided
    assert not broken(results)


@pytest.mark.slow
def test_only_where_something_is_wrong_with_a_form_is_it_looked_at_closely():
    target = Deaf()
    results = judge(target)
    assert {"stream/equivalence", "effect/top_k"} <= broken(results)
    assert broken(results) <= {"stream/equivalence", "effect/top_k", "effect/top_k/one"}
    assert len(target.sent) > plan_of(CONTRACT, Options()).requests + 20


@pytest.mark.slow
def test_a_form_that_answers_no_request_leaves_what_hangs_on_it_undecided():
    def refuses_heat(body, usual):
        return refusal() if isinstance(body, dict) and body.get("temperature") == 5 else None

    results = judge(Target(changes=refuses_heat))
    assert "input/prompt/temperature/maximum" in broken(results)
    assert not broken(results) & COMPARED
    assert "effect/temperature" in ids(results, Verdict.INCONCLUSIVE)


@pytest.mark.slow
def test_where_a_stream_parts_from_the_answer_is_told_and_what_is_known_is_made_sure_of_in_one_turn():
    results = judge_server(LosesAPieceAndTheLastBlankLine, only=("stream/equivalence",))
    (result,) = results.with_verdict(Verdict.FAIL)
    own = results.record.own(result.findings[0])
    stream = parse((chunk.data, chunk.time) for chunk in own.answer.chunks)
    assert result.findings[0].at == stream.events[1].offset
    assert len(result.groups) > 4
    again = Counter(one.case.partition("/respelled")[0] for one in results.record.exchanges.values() if one.ordinal)
    asked = [again[one.case] for group in result.groups for one in [results.record.own(group.finding)]]
    assert max(asked) >= TURNS
    assert sorted(asked)[len(asked) // 2] == 1
