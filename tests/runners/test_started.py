"""The user's own server: started once, shared, started again, and gone with all its processes, whoever dies."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from infercheck.errors import TargetError, UsageError
from infercheck.runners import started as module
from infercheck.runners.places import missing
from infercheck.runners.serving import ServerStartError
from infercheck.runners.started import Start, started

pytest.importorskip("fcntl")

import fcntl

from infercheck.runners.supervisor import CAP, Log

pytestmark = pytest.mark.slow  # real processes, two or three a test

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="what a process left is found on Linux alone")
SECRET = 'tok"en/4711 é'

# Answers every GET with the status that its path names, but 503 to the first LOADING of them; /die/N ends it.
SERVER = """
import os, re, socket, sys
open("starts", "a").write("x")
open("pid", "w").write(str(os.getpid()))
loading = int(os.environ.get("LOADING", 0))
print("says", os.path.samestat(os.fstat(0), os.stat(os.devnull)), end=" ")
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection:
        try:
            path = connection.recv(65536).decode("latin-1")
            if end := re.match("GET /die/([0-9]+)", path):
                os._exit(int(end[1]))
            named = re.match("GET /([0-9]+)", path)
            status = 503 if loading > 0 else int(named[1]) if named else 200
            if path:
                loading -= 1
                open("answers", "a").write(f"{status} ")
            connection.sendall(b"HTTP/1.1 %d X\\r\\nLocation: /500\\r\\nContent-Length: 0\\r\\n\\r\\n" % status)
        except OSError:
            pass
"""

# Uses a server until its stdin ends.
USER = """
import json, sys
from pathlib import Path
from infercheck.runners.started import Start, started
words = json.loads(sys.argv[1])
with started(Start(command=words["command"], target=words["target"], folder=Path("state"), cwd=Path("."))):
    print("in", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def start(tmp_path, port):
    """A server that is ready once it listens."""
    (tmp_path / "server.py").write_text(SERVER)
    command = (sys.executable, "-S", "server.py", str(port))
    return Start(command=command, target=f"http://127.0.0.1:{port}/run", folder=tmp_path / "state", cwd=tmp_path)


def shell(start, text):
    """The same, with a text for the shell, in which {} is the server's command."""
    return replace(start, command=text.replace("{}", shlex.join(start.command)))


def get(start, path="/"):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = start.target.removesuffix("/run") + path
    with opener.open(url, timeout=10) as response:
        return response.status


def die(start, status):
    with contextlib.suppress(OSError):
        get(start, f"/die/{status}")


def log_of(start):
    return (start.folder / "server.log").read_text("utf-8")


def starts(start):
    return len((start.cwd / "starts").read_text())


def free(start):
    """Whether its port can be had."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", int(start.target.split(":")[2].split("/")[0])))
        except OSError:
            return False
    return True


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(condition):
    """Wait for what comes sooner or later; the long limit is for machines that have much else to do."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def written(path):
    """The number in a file, once it is there."""
    until(lambda: path.exists() and path.read_text().strip())
    return int(path.read_text())


def user(start):
    """Another process that uses the server until its stdin ends."""
    words = json.dumps({"command": start.command, "target": start.target})
    return subprocess.Popen(
        [sys.executable, "-c", USER, words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=start.cwd
    )


@pytest.mark.parametrize(
    "form", [lambda start: start, lambda start: shell(start, "true && {}")], ids=["words", "sh"]
)
def test_the_server_runs_inside_the_block_and_is_gone_after_it(start, form, monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    with started(form(start)):
        assert get(start) == 200
    assert free(start)
    assert starts(start) == 1
    assert not alive(int((start.cwd / "pid").read_text()))
    # Not flushed by the server, not ended by a newline, and its stdin was the null device.
    assert log_of(start) == "says True "
    assert {file.name for file in start.folder.iterdir()} == {"server.log", ".server"}
    assert {file.name for file in (start.folder / ".server").iterdir()} == set(module._LOCKS)


def test_a_block_that_raises_ends_the_server_and_the_next_starts_another(start):
    with pytest.raises(ZeroDivisionError), started(start):
        raise ZeroDivisionError
    assert free(start)
    with started(start):
        assert get(start) == 200
    assert starts(start) == 2


@pytest.mark.parametrize("status", [200, 302, 404])
def test_a_ready_url_is_asked_until_its_status_is_below_500(start, status, monkeypatch):
    monkeypatch.setenv("LOADING", "2")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with started(replace(start, ready=start.target.replace("run", str(status)))):
        assert (start.cwd / "answers").read_text() == f"503 503 {status} "


def test_a_ready_url_alone_decides(start):
    ready, silent = start.target, "http://127.0.0.1:1/run"
    with started(replace(start, target=silent, ready=ready)):
        assert get(start) == 200


def test_a_server_that_takes_connections_and_never_answers_is_ready_where_no_url_is_given(start, port):
    code = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(99)"
    with started(replace(start, command=(sys.executable, "-c", code))):
        pass
    assert free(start)


@pytest.mark.parametrize(
    ("command", "how"),
    [
        ("exit 7", "ended with status 7 before it was ready"),
        ("true", "ended with status 0 before it was ready"),
        ("kill -KILL $$", "was ended by SIGKILL before it was ready"),
        ("kill -TERM 0", "was ended by SIGTERM before it was ready"),  # its group, in which we are not
        (("no-such-command",), "could not be started: [Errno 2] No such file or directory: 'no-such-command'"),
    ],
)
def test_a_command_that_ends_early_is_told_of(start, command, how):
    with pytest.raises(ServerStartError) as caught, started(replace(start, command=command)):
        pass
    assert str(caught.value) == f"the server {how}; it said nothing"
    assert str(start.folder / "server.log") in caught.value.hint
    assert not (start.folder / ".server/state.json").exists()


def test_what_an_early_end_leaves_in_the_background_is_ended(start):
    with pytest.raises(ServerStartError), started(replace(start, command="sleep 99 & echo $! > pid; exit 1")):
        pass
    assert not alive(int((start.cwd / "pid").read_text()))


def test_the_message_has_the_last_lines_of_both_streams_without_colours(start):
    command = "seq 1 30; printf '\\033[31mred\\033[0m\\n' >&2; printf 'no newline' >&2; exit 1"
    with pytest.raises(ServerStartError) as caught, started(replace(start, command=command)):
        pass
    lines = str(caught.value).splitlines()[1:]
    assert lines == [f"    {line}" for line in (*range(18, 31), "red", "no newline")]


@pytest.mark.parametrize("ready", [None, "http://127.0.0.1:{}/ready"])
def test_a_server_that_is_not_ready_in_time_is_ended(start, ready, port):
    command = "echo $$ > pid; echo loading; sleep 99"
    slow = replace(start, command=command, timeout=0.3, ready=ready and ready.format(port))
    with pytest.raises(ServerStartError, match=r"not ready after 0\.3 s") as caught, started(slow):
        pass
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert "loading" in str(caught.value)
    assert not alive(int((start.cwd / "pid").read_text()))


def test_what_a_ready_url_says_is_quoted(start, port, monkeypatch):
    monkeypatch.setenv("LOADING", "1")
    with started(start):
        assert missing(start.target, ("127.0.0.1", port), 60) == f"GET {start.target} gives 503"
        assert missing(start.target, ("127.0.0.1", port), 60) is None


@pytest.mark.parametrize("there", ["target", "ready"])
def test_a_server_that_is_there_already_is_not_tested_by_mistake(start, there):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(TargetError, match="there already") as caught, started(replace(start, **{there: place})):
            pass
    assert not isinstance(caught.value, ServerStartError)
    assert "leave `start` out" in caught.value.hint
    assert not (start.cwd / "starts").exists()


def test_secrets_are_in_no_log_no_message_and_no_command_line(start):
    half = len(SECRET) // 2
    said = f"{SECRET!r} {json.dumps(SECRET)} {SECRET}"
    pieces = f"print({SECRET[:half]!r}, end=''); time.sleep(0.3); print({SECRET[half:]!r}, end='')"
    code = f"import time; print({said!r}); {pieces}"
    command = f"{shlex.quote(sys.executable)} script; touch said; sleep 99"
    (start.cwd / "script").write_text(code, "utf-8")
    secret = replace(start, command=command, timeout=60, secrets=(f"Bearer {SECRET}", "no"))
    assert SECRET not in repr(secret)

    def waiting():
        with pytest.raises(ServerStartError) as caught, started(secret):
            pass
        messages.append(str(caught.value))

    messages = []
    thread = threading.Thread(target=waiting)
    thread.start()
    until(lambda: (start.cwd / "said").exists())
    told = json.loads((start.folder / ".server/state.json").read_text())
    if sys.platform == "linux":
        shown = Path(f"/proc/{told['pid']}/cmdline").read_bytes()
        assert b"supervisor.py" in shown
        assert b"4711" not in shown
    os.kill(told["pid"], signal.SIGTERM)
    thread.join()
    assert log_of(start) == "'***' \"***\" ***\n***"
    assert "4711" not in messages[0]


def test_the_beginning_of_a_secret_that_is_never_said_is_kept(start):
    with (
        pytest.raises(ServerStartError, match=r"\n    Go\? to$"),
        started(replace(start, command="printf 'Go? to'; exit 1", secrets=(SECRET,))),
    ):
        pass


def test_a_ready_url_shows_no_secret(start, port):
    hidden = replace(
        start, command="sleep 99", ready=f"http://127.0.0.1:{port}/s3cr3t/", secrets=("s3cr3t",), timeout=0.1
    )
    with pytest.raises(ServerStartError) as caught, started(hidden):
        pass
    assert f"GET http://127.0.0.1:{port}/******/:" in str(caught.value)


def test_a_command_that_cannot_be_started_shows_no_secret(start):
    command = ("no-such-" + SECRET,)
    with (
        pytest.raises(ServerStartError, match="could not be started") as caught,
        started(replace(start, command=command, secrets=(SECRET,))),
    ):
        pass
    assert "4711" not in str(caught.value)


def logged(tmp_path, pieces, secrets=(b"abcdabce", b"abcd", b"bcdabc")):
    with (tmp_path / "log").open("wb") as file:
        log = Log(file.fileno(), secrets)
        seen = []
        for piece in pieces:
            log.feed(piece)
            seen.append((tmp_path / "log").read_bytes())
        log.flush()
    return seen, (tmp_path / "log").read_bytes()


@pytest.mark.parametrize(
    "text",
    [b"xabcdabcex", b"abcdabcdabce", b"1 abcd 2 abcdabce", b"ababcdaby", b"aabbcc", b"abcdabyabcd", b"bcdabcdx"],
)
def test_a_secret_is_masked_wherever_it_is_cut(tmp_path, text):
    whole = re.sub(rb"abcdabce|abcd|bcdabc", b"***", text)
    for first in range(len(text) + 1):
        for second in range(first, len(text) + 1):
            assert logged(tmp_path, [text[:first], text[first:second], text[second:]])[1] == whole


def test_a_prompt_is_written_at_once_and_the_beginning_of_a_secret_is_not(tmp_path):
    seen, whole = logged(tmp_path, [b"Name? ", b"abcdab", b"Go? abc"])
    assert seen == [b"Name? ", b"Name? ", b"Name? ***abGo? "]
    assert whole == b"Name? ***abGo? abc"
    assert logged(tmp_path, [b"x abcdab"])[1] == b"x ***"


def test_without_secrets_nothing_waits(tmp_path):
    assert logged(tmp_path, [b"a", b"b"], ()) == ([b"a", b"ab"], b"ab")


def test_no_more_than_the_cap_is_kept_of_the_output_and_our_own_lines_still_are(tmp_path):
    with (tmp_path / "log").open("wb") as file:
        log = Log(file.fileno(), ())
        log.feed(b"x" * (CAP - 2))
        log.feed(b"yes, and no more")
        log.feed(b"nor this")
        log.note("but this")
    end = (tmp_path / "log").read_bytes()[CAP - 3 :].decode()
    full = "-- infercheck: the log has 16 MiB; what the server says from here on is not kept"
    assert end.splitlines() == ["xye", full, "-- infercheck: but this"]


def test_a_flood_neither_stops_the_server_nor_fills_the_disk(start):
    flood = shell(start, f"echo first; head -c {CAP * 3 // 2} /dev/zero; exec {{}}")
    with started(flood):
        assert get(start) == 200
    kept = (start.folder / "server.log").read_bytes()
    assert kept.startswith(b"first\n\0")
    assert CAP < len(kept) < CAP + 200
    assert kept.endswith(b"\n-- infercheck: the log has 16 MiB; what the server says from here on is not kept\n")


def test_the_last_words_of_a_server_are_kept(start):
    command = f"head -c 200000 /dev/zero; exec {shlex.quote(sys.executable)} -c 'print(\"x\" * 60000)'"
    with pytest.raises(ServerStartError), started(replace(start, command=command)):
        pass
    assert (start.folder / "server.log").read_bytes() == b"\0" * 200_000 + b"x" * 60_000 + b"\n"


@LINUX
def test_a_server_that_closes_its_output_keeps_nobody_busy(start):
    def pipes():
        found = 0
        for file in files.iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                found += str(file.readlink()).startswith("pipe:")
        return found

    with started(shell(start, "{} & while [ ! -e go ]; do sleep 0.02; done; kill $!; exec >&- 2>&-; sleep 99")):
        files = Path(f"/proc/{json.loads((start.folder / '.server/state.json').read_text())['pid']}/fd")
        before = pipes()
        (start.cwd / "go").touch()
        until(lambda: pipes() == before - 1)


def test_users_in_one_process_share_a_server_that_the_last_one_ends(start):
    with started(start):
        with started(start):
            pass
        assert get(start) == 200
        with started(start):
            assert get(start) == 200
    assert starts(start) == 1
    assert free(start)


def test_processes_that_come_at_once_share_a_server_that_the_last_one_ends(start):
    users = [user(start) for _ in range(3)]
    for one in users:
        assert one.stdout.readline() == b"in\n"
    assert starts(start) == 1
    for one in users:
        assert get(start) == 200
        one.communicate()
        assert one.returncode == 0
    assert free(start)


def test_users_who_leave_at_once_leave_no_server(start):
    def use(_):
        with started(start):
            inside.wait()

    inside = threading.Barrier(8)
    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert free(start)
    assert starts(start) == 1


def test_one_who_leaves_while_another_looks_whether_it_is_the_last_is_the_last(start, monkeypatch):
    def looking(file, kind):
        found = locks(file, kind)
        if found and kind == fcntl.LOCK_SH and threading.current_thread() is first:
            leave.set()
            second.join(timeout=0.2)  # it waits for its turn, and must not run into this lock
        return found

    def use(signal):
        with started(start):
            inside.wait()
            signal.wait()

    locks = module._locks
    inside, at_once, leave = threading.Barrier(3), threading.Event(), threading.Event()
    first, second = (threading.Thread(target=use, args=(signal,)) for signal in (at_once, leave))
    first.start()
    second.start()
    inside.wait()
    monkeypatch.setattr(module, "_locks", looking)
    at_once.set()
    first.join()
    second.join()
    assert free(start)


def test_the_last_one_waits_where_the_supervisor_is_quicker_to_see_it(start, monkeypatch):
    def in_use():
        with (start.folder / ".server/users").open() as another:
            return locks(another.fileno(), fcntl.LOCK_SH)

    def late(file, kind):
        if kind == fcntl.LOCK_EX:
            until(lambda: not in_use())
        return locks(file, kind)

    locks = module._locks
    with started(shell(start, "trap 'sleep 0.2; exit' TERM; echo $$ > shell; {} & wait")):
        pid = written(start.cwd / "shell")
        monkeypatch.setattr(module, "_locks", late)
    assert not alive(pid)


def test_the_server_ends_with_a_user_who_is_killed(start):
    with user(start) as one:
        assert one.stdout.readline() == b"in\n"
        one.kill()
    until(lambda: free(start))
    with started(start):
        assert get(start) == 200
    assert starts(start) == 2


def test_the_server_stays_where_another_user_is_killed(start):
    with user(start) as one:
        assert one.stdout.readline() == b"in\n"
        with started(start):
            one.kill()
            one.wait()
            time.sleep(0.3)  # longer than the supervisor takes to look
            assert get(start) == 200
    assert starts(start) == 1
    assert free(start)


def test_who_waits_goes_on_where_the_one_who_started_is_killed(start):
    slow = shell(start, "echo $$ > waiting; while [ ! -e go ]; do sleep 0.02; done; exec {}")
    with user(slow) as one:
        written(start.cwd / "waiting")
        one.kill()
    thread = threading.Thread(target=(start.cwd / "go").touch)
    thread.start()
    with started(slow):
        assert get(start) == 200
    thread.join()
    assert free(start)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_who_is_stopped_while_the_server_loads_leaves_none(start, number):
    with user(replace(start, command="echo $$ > pid; sleep 99")) as one:
        pid = written(start.cwd / "pid")
        one.send_signal(number)
        one.wait()
        if number == signal.SIGINT:
            assert not alive(pid)  # it has waited for that
        until(lambda: not alive(pid))
    assert not (start.cwd / "starts").exists()


def test_a_newcomer_waits_for_the_end_of_the_old_server(start):
    trap = "trap 'touch ending; while [ ! -e go ]; do sleep 0.02; done; exit' TERM; {} & wait"
    old = threading.Event()

    def use():
        with started(shell(start, trap)):
            old.wait()

    leaving = threading.Thread(target=use)
    leaving.start()
    until(lambda: (start.folder / ".server/ready").exists())
    old.set()
    until(lambda: (start.cwd / "ending").exists())
    thread = threading.Timer(0.1, (start.cwd / "go").touch)
    thread.start()
    with started(start):
        assert get(start) == 200
    leaving.join()
    thread.join()
    assert starts(start) == 2


CHILD = "import os, time; {}; open('{}', 'w').write(str(os.getpid())); time.sleep(99)"


@pytest.mark.parametrize(
    "how",
    ["pass", pytest.param("os.setsid()", marks=LINUX), pytest.param("os.fork() and os._exit(0)", marks=LINUX)],
)
def test_children_and_their_children_are_ended(start, how):
    child = shlex.join([sys.executable, "-I", "-S", "-c", CHILD.format(how, "child")])
    grandchild = shlex.join([sys.executable, "-I", "-S", "-c", CHILD.format(how, "grandchild")])
    with started(shell(start, f"{child} & (({grandchild}) &); {{}} & wait")):
        pids = [written(start.cwd / name) for name in ("child", "grandchild", "pid")]
        assert all(map(alive, pids))
    assert not any(map(alive, pids))


@LINUX
def test_a_command_that_becomes_a_daemon_is_refused_and_leaves_none(start):
    daemon = CHILD.format("os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0)", "pid")
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(daemon)}; while [ ! -e pid ]; do sleep 0.02; done"
    with (
        pytest.raises(ServerStartError, match="ended with status 0") as caught,
        started(replace(start, command=command)),
    ):
        pass
    assert "foreground" in caught.value.hint
    assert not alive(written(start.cwd / "pid"))


@pytest.mark.parametrize("how", ["pass", pytest.param("os.setsid()", marks=LINUX)])
def test_a_server_that_will_not_end_is_killed(start, how):
    stubborn = f"import signal; signal.signal(15, signal.SIG_IGN); {CHILD.format(how, 'child')}"
    with started(shell(start, f"{shlex.join([sys.executable, '-c', stubborn])} & {{}} & wait")):
        pid = written(start.cwd / "child")
    assert not alive(pid)
    assert free(start)


def test_a_server_that_crashes_is_started_again_three_times_at_most(start):
    with started(start):
        for number in range(1, 4):
            die(start, number)
            until(lambda number=number: starts(start) == number + 1 and not free(start))
        assert [line for line in log_of(start).splitlines() if line.startswith("-- ")] == [
            f"-- infercheck: the server ended with status {number} and was started again ({number} of 3)"
            for number in range(1, 4)
        ]
        os.kill(written(start.cwd / "pid"), signal.SIGSEGV)
        until(lambda: json.loads((start.folder / ".server/state.json").read_text())["ended"])
        assert free(start)
        with (
            pytest.raises(ServerStartError, match="was ended by SIGSEGV and was not started again"),
            started(start),
        ):
            pass
    assert starts(start) == 4
    assert log_of(start).endswith("\n-- infercheck: the server was ended by SIGSEGV and was not started again\n")


def test_what_a_crash_leaves_is_ended_before_the_server_starts_again(start):
    with started(shell(start, "(trap '' HUP; sleep 99) & echo $! > child; exec {}")):
        pid = written(start.cwd / "child")
        die(start, 1)
        until(lambda: starts(start) == 2)
        assert not alive(pid)


def test_a_server_that_has_crashed_is_not_started_again_for_nobody(start):
    child = "(trap 'touch ending; while [ ! -e go ]; do sleep 0.02; done; exit' TERM; touch child; sleep 99 & wait)"
    with started(shell(start, f"{child} & exec {{}}")):
        until(lambda: (start.cwd / "child").exists())
        die(start, 1)
        until(lambda: (start.cwd / "ending").exists())
        thread = threading.Timer(0.2, (start.cwd / "go").touch)
        thread.start()
    thread.join()
    assert "started again" not in log_of(start)


def waiters(path):
    """How many wait for the lock of a file."""
    inode = f":{path.stat().st_ino} "
    return sum(" -> " in line and inode in line for line in Path("/proc/locks").read_text().splitlines())


@LINUX
def test_who_waited_for_a_start_that_fails_does_not_try_again(start):
    doomed = replace(start, command="echo x >> tries; while [ ! -e go ]; do sleep 0.02; done; echo why; exit 1")
    messages = []

    def fail():
        with pytest.raises(ServerStartError) as caught, started(doomed):
            pass
        messages.append((str(caught.value), caught.value.hint))

    threads = [threading.Thread(target=fail) for _ in range(3)]
    for thread in threads:
        thread.start()
    starting = start.folder / ".server/starting"
    until(lambda: starting.exists() and waiters(starting) == 2)
    (start.cwd / "go").touch()
    for thread in threads:
        thread.join()
    assert (start.cwd / "tries").read_text() == "x\n"
    assert len(messages) == 3
    assert len(set(messages)) == 1
    assert "why" in messages[0][0]
    # Who comes later tries again.
    with started(start):
        assert get(start) == 200


def test_a_supervisor_that_is_killed_holds_nobody_up(start):
    with started(start):
        os.kill(json.loads((start.folder / ".server/state.json").read_text())["pid"], signal.SIGKILL)
    with pytest.raises(TargetError, match="there already"), started(start):
        pass
    os.kill(int((start.cwd / "pid").read_text()), signal.SIGKILL)
    until(lambda: free(start))
    with started(start):
        assert get(start) == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": "reference"},
        {"ready": "/health"},
        {"ready": "http://127.0.0.1:x/"},
        {"target": "http://h:65536/"},
    ],
)
def test_addresses_where_no_server_can_be_are_wrong_usage(start, wrong):
    with pytest.raises(UsageError), started(replace(start, **wrong)):
        pass
    assert not start.folder.exists()


def test_a_folder_that_cannot_be_is_wrong_usage(start):
    start.folder.write_text("a file")
    with pytest.raises(UsageError, match="cannot be used"), started(start):
        pass


def test_a_name_that_means_nothing_is_no_server_yet(start):
    with (
        pytest.raises(ServerStartError, match="not ready"),
        started(replace(start, ready=f"http://{'a' * 64}.invalid/", timeout=0.1)),
    ):
        pass


def test_where_there_are_no_such_locks_start_is_refused_and_all_else_imports(start, monkeypatch):
    code = "import sys; sys.modules['fcntl'] = None; import infercheck.runners.started"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    monkeypatch.setattr(module, "fcntl", None)
    with pytest.raises(UsageError, match="POSIX"), started(start):
        pass
