"""`infercheck compare`: what it writes and where, and when its gate stays shut."""

from __future__ import annotations

import json

import pytest
from fakes import CONTRACT
from harness import invoke, served
from records import EVIL

from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.server import Api

ID = "input/prompt/top_k/maximum"


class AcceptsTopK51(Api):
    """Takes top_k up to 51."""

    def validate(self, body):
        if isinstance(body, dict) and body.get("top_k") == 51:
            body = {**body, "top_k": 50}
        super().validate(body)


class LabelsRefusals(Api):
    """Labels refusals as plain text, which a SHOULD forbids."""

    async def handle(self, request):
        response = await super().handle(request)
        if response.status_code >= 400:
            response.headers["content-type"] = "text/plain"
        return response


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of runs by name: two good ones, one that breaks a MUST, one a SHOULD, one that was cut off."""
    folder = tmp_path_factory.mktemp("runs")
    only = ("--only", "input/prompt/top_k", "--only", "error/media-type", "--quiet")

    def run(kind, *names, more=()):
        api = kind(ReferenceEngine(), input_schema=dict(CONTRACT.input))
        with served(api.app()) as url:
            for name in names:
                invoke("run", url, *only, *more, "--output", folder / name)

    run(Api, "good", "again")
    run(AcceptsTopK51, "broken")
    run(LabelsRefusals, "warned")
    run(Api, "cut", more=("--max-requests", "5"))
    expected = folder / "known.yaml"
    expected.write_text(f"expect:\n  - requirement: {ID}\n    reason: known\n")
    run(AcceptsTopK51, "known", more=("--expect", str(expected)))
    return folder


def verdicts(folder):
    report = json.loads((folder / "report.json").read_text("utf-8"))
    return {one["id"]: one["verdict"] for one in report["requirements"] if one["verdict"] != "pass"}


def test_the_runs_are_what_their_names_say(runs):
    assert verdicts(runs / "good") == {}
    assert verdicts(runs / "broken") == {ID: "fail"}
    assert verdicts(runs / "warned") == {"error/media-type": "warn"}
    assert verdicts(runs / "known") == {ID: "expected"}
    assert json.loads((runs / "cut" / "report.json").read_text("utf-8"))["complete"] is False


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
        ("good warned", ["--fail-on", "should"], 1, ["newly broken in run 2: SHOULD error/media-type"]),
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
    header, footer = json.loads(lines[0]), json.loads(lines[-1])
    header["target"]["address"] = footer["reason"] = EVIL
    header["options"]["only"] = [EVIL]
    lines = [json.dumps(header).encode(), *lines[1:-1], json.dumps(footer).encode(), b""]
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
        (["good", "known.yaml"], ["known.yaml", "line 1"]),
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
