"""The GitHub Action: its steps, run as the runner would run them, in a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from harness import served
from projects import TOP_K, Broken, Counting

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = ACTION["runs"]["steps"]
DEFAULTS = {name: one["default"] for name, one in ACTION["inputs"].items()}


@pytest.fixture
def runner(tmp_path):
    """A runner whose environment has infercheck installed, as the step before leaves it."""
    (tmp_path / "temp" / "infercheck" / "bin").mkdir(parents=True)
    (tmp_path / "temp" / "infercheck" / "bin" / "infercheck").symlink_to(Path(sys.executable).parent / "infercheck")
    (tmp_path / "work").mkdir()
    return tmp_path


def input_of(expression):
    return expression.removeprefix("${{ inputs.").removesuffix(" }}")


def run(runner, **inputs):
    (step,) = [step for step in STEPS if step.get("id") == "run"]
    values = DEFAULTS | {name.replace("_", "-"): value for name, value in inputs.items()}
    wanted = {
        name: values[word.removeprefix("${{ inputs.").removesuffix(" }}")] for name, word in step["env"].items()
    }
    files = {name: runner / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    result = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=runner / "work",
        env={
            **os.environ,
            **wanted,
            **{name: str(path) for name, path in files.items()},
            "RUNNER_TEMP": str(runner / "temp"),
            "GITHUB_WORKSPACE": str(runner / "work"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return result, *(path.read_text("utf-8") if path.exists() else "" for path in files.values())


def test_scripts_get_inputs_as_variables_alone():
    for step in STEPS:
        assert "${{" not in step.get("run", ""), "what a user writes there would be code"
        for word in step.get("env", {}).values():
            assert input_of(word) in DEFAULTS or word == "${{ steps.python.outputs.python-path }}"


@pytest.mark.slow
def test_a_broken_server_makes_a_red_job_that_says_what_to_mend(runner):
    with served(Broken().app()) as url:
        (runner / "work" / "infercheck.yaml").write_text(f"target: {url}\nonly: [input/prompt/top_k, envelope]\n")
        result, outputs, summary = run(runner, arguments="--seed\n7\n")
    assert result.returncode == 1, result.stderr
    assert outputs == "exit-status=1\n"
    (error,) = [line for line in result.stdout.splitlines() if line.startswith("::error ")]
    assert error.startswith(
        f"::error file=infercheck.yaml,title=infercheck%3A {TOP_K}::top_k is at most 50 (prompt)%0A"
    )
    assert [line for line in result.stdout.splitlines() if line.startswith("::warning ")]
    assert f"`{TOP_K}`" in summary
    assert "seed 7" in result.stdout
    left = {path.name for path in (runner / "work" / "infercheck-report").iterdir()}
    assert {"report.html", "junit.xml", "summary.md", "badge.svg", "journal.ndjson"} <= left


@pytest.mark.slow
def test_a_conforming_server_makes_a_green_one(runner):
    with served(Counting().app()) as url:
        result, outputs, summary = run(runner, target=url, arguments=f"--only\n{TOP_K}", output="there")
    assert (result.returncode, outputs) == (0, "exit-status=0\n")
    assert "::error" not in result.stdout
    assert "passed" in summary
    assert (runner / "work" / "there" / "report.html").exists()


def test_what_stops_a_run_is_an_annotation_too(runner):
    result, outputs, _ = run(runner, target="http://127.0.0.1:9/", arguments=f"--only\n{TOP_K}")
    assert (result.returncode, outputs) == (3, "exit-status=3\n")
    (error,) = [line for line in result.stdout.splitlines() if line.startswith("::error ")]
    assert "the target does not answer" in error


def outside(text):
    """The lines of a log that GitHub looks at for commands."""
    quoted = ""
    for line in text.splitlines():
        if not quoted and line.startswith("::stop-commands::"):
            quoted = line.removeprefix("::stop-commands::")
        elif line == f"::{quoted}::":
            quoted = ""
        elif not quoted:
            yield line


@pytest.mark.slow
def test_a_server_that_does_not_start_commands_nothing(runner):
    (runner / "work" / "infercheck.yaml").write_text(
        "target: http://127.0.0.1:9/\nstart: echo '  ::warning::pwn'; echo '##[add-mask]x'; exit 3\n"
    )
    result, outputs, _ = run(runner)
    assert outputs == "exit-status=3\n"
    assert "::warning::pwn" in result.stdout
    lines = [*outside(result.stdout), *result.stderr.splitlines()]
    assert [line for line in lines if line.startswith("::error title=infercheck::the server ended with status 3")]
    assert not [line for line in lines if line.lstrip().startswith("::warning") or line.startswith("##[")]


@pytest.mark.slow
def test_a_target_commands_nothing_in_the_log(runner):
    class Commanding(Counting):
        def success_response(self, *arguments, **more):
            response = super().success_response(*arguments, **more)
            response.body = b'"##[add-mask]x ::error::pwned\\n::set-output name=a::b"'
            response.headers["content-length"] = str(len(response.body))
            return response

    with served(Commanding().app()) as url:
        result, *_ = run(runner, target=url, arguments="--only\nenvelope")
    assert "##[add-mask]" in result.stdout
    for line in outside(result.stdout):
        # A line that is a command of ours is taken for no other.
        assert line.startswith(("::warning ", "::error ", "::notice ")) or "##[" not in line
