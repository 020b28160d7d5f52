"""What authors of Python servers use: the contract's cases as parameters, the judge, and the running target."""

import warnings

import httpx
import pytest
from fakes import CONTRACT
from harness import served
from projects import TOP_K, Counting, project

import infercheck
from infercheck.errors import UsageError
from infercheck.testing import ContractCase

pytestmark = pytest.mark.slow


def cases(**wishes) -> list[ContractCase]:
    def test(case):
        pass

    (mark,) = infercheck.parametrize(**wishes)(test).pytestmark
    return [parameter.values[0] for parameter in mark.args[1]]


def case_of(id_, **wishes):
    only = id_.rpartition("/")[0].removeprefix("boundary/")
    return next(case for case in cases(**wishes, **({} if "valid" in id_ else {"only": only})) if case.id == id_)


def post(url, case):
    return httpx.request(case.request.method, url, content=case.content, headers=case.headers)


def test_a_conforming_application_passes_every_case(sound):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for case in cases():
            case.judge(post(sound.url, case))


def test_a_broken_one_is_shown_with_clause_expected_and_observed(broken):
    case = case_of(f"boundary/{TOP_K}/51")
    assert (case.is_valid, case.json["top_k"]) == (False, 51)
    with pytest.raises(infercheck.BrokenPromise) as caught:
        case.judge(post(broken.url, case))
    text = str(caught.value)
    assert text.startswith(
        f"{TOP_K}: top_k is at most 50 (prompt) (MUST, input schema /oneOf/0/properties/top_k/maximum)"
    )
    assert "expected  a refusal (4xx) of top_k: 51" in text
    assert "observed  200 application/json" in text
    smallest = case_of("boundary/valid/prompt/smallest")
    with pytest.warns(infercheck.BrokenShould, match="envelope/messages"):
        smallest.judge(post(broken.url, smallest))


def test_a_valid_request_that_is_refused_and_a_stream_that_breaks_off():
    smallest = case_of("boundary/valid/prompt/smallest")
    refusal = (400, {"content-type": "application/json"}, b'{"success":false,"errors":[{"code":1,"message":"no"}]}')
    with pytest.raises(infercheck.BrokenPromise, match="expected  accepted: a valid request"):
        smallest.judge(refusal)
    streamed = next(case for case in cases(profile="quick") if case.request.stream and case.is_valid)
    with pytest.raises(infercheck.BrokenPromise, match="stream/payload"):
        streamed.judge((200, [("content-type", "text/event-stream")], b"data: {\n\ndata: [DONE]\n\n"))


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_what_does_not_reach_the_api_is_no_refusal_of_a_body(status):
    headers = {"content-type": "application/json", "allow": "POST"}
    answer = (status, headers, b'{"success":false,"errors":[{"code":1,"message":"no"}]}')
    for id_ in (f"boundary/{TOP_K}/51", "boundary/valid/prompt/smallest"):
        with pytest.raises(infercheck.BrokenPromise, match=f"{id_}: {status} says nothing of the request"):
            case_of(id_).judge(answer)
    put = next(case for case in cases() if case.request.method == "PUT")
    put.judge((405, headers, answer[2]))


@pytest.mark.parametrize("answer", [(429, {}, b""), (503, {"retry-after": "1"}, b"")])
def test_later_decides_nothing(answer):
    with pytest.raises(pytest.skip.Exception, match="not decided: the target said later"):
        case_of(f"boundary/{TOP_K}/51").judge(answer)


def test_a_context_window_decides_nothing():
    long = next(case for case in cases(only="input/prompt/prompt/maxLength") if case.id.endswith("/131072-ascii"))
    body = (
        b'{"success":false,"errors":[{"code":3006,"message":"over the context window"}],"messages":[],"result":{}}'
    )
    with pytest.raises(pytest.skip.Exception, match="not decided: refused because of the context window"):
        long.judge((413, {"content-type": "application/json"}, body))


def test_a_coding_that_the_client_took_off_is_not_blamed():
    smallest = case_of("boundary/valid/prompt/smallest")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        smallest.judge((200, [(b"Content-Type", b"application/json"), (b"content-encoding", b"gzip")], Flask.data))


class Flask:
    """A response as Flask's test client has it."""

    status_code = 200
    headers = httpx.Headers({"content-type": "application/json"})
    data = b'{"result":{"response":"hi"},"success":true,"errors":[],"messages":[]}'


def test_responses_of_many_clients_are_read():
    smallest = case_of("boundary/valid/prompt/smallest")
    body = Flask.data
    for response in (
        Flask(),
        httpx.Response(200, headers=Flask.headers, content=body),
        (200, {"content-type": "application/json"}, body),
        (200, [("Content-Type", "application/json; charset=utf-8")], body),
    ):
        smallest.judge(response)
        assert {finding.verdict for finding in smallest.findings(response)} == {infercheck.Verdict.PASS}

    class NotRead:
        status_code = 200
        headers = Flask.headers

    with pytest.raises(UsageError, match="no bytes"):
        smallest.judge(NotRead())
    with pytest.raises(UsageError, match="no bytes"):
        smallest.judge((200, {}, "text"))
    with pytest.raises(UsageError, match="status_code"):
        smallest.judge(object())


def test_the_worker_dialect_is_judged_as_such():
    smallest = case_of("boundary/valid/prompt/smallest", dialect="worker")
    smallest.judge((200, {"content-type": "application/json"}, b'{"response":"hi"}'))


def test_ids_are_those_of_the_plan_and_what_is_not_the_tests_to_send_is_left_out():
    found = cases()
    assert len({case.id for case in found}) == len(found) > 350
    assert not {case.request.token for case in found} - {"given"}
    assert not [case for case in found if case.request.model is not None]
    assert f"boundary/{TOP_K}/51" in {case.id for case in cases(only=TOP_K)}
    assert not [case for case in cases(declare="no-tools") if b'"tools"' in case.content]


def test_in_a_project_of_their_own(pytester, broken):
    project(pytester)
    pytester.makepyfile(
        f"""
        import httpx
        import infercheck

        @infercheck.parametrize(only="{TOP_K}")
        def test_contract(case):
            response = httpx.post("{broken.url}", content=case.content, headers=case.headers)
            case.judge(response)
        """
    )
    result = pytester.runpytest_subprocess("-n", "2", "-q")
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 1
    assert outcomes["passed"] == 4
    result.stdout.fnmatch_lines([f"E *infercheck.testing.BrokenPromise: {TOP_K}: *", "E * observed  200 *"])
    assert "testing.py" not in result.stdout.str(), "the traceback ends in the test"


def test_the_running_target_is_a_fixture(pytester):
    server = Counting()
    server.token = "the-token-of-this-test"
    with served(server.app()) as url:
        project(pytester, url, more="token_env: THE_TOKEN\n")
        pytester._monkeypatch.setenv("THE_TOKEN", server.token)
        pytester.makepyfile(
            """
            import httpx

            def test_mine(infercheck_target):
                target = infercheck_target
                response = httpx.post(target.url, headers=target.headers, json={"prompt": "hi"})
                assert response.json()["result"]["response"]
                assert target.token not in repr(target) + repr(target.headers)
            """
        )
        pytester.runpytest_subprocess("-k", "mine").assert_outcomes(passed=1, deselected=len(CONTRACT.requirements))
        (pytester.path / "infercheck.yaml").write_text("target: reference\n")
        pytester.runpytest_subprocess("-k", "mine").assert_outcomes(passed=1, deselected=len(CONTRACT.requirements))
        (pytester.path / "infercheck.yaml").unlink()
        result = pytester.runpytest_subprocess("-k", "mine")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["infercheck_target: there is no infercheck.yaml in *"])
