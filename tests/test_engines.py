"""Engines and applications as targets of the command, of pytest and of the Python API."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import httpx
import pytest
from fakes import CONTRACT
from harness import invoke
from hostile.running import run
from starlette.applications import Starlette

import infercheck
from infercheck.findings import Verdict
from infercheck.runners.hosting import socket_in, start_of
from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.server import Api
from infercheck.runners.started import started
from infercheck.runners.supervisor import tree_of

pytestmark = pytest.mark.slow

MODULE = """
import ctypes, json, os, subprocess, sys, time
from importlib.resources import files

from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.server import Api

good = ReferenceEngine()


class Fatal(ReferenceEngine):
    def answer(self, request):
        if repr(request.get("top_k")) == "50":
            self.suffer()
        return super().answer(request)


class Dies(Fatal):
    def suffer(self):
        ctypes.string_at(0)


class DiesOfWidth(ReferenceEngine):
    def answer(self, request):
        if request.get("top_p") == 2:
            os._exit(3)
        return super().answer(request)


class Blocks(Fatal):
    def suffer(self):
        ctypes.PyDLL(None).sleep(1000)  # and lets nobody else run


class Eats(Fatal):
    def suffer(self):
        self.eaten = []
        while True:
            self.eaten.append(b"x" * 10_000_000)
            time.sleep(0.01)


class EatsApart(Eats):
    def suffer(self):
        subprocess.run([sys.executable, "-c", "import mine; mine.Eats.suffer(mine)"])


class Forks:
    def answer(self, request):
        if not os.fork():
            time.sleep(1000)
        subprocess.Popen(["sleep", "1000"])
        return {"response": ""}


class Leaves:
    def answer(self, request):
        raise SystemExit(3)


class Waits:
    def answer(self, request):
        if request.get("stream"):
            return self.pieces(request["top_k"])
        time.sleep(request["top_k"])
        return {"response": ""}

    def pieces(self, seconds):
        while True:
            yield {"response": "a"}
            time.sleep(seconds)


class Mine(Api):
    route = "/v1/run"

    def find_model(self, request):
        pass


def app():
    contract = files("infercheck.schemas") / "mistral-7b-instruct-v0.2-lora"
    schema = json.loads((contract / "input.schema.json").read_text())
    return Mine(good, input_schema=schema, token=os.environ.get("APP_TOKEN")).app()


class Endless:
    adapters = ["poet"]

    def answer(self, request):
        try:
            while True:
                time.sleep(0.01)
                yield {"response": "on "}
        finally:
            open("closed", "w").write("yes")


endless = Endless()
"""
QUICK = ("--profile", "quick")
TOP_K = ("--only", "input/prompt/top_k", "--only", "robust/liveness")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_engine_by_name_is_served_apart_and_passes(folder):
    done = run("engine:mine:good", folder / "out", *QUICK, token=None)
    assert done.status == 0, done.told()
    assert "mine" not in sys.modules
    assert "infercheck serve engine:mine:good --no-token" in done.stdout
    assert not list(socket_in(folder).parent.glob(socket_in(folder / "out").name))


def test_an_engine_is_asked_for_the_token_and_speaks_the_dialect(folder):
    done = run("engine:mine:good", folder / "out", *QUICK, "--dialect", "worker", token="sesame-open")
    assert done.status == 0, done.told()
    assert "infercheck serve engine:mine:good --dialect worker --token-env MY_TOKEN" in done.stdout
    answers = [exchange.answer for exchange in done.results.record.exchanges.values()]
    assert not any(b'"success"' in answer.body for answer in answers)


def test_an_application_is_served_at_the_path_that_is_named(folder, monkeypatch):
    monkeypatch.setenv("APP_TOKEN", "sesame-open")
    done = run("asgi:mine:app/v1/run", folder / "out", "--only", "envelope", token="sesame-open")
    assert done.status == 0, done.told()
    assert done.results.record.header["target"]["url"].endswith("/v1/run")


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("Dies", (), "was ended by SIGSEGV and was started again"),
        ("Eats", ("--memory", 400), "takes too much memory, and is ended"),
        ("EatsApart", ("--memory", 400), "takes too much memory, and is ended"),
    ],
)
def test_what_an_engine_dies_of_is_named_and_it_is_started_again(folder, kind, options, said):
    done = run(f"engine:mine:{kind}", folder / "out", *TOP_K, *options, token=None, seconds=120)
    assert done.broken == {"robust/liveness", "input/prompt/top_k/maximum"}, done.told()
    assert done.results.record.complete, done.told()
    assert done.finding("robust/liveness").expected == "a target that survives top_k=50", done.told()
    assert done.status == 1
    log = (folder / "out" / "server.log").read_text()
    assert said in log
    assert done.ids(Verdict.PASS) >= {"input/prompt/top_k/minimum"}
    assert re.findall(r"started again \((\d)", log) in (["1"], ["1", "2"], ["1", "2", "3"])


def test_what_kills_where_answers_are_compared_is_looked_into_once(folder):
    """Comparing sends again what was lost: not what a target of few lives has just died of."""
    done = run("engine:mine:DiesOfWidth", folder / "out", token=None, seconds=120)
    assert done.broken == {"robust/liveness", "input/prompt/top_p/maximum"}, done.told()
    assert done.finding("robust/liveness").expected == "a target that survives top_p=2", done.told()
    assert done.results.record.complete, done.told()
    assert (folder / "out" / "server.log").read_text().count("was started again") <= 3


def test_an_engine_that_blocks_is_started_again_too(folder):
    done = run("engine:mine:Blocks", folder / "out", *TOP_K, "--timeout", 5, token=None, seconds=180)
    assert done.results.record.complete, done.told()
    log = (folder / "out" / "server.log").read_text()
    assert "is silent, and is ended" in log
    assert len(re.findall("started again", log)) <= 3
    if not done.is_quick(5):
        assert done.broken <= {"robust/liveness", "input/prompt/top_k/maximum"}, done.told()
        return
    assert done.broken == {"robust/liveness", "input/prompt/top_k/maximum"}, done.told()
    assert done.finding("robust/liveness").expected == "a target that survives top_k=50", done.told()
    assert "silent until it was started again" in done.finding("robust/liveness").observed


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("engine:none:good", ["no module 'none'", "server.log"]),
        ("engine:mine:none", ["mine has no 'none'", "It has:"]),
        ("asgi:mine:good", ["is no ASGI application"]),
        ("engine:mine:MODULE:x", ["names no engine"]),
    ],
)
def test_what_cannot_be_served_is_said(folder, address, words):
    done = invoke("run", address, *QUICK)
    assert done.exit_code in (2, 3)
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_and_replay_serve_an_engine_too(folder):
    assert invoke("doctor", "engine:mine:good").exit_code == 0
    run("engine:mine:good", folder / "out", "--only", "input/prompt/top_k", token=None)
    again = invoke("replay", "out", "*top_k/maximum/51")
    assert again.exit_code == 2
    assert "--target" in again.stderr
    assert invoke("replay", "out", "*top_k/maximum/51", "--target", "engine:mine:good").exit_code == 0


def test_start_is_not_for_what_we_start_ourselves(folder):
    done = invoke("run", "engine:mine:good", "--start", "true")
    assert done.exit_code == 2
    assert "Leave `start` out" in done.stderr


@contextlib.contextmanager
def serving(*arguments, faulty=False):
    """`infercheck serve` by hand: its process, and what it prints until it is ready."""
    command = [sys.executable, "-m", "infercheck", "serve", *arguments, "--port", "0"]
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, text=True) as process,
    ):
        try:
            lines = []
            while not (lines and "Ctrl-C" in lines[-1]):
                lines.append(process.stdout.readline())
                assert lines[-1], lines
            yield process, "".join(lines)
            complaints.seek(0)
            assert ("Traceback" in complaints.read()) == faulty
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_asks_for_its_token_and_stops_in_order_in_the_middle_of_a_stream(folder, number):
    with serving("engine:mine:endless") as (process, said):
        url, token = (re.search(rf"^{name}\s+(\S+)", said, re.MULTILINE)[1] for name in ("url", "token"))
        assert "adapters  poet" in said
        assert httpx.post(url, json={"prompt": "hi"}).status_code == 401
        headers = {"authorization": f"Bearer {token}"}
        assert httpx.post(url, json={"prompt": "hi", "top_k": 51}, headers=headers).status_code == 400
        asked = {"prompt": "hi", "stream": True}
        with httpx.stream("POST", url, json=asked, headers=headers, timeout=30) as response:
            pieces = response.iter_raw()
            next(pieces)
            process.send_signal(number)
            with pytest.raises(httpx.HTTPError):
                for _ in pieces:
                    pass
        assert process.wait(20) == 0
    assert (folder / "closed").read_text() == "yes"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("streamed", "seconds"), [(True, 2), (True, 50), (False, 50)])
def test_serve_stops_though_the_engine_is_busy(folder, number, streamed, seconds):
    with serving("engine:mine:Waits", "--no-token") as (process, said):
        asked = {"prompt": "hi", "stream": streamed, "top_k": seconds}
        url = httpx.URL(re.search(r"^url\s+(\S+)", said, re.MULTILINE)[1])
        with socket.create_connection((url.host, url.port)) as connection:
            body = json.dumps(asked).encode()
            head = f"POST {url.raw_path.decode()} HTTP/1.1\r\nhost: engine\r\ncontent-length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            if streamed:
                connection.recv(1000)
            else:
                time.sleep(0.5)
            process.send_signal(number)
            assert process.wait(15) == 0


def test_what_an_engine_has_started_ends_with_serve(folder):
    with serving("engine:mine:Forks", "--no-token") as (process, said):
        url = httpx.URL(re.search(r"^url\s+(\S+)", said, re.MULTILINE)[1])
        assert httpx.post(url, json={"prompt": "hi"}).status_code == 200
        children = tree_of(process.pid) - {process.pid}
        assert len(children) == 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
        with socket.create_server((url.host, url.port), reuse_port=False):
            pass


def test_an_engine_that_leaves_is_at_fault_and_no_more(folder):
    with serving("engine:mine:Leaves", "--no-token", faulty=True) as (_, said):
        url = re.search(r"^url\s+(\S+)", said, re.MULTILINE)[1]
        for _ in range(2):
            failed = httpx.post(url, json={"prompt": "hi"})
            assert failed.status_code == 500
            assert failed.json()["errors"] == [{"code": 5000, "message": "AiError: Internal error"}]


def test_what_an_application_is_not_told_is_refused(folder):
    for options, said in (
        (["--token-env", "HOME"], "asgi:mine:app takes no --token-env"),
        (["--max-body", 1], "takes no --max-body"),
        (["--host", "0.0.0.0"], "is not loopback"),
    ):
        done = invoke("serve", "asgi:mine:app", *options)
        assert done.exit_code == 2
        assert said in done.stderr
    done = invoke("serve", "engine:mine:good", "--peak", 2)
    assert "takes no --peak" in done.stderr
    done = invoke("serve", "--unix", f"{'x' * 200}.sock")
    assert "is too long for a socket" in done.stderr
    done = invoke("serve", "--host", "192.0.2.1", "--token-env", "HOME")
    assert "--host" in done.stderr


@pytest.mark.parametrize(("name", "value"), [("concurrency", "many"), ("concurrency", 0), ("adapters", "poet")])
def test_an_engine_that_says_nonsense_of_itself_is_not_served(folder, name, value):
    engine = ReferenceEngine()
    setattr(engine, name, value)
    with pytest.raises(infercheck.UserError, match=f"the engine's {name}"):
        infercheck.run(engine, profile="quick")


class OneByOne(ReferenceEngine):
    """Tells how many answers were asked for at once."""

    concurrency = 1
    now = most = 0

    def answer(self, request):
        self.now += 1
        self.most = max(self.most, self.now)
        time.sleep(0.005)
        self.now -= 1
        return super().answer(request)


def test_a_live_engine_is_asked_for_as_much_at_once_as_it_says(tmp_path):
    engine = OneByOne()
    assert infercheck.run(engine, profile="quick", only=["envelope/*"], output=tmp_path).verdict == "pass"
    assert engine.most == 1


def test_serve_without_a_token_and_the_line_that_it_prints(folder):
    with serving("engine:mine:good", "--no-token", "--dialect", "worker") as (_, said):
        line = said[said.index("curl") :].rpartition("Ctrl-C")[0]
        answer = subprocess.run(line, shell=True, capture_output=True, check=True)
        assert set(json.loads(answer.stdout)) == {"response", "usage"}


@pytest.fixture
def engine():
    return ReferenceEngine()


def test_a_live_object_is_served_from_a_thread_and_the_report_says_so(engine, tmp_path):
    before = threading.active_count()
    done = infercheck.run(engine, profile="quick", output=tmp_path)
    assert done.verdict == "pass", done.text()
    assert threading.active_count() == before
    assert done.results.record.header["target"]["address"].startswith("live:infercheck.")
    for report in ("report.html", "summary.md"):
        assert "with no protection" in (tmp_path / report).read_text("utf-8")


def test_a_function_and_what_is_no_engine(tmp_path):
    def fixed(request, more=None, still=None):
        return {"response": "A fixed answer."}

    done = infercheck.run(fixed, only=["stream/*", "envelope/*"])
    assert "stream/media-type" in {result.requirement.id for result in done.broken}, done.text()
    with pytest.raises(infercheck.UserError, match="is no engine"):
        infercheck.run(5, profile="quick")
    with pytest.raises(infercheck.UserError, match="the target is None"):
        infercheck.run(None, profile="quick")


def test_a_live_application_is_asked_at_the_path_that_is_named(tmp_path):
    app = Mine(ReferenceEngine(), input_schema=dict(CONTRACT.input)).app()
    done = infercheck.run(app, path="/v1/run", only=["envelope/*"])
    assert done.verdict == "pass", done.text()
    assert "with no protection" in done.text()
    assert done.results.record.header["target"]["url"].endswith("/v1/run")
    with pytest.raises(infercheck.UserError, match="is no path"):
        infercheck.run(app, path="v1/run")
    with pytest.raises(infercheck.UserError, match="`path` is for an application"):
        infercheck.run("http://127.0.0.1:1/", path="/v1/run")


class Mine(Api):
    """Answers at another path."""

    route = "/v1/run"

    def find_model(self, request):
        pass


def test_a_live_application_that_does_not_start_is_said(tmp_path):
    @contextlib.asynccontextmanager
    async def lifespan(app):
        raise RuntimeError("no model")
        yield

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(infercheck.TargetError, match="did not start"):
            infercheck.run(Starlette(lifespan=lifespan), only=["envelope/*"])


def usage(pid):
    """Threads, open files and resident kilobytes of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    threads, resident = (
        int(re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)[1]) for name in ("Threads", "VmRSS")
    )
    return threads, len(list(Path(f"/proc/{pid}/fd").iterdir())), resident


def work(client, requests, drops):
    """Ask, and leave streams."""
    url = "http://engine/client/v4/accounts/local/ai/run/@cf/mistral/mistral-7b-instruct-v0.2-lora"
    for number in range(requests):
        assert client.post(url, json={"prompt": f"{number}", "max_tokens": 4}).status_code == 200
    for number in range(drops):
        with client.stream("POST", url, json={"prompt": f"{number}", "stream": True}) as response:
            next(response.iter_raw())


def test_memory_threads_and_sockets_return_to_where_they_were(folder):
    at = socket_in(folder)
    start = start_of("engine:mine:good", socket=at, folder=folder, options=["--no-token"])
    with started(start):
        (pid,) = (
            int(path.name)
            for path in Path("/proc").iterdir()
            if path.name.isdigit() and str(at).encode() in (path / "cmdline").read_bytes()
        )
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(at)), timeout=20) as client:
            work(client, 300, 50)
            before, ours = usage(pid), usage(os.getpid())
            work(client, 1000, 100)
            after, ours_after = usage(pid), usage(os.getpid())
    assert after[0] <= before[0] + 2
    assert after[1] <= before[1] + 2
    assert after[2] <= before[2] * 1.1
    assert (ours_after[0], ours_after[1]) <= (ours[0], ours[1])
