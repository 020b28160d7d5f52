"""One run for all: under pytest-xdist nothing is sent twice, whoever dies; beside timeouts and event loops."""

import pytest
from harness import served
from projects import TOP_K, Broken, Counting, outcomes, project

pytestmark = pytest.mark.slow

PART = "only: [input/prompt/top_k, input/prompt/seed, input/prompt/temperature, envelope/messages]\n"

DIES_ONCE = """
import os, pathlib, signal
from infercheck.door import Door

usual, asked = Door._send, []

async def send(self, case, ordinal, **more):
    asked.append(case)
    mark = pathlib.Path(__file__).with_name("died")
    if len(asked) == 20 and not mark.exists():
        mark.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return await usual(self, case, ordinal, **more)

Door._send = send
"""

IN_A_LOOP = """
import asyncio
import pytest
from _pytest.runner import runtestprotocol

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    # As plugins do that keep a loop running in the main thread for all tests.
    async def protocol():
        asyncio.get_running_loop()
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        runtestprotocol(item, nextitem=nextitem)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    asyncio.run(protocol())
    return True
"""


@pytest.fixture
def server():
    server = Broken()
    with served(server.app()) as url:
        server.url = url
        yield server


def alone(pytester, server):
    """What is sent, and found, by one process."""
    server.sent.clear()
    result = pytester.runpytest_subprocess("--infercheck", "-rA")
    sent = dict(server.sent)
    server.sent.clear()
    return sent, outcomes(result)


@pytest.mark.parametrize("dist", ["load", "loadfile", "worksteal", "each"])
def test_workers_share_one_run(pytester, server, dist):
    project(pytester, server.url, more=PART)
    sent, found = alone(pytester, server)
    arguments = ("--tx", "2*popen", "--dist", dist) if dist == "each" else ("-n", "2", "--dist", dist)
    result = pytester.runpytest_subprocess("--infercheck", "-rA", *arguments)
    assert dict(server.sent) == sent
    assert found[TOP_K] == "failed"
    if dist == "each":
        result.assert_outcomes(passed=2 * (len(found) - 1), failed=2, warnings=2)
    else:
        assert outcomes(result) == found
    result.stdout.fnmatch_lines(["*= infercheck =*", f"{server.url}: FAIL *"])


def test_the_next_goes_on_where_a_worker_died(pytester, server):
    project(pytester, server.url, more=PART, conftest=DIES_ONCE)
    (pytester.path / "died").write_text("")
    sent, found = alone(pytester, server)
    (pytester.path / "died").unlink()
    result = pytester.runpytest_subprocess("--infercheck", "-rA", "-n", "2")
    assert (pytester.path / "died").exists()
    # The item in whose setup the worker died is xdist's to report; all else is as if nothing had happened.
    again = outcomes(result)
    lost = {id_ for id_ in found if again.get(id_) != found[id_]}
    assert len(lost) <= 1
    result.stdout.fnmatch_lines(["*worker*crashed while running*"])
    twice = {body for body, count in server.sent.items() if count > sent.get(body, 0)}
    assert len(twice) <= 1, "but for what was under way when it died, nothing is sent twice"
    assert set(server.sent) == set(sent)


def test_xdist_says_beforehand_what_goes_beyond_this_machine(pytester):
    project(pytester, "http://infercheck.invalid/v1", more=f"only: {TOP_K}\n")
    result = pytester.runpytest_subprocess("--infercheck", "-n", "2")
    result.stdout.re_match_lines(
        [r"infercheck: \d+ requests, \d+ output tokens at most, go to http://infercheck.*"]
    )
    assert result.stdout.str().count("output tokens at most") == 1
    result.assert_outcomes(errors=1)


def test_timeouts_for_tests_are_not_for_the_run(pytester):
    server = Counting(pause=0.3)
    with served(server.app()) as url:
        project(pytester, url, more=f"only: {TOP_K}\n", ini="timeout = 1")
        pytester.makepyfile("import time\ndef test_slow(): time.sleep(30)\n")
        result = pytester.runpytest_subprocess("--infercheck", "-rA")
        assert server.sent.total() * server.pause > 1
    assert outcomes(result) == {TOP_K: "passed"}
    result.assert_outcomes(passed=1, failed=1)


def test_a_loop_in_the_main_thread_is_let_be(pytester, server):
    project(pytester, server.url, more=PART, conftest=IN_A_LOOP)
    _, found = alone(pytester, server)
    assert found[TOP_K] == "failed"
    assert set(found.values()) == {"passed", "failed"}
    assert list(found.values()).count("failed") == 1


def test_an_interrupted_run_ends_in_order(pytester):
    conftest = """
import os, signal
from infercheck.door import Door

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have told us to ignore it

usual, asked = Door._send, []

async def send(self, case, ordinal, **more):
    asked.append(case)
    if len(asked) == 10:
        os.kill(os.getpid(), signal.SIGINT)
    return await usual(self, case, ordinal, **more)

Door._send = send
"""
    server = Counting(pause=0.05)
    with served(server.app()) as url:
        project(pytester, url, more=PART + "output: out\n", conftest=conftest)
        result = pytester.runpytest_subprocess("--infercheck")
    assert result.ret == 2
    assert server.sent.total() < 20
    (journal,) = {one.resolve() for one in pytester.path.glob("runpytest-*/infercheck-*/*/journal.ndjson")}
    assert '"reason":"interrupted by the user"' in journal.read_text("utf-8").replace(": ", ":").splitlines()[-1]


def test_two_config_files_are_two_runs(pytester, server):
    project(pytester, server.url, more=f"only: {TOP_K}\n")
    below = pytester.path / "below"
    below.mkdir()
    (below / "infercheck.yaml").write_text("target: reference\nonly: input/prompt/seed/type\n")
    result = pytester.runpytest_subprocess("--infercheck", "-n", "2")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*= infercheck =*"])
    assert result.stdout.str().count("report: ") == 2
