"""Runs that are killed and gone on with, runs that are judged again, and disks that take no more."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from fakes import CONTRACT
from harness import served
from mutants.conforming import DONE, Conforming, frame
from test_cli import invoke

from infercheck.record import read
from infercheck.runners.engine import Refusal

pytestmark = pytest.mark.slow


PROGRAM = [sys.executable, "-m", "infercheck", "run"]


class BreaksMuch(Conforming):
    """Takes top_k 51, minds two values together, falls over fractions, and ends its streams otherwise."""

    def answer(self, body):
        if isinstance(body, dict):
            if body.get("top_k") == 51:
                body = {**body, "top_k": 50}
            if body.get("top_k") == 1.5:
                raise Refusal(500, 1, "fell over")
            self.validate(body)
            if body.get("temperature") == 5 and body.get("top_p") == 0:
                raise Refusal(400, 5006, "AiError: too hot")
        return super().answer(body)

    def stream_events(self, events):
        yield from map(frame, events)
        yield DONE.replace(b"DONE", b"done")


@pytest.fixture(scope="module")
def url():
    with served(BreaksMuch().app()) as address:
        yield address


def findings(folder):
    """What a run says: every verdict, and what was expected where it is not a pass."""
    report = json.loads((folder / "report.json").read_text("utf-8"))
    return {
        one["id"]: (one["verdict"], sorted({(each["verdict"], each["expected"]) for each in one["findings"]}))
        for one in report["requirements"]
    }


@pytest.fixture(scope="module")
def uninterrupted(url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert invoke("run", url, "--output", folder).exit_code == 1
    return findings(folder)


def killed(command, journal, rng):
    """Start a run and kill it once it has written a little more; whether it was still running then."""
    before = journal.stat().st_size if journal.exists() else 0
    more = rng.randrange(1, 150_000)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            if journal.exists() and journal.stat().st_size > before + more:
                break
            time.sleep(0.001)
        running = process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return running


@pytest.mark.parametrize("seed", range(10))
def test_a_run_that_is_killed_again_and_again_finds_what_an_uninterrupted_one_finds(
    url, uninterrupted, tmp_path, seed
):
    rng = random.Random(seed)
    command = [*PROGRAM, url, "--output", str(tmp_path), "--resume"]
    journal = tmp_path / "journal.ndjson"
    kills = sum(killed(command, journal, rng) for _ in range(5))
    assert kills == 5  # ten times: fifty in all
    torn = not journal.read_bytes().endswith(b"\n")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, (done.stderr, torn)
    assert "Traceback" not in done.stderr
    assert findings(tmp_path) == uninterrupted
    record = read(journal)
    assert record.complete
    answered = Counter((one.request.digest, one.case, one.ordinal) for one in record.exchanges.values())
    # What depends on what was asked just before is asked anew where it was broken off; no first answer is.
    assert all(ordinal for (_, _, ordinal), count in answered.items() if count > 1)
    firsts = Counter(one.request.digest for one in record.exchanges.values() if not one.ordinal)
    assert set(firsts.values()) == {1}
    # What was under way when the run was killed has no answer, and nothing else.
    assert len(record.sent) - len(record.exchanges) <= 4 * kills


def cut(folder, target, size):
    """A journal that was cut off after so many bytes."""
    target.mkdir(exist_ok=True)
    data = (folder / "journal.ndjson").read_bytes()
    (target / "journal.ndjson").write_bytes(data[:size])
    return len(data)


@pytest.fixture(scope="module")
def quick(url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("quick")
    assert invoke("run", url, "--profile", "quick", "--output", folder).exit_code == 1
    return folder


@pytest.mark.parametrize("place", [0, 1, 10, 0.1, 0.5, 0.9, 0.999, -1, 1.0])
def test_a_journal_that_is_cut_off_anywhere_is_gone_on_with(url, quick, tmp_path, place):
    whole = cut(quick, tmp_path, 0)
    size = int(place * whole) if isinstance(place, float) else place % whole
    cut(quick, tmp_path, size)
    result = invoke("run", url, "--profile", "quick", "--output", tmp_path, "--resume")
    assert result.exit_code == 1, result.stderr
    assert findings(tmp_path) == findings(quick)
    assert read(tmp_path / "journal.ndjson").complete


def test_a_complete_run_is_not_sent_again(url, quick, tmp_path):
    shutil.copy(quick / "journal.ndjson", tmp_path)
    before = (tmp_path / "journal.ndjson").read_bytes()
    result = invoke("run", url, "--profile", "quick", "--output", tmp_path, "--resume")
    assert result.exit_code == 1
    assert (tmp_path / "journal.ndjson").read_bytes() == before
    assert findings(tmp_path) == findings(quick)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--profile", "standard", "--seed", "2"], "another plan"),
        (["--profile", "standard"], "another plan"),
        (["--profile", "quick", "--only", "http"], "another plan"),
        (["--profile", "quick", "--dialect", "worker"], "another dialect"),
    ],
)
def test_another_run_is_not_gone_on_with(url, quick, tmp_path, options, words):
    cut(quick, tmp_path, cut(quick, tmp_path, 0) // 2)
    result = invoke("run", url, *options, "--output", tmp_path, "--resume")
    assert result.exit_code == 2
    assert words in result.stderr
    assert "--resume" in result.stderr


def test_a_recorded_run_is_judged_again_without_a_network(quick, tmp_path):
    result = invoke("run", f"replay:{quick}", "--output", tmp_path)
    assert result.exit_code == 1
    assert findings(tmp_path) == findings(quick)
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report["target"]["address"] == f"replay:{quick}"
    curls = [each["curl"] for one in report["requirements"] for each in one["findings"] if each["curl"]]
    assert curls
    assert all("http://127.0.0.1:" in line for line in curls)


def test_what_was_not_recorded_is_undecided(quick, tmp_path):
    lines = (quick / "journal.ndjson").read_bytes().splitlines(keepends=True)
    few = tmp_path / "few.ndjson"
    few.write_bytes(b"".join(lines[: len(lines) // 2]))
    result = invoke("run", f"replay:{few}", "--output", tmp_path / "out")
    assert result.exit_code in (1, 4)
    assert "no answer to this request" in (tmp_path / "out" / "report.json").read_text("utf-8")


def test_a_recorded_run_is_not_written_over(quick):
    result = invoke("run", f"replay:{quick}", "--output", quick)
    assert result.exit_code == 2
    assert "another folder" in result.stderr


def test_replay_sends_a_case_again_and_shows_both_answers(quick):
    report = json.loads((quick / "report.json").read_text("utf-8"))
    bad = next(one for one in report["requirements"] if one["verdict"] == "fail")
    broken = invoke("replay", quick, bad["findings"][0]["case"])
    assert broken.exit_code == 1
    for words in ("recorded (request", "now", f"fail  {bad['id']}"):
        assert words in broken.stdout
    kept = invoke("replay", quick, "boundary/input/type/array")
    assert kept.exit_code == 0
    assert kept.stdout.count("nothing is broken") == 2
    assert invoke("replay", quick, "boundary/*").exit_code == 2
    assert invoke("replay", quick, "none").exit_code == 2


def test_a_full_disk_ends_in_a_clear_error(url, tmp_path):
    (tmp_path / "journal.ndjson").symlink_to("/dev/full")
    result = invoke("run", url, "--profile", "quick", "--output", tmp_path)
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    assert "No space left" in result.stderr
    assert "Make room" in result.stderr


def test_a_disk_that_fills_up_in_the_middle_of_a_run_ends_in_a_clear_error(url, tmp_path):
    limited = f"ulimit -f 200; exec {sys.executable} -m infercheck run {url} --output {tmp_path}"
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert "journal.ndjson: cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    # With room again it goes on.
    again = invoke("run", url, "--output", tmp_path, "--resume")
    assert again.exit_code == 1
    assert read(tmp_path / "journal.ndjson").complete


def test_a_journal_that_may_not_be_written_is_named(quick, tmp_path, url):
    if os.geteuid() == 0:
        target = tmp_path / "journal.ndjson"
        target.mkdir()  # root may write any file, but no folder
    else:
        shutil.copy(quick / "journal.ndjson", tmp_path)
        (tmp_path / "journal.ndjson").chmod(0o400)
    result = invoke("run", url, "--profile", "quick", "--output", tmp_path)
    assert result.exit_code == 2
    assert "journal.ndjson: cannot be written" in result.stderr


def test_ids_of_recorded_cases_are_those_of_the_plan(quick):
    record = read(quick / "journal.ndjson")
    assert record.header["contract"]["id"] == CONTRACT.id
    assert all(record.case(one.case)["case"] == one.case for one in record.exchanges.values())
