"""Wire cases: what each of them sends, and what is said of targets that take it, refuse it, or fall over it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import pytest
from fakes import CONTRACT, Target, answer, refusal, success
from harness import broken, ids, judge

from infercheck import jsontext
from infercheck.cases import Expectation, Need, Token
from infercheck.dialect import Dialect
from infercheck.findings import Verdict
from infercheck.generate.builder import Builder
from infercheck.generate.wire import wire
from infercheck.requirements import Level

CASES = {case.id.removeprefix("wire/"): case for case in wire(Builder(CONTRACT))}
MALFORMED = ("http/malformed-json", "http/non-finite", "http/invalid-utf-8")
WAY = {"url": f"http://fake/{CONTRACT.model}", "token_variable": "MY_TOKEN"}
"""A way to the target that meets every need."""


@dataclass
class Odd(Target):
    """Answers certain wire cases in a way of its own."""

    odd: dict[str, object] = field(default_factory=dict)

    async def send(self, request, *, alone=False):
        for label, reply in self.odd.items():
            if request.digest == CASES[label].request.digest:
                return reply
        return await super().send(request, alone=alone)


def requirement(label):
    case = CASES[label]
    return case.question or case.aims[0].requirement


def judged(**odd):
    target = Odd(odd={name.replace("_", "-"): reply for name, reply in odd.items()})
    return judge(target, **WAY, only=("http", "input/type"))


def labels(expectation):
    return [label for label, case in CASES.items() if case.expectation is expectation]


@pytest.mark.parametrize("label", CASES)
def test_bodies_are_what_their_requirement_says(label):
    case = CASES[label]
    assert case.alone
    try:
        value = jsontext.parse(case.request.body).value
    except jsontext.TooDeep:
        assert case.request.body.count(b"[") + case.request.body.count(b"{") > 5_000
    except jsontext.NotJSON:
        wanted = (*MALFORMED, "http/byte-order-mark", "http/json-extensions")
        assert requirement(label) in wanted or case.request.method == "GET"
        return
    else:
        assert requirement(label) not in MALFORMED
        # What is a request of the schema's is refused for another reason than the schema.
        assert CONTRACT.oracle.is_valid(value) == (requirement(label) != "input/type")


def test_every_requirement_of_the_wire_has_a_case_and_levels_are_those_of_the_standards():
    levels = {requirement(label): CONTRACT.requirements[requirement(label)].level for label in CASES}
    assert {id_ for id_, level in levels.items() if level is Level.MUST} == {"input/type"}
    assert {id_ for id_, level in levels.items() if level is Level.INFO} == {
        "http/byte-order-mark", "http/lone-surrogate", "http/duplicate-keys", "http/huge-numbers",
        "http/deep-nesting", "http/content-type", "http/get", "http/json-extensions",
    }  # fmt: skip
    without = {
        "http/answer",
        "http/server-error",
        "http/status",
        "http/persistent",
        "http/token-echo",
        "http/content-coding",
    }
    assert {id_ for id_ in CONTRACT.requirements if id_.startswith("http/")} == set(levels) - {
        "input/type"
    } | without


@pytest.mark.slow
@pytest.mark.parametrize("label", labels(Expectation.INVALID))
def test_what_should_be_refused_and_is_taken_breaks_its_requirement_and_no_other(label):
    results = judged(**{label: success({"response": "Hello"})})
    assert broken(results) == {requirement(label)}


@pytest.mark.slow
@pytest.mark.parametrize("label", [label for label in CASES if label not in ("put", "get")])
def test_whatever_makes_a_target_fall_over_breaks_one_requirement(label):
    results = judged(**{label: answer(500, {"errors": []})})
    wanted = {"http/server-error"}
    if CASES[label].expectation is Expectation.VALID:
        wanted.add(requirement(label))
    assert broken(results) == wanted
    if CASES[label].expectation is Expectation.INVALID:
        assert requirement(label) in ids(results, Verdict.INCONCLUSIVE)


@pytest.mark.slow
@pytest.mark.parametrize("reply", [success({"response": "Hello"}), refusal(), answer(415, b"", ()), refusal(413)])
def test_what_a_standard_leaves_open_is_noted(reply):
    results = judged(**dict.fromkeys(labels(Expectation.OPEN), reply))
    assert broken(results) == set()
    assert {requirement(label) for label in labels(Expectation.OPEN)} <= ids(results, Verdict.NOTE)


@pytest.mark.slow
@pytest.mark.parametrize("label", ["put", "get"])
@pytest.mark.parametrize(
    ("status", "is_legal"), [(405, True), (501, True), (404, True), (500, False), (503, False)]
)
def test_a_method_may_be_not_implemented_but_is_no_reason_to_fail(label, status, is_legal):
    results = judged(**{label: answer(status, b"<p>no</p>", (("content-type", "text/html"),))})
    assert broken(results) == (set() if is_legal else {"http/server-error"})


@pytest.mark.parametrize("label", ["unknown-model", "missing-token", "wrong-token", "put"])
def test_what_stands_before_the_api_refuses_in_its_own_words(label):
    results = judged(**{label: answer(403, b"Forbidden", (("content-type", "text/plain"),))})
    assert broken(results) == set()
    assert requirement(label) in ids(results, Verdict.PASS)


@pytest.mark.parametrize("label", ["unknown-model", "missing-token", "wrong-token", "put"])
def test_a_page_that_stands_before_the_api_has_not_run_the_model_whatever_its_status(label):
    results = judged(
        **{label: answer(200, b"<!doctype html><title>Log in</title>", (("content-type", "text/html"),))}
    )
    assert broken(results) == set()
    assert requirement(label) in ids(results, Verdict.NOTE)


def test_a_refused_charset_breaks_its_requirement():
    assert broken(judged(charset=refusal(415))) == {"http/content-type-parameters"}


def test_a_token_or_a_model_that_the_way_does_not_have_is_not_asked_about():
    target = Target()
    results = judge(target, only=("http",))
    skipped = ids(results, Verdict.SKIP)
    assert {"http/missing-token", "http/wrong-token", "http/unknown-model"} <= skipped
    assert all(request.token is Token.GIVEN and request.model is None for request in target.sent)
    (reason,) = (result.reason for result in results.results if result.requirement.id == "http/wrong-token")
    assert reason == f"needs {Need.TOKEN}"


def test_a_worker_is_not_asked_about_methods_tokens_and_models():
    target = Target(changes=lambda body, usual: bare(usual))
    results = judge(target, **WAY, dialect=Dialect.WORKER)
    assert broken(results) == set()
    assert {"http/method", "http/get", "http/missing-token", "http/wrong-token", "http/unknown-model"} <= ids(
        results, Verdict.SKIP
    )
    assert all(request.method == "POST" for request in target.sent)


def bare(usual):
    """The answer of a Worker: what the envelope held, and an uncaught error for every refusal."""
    if usual.status != 200:
        return answer(500, b"error code: 1101", (("content-type", "text/plain"),))
    value = json.loads(usual.body) if usual.header("content-type") == "application/json" else None
    return answer(200, value["result"]) if value else None


@pytest.mark.parametrize("token", [Token.WRONG, Token.MISSING])
def test_each_case_of_a_token_is_sent_once(token):
    target = Target()
    judge(target, **WAY, only=("http",))
    assert sum(request.token is token for request in target.sent) == 1


def test_a_contract_of_another_shape_has_wire_cases_too():
    contract = replace(CONTRACT, roles={}, requirements={}, model="plain")
    names = {case.id for case in wire(Builder(contract))}
    assert "wire/nan" not in names
    assert "wire/number" not in names
    assert {"wire/empty", "wire/deep-object", "wire/unknown-model"} <= names
