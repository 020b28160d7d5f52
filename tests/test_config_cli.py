"""The config file, expectations and baselines by the command line."""

from __future__ import annotations

import json
import re

import pytest
from harness import invoke
from projects import TOP_K

from infercheck.cli import cli
from infercheck.job import Job

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text, name="infercheck.yaml"):
    with open(name, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)


def report(folder="out"):
    with open(f"{folder}/report.json", encoding="utf-8") as file:  # noqa: PTH123
        return json.load(file)


def test_the_file_of_the_folder_is_used_and_said_to_be(sound, project):
    write(f"target: {sound.url}\nonly: {TOP_K}\nseed: 7\noutput: here\n")
    result = invoke("run")
    assert result.exit_code == 0
    assert result.stderr.startswith("using infercheck.yaml\n")
    assert report("here")["seed"] == 7
    assert [one["id"] for one in report("here")["requirements"]] == [TOP_K]
    assert not (project / "out").exists()


def test_an_option_goes_before_the_file_and_a_default_does_not(sound):
    write(f"target: {sound.url}\nonly: {TOP_K}\nseed: 7\nconcurrency: 2\n")
    assert invoke("run", "--seed", "1").exit_code == 0
    assert report()["seed"] == 1
    assert [one["id"] for one in report()["requirements"]] == [TOP_K]


def test_another_file_and_none(sound, project):
    write("target: http://127.0.0.1:9/\n")
    (project / "ci").mkdir()
    write(f"target: {sound.url}\nonly: {TOP_K}\noutput: there\n", "ci/other.yaml")
    assert invoke("run", "--config", "ci/other.yaml").exit_code == 0
    assert (project / "ci" / "there" / "report.json").exists(), "paths start from the folder of the file"
    assert invoke("run", sound.url, "--no-config", "--only", TOP_K).stderr.startswith("5 requests planned")


def test_a_wrong_key_is_named_with_its_line_and_nothing_is_sent(sound):
    sound.sent.clear()
    write(f"target: {sound.url}\n\nprofil: quick\n")
    result = invoke("run")
    assert result.exit_code == 2
    assert "infercheck.yaml:3: there is no key `profil`; did you mean `profile`?" in result.stderr
    assert not sound.sent


def test_another_target_leaves_out_the_server_of_the_file_and_another_kind_all_of_its_target(sound):
    write("target: http://127.0.0.1:9/\nstart: 'false'\ndeclare: no-tools\nonly: input/messages/tools/type\n")
    result = invoke("run", sound.url)
    assert "using infercheck.yaml, but for its start" in result.stderr
    assert report()["declared"] == ["no-tools"]
    result = invoke("run", "reference")
    assert "using infercheck.yaml, but for its declare, start" in result.stderr
    assert report()["declared"] == []


def test_an_empty_option_takes_back_what_the_file_starts(sound):
    write(f"target: {sound.url}\nstart: 'false'\nonly: {TOP_K}\n")
    assert invoke("run").exit_code == 3
    result = invoke("run", "--start", "")
    assert result.exit_code == 0
    assert "starting the server" not in result.stderr


def test_the_token_of_the_file_is_a_variable_and_its_headers_are_sent(project):
    write("target: http://127.0.0.1:9/\ntoken_env: NOT_SET_ANYWHERE\n")
    result = invoke("run")
    assert result.exit_code == 2
    assert "the variable NOT_SET_ANYWHERE is not set" in result.stderr
    write("target: http://127.0.0.1:9/\nheaders:\n  X-Key: $NOT_SET_ANYWHERE\n")
    assert "the variable NOT_SET_ANYWHERE is not set" in invoke("run").stderr


def test_plan_and_doctor_read_the_file_too(sound):
    write(f"target: {sound.url}\nonly: {TOP_K}\n")
    assert "5 requests: " in invoke("plan").stdout
    assert f"target {sound.url}" in invoke("doctor").stdout


def test_init_writes_a_file_that_works_and_overwrites_none(sound, project):
    assert invoke("init").exit_code == 0
    text = (project / "infercheck.yaml").read_text("utf-8")
    assert invoke("plan").exit_code == 0
    (project / "infercheck.yaml").write_text(re.sub(r"^target: .*", f"target: {sound.url}", text, flags=re.M))
    assert invoke("run", "--profile", "quick").exit_code == 0
    again = invoke("init")
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert invoke("init", "--force").exit_code == 0
    assert (project / "infercheck.yaml").read_text("utf-8") == text


def test_a_warm_up_is_sent_and_stands_nowhere(sound):
    write(f"target: {sound.url}\nonly: {TOP_K}\nwarm_up: true\nconcurrency: 1\n")
    sound.sent.clear()
    result = invoke("run")
    assert re.search(r"warm-up: status 200 after \d+\.\d s", result.stderr)
    assert sound.sent.total() == report()["requests"] + 1


def test_every_default_that_help_shows_is_the_one_of_a_job():
    shown = {
        parameter.name: parameter.default
        for name in ("run", "doctor", "plan")
        for parameter in cli.commands[name].params
        if getattr(parameter, "show_default", None) and isinstance(parameter.default, int | float | str)
    }
    shown.pop("output")
    shown.pop("form")
    assert {"seed", "concurrency", "timeout", "restart_wait", "profile"} <= set(shown)
    assert shown == {name: getattr(Job(), name) for name in shown}


# Expectations


def test_expectations_are_written_and_then_hold(broken):
    write(f"target: {broken.url}\nonly: [input/prompt/top_k, envelope]\nfail_on: should\n")
    first = invoke("run", "--write-expectations", "known.yaml")
    assert first.exit_code == 1
    second = invoke("run", "--expect", "known.yaml")
    assert second.exit_code == 0
    assert "2 requirements broken as expected" in second.stdout
    totals = report()["totals"]
    assert (totals["expected"], totals["fail"], totals["warn"]) == (2, 0, 0)
    (bad,) = [one for one in report()["requirements"] if one["id"] == TOP_K]
    assert (bad["verdict"], bad["findings"][0]["verdict"]) == ("expected", "expected")
    # Not over a file that somebody wrote, but into the one that is in use.
    assert invoke("run", "--write-expectations", "known.yaml").exit_code == 2
    assert invoke("run", "--expect", "known.yaml", "--write-expectations", "known.yaml").exit_code == 0
    assert invoke("run", "--expect", "known.yaml").exit_code == 0


def test_what_is_out_of_date_fails_and_is_listed(sound):
    write(f"expect:\n- requirement: {TOP_K}\n  reason: we take more\n", "known.yaml")
    write(f"target: {sound.url}\nonly: {TOP_K}\nexpect: known.yaml\n")
    result = invoke("run")
    assert result.exit_code == 1
    assert f"stale        {TOP_K}: what it expects to be broken is kept (known.yaml:2)" in result.stdout
    assert report()["stale"] == [
        {"expectation": TOP_K, "why": "what it expects to be broken is kept", "place": "known.yaml:2"}
    ]
    with open("out/report.html", encoding="utf-8") as file:  # noqa: PTH123
        assert "Expectations out of date" in file.read()


def test_a_baseline_fails_only_on_what_is_new(sound, broken):
    options = ("--only", "input/prompt/top_k", "--only", "envelope")
    assert invoke("run", broken.url, *options, "--output", "before").exit_code == 1
    assert invoke("run", broken.url, *options, "--baseline", "before").exit_code == 0
    assert invoke("run", sound.url, *options, "--output", "sound").exit_code == 0
    assert invoke("run", broken.url, *options, "--baseline", "sound/journal.ndjson").exit_code == 1
    assert invoke("run", sound.url, *options, "--baseline", "before").exit_code == 0


def test_a_baseline_is_not_written_over(sound):
    assert invoke("run", sound.url, "--only", TOP_K).exit_code == 0
    result = invoke("run", sound.url, "--only", TOP_K, "--baseline", "out")
    assert result.exit_code == 2
    assert "is the run to be compared with" in result.stderr


def test_a_file_without_a_target_is_not_about_the_built_in_server():
    write("profile: quick\nstart: 'false'\n")
    for command in ("run", "doctor"):
        result = invoke(command)
        assert result.exit_code == 2
        assert "no target is named" in result.stderr
    assert invoke("plan").exit_code == 0
    write("target: reference\nonly: input/prompt/seed/type\n")
    assert invoke("run").exit_code == 0


def test_in_ci_nobody_means_the_built_in_server_without_saying_so():
    result = invoke("run", "--github")
    assert result.exit_code == 2
    assert result.stdout.startswith("::error title=infercheck::no target is named")
    assert invoke("run", "reference", "--github", "--only", "input/prompt/seed/type").exit_code == 0


def test_a_token_in_another_option_stands_in_no_output(project, sound, monkeypatch):
    token = "t0ken-that-nobody-may-see"
    words = ["run", sound.url, "--token-env", "THE_TOKEN", "--only", TOP_K, "--exclude", f"input/{token}*"]
    monkeypatch.setattr("sys.argv", ["infercheck", *words])
    invoke(*words[:-2], THE_TOKEN=token)
    header = json.loads((project / "out" / "journal.ndjson").read_text("utf-8").splitlines()[0])
    assert header["command"][-2:] == ["--exclude", f"input/{'*' * len(token)}*"]
    for file in (project / "out").iterdir():
        if file.is_file():
            assert token.encode() not in file.read_bytes(), file


def test_a_recorded_run_is_judged_by_expectations_without_a_request(broken):
    assert invoke("run", broken.url, "--only", TOP_K).exit_code == 1
    broken.sent.clear()
    write(f"expect:\n- requirement: {TOP_K}\n  reason: we take more\n", "known.yaml")
    assert invoke("run", "replay:out", "--output", "again", "--expect", "known.yaml").exit_code == 0
    assert invoke("run", broken.url, "--only", TOP_K, "--resume", "--expect", "known.yaml").exit_code == 0
    assert not broken.sent
