"""What becomes of the items: selected, skipped, failed, warned, expected, stale; and what they print."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from fakes import CONTRACT
from harness import served
from projects import TOP_K, Counting, outcomes, project

from infercheck.runners.engine import Refusal

pytestmark = pytest.mark.slow

ONLY = "only: [input/prompt/top_k, envelope, input/prompt/seed]\n"


def run(pytester, *arguments):
    return pytester.runpytest_subprocess("-p", "no:randomly", *arguments)


def test_nothing_is_sent_unless_asked_and_the_items_say_how(pytester, sound):
    project(pytester, sound.url, more=ONLY)
    sound.sent.clear()
    result = run(pytester, "-rs")
    assert result.ret == 0
    result.assert_outcomes(skipped=10)
    result.stdout.fnmatch_lines(
        ["SKIPPED [[]10[]] infercheck.yaml*: nothing is sent unless asked: pytest --infercheck*"]
    )
    assert not sound.sent


def test_collecting_sends_nothing(pytester, sound):
    project(pytester, sound.url, more=ONLY)
    sound.sent.clear()
    result = run(pytester, "--infercheck", "--collect-only", "-q")
    result.stdout.fnmatch_lines([f"infercheck.yaml::{TOP_K}", "10 tests collected*"])
    assert not sound.sent


def test_each_verdict_is_an_outcome_of_its_own(pytester, broken):
    project(pytester, broken.url, more=ONLY + "declare: no-lora\n")
    result = run(pytester, "--infercheck", "-rA")
    assert result.ret == 1
    found = outcomes(result)
    assert found.pop(TOP_K) == "failed"
    assert set(found.values()) == {"passed"}
    assert len(found) == 9
    result.stdout.fnmatch_lines(
        [
            "*warnings summary*",
            "infercheck.yaml::envelope/messages",
            "*BrokenShould: an answer has a list of messages*",
        ]
    )
    result.assert_outcomes(passed=9, failed=1, warnings=1)


def test_a_failure_is_the_finding_as_text_without_a_traceback(pytester, broken):
    project(pytester, broken.url, more=f"only: {TOP_K}\n")
    result = run(pytester, "--infercheck")
    text = result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            f"*_ infercheck {TOP_K} _*",
            f"top_k is at most 50 (prompt): FAIL {TOP_K}",
            '  clause    MUST  *"maximum": 50',
            f"  case      boundary/{TOP_K}/51",
            "  expected  a refusal (4xx) of top_k: 51*",
            "  observed  200 application/json*",
            '  try       curl -sS *"top_k":51*',
        ]
    )
    assert "Traceback" not in text
    assert ".py" not in text.split("FAILURES")[1].split("try ")[0]
    result.stdout.fnmatch_lines(["*= infercheck =*", f"{broken.url}: FAIL *1 broken*", "report: */report.html"])
    report = re.search(r"report: (\S+)", text)
    assert report


def test_a_broken_should_fails_where_the_user_says_so(pytester, broken):
    project(pytester, broken.url, more="only: envelope/messages\n")
    run(pytester, "--infercheck").assert_outcomes(passed=1, warnings=1)
    run(pytester, "--infercheck", "--infercheck-fail-on", "should").assert_outcomes(failed=1)
    project(pytester, broken.url, more="only: envelope/messages\nfail_on: should\n")
    run(pytester, "--infercheck").assert_outcomes(failed=1)
    run(pytester, "--infercheck", "--infercheck-fail-on", "must").assert_outcomes(passed=1, warnings=1)


def test_warnings_that_are_errors_fail_with_the_finding_as_text(pytester, broken):
    project(pytester, broken.url, more="only: envelope/messages\n", ini="filterwarnings = error")
    result = run(pytester, "--infercheck")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["an answer has a list of messages: WARN envelope/messages", "  observed *"])
    assert "Traceback" not in result.stdout.str()
    assert "items.py" not in result.stdout.str()


def test_what_is_expected_is_xfailed_with_its_reason(pytester, broken):
    project(pytester, broken.url, more=f"only: {TOP_K}\nexpect: known.yaml\n")
    (pytester.path / "known.yaml").write_text(f"expect:\n- requirement: {TOP_K}\n  reason: we take more\n")
    result = run(pytester, "--infercheck", "-rx")
    assert result.ret == 0
    result.assert_outcomes(xfailed=1, passed=1)
    result.stdout.fnmatch_lines([f"XFAIL infercheck.yaml::{TOP_K} - we take more"])
    run(pytester, "--infercheck", "--runxfail").assert_outcomes(failed=1, passed=1)


def test_what_is_out_of_date_fails(pytester, sound):
    project(pytester, sound.url, more="only: [input/prompt/top_k]\nexpect: known.yaml\n")
    (pytester.path / "known.yaml").write_text(
        f"expect:\n- requirement: {TOP_K}\n  reason: a\n- requirement: input/nothing\n  reason: b\n"
    )
    result = run(pytester, "--infercheck", "-rA")
    found = outcomes(result)
    assert found.pop(TOP_K) == "failed"
    assert found.pop("expectations") == "failed"
    assert set(found.values()) == {"passed"}
    result.stdout.fnmatch_lines(
        [
            f"the expectation {TOP_K} (known.yaml:2) is out of date: what it expects to be broken is kept",
            "the expectation input/nothing (known.yaml:4) is out of date: no requirement of the contract has *",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_what_has_expired_is_told_once(pytester, sound):
    project(pytester, sound.url, more="only: [input/prompt/top_k]\nexpect: known.yaml\n")
    (pytester.path / "known.yaml").write_text(
        "expect:\n- requirement: input/prompt/top_k\n  reason: a\n  expires: 2020-01-31\n"
    )
    result = run(pytester, "--infercheck")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        ["*the expectation input/prompt/top_k (known.yaml:2) is out of date: it expired on*"]
    )


def test_names_and_marks_select_and_only_what_these_need_is_sent(pytester, sound):
    project(pytester, sound.url)

    def selected(*arguments):
        sound.sent.clear()
        result = run(pytester, "--infercheck", "-rA", *arguments)
        assert result.ret == 0
        return {*outcomes(result)} | {line for line in result.outlines if line.startswith("SKIPPED")}

    assert selected("-k", TOP_K) == {TOP_K}
    few = sound.sent.total()
    assert 0 < few < 20
    assert selected(f"infercheck.yaml::{TOP_K}") == {TOP_K}
    assert sound.sent.total() == few
    shoulds = selected("-m", "infercheck_should and infercheck_envelope")
    assert shoulds == {"envelope/errors", "envelope/messages", "envelope/result", "envelope/success"}


def test_what_is_undecided_or_does_not_apply_is_skipped_with_the_reason(pytester, sound):
    project(pytester, sound.url, more="only: [input/prompt/lora, open]\ndeclare: no-lora\n")
    result = run(pytester, "--infercheck", "-rs")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SKIPPED * infercheck.yaml*: the operator declares no-lora"])


def test_a_promise_that_could_not_be_judged_has_not_passed(pytester):
    class Window(Counting):
        """Has room for no long text, and says so."""

        def validate(self, body):
            if isinstance(body, dict) and len(str(body.get("prompt"))) > 20_000:
                raise Refusal(413, 3006, "the input is over the context window")
            super().validate(body)

    with served(Window().app()) as url:
        project(pytester, url, more="only: [input/prompt/prompt/maxLength, open/messages/empty]\n")
        result = run(pytester, "--infercheck", "-rA")
    assert outcomes(result) == {"open/messages/empty": "passed"}
    result.stdout.fnmatch_lines(["SKIPPED * infercheck.yaml*: not decided: *context window*"])


def test_a_target_that_is_not_there_is_an_error_and_is_asked_once(pytester):
    project(pytester, "http://127.0.0.1:9/", more=ONLY)
    result = run(pytester, "--infercheck")
    assert result.ret == 1
    result.assert_outcomes(errors=10)
    result.stdout.fnmatch_lines(["the target does not answer: cannot connect*", "*Is the server running*"])
    assert "Traceback" not in result.stdout.str()
    assert "shared.py" not in result.stdout.str()


def test_reports_that_cannot_be_written_are_an_error_before_anything_is_sent(pytester, sound):
    project(pytester, sound.url, more=ONLY + "output: file/below\n")
    (pytester.path / "file").write_text("")
    sound.sent.clear()
    result = run(pytester, "--infercheck")
    result.assert_outcomes(errors=10)
    result.stdout.fnmatch_lines(["*file/below: Not a directory"])
    assert "shared.py" not in result.stdout.str()
    assert not sound.sent


def test_a_file_that_names_no_target_is_an_error(pytester):
    project(pytester)
    (pytester.path / "infercheck.yaml").write_text("only: stream/done\n")
    result = run(pytester, "--infercheck")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["no target is named", "*Write `target:`*"])


def test_what_an_incomplete_run_leaves_undecided_is_an_error(pytester, sound):
    project(pytester, sound.url, more=ONLY + "max_requests: 5\n")
    result = run(pytester, "--infercheck")
    assert result.ret == 1
    assert result.parseoutcomes()["errors"] > 1
    result.stdout.fnmatch_lines(["the run is incomplete: *", "INCOMPLETE: *left out for want of budget*"])
    project(pytester, sound.url, more=ONLY + "max_requests: 5\nallow_undecided: true\n")
    assert "errors" not in run(pytester, "--infercheck").parseoutcomes()


def test_a_config_that_is_none_is_an_error_of_collection_with_its_line(pytester):
    project(pytester, "http://127.0.0.1:9/", more="profil: quick\n")
    result = run(pytester)
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*infercheck.yaml:3: there is no key `profil`; did you mean `profile`?"])
    assert "Traceback" not in result.stdout.str()


def test_the_ini_file_may_ask_as_well(pytester, sound):
    project(pytester, sound.url, more=f"only: {TOP_K}\n", ini="infercheck = run")
    run(pytester).assert_outcomes(passed=1)
    project(pytester, sound.url, more=f"only: {TOP_K}\n", ini="infercheck = yes")
    result = run(pytester)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*the ini option infercheck is run or nothing*"])


def test_an_address_on_the_command_line_needs_no_file_and_goes_before_it(pytester, sound):
    project(pytester)
    result = run(pytester, "-k", TOP_K, "--infercheck", sound.url)
    result.assert_outcomes(passed=1, deselected=len(CONTRACT.requirements) - 1)
    project(pytester, "http://127.0.0.1:9/", more=f"only: {TOP_K}\n")
    run(pytester, "--infercheck", sound.url).assert_outcomes(passed=1)


OWN = "def test_own(): pass\n"


def own_tests(pytester, name="tests"):
    (pytester.path / name).mkdir()
    (pytester.path / name / "test_own.py").write_text(OWN)
    (pytester.path / name / "conftest.py").write_text(
        "def pytest_addoption(parser): parser.addoption('--theirs', action='store_true')\n"
    )


def test_a_folder_behind_the_option_is_no_address(pytester, sound):
    project(pytester, sound.url, more=f"only: {TOP_K}\n")
    own_tests(pytester, "ours")  # whose conftest is read early because the folder is named
    result = run(pytester, "-v", "--infercheck", "ours", "--theirs")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["ours/test_own.py::test_own PASSED*", f"infercheck.yaml::{TOP_K} PASSED*"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_the_file_is_found_where_testpaths_are_elsewhere(pytester, sound, workers):
    project(pytester, sound.url, more=f"only: {TOP_K}\n", ini="testpaths = tests")
    own_tests(pytester)
    run(pytester).assert_outcomes(passed=1)
    run(pytester, "--infercheck", *workers).assert_outcomes(passed=2)
    run(pytester, "--infercheck", "--collect-only", "-q").stdout.fnmatch_lines(
        [f"infercheck.yaml::{TOP_K}", "2 tests *"]
    )
    run(pytester, "--infercheck", "-k", "own", *workers).assert_outcomes(passed=1)
    pytester.makeini("[pytest]\ntestpaths = tests\ninfercheck = run\n")
    run(pytester, *workers).assert_outcomes(passed=2)
    # Who names a test of his own means that one.
    run(pytester, "tests/test_own.py", *workers).assert_outcomes(passed=1)


def test_where_there_is_no_file_it_is_said_how_to_get_one(pytester):
    project(pytester)
    own_tests(pytester)
    result = run(pytester, "--infercheck")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*there is no infercheck.yaml in *`infercheck init` writes one*"])
    (pytester.path / "infercheck.yaml").write_text("profil: quick\n")
    pytester.makeini("[pytest]\ntestpaths = tests\n")
    result = run(pytester, "--infercheck")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*infercheck.yaml:1: there is no key `profil`*"])


def test_beyond_this_machine_it_is_said_beforehand_what_will_be_sent(pytester, sound):
    project(pytester, "http://infercheck.invalid/v1", more=f"only: {TOP_K}\n")
    result = run(pytester, "--infercheck")
    result.stdout.re_match_lines(
        [
            r"infercheck: \d+ requests, \d+ output tokens at most, go to http://infercheck.invalid/v1",
            r"infercheck.yaml E.*",
        ]
    )
    project(pytester, sound.url, more=f"only: {TOP_K}\n")
    assert "output tokens" not in run(pytester, "--infercheck").stdout.str()


def test_the_first_failure_ends_it_and_the_last_failed_come_again(pytester, broken):
    project(pytester, broken.url, more="only: [input/prompt/top_k, input/prompt/seed, envelope]\n")
    result = run(pytester, "--infercheck", "-x")
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])
    assert result.ret == 1
    broken.sent.clear()
    result = run(pytester, "--infercheck", "--lf", "-rA")
    assert outcomes(result) == {TOP_K: "failed"}
    assert broken.sent.total() < 20


def test_junit_has_level_clause_and_request_number(pytester, broken):
    project(pytester, broken.url, more=f"only: {TOP_K}\n")
    run(pytester, "--infercheck", "--junitxml=junit.xml")
    (case,) = ElementTree.parse(pytester.path / "junit.xml").getroot().iter("testcase")
    properties = {one.get("name"): one.get("value") for one in case.iter("property")}
    assert case.get("name") == TOP_K
    assert properties["level"] == "MUST"
    assert properties["clause"] == "/oneOf/0/properties/top_k/maximum"
    assert int(properties["request_number"]) > 1
    assert "observed" in case.find("failure").text


def test_reports_go_where_the_file_says(pytester, broken):
    project(pytester, broken.url, more=f"only: {TOP_K}\noutput: out\n")
    run(pytester, "--infercheck").stdout.fnmatch_lines([f"report: {pytester.path}/out/report.html"])
    assert {"journal.ndjson", "report.html", "report.json"} <= {
        one.name for one in (pytester.path / "out").iterdir()
    }
