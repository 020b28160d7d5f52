"""The server that the suite starts itself: by the command, by the plugin under pytest-xdist, by the API."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from projects import TOP_K

import infercheck

pytestmark = pytest.mark.slow

SERVER = """
import os, sys, time
from pathlib import Path

from fakes import CONTRACT
from projects import Broken
from infercheck.runners.serving import serve

time.sleep(float(sys.argv[2]))
with Path("started").open("a") as file:
    file.write("x")
server = Broken()
server.token = os.environ.get("THE_TOKEN")
print("token is", server.token)
serve(server.app(), host="127.0.0.1", port=int(sys.argv[1]), on_ready=print)
"""
PATH = "client/v4/accounts/a/ai/run/@cf/mistral/mistral-7b-instruct-v0.2-lora"


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def folder(tmp_path, port, monkeypatch):
    (tmp_path / "server.py").write_text(SERVER)
    (tmp_path / "infercheck.yaml").write_text(
        f"target: http://127.0.0.1:{port}/{PATH}\n"
        f"start: {sys.executable} server.py {port} 0.3\n"
        "token_env: THE_TOKEN\n"
        f"only: [{TOP_K}, envelope/messages]\n"
    )
    monkeypatch.setenv("THE_TOKEN", "t0ken-that-nobody-may-see")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def taken(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def command(*words):
    return subprocess.run(
        [sys.executable, "-m", "infercheck", *words], capture_output=True, text=True, check=False, timeout=120
    )


def test_the_command_starts_it_keeps_its_log_and_ends_it(folder, port):
    done = command("run")
    assert done.returncode == 1, done.stderr
    assert "starting the server; its log is out/server.log" in done.stderr
    assert f"FAIL {TOP_K}" in done.stdout
    assert (folder / "started").read_text() == "x"
    assert not taken(port)
    assert (folder / "out" / "server.log").read_text().startswith("token is ***\n")


def test_doctor_and_replay_start_it_too(folder, port):
    assert "a run makes sense" in command("doctor").stdout
    assert command("run").returncode == 1
    again = command("replay", "out", f"boundary/{TOP_K}/51")
    assert again.returncode == 1, again.stderr
    assert "now       fail" in again.stdout
    assert not taken(port)


def test_a_server_that_does_not_come_up_is_told_with_the_end_of_its_log(folder, port):
    (folder / "server.py").write_text(
        "import sys; sys.exit('no such model: ' + __import__('os').environ['THE_TOKEN'])"
    )
    done = command("run")
    assert done.returncode == 3
    assert re.search(
        r"ended with status 1 before it was ready; its log ends with\s+no such model: \*\*\*", done.stderr
    )


def test_one_that_is_there_already_is_not_tested_by_mistake(folder, port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        done = command("run")
    assert done.returncode == 3
    assert "a server is there already" in done.stderr
    assert not (folder / "started").exists()


def test_workers_share_one_and_so_do_tests_of_the_users_own(folder, port):
    (folder / "test_own.py").write_text(
        "import httpx, pytest\n"
        "@pytest.mark.parametrize('n', range(4))\n"
        "def test_own(infercheck_target, n):\n"
        "    target = infercheck_target\n"
        "    response = httpx.post(target.url, headers=target.headers, json={'prompt': 'hi'})\n"
        "    assert response.status_code == 200\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--infercheck", "-n", "2", "-p", "no:cacheprovider"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert "1 failed, 5 passed, 1 warning" in done.stdout, done.stdout
    # Where one worker was through before the other began, the server was started for each.
    assert (folder / "started").read_text() in ("x", "xx")
    assert not taken(port)


def test_the_api_starts_it(folder, port):
    run = infercheck.run(config=folder / "infercheck.yaml", output=folder / "api")
    assert [result.requirement.id for result in run.broken] == [TOP_K]
    assert not taken(port)
    assert (folder / "api" / "server.log").exists()


def test_ctrl_c_while_it_starts_ends_it(folder, port):
    (folder / "infercheck.yaml").write_text(
        (folder / "infercheck.yaml").read_text().replace(f"{port} 0.3", f"{port} 60")
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "infercheck", "run"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell may have said to ignore it
    )
    with process:
        for line in process.stderr:
            if "starting the server" in line:
                break
        subprocess.run(["sleep", "0.5"], check=True)
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        assert process.wait(timeout=30) == 130
    left = subprocess.run(["pgrep", "-f", f"server.py {port} 60"], capture_output=True, text=True, check=False)
    assert left.stdout == ""
