"""Declared absences: nothing of the kind is sent, and what hangs on it is skipped with the reason."""

from dataclasses import replace

import jsonschema_rs
import pytest
from fakes import CONTRACT, Target, answer, refusal
from harness import broken, judge, plan_of

from infercheck import jsontext
from infercheck.absences import without
from infercheck.cases import RELATION, Case, Expectation, Part, Request
from infercheck.errors import UsageError
from infercheck.findings import Verdict
from infercheck.plan import Options, make_plan

KEYS = {"no-lora": ("lora",), "no-tools": ("tools", "functions"), "no-stream": ("stream",)}


def bodies(plan):
    for case in plan.cases:
        try:
            value = jsontext.parse(case.request.body).value
        except jsontext.NotJSON:
            continue
        if isinstance(value, dict):
            yield case, value


@pytest.mark.parametrize("absence", KEYS)
def test_nothing_of_the_kind_is_sent_and_all_else_is(absence):
    whole = plan_of(CONTRACT, Options())
    plan = plan_of(CONTRACT, Options(declare=(absence,)))
    keys = KEYS[absence]
    assert not [case.id for case, body in bodies(plan) if body.keys() & set(keys)]
    # Requests that carry none of it are the same ones, and values that shared a request with it are still sent.
    kept = {case.request.body for case in plan.cases}
    assert all(case.request.body in kept for case, body in bodies(whole) if not body.keys() & set(keys))
    sides = whole.planned
    for id_, now in plan.planned.items():
        assert now == sides[id_] or not id_.startswith("input/"), id_
    gone = set(whole.planned) - set(plan.planned)
    assert gone == {id_ for id_ in plan.absent if id_ in whole.planned}
    for case in plan.cases:
        if case.expectation == "valid" and case.group != "wire" and case.request.content_type == "application/json":
            assert CONTRACT.oracle.is_valid(jsontext.parse(case.request.body).value)


@pytest.mark.slow
def test_a_target_without_them_passes_and_the_report_says_why_they_are_skipped():
    schema = dict(CONTRACT.input)
    valid = jsonschema_rs.Draft202012Validator(schema).is_valid

    def lacks_them(body):
        return valid(body) and not (
            isinstance(body, dict) and body.keys() & {"lora", "tools", "functions", "stream"}
        )

    results = judge(Target(accepts=lacks_them), declare=(*KEYS, "no-template"))
    assert not broken(results)
    assert (results.verdict, results.exit_status()) == ("pass", 0)
    by_id = {result.requirement.id: result for result in results.results}
    for id_, word in (
        ("input/prompt/lora/type", "no-lora"),
        ("input/messages/tools/items/flat/required", "no-tools"),
        ("input/messages/functions/type", "no-tools"),
        ("output/tool_calls/type", "no-tools"),
        ("stream/done", "no-stream"),
        ("input/messages/stream/type", "no-stream"),
        ("example/worker-streaming", "no-stream"),
        ("lora/effect", "no-lora"),
        ("lora/unknown", "no-lora"),
        ("isolation/lora", "no-lora"),
        ("tools/names", "no-tools"),
        ("tools/arguments", "no-tools"),
        ("stream/equivalence", "no-stream"),
        ("stream/usage", "no-stream"),
        ("stream/incremental", "no-stream"),
        ("default/raw", "no-template"),
        ("template/raw", "no-template"),
    ):
        assert (by_id[id_].verdict, by_id[id_].reason) == (Verdict.SKIP, f"the operator declares {word}"), id_
    assert by_id["default/stream"].verdict is Verdict.PASS
    assert by_id["template/messages"].verdict is Verdict.PASS
    assert by_id["input/prompt/top_k/maximum"].verdict is Verdict.PASS


@pytest.mark.slow
def test_without_a_template_its_two_relations_alone_are_left_out():
    whole, plan = plan_of(CONTRACT, Options()), plan_of(CONTRACT, Options(declare=("no-template",)))
    about_templates = {"default/raw", "template/raw"}
    assert set(plan.absent) - set(whole.absent) == about_templates
    assert {relation.id for relation in plan.relations} == {
        relation.id for relation in whole.relations if not about_templates & set(relation.requirements)
    }
    assert [case.id for case in plan.cases if case.group != RELATION] == [
        case.id for case in whole.cases if case.group != RELATION
    ]
    # Whoever makes nothing of `raw` is to blame where there is a template, and not where there is none.
    assert broken(judge(Deaf())) == {"default/raw"}
    assert broken(judge(Deaf(), declare=("no-template",))) == set()


class Deaf(Target):
    """Answers as if `raw` were left out."""

    def _usual(self, body):
        has_raw = isinstance(body, dict) and self.accepts(body)
        return super()._usual({key: value for key, value in body.items() if key != "raw"} if has_raw else body)


def test_undeclared_the_same_target_fails():
    results = judge(
        Target(changes=lambda body, usual: refusal() if isinstance(body, dict) and "tools" in body else None),
        only=("input/messages/tools",),
    )
    assert broken(results)


def test_what_is_declared_absent_and_comes_all_the_same_is_judged():
    def calls(body, usual):
        if usual.status != 200 or usual.header("content-type") != "application/json":
            return None
        value = jsontext.parse(usual.body).value
        value["result"]["tool_calls"] = "get_weather()"
        return answer(200, value)

    results = judge(Target(changes=calls), declare=("no-tools",), only=("output",))
    assert "output/tool_calls/type" in broken(results)


def test_a_case_that_stands_on_an_absent_parameter_is_about_it():
    part = Part(key="top_k", value=5, label="top_k=5", aims=())
    case = Case(
        id="a", title="a", expectation=Expectation.VALID, request=Request(body=b"{}"), parts=(part,),
        base={"prompt": "hi", "tools": []},
    )  # fmt: skip
    assert without(case, {"tools"}, "stream") is None
    assert without(replace(case, base={"prompt": "hi"}), {"tools"}, "stream").parts == (part,)
    assert without(case, {"top_k"}, "stream") is None


def test_an_adapter_that_is_named_cannot_be_absent():
    with pytest.raises(UsageError, match="--lora"):
        make_plan(CONTRACT, Options(adapters=("poet",), declare=("no-lora",)))
