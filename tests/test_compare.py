"""`infercheck compare`: what it writes and where, and when its gate stays shut."""

from __future__ import annotations

import asyncio
import json

import pytest
from fakes import CONTRACT, NOT_JSON, WORDS, Target, success
from harness import invoke, plan_of
from records import EVIL

from infercheck.conduct import Settings, conduct
from infercheck.dialect import Dialect
from infercheck.expectations import Expected
from infercheck.plan import Options
from infercheck.record import read
from infercheck.results import results_of

ID = "input/prompt/top_k/maximum"
SHOULD = "http/malformed-json"


def accepts_top_k_51(body, usual):
    return success(WORDS) if isinstance(body, dict) and body.get("top_k") == 51 else None


def accepts_what_is_no_json(body, usual):
    return success(WORDS) if body is NOT_JSON else None


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of runs by name: two good ones, one that breaks a MUST, one a SHOULD, one that was cut off, and one
    whose broken MUST is expected."""
    folder = tmp_path_factory.mktemp("runs")
    options = Options(only=(ID, SHOULD))

    def run(name, changes=lambda body, usual: None, expected=(), options=options):
        settings = Settings(address="fake", url="http://fake/", dialect=Dialect.REST, expected=expected)
        journal = folder / name / "journal.ndjson"
        asyncio.run(
            conduct(CONTRACT, plan_of(CONTRACT, options), options, Target(changes=changes), journal, settings)
        )
        return journal

    run("good")
    run("again")
    run("broken", accepts_top_k_51)
    run("warned", accepts_what_is_no_json)
    run("narrow", options=Options(only=(SHOULD,)))
    run("known", accepts_top_k_51, (Expected(requirement=ID, reason="known"),))
    cut = run("cut")
    cut.write_bytes(b"\n".join(cut.read_bytes().splitlines()[:-1]) + b"\n")
    (folder / "notes.txt").write_text("no journal")
    return folder


def verdicts(folder):
    results = results_of(read(folder / "journal.ndjson"))
    return {one.requirement.id: str(one.verdict) for one in results.results if one.verdict != "pass"}


def test_the_runs_are_what_their_names_say(runs):
    assert verdicts(runs / "good") == verdicts(runs / "again") == {}
    assert verdicts(runs / "broken") == {ID: "fail"}
    assert verdicts(runs / "warned") == {SHOULD: "warn"}
    assert verdicts(runs / "known") == {ID: "expected"}
    assert not read(runs / "cut" / "journal.ndjson").complete


@pytest.mark.parametrize(
    ("names", "options", "status", "words"),
    [
        ("good again", [], 0, ["nothing is worse"]),
        ("good broken", [], 1, [f"newly broken in run 2: MUST {ID}"]),
        ("good again broken", [], 1, [f"newly broken in run 3: MUST {ID}"]),
        ("broken good", [], 0, ["nothing is worse"]),
        ("broken broken", [], 0, ["nothing is worse"]),
        ("good known", [], 0, ["nothing is worse"]),
        ("known broken", [], 1, [f"newly broken in run 2: MUST {ID}"]),
        ("good warned", [], 0, ["nothing is worse"]),
        ("good warned", ["--fail-on", "must"], 0, ["nothing is worse"]),
        ("good warned", ["--fail-on", "should"], 1, [f"newly broken in run 2: SHOULD {SHOULD}"]),
        ("good cut", [], 1, ["run 2 is incomplete, the first was not", "limits what can be compared: incomplete"]),
        ("cut good", [], 0, ["nothing is worse", "limits what can be compared: incomplete"]),
    ],
)
def test_the_gate_stays_shut_where_something_is_worse(runs, names, options, status, words):
    folders = [runs / name for name in names.split()]
    result = invoke("compare", *folders, "--gate", *options)
    assert result.exit_code == status
    for word in words:
        assert word in result.stderr
    assert invoke("compare", *folders).exit_code == 0


def test_the_gate_says_what_it_does_not_count(runs):
    result = invoke("compare", runs / "cut", runs / "good", "--gate")
    assert "not counted" not in result.stderr
    result = invoke("compare", runs / "narrow", runs / "broken", "--gate")
    assert result.exit_code == 0
    assert f"not counted: 1 requirement broken in a later run, not decided in the first: {ID}" in result.stderr


def test_the_terminal_shows_what_broke_with_the_curl_line(runs):
    result = invoke("compare", runs / "good", runs / "broken" / "journal.ndjson")
    assert "1 newly broken" in result.stdout
    for words in (ID, "expected  a refusal (4xx) of top_k: 51", "observed  200", "try       curl -sS -i -X POST"):
        assert words in result.stdout
    assert result.stderr == ""
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    ("form", "begins"), [("text", "\n1 newly"), ("html", "<!doctype html>"), ("markdown", "## ❌"), ("json", "{")]
)
def test_every_form_goes_to_the_terminal_or_to_a_file(runs, tmp_path, form, begins):
    folders = (runs / "good", runs / "broken")
    shown = invoke("compare", *folders, "--format", form)
    kept = invoke("compare", *folders, "--format", form, "--output", tmp_path / "it", "--gate")
    assert (shown.exit_code, kept.exit_code) == (0, 1)
    assert kept.stdout == ""
    text = (tmp_path / "it").read_text("utf-8")
    assert text.startswith(begins)
    assert form == "text" or text == shown.stdout
    assert ID in text


def test_what_a_journal_says_is_obeyed_nowhere(runs, tmp_path):
    lines = (runs / "cut" / "journal.ndjson").read_bytes().splitlines()
    header = json.loads(lines[0])
    header["target"]["address"] = EVIL
    header["options"]["only"] = [EVIL]
    footer = json.loads((runs / "good" / "journal.ndjson").read_bytes().splitlines()[-1])
    footer |= {"complete": False, "reason": EVIL}
    lines = [json.dumps(header).encode(), *lines[1:], json.dumps(footer).encode(), b""]
    (tmp_path / "evil.ndjson").write_bytes(b"\n".join(lines))
    assert "\\x1b[31m" in invoke("compare", runs / "good", tmp_path / "evil.ndjson", "--gate").stderr
    for pair in ((runs / "good", tmp_path / "evil.ndjson"), (tmp_path / "evil.ndjson", runs / "good")):
        result = invoke("compare", *pair, "--gate")
        said = result.stdout + result.stderr
        assert all(character.isprintable() or character == "\n" for character in said)
        assert "<script>" not in invoke("compare", *pair, "--format", "html").stdout
        assert json.loads(invoke("compare", *pair, "--format", "json").stdout)["runs"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["is compared with another"]),
        (["good"], ["is compared with another", "Name two journals"]),
        (["good", "nowhere"], ["nowhere", "cannot be read"]),
        (["good", "notes.txt"], ["notes.txt", "line 1"]),
        (["good", "again", "--fail-on", "should"], ["--fail-on", "Give --gate too"]),
        (["good", "again", "--output", "no/such/folder"], ["cannot be written"]),
        (["good", "again", "--format", "junit"], ["junit"]),
    ],
)
def test_a_mistake_gets_one_clear_line(runs, monkeypatch, arguments, words):
    monkeypatch.chdir(runs)
    result = invoke("compare", *arguments)
    assert result.exit_code == 2
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.stderr
