"""Dialects: how the answers of a Worker are read, and how the first answer tells which dialect it is."""

from __future__ import annotations

import json

import pytest
from fakes import Target, answer, refusal
from harness import broken, ids, judge

from infercheck.dialect import Dialect, guess
from infercheck.findings import Verdict

HTML = (("content-type", "text/html"),)


def bare(usual, error=None):
    """A conforming target's answer as a Worker sends it."""
    if usual.status != 200:
        return error or answer(500, b"<html>Worker threw exception</html>", HTML)
    if usual.header("content-type") != "application/json":
        return usual
    return answer(200, json.loads(usual.body)["result"])


def worker(change=None, **options):
    """A Worker; `change` may answer a request in another way."""

    def changes(body, usual):
        changed = change(body, usual) if change else None
        return bare(usual, **options) if changed is None else changed

    return Target(changes=changes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "error",
    [
        None,
        answer(500, b"error code: 1101", (("content-type", "text/plain; charset=UTF-8"),)),
        answer(400, b"5006: AiError: Bad input", (("content-type", "text/plain"),)),
        refusal(),
        answer(302, b"", ()),
    ],
)
@pytest.mark.parametrize("dialect", [Dialect.WORKER, Dialect.AUTO])
def test_a_worker_may_refuse_with_any_status_but_success(dialect, error):
    results = judge(worker(error=error), dialect=dialect)
    assert broken(results) == set()
    assert ids(results, Verdict.INCONCLUSIVE, Verdict.ERROR) == set()
    assert results.exit_status(fail_on_should=True) == 0
    assert results.keywords == (106, 106)
    skipped = ids(results, Verdict.SKIP)
    assert {"envelope/result", "envelope/success", "http/server-error", "http/method"} <= skipped
    assert results.record.dialect == "worker"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda body, usual: usual if usual.status == 200 else None, {"output/present"}),
        (lambda body, usual: answer(200, {"error": "bad"}) if usual.status == 400 else None, {"error/status"}),
        (
            lambda body, usual: answer(500, b"", ()) if usual.status == 200 and body.get("top_k") == 50 else None,
            {"input/prompt/top_k/maximum", "input/messages/top_k/maximum"},
        ),
        (
            lambda body, usual: answer(200, {"response": 6}) if b'"result": {"resp' in usual.body else None,
            {"output/response/type"},
        ),
    ],
)
def test_a_worker_s_broken_promises_are_shown(change, expected):
    assert broken(judge(worker(change), dialect=Dialect.WORKER)) == expected


@pytest.mark.slow
def test_auto_takes_an_envelope_for_the_rest_api_and_says_what_it_saw():
    results = judge(Target(), dialect=Dialect.AUTO)
    assert broken(results) == set()
    assert (results.record.dialect, results.record.saw) == ("rest", "an envelope with result or success")
    assert "envelope/result" in ids(results, Verdict.PASS)


@pytest.mark.slow
def test_auto_says_so_where_no_answer_tells():
    silent = Target(changes=lambda body, usual: answer(200, b"Hello", HTML) if usual.status == 200 else None)
    results = judge(silent, dialect=Dialect.AUTO, only=("output",))
    assert results.record.dialect == "rest"
    assert "no answer that tells" in results.record.saw
    assert "output/json" in broken(results)


@pytest.mark.slow
def test_the_dialect_that_the_user_names_is_not_guessed():
    results = judge(worker(), dialect=Dialect.REST, only=("envelope", "output"))
    assert "envelope/result" in broken(results)
    assert results.record.dialect == "rest"
    assert results.record.saw == "a bare answer: response at the top, as in dialect worker"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "dialect"),
    [
        ({"result": {"response": "x"}, "success": True}, Dialect.REST),
        ({"success": False, "errors": []}, Dialect.REST),
        ({"response": "x"}, Dialect.WORKER),
        ({"tool_calls": []}, Dialect.WORKER),
        ({"choices": []}, None),
        (["response"], None),
        ("response", None),
        (None, None),
    ],
)
def test_what_an_answer_tells(value, dialect):
    found = guess(value)
    assert (found and found.dialect) == dialect


@pytest.mark.slow
def test_one_request_decides():
    target = Target()
    judge(target, dialect=Dialect.AUTO, only=("input/prompt/top_k/maximum",))
    plain = Target()
    judge(plain, only=("input/prompt/top_k/maximum",))
    assert [request.digest for request in target.sent] == [request.digest for request in plain.sent]
