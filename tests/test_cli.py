"""The command line: what it prints, what it leaves, its exit status, and one clear line for every mistake."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from urllib.parse import quote

import pytest
from fakes import CONTRACT
from harness import invoke, served
from starlette.responses import Response

from infercheck.cli import cli
from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.server import Api

TOKEN = "t0ken-that-nobody-may-see"


class AcceptsTopK51(Api):
    """Takes top_k up to 51."""

    def validate(self, body):
        if isinstance(body, dict) and body.get("top_k") == 51:
            body = {**body, "top_k": 50}
        super().validate(body)


def api(kind=Api, **options):
    return kind(ReferenceEngine(), input_schema=dict(CONTRACT.input), **options)


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "out"
    with served(api(AcceptsTopK51, token=TOKEN).app()) as url:
        result = invoke("run", url, "--token-env", "MY_TOKEN", "--only", "input/prompt", "--output", folder,
                        MY_TOKEN=TOKEN)  # fmt: skip
        report = json.loads((folder / "report.json").read_text("utf-8"))
        (bad,) = [r for r in report["requirements"] if r["verdict"] == "fail"]
        curl = bad["findings"][0]["curl"]
        shown = subprocess.run(
            ["bash", "-c", curl], capture_output=True, text=True, env={**os.environ, "MY_TOKEN": TOKEN}, check=True
        )
    return result, folder, report, bad, shown.stdout


def test_a_broken_promise_is_shown_with_clause_and_curl_line(failed):
    result, _, report, bad, _ = failed
    assert result.exit_code == 1
    assert bad["id"] == "input/prompt/top_k/maximum"
    assert bad["clause"]["pointer"] == "/oneOf/0/properties/top_k/maximum"
    assert report["verdict"] == "fail"
    for words in ("FAIL", "input/prompt/top_k/maximum", '"maximum": 50', "expected", "observed", "curl "):
        assert words in result.stdout
    assert bad["findings"][0]["request_number"] < 60


def test_the_curl_line_runs_as_it_stands_and_shows_the_defect(failed):
    *_, shown = failed
    assert "200 OK" in shown
    assert '"response"' in shown


def test_the_token_stands_in_no_output(failed):
    result, folder, *_ = failed
    assert TOKEN not in result.stdout + result.stderr
    assert "$MY_TOKEN" in result.stdout
    for file in folder.rglob("*"):
        if file.is_file():
            assert TOKEN.encode() not in file.read_bytes(), file


def test_replay_does_not_take_from_a_journal_which_variable_to_send(failed):
    _, folder, _, bad, _ = failed
    result = invoke("replay", folder, bad["findings"][0]["case"], MY_TOKEN=TOKEN)
    assert result.exit_code == 2
    assert "--token-env MY_TOKEN" in result.stderr


def test_a_literal_secret_of_the_command_line_stands_in_no_output(tmp_path, monkeypatch):
    arguments = ["--header", "X-Api-Key=hunter22222", "--header=Cookie=a=hunter22222", "--profile", "quick"]
    with served(api().app()) as url:
        monkeypatch.setattr(sys, "argv", ["infercheck", "run", url, *arguments])
        result = invoke("run", url, *arguments, "--output", tmp_path)
    assert result.exit_code == 0
    assert "X-Api-Key=***" in (tmp_path / "journal.ndjson").read_text("utf-8")
    for file in tmp_path.rglob("*"):
        assert b"hunter22222" not in file.read_bytes(), file


def test_all_files_are_left_and_reports_can_be_made_again(failed, tmp_path):
    _, folder, report, *_ = failed
    assert {"journal.ndjson", "report.json", "report.html"} <= {file.name for file in folder.iterdir()}
    again = invoke("report", folder / "journal.ndjson", "--format", "json", "--output", tmp_path / "r.json")
    assert again.exit_code == 0
    assert json.loads((tmp_path / "r.json").read_text("utf-8")) == report
    assert invoke("report", folder, "--format", "html").stdout == (folder / "report.html").read_text("utf-8")
    text = invoke("report", folder).stdout
    assert "input/prompt/top_k/maximum" in text


def test_plain_lines_without_a_terminal(failed):
    result, *_ = failed
    assert "\x1b" not in result.stdout + result.stderr
    assert "requests planned" in result.stderr


@pytest.mark.slow
def test_a_long_body_of_a_finding_is_a_file_that_its_curl_line_reads(tmp_path):
    class Short(Api):
        """Counts bytes."""

        def validate(self, body):
            super().validate(body)
            if len(json.dumps(body, ensure_ascii=False).encode()) > 140_000:
                super().validate({})

    with served(api(Short).app()) as url:
        result = invoke("run", url, "--only", "input/prompt/prompt/maxLength", "--output", tmp_path)
    assert result.exit_code == 1
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    (bad,) = report["requirements"]
    words = shlex.split(bad["findings"][0]["curl"])
    file = tmp_path / words[-1].removeprefix("@")
    assert len(json.loads(file.read_bytes())["prompt"]) >= 131071


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["run", "nonsense"], 2, ["'nonsense' is no target", "reference, cloudflare"]),
        (["run", "ftp://x/"], 2, ["is no target"]),
        (["run", "http://user:pw@x/"], 2, ["password", "--token-env"]),
        (["run", "http://127.0.0.1:9/x"], 3, ["does not answer", "Is the server running"]),
        (["run", "http://[::1", "--quiet"], 2, ["no URL"]),
        (["run", "http://x/", "--token-env", "NO_SUCH_VARIABLE"], 2, ["NO_SUCH_VARIABLE is not set", "export"]),
        (["run", "http://x/", "--header", "x"], 2, ["--header is no header"]),
        (["run", "http://x/", "--header", "bad name=x"], 2, ["--header is no header"]),
        (["run", "http://127.0.0.1:99999/x"], 2, ["no port 99999"]),
        (["run", "http://x/", "--token-env", ""], 2, ["is not set"]),
        (["run", "http://x/", "--timeout", "nan"], 2, ["number of seconds"]),
        (["run", "http://x/", "--only", "http", "--exclude", "http"], 2, ["nothing is left to test"]),
        (["run", "http://x/", "--header", "x=$NO_SUCH_VARIABLE"], 2, ["NO_SUCH_VARIABLE is not set"]),
        (["run", "http://x/", "--rate", "fast"], 2, ["'fast' is no rate", "300/m"]),
        (["run", "http://x/", "--only", "input/promt"], 2, ["no requirement matches", "infercheck explain"]),
        (["explain", "efect/topk"], 2, ["Did you mean effect/top_k or "]),
        (["run", "http://x/", "--contract", "none"], 2, ["no such contract", "mistral-7b"]),
        (["run", "cloudflare"], 2, ["CLOUDFLARE_ACCOUNT_ID is not set"]),
        (["run", "--output", "/proc/none"], 2, ["cannot be written", "--output"]),
        (["run", "--profile", "none"], 2, ["quick"]),
        (["report", "/none/journal.ndjson"], 2, ["cannot be read"]),
        (["report", "/etc/hosts"], 2, ["line 1", "expected JSON"]),
        (["explain", "no/such/id"], 2, ["no requirement matches"]),
        (["plan", "--exclude", "none"], 2, ["no requirement matches"]),
        (["serve", "--host", "0.0.0.0"], 2, ["not loopback", "--token-env"]),
        (["serve", "--host", "0.0.0.0", "--no-token", "--token-env", "HOME"], 2, ["not loopback", "--token-env"]),
        (["serve", "engines:a:b"], 2, ["nothing that can be served", "engine:MODULE:OBJECT"]),
        (["serve", "--length", "5"], 2, ["'5' is no length"]),
        (["contracts", "--contract", "/none"], 2, ["no such contract"]),
    ],
)
def test_a_mistake_gets_one_clear_line_and_no_traceback(arguments, status, words, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLOUDFLARE_ACCOUNT_ID", raising=False)
    result = invoke(*arguments)
    assert result.exit_code == status
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.stderr


def test_reports_of_an_earlier_run_are_not_left_for_those_of_a_failed_one(tmp_path):
    (tmp_path / "report.json").write_text('{"verdict": "pass"}')
    assert invoke("run", "http://127.0.0.1:9/x", "--output", tmp_path).exit_code == 3
    assert not (tmp_path / "report.json").exists()


@pytest.mark.parametrize(("model", "said"), [("@cf/acme/nine", True), (quote(CONTRACT.model, safe=""), False)])
def test_an_address_of_another_model_is_noticed(model, said, tmp_path):
    url = f"http://127.0.0.1:9/client/v4/accounts/a/ai/run/{model}"
    done = invoke("run", url, "--only", "stream/done", "--output", tmp_path)
    assert ("of another model than the contract" in done.stderr) == said


def test_markup_in_an_address_or_a_folder_is_text(tmp_path):
    folder = tmp_path / "o[/red]"
    with served(api().app()) as url:
        result = invoke("run", f"{url}?x=[/red]", "--profile", "quick", "--output", folder)
    assert result.exit_code == 0
    assert "[/red]" in result.stdout


@pytest.mark.slow
def test_who_reads_only_the_beginning_changes_no_exit_status(tmp_path):
    with served(api().app()) as url:
        line = f"{sys.executable} -m infercheck run {url} --profile quick --output {tmp_path} | head -1"
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {line}"], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_header_that_the_target_needs_is_sent_masked_and_named_in_curl_lines(tmp_path):
    class WantsKey(AcceptsTopK51):
        """Asks for a key, and repeats it in its answers."""

        async def handle(self, request):
            if request.headers.get("x-key") != "Bearer sesame-123":
                return Response(b"", 401)
            response = await super().handle(request)
            response.headers["x-sesame-123"] = "sesame-123"
            return response

    arguments = [
        "--header",
        "X-Key=$MY_KEY",
        "--only",
        "input/prompt/top_k",
        "--only",
        "http",
        "--output",
        tmp_path,
    ]
    with served(api(WantsKey).app()) as url:
        result = invoke("run", url, *arguments, MY_KEY="Bearer sesame-123")
        report = json.loads((tmp_path / "report.json").read_text("utf-8"))
        bad = {r["id"]: r for r in report["requirements"] if r["verdict"] in ("fail", "warn")}
        shown = subprocess.run(
            ["bash", "-c", bad["input/prompt/top_k/maximum"]["findings"][0]["curl"]],
            capture_output=True, text=True, env={**os.environ, "MY_KEY": "Bearer sesame-123"}, check=True,
        )  # fmt: skip
    assert set(bad) == {"input/prompt/top_k/maximum", "http/token-echo"}
    assert result.exit_code == 1
    assert "200 OK" in shown.stdout
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"sesame-123" not in file.read_bytes(), file


def test_doctor_says_what_to_mend():
    with served(api(token=TOKEN).app()) as url:
        well = invoke("doctor", url, "--token-env", "MY_TOKEN", MY_TOKEN=TOKEN)
        unnamed = invoke("doctor", url)
        wrong = invoke("doctor", url.replace("/ai/run", "/ai/walk"))
    assert well.exit_code == 0
    assert well.stdout.count("ok ") == 3
    assert "a run makes sense" in well.stdout
    assert unnamed.exit_code == 3
    assert "--token-env" in unnamed.stdout
    assert wrong.exit_code == 3
    assert "exact URL" in wrong.stdout
    assert TOKEN not in well.stdout + unnamed.stdout + wrong.stdout


@pytest.mark.slow
def test_plan_sends_nothing_and_gives_vectors():
    text = invoke("plan", "--profile", "quick")
    assert text.exit_code == 0
    assert "output tokens at most by price" in text.stdout
    lines = invoke("plan", "--only", "input/prompt/top_k", "--format", "ndjson").stdout.splitlines()
    vectors = [vector for vector in map(json.loads, lines) if "case" in vector]
    assert any(v["case"].endswith("maximum/51") and json.loads(v["body"])["top_k"] == 51 for v in vectors)
    assert {v["expect"] for v in vectors} >= {"valid", "invalid"}


@pytest.mark.slow
@pytest.mark.parametrize("option", [["--max-requests", "30"], ["--max-tokens", "50"]])
def test_a_budget_that_cuts_the_plan_makes_the_run_incomplete(option, tmp_path):
    with served(api().app()) as url:
        result = invoke("run", url, *option, "--output", tmp_path)
    assert result.exit_code == 4
    assert "left out for want of budget" in result.stdout
    assert "cases are left out" in invoke("plan", *option).stdout


@pytest.mark.slow
def test_explain_lists_and_explains():
    every = invoke("explain").stdout.splitlines()
    assert len(every) == len(CONTRACT.requirements)
    one = invoke("explain", "input/prompt/top_k/maximum").stdout
    for words in ("MUST", "/oneOf/0/properties/top_k/maximum", '"maximum": 50', '"top_k":51', "greater than"):
        assert words in one
    malformed = invoke("explain", "http/malformed-json").stdout
    for words in (
        "SHOULD",
        "RFC 8259, section 2",
        "wire/empty",
        "(no body)",
        "the body is empty",
        "wire/truncated",
    ):
        assert words in malformed
    assert "tested by 1 request of" in invoke("explain", "http/get").stdout
    assert "stream/done" in invoke("explain", "stream").stdout
    assert "every exchange" in invoke("explain", "stream/done").stdout


@pytest.mark.slow
def test_doctor_tells_the_dialect():
    class Bare(Api):
        """Answers as a Worker does."""

        def success_response(self, answer):
            return Response(json.dumps(answer), media_type="application/json")

    with served(api(Bare).app()) as url:
        rest = invoke("doctor", url)
        auto = invoke("doctor", url, "--dialect", "auto")
        worker = invoke("doctor", url, "--dialect", "worker")
    assert rest.exit_code == 3
    assert "give --dialect worker" in rest.stdout
    assert auto.exit_code == worker.exit_code == 0
    assert "dialect worker: a bare answer" in auto.stdout


def test_a_report_says_which_dialect_was_seen(tmp_path):
    with served(api().app()) as url:
        result = invoke("run", url, "--dialect", "auto", "--only", "http/get", "--output", tmp_path)
    assert "(rest, by auto: an envelope with result or success)" in result.stdout
    target = json.loads((tmp_path / "report.json").read_text("utf-8"))["target"]
    assert (target["dialect"], target["saw"]) == ("rest", "an envelope with result or success")
    assert "by auto: an envelope" in (tmp_path / "report.html").read_text("utf-8")


def test_contracts_are_listed():
    assert "mistral-7b-instruct-v0.2-lora" in invoke("contracts").stdout


def test_help_helps_everywhere():
    assert invoke("--help").exit_code == 0
    for name in cli.commands:
        result = invoke(name, "--help")
        assert result.exit_code == 0
        assert "Usage" in result.stdout


@pytest.mark.slow
def test_ctrl_c_ends_a_run_in_order_and_its_report_says_so(tmp_path):
    slow = [sys.executable, "-m", "infercheck", "run", "reference", "--rate", "20/s", "--output", str(tmp_path)]
    process = subprocess.Popen(slow, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    journal = tmp_path / "journal.ndjson"
    while not (journal.exists() and journal.read_bytes().count(b'"type":"exchange"') > 5):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 4
    assert "INCOMPLETE: interrupted" in out
    assert "Traceback" not in out + err
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert not report["complete"]
    assert report["verdict"] == "incomplete"
    assert json.loads(journal.read_bytes().splitlines()[-1])["type"] == "footer"
