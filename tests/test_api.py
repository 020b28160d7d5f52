"""The Python API: its names, and what it returns."""

from __future__ import annotations

import asyncio
import inspect
import signal
import subprocess
import sys
import threading
import time
from typing import get_type_hints

import pytest
from harness import served
from projects import TOP_K, Counting

import infercheck
from infercheck.api import Wishes
from infercheck.job import Job

PART = ["input/prompt/top_k", "envelope"]


def test_these_are_the_public_names():
    assert infercheck.__all__ == [
        "BrokenPromise",
        "BrokenShould",
        "ContractCase",
        "Engine",
        "Finding",
        "Group",
        "InfercheckError",
        "Level",
        "Refusal",
        "Requirement",
        "Result",
        "Run",
        "TargetError",
        "UserError",
        "Verdict",
        "__version__",
        "parametrize",
        "run",
        "run_async",
    ]
    for name in infercheck.__all__:
        assert getattr(infercheck, name) is not None
        assert name in dir(infercheck)
    assert callable(infercheck.run)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = infercheck.no_such_name


def test_the_package_imports_nothing_until_it_is_used():
    code = "import sys, infercheck; print(sorted(name for name in sys.modules if name.startswith('infercheck')))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "['infercheck']\n"


def test_every_wish_is_a_field_of_a_job_and_every_parameter_is_known():
    assert set(get_type_hints(Wishes)) == set(Job.__dataclass_fields__) - {"target", "output", "folder", "live"}
    assert (
        inspect.signature(infercheck.run).parameters.keys()
        == inspect.signature(infercheck.run_async).parameters.keys()
    )


@pytest.mark.slow
def test_a_run_says_what_is_broken(broken, tmp_path):
    seen = []
    run = infercheck.run(
        broken.url, only=PART, output=tmp_path, listener=lambda progress: seen.append(progress.done)
    )
    assert (run.verdict, run.exit_status) == ("fail", 1)
    assert [result.requirement.id for result in run.broken] == [TOP_K]
    assert run.requirements["envelope/messages"].verdict is infercheck.Verdict.WARN
    assert run.requirements[TOP_K].groups[0].finding.observed.startswith("200 ")
    for words in (f"top_k is at most 50 (prompt): FAIL {TOP_K}", "try       curl -sS", "WARN envelope/messages"):
        assert words in run.text()
    assert (tmp_path / "report.html").exists()
    assert run.folder == tmp_path
    assert seen == sorted(seen)
    assert len(seen) > 5


@pytest.mark.slow
def test_expectations_and_a_config_file(broken, tmp_path):
    (tmp_path / "known.yaml").write_text(f"expect:\n- requirement: {TOP_K}\n  reason: so\n")
    (tmp_path / "ours.yaml").write_text(f"target: {broken.url}\nonly: {TOP_K}\nexpect: known.yaml\n")
    run = infercheck.run(config=tmp_path / "ours.yaml")
    assert (run.verdict, run.stale, run.exit_status) == ("pass", [], 0)
    assert run.requirements[TOP_K].reason == "so"


@pytest.mark.slow
def test_a_token_is_sent_and_shown_nowhere(tmp_path):
    token = "t0ken-that-nobody-may-see"
    server = Counting()
    server.token = token
    with served(server.app()) as url:
        run = infercheck.run(url, token=token, only=[TOP_K, "http/missing-token"], output=tmp_path)
        assert run.verdict == "pass", run.text()
        with pytest.raises(infercheck.TargetError, match="refuses the token"):
            infercheck.run(url, token="another", only=TOP_K)
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert token.encode() not in file.read_bytes(), file
    assert "$INFERCHECK_TOKEN" in (tmp_path / "report.json").read_text() or not run.broken


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"profil": "quick"}, "there is no key `profil`; did you mean `profile`?"),
        ({"profile": "quickly"}, "`profile`"),
        ({"concurrency": 0}, "`concurrency`"),
        ({"expect": "nowhere"}, "there are no expectations nowhere"),
        ({"token_env": "NOT_SET_ANYWHERE"}, "the variable NOT_SET_ANYWHERE is not set"),
        ({"lora": "poet", "declare": "no-lora"}, "--lora"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_sent(wishes, said):
    with pytest.raises(infercheck.UserError) as caught:
        infercheck.run("http://127.0.0.1:9/", **wishes)
    assert said in str(caught.value)


def test_a_target_that_is_not_there():
    with pytest.raises(infercheck.TargetError, match="does not answer"):
        infercheck.run("http://127.0.0.1:9/", only=TOP_K)


@pytest.mark.slow
def test_a_target_that_is_not_there_costs_nobody_the_run_before(tmp_path):
    infercheck.run("reference", only="stream/done", output=tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(infercheck.TargetError):
        infercheck.run("http://127.0.0.1:9/", only=TOP_K, output=tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    assert not (tmp_path / ".before").exists()
    infercheck.run("reference", only=TOP_K, output=tmp_path)
    assert (tmp_path / "report.json").read_bytes() != before["report.json"]
    assert not (tmp_path / ".before").exists()


@pytest.mark.slow
def test_it_runs_where_a_loop_runs_and_beside_it(broken):
    async def both():
        blocking = infercheck.run(broken.url, only=TOP_K)
        ticks = 0
        task = asyncio.ensure_future(infercheck.run_async(broken.url, only=PART, concurrency=1))
        while not task.done():
            await asyncio.sleep(0.005)
            ticks += 1
        return blocking, await task, ticks

    blocking, beside, ticks = asyncio.run(both())
    assert [run.broken[0].requirement.id for run in (blocking, beside)] == [TOP_K, TOP_K]
    assert ticks > 3, "the loop was free meanwhile"


@pytest.mark.slow
def test_a_run_that_is_cancelled_ends_in_order(tmp_path):
    server = Counting(pause=0.05)

    async def cancelled(url):
        begun = threading.Event()
        task = asyncio.ensure_future(
            infercheck.run_async(url, output=tmp_path, concurrency=1, listener=lambda progress: begun.set())
        )
        while not begun.is_set():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with served(server.app()) as url:
        asyncio.run(cancelled(url))
        sent = server.sent.total()
    assert 0 < sent < 50
    last = (tmp_path / "journal.ndjson").read_text("utf-8").splitlines()[-1]
    assert "interrupted by the user" in last


@pytest.mark.slow
def test_ctrl_c_is_the_programs_own(tmp_path):
    # Nothing of the program's signals is taken over: Ctrl-C raises where it always does.
    server = Counting(pause=0.05)
    code = (
        "import infercheck, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have told us to ignore it\n"
        "before = signal.getsignal(signal.SIGINT)\n"
        "try:\n"
        "    infercheck.run(sys.argv[1], output=sys.argv[2], concurrency=1)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', signal.getsignal(signal.SIGINT) is before)\n"
    )
    with served(server.app()) as url:
        command = [sys.executable, "-c", code, url, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
            while server.sent.total() < 5:
                time.sleep(0.01)
            program.send_signal(signal.SIGINT)
            said = program.stdout.read()
    assert said == "interrupted True\n"
    assert "interrupted by the user" in (tmp_path / "journal.ndjson").read_text("utf-8").splitlines()[-1]
