"""Servers that die, hang or hang up: what they died of is named, that and nothing else, and the run ends."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from harness import RELATED

from hostile.running import run
from hostile.servers import PATH, Raw, reset, served
from infercheck.findings import Verdict

pytestmark = pytest.mark.slow  # real sockets, real patience

LIVENESS = "robust/liveness"
SEEDS = {"input/prompt/seed/maximum", "input/messages/seed/maximum"}
EMPTY = "boundary/input/prompt/prompt/minLength"
HASTE = ("--restart-wait", "0.4")
PATIENT = ("--restart-wait", "5")

DEADLY = [
    ("nan", ("wire/nan",), set(), {"http/non-finite"}),
    ("empty-prompt", (f"{EMPTY}/0-characters",), set(), {"input/prompt/prompt/minLength"}),
    ("no-tokens", ("open/max_tokens/zero", "open/messages/max_tokens/zero"), set(),
     {"open/max_tokens/zero", "open/messages/max_tokens/zero"}),
    ("wide-seed", None, SEEDS, {"effect/seed/distinct"}),
    ("depth", ("wire/unclosed", "wire/deep-"), set(),
     {"http/malformed-json", "http/deep-nesting"}),
]  # fmt: skip
"""What kills, the cases that show it (how their ids begin), what is broken besides, and what stays undecided."""

BOTH = [(*row, 4) for row in DEADLY] + [(*row, 1) for row in DEADLY[::3]]
NAMES = [f"{row[0]}, {row[-1]} at once" for row in BOTH]


@contextlib.contextmanager
def mortal(kills, back):
    """The URL of a server that dies and is, or is not, started again; in a process group of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    process = subprocess.Popen(
        [sys.executable, "-m", "hostile.mortal", kills, str(back)],
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    try:
        port = int(process.stdout.readline())
        yield f"http://127.0.0.1:{port}{PATH}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize(("kills", "cases", "also", "undecided", "concurrency"), BOTH, ids=NAMES)
def test_what_a_server_dies_of_before_it_is_restarted_is_named(
    kills, cases, also, undecided, concurrency, tmp_path
):
    with mortal(kills, 0.1) as url:
        done = run(url, tmp_path, *PATIENT, "--concurrency", concurrency, seconds=60)
    # Each death costs requests to come back from: of several causes the last may be left open for want of them.
    assert LIVENESS in done.broken, done.told()
    assert done.broken | (also & done.undecided) == {LIVENESS} | also, done.told()
    assert not also or also & done.broken
    assert done.status == 1
    assert done.results.record.complete
    named(done, cases)
    # What is compared just while the server is away stays undecided, too.
    left = done.undecided - RELATED - undecided - {"input/combinations", "http/answer"}
    if also:
        # What stood beside the cause may be left open for want of requests, too.
        left = {id_ for id_ in left if not id_.startswith("input/")}
    assert not left
    assert not undecided & done.ids(Verdict.PASS)


@pytest.mark.parametrize(("kills", "cases", "also", "undecided", "concurrency"), BOTH, ids=NAMES)
def test_what_a_server_dies_of_for_good_is_named(kills, cases, also, undecided, concurrency, tmp_path):
    with mortal(kills, "never") as url:
        done = run(url, tmp_path, *HASTE, "--concurrency", concurrency, seconds=60)
    assert done.broken == {LIVENESS}, done.told()
    assert done.status == 1
    assert not done.results.record.complete
    finding = done.finding(LIVENESS)
    under_way = [done.results.record.exchanges[number] for number in finding.exchanges]
    assert 1 <= len({exchange.case for exchange in under_way}) <= concurrency
    assert any(
        exchange.case.startswith(cases) if cases else b'"seed":9999999999' in exchange.request.body
        for exchange in under_way
    ), finding


@pytest.mark.parametrize(("kills", "cases", "also", "undecided"), DEADLY[::3], ids=[row[0] for row in DEADLY[::3]])
def test_what_a_worker_dies_of_behind_a_socket_that_is_held_gets_no_answer(kills, cases, also, undecided, tmp_path):
    with mortal(kills, "held") as url:
        done = run(url, tmp_path, *PATIENT, seconds=60)
    found = done.broken | (also & done.undecided)
    assert found in ({LIVENESS} | also, {"http/answer"} | also), done.told()
    assert not also or also & done.broken
    assert done.status == 1
    assert done.results.record.complete


def named(done, cases):
    """Every finding names the case, or shows the value alone, and nothing innocent."""
    (result,) = (one for one in done.results.results if one.requirement.id == LIVENESS)
    for finding in done.results.record.findings:
        if finding.requirement != LIVENESS or finding.verdict is not Verdict.FAIL:
            continue
        shown = done.results.record.exchanges[finding.exchanges[-1]].request.body
        assert finding.case.startswith(cases) if cases else b'"seed":9999999999' in shown, finding
        # What was under way when it was found shows it in a whole request once more.
        left_open = done.ids(Verdict.INCONCLUSIVE) & {"input/messages/seed/maximum"}
        assert cases or len(finding.exchanges) == 1 or len(shown) < 200 or left_open, shown
    assert result.groups[0].finding.confirmed
    assert cases or len(result.groups[0].finding.exchanges) > 1


@pytest.mark.parametrize("concurrency", [4, 1])
def test_a_death_that_never_comes_again_is_nobodys(concurrency, tmp_path):
    with mortal("once", 0.5) as url:
        done = run(url, tmp_path, *PATIENT, "--concurrency", concurrency, seconds=60)
    assert done.broken == set(), done.told()
    assert done.status == 0, done.told()
    assert done.undecided == set()
    assert "http/answer" in done.noted


@pytest.mark.parametrize("concurrency", [4, 1])
def test_a_death_of_age_names_what_was_under_way_and_no_more(concurrency, tmp_path):
    with mortal("the-100th", "never") as url:
        done = run(url, tmp_path, *HASTE, "--concurrency", concurrency, seconds=60)
    assert done.broken == {LIVENESS}, done.told()
    assert done.status == 1
    assert not done.results.record.complete
    assert 1 <= len(done.finding(LIVENESS).exchanges) <= concurrency
    assert "INCOMPLETE" in done.stdout


def test_a_server_that_closes_its_listener_and_its_connections_is_gone(tmp_path):
    class ClosesUp(Raw):
        """Closes everything at its 50th request, and is still there as a process."""

        def answer(self, line, asked):
            if asked.number == 50:
                self.die()
                return False
            return super().answer(line, asked)

    with served(ClosesUp()) as server:
        done = run(server.url, tmp_path, *HASTE, seconds=60)
    assert done.broken == {LIVENESS}, done.told()
    assert done.status == 1
    assert not done.results.record.complete


class HangsOnNaN(Raw):
    """Never answers a temperature that is no number, and goes on with all else."""

    def answer(self, line, asked):
        return self.wait() if b":NaN" in asked.body else super().answer(line, asked)


class HangsWhollyAfterNaN(Raw):
    """Answers nothing any more once it has seen a temperature that is no number."""

    hangs = False

    def answer(self, line, asked):
        self.hangs = self.hangs or b":NaN" in asked.body
        return self.wait() if self.hangs else super().answer(line, asked)


class HangsWhollyAtItsPort(HangsWhollyAfterNaN):
    """Hangs wholly, and so lets nobody in any more."""

    def greets(self, line, number):
        return self.wait() if self.hangs else True


@pytest.mark.parametrize("concurrency", [4, 1])
def test_a_request_that_hangs_where_others_are_answered_is_named(concurrency, tmp_path):
    with served(HangsOnNaN()) as server:
        done = run(server.url, tmp_path, *HASTE, "--timeout", "10", "--concurrency", concurrency, seconds=150)
    assert "http/non-finite" in done.undecided
    if not done.is_quick(10):
        assert done.broken <= {"http/answer"}, done.told()
        return
    assert done.broken == {"http/answer"}, done.told()
    assert done.finding("http/answer").case == "wire/nan"
    assert done.status == 1
    assert LIVENESS in done.ids(Verdict.PASS)


class TakesItsTimeAndHangs(HangsWhollyAfterNaN):
    """Takes its time, and then for ever."""

    def answer(self, line, asked):
        self.wait(0.03)
        return super().answer(line, asked)


@pytest.mark.parametrize(("kind", "concurrency"), [(HangsWhollyAfterNaN, 4), (HangsWhollyAtItsPort, 1)])
def test_a_quick_server_that_hangs_wholly_is_as_good_as_dead(kind, concurrency, tmp_path):
    with served(kind()) as server:
        done = run(server.url, tmp_path, *HASTE, "--timeout", "8", "--concurrency", concurrency, seconds=150)
    assert not done.results.record.complete
    if not done.is_quick(8):
        assert done.status in (1, 4), done.told()
        assert done.broken <= {LIVENESS}, done.told()
        return
    assert done.broken == {LIVENESS}, done.told()
    assert "wire/nan" in done.finding(LIVENESS).observed
    assert len(done.finding(LIVENESS).exchanges) <= concurrency
    assert done.status == 1


def test_a_slow_server_that_hangs_wholly_is_not_called_dead_and_the_run_ends(tmp_path):
    with served(TakesItsTimeAndHangs()) as server:
        done = run(server.url, tmp_path, *HASTE, "--timeout", "0.5", seconds=60)
    assert done.broken == set(), done.told()
    assert LIVENESS in done.undecided
    assert done.status == 4
    assert not done.results.record.complete
    assert "wire/nan" in done.stdout


class DropsAtRandom(Raw):
    """Drops one connection in twenty, and uses each for one request alone."""

    resets = False

    def __init__(self, seed):
        super().__init__()
        self.random = random.Random(seed)

    def answer(self, line, asked):
        if self.random.random() < 1 / 20:
            if self.resets:
                reset(line)
            return False
        super().answer(line, asked)
        return False


class ResetsAtRandom(DropsAtRandom):
    """Resets one connection in twenty."""

    resets = True


class DropsKeptConnectionsAtRandom(DropsAtRandom):
    """Drops one request in twenty, and keeps connections otherwise."""

    def answer(self, line, asked):
        if self.random.random() < 1 / 20:
            return False
        return Raw.answer(self, line, asked)


class BreaksOffAtRandom(DropsAtRandom):
    """Breaks off one answer in twenty in the middle of its body."""

    def answer(self, line, asked):
        data = self.usual(asked).encoded()
        if self.random.random() < 1 / 20:
            line.sendall(data[: len(data) - 40])
            return False
        line.sendall(data)
        return True


@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        (DropsAtRandom, 1),
        (DropsAtRandom, 2),
        (DropsAtRandom, 3),
        (ResetsAtRandom, 4),
        (DropsKeptConnectionsAtRandom, 5),
        (BreaksOffAtRandom, 1),
    ],
)
def test_connections_that_are_lost_at_random_blame_nobody(kind, seed, tmp_path):
    with served(kind(seed)) as server:
        done = run(server.url, tmp_path, *PATIENT, seconds=60)
    assert done.broken == set(), done.told()
    # All that is lost is asked for again, as long as there is a budget for it.
    assert done.status == 0 or all("spent" in reason for reason in done.reasons), done.told()
    told = done.noted | done.undecided  # where no budget was left to look into all of it
    assert "http/answer" in told or kind is DropsKeptConnectionsAtRandom


class DropsEveryThird(Raw):
    """Closes every third connection without an answer, and keeps none open."""

    def __init__(self):
        super().__init__()
        self.count = itertools.count(1)

    def answer(self, line, asked):
        if next(self.count) % 3:
            super().answer(line, asked)
        return False


def test_a_server_that_loses_every_third_answer_is_not_excused_by_the_network(tmp_path):
    with served(DropsEveryThird()) as server:
        done = run(server.url, tmp_path, *PATIENT, seconds=60)
    assert done.broken == {"http/answer"}, done.told()
    assert "requests were not answered to the end at first" in done.finding("http/answer").observed
    assert done.status == 1
