"""What the README shows can be used as it stands."""

from __future__ import annotations

import contextlib
import re
import shlex
from pathlib import Path

import click
import pytest
import yaml
from fakes import CONTRACT

from infercheck.cli import cli
from infercheck.config import read_config
from infercheck.expectation_files import read_expectations

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def blocks(language, word=""):
    return [text for name, text in BLOCKS if name == language and word in text]


def commands():
    for text in blocks("sh"):
        for line in text.replace("\\\n", "").splitlines():
            if line.startswith("infercheck "):
                yield line
    yield from re.findall(r"`(infercheck [a-z]+ --[^`]*)`", README)


def test_the_config_file_is_one(tmp_path):
    (text,) = blocks("yaml", "# infercheck.yaml\n")
    (tmp_path / "infercheck.yaml").write_text(text)
    assert {"target", "start", "ready", "declare"} <= set(read_config(tmp_path / "infercheck.yaml").values)


def test_the_expectations_are_some(tmp_path):
    (text,) = blocks("yaml", "# known.yaml\n")
    (tmp_path / "known.yaml").write_text(text)
    (entry,) = read_expectations([str(tmp_path / "known.yaml")], CONTRACT)
    assert entry.meant


def test_the_workflow_gives_the_action_what_it_knows():
    (text,) = blocks("yaml", "# .github/workflows/")
    (step,) = [
        step
        for step in yaml.safe_load(text)["jobs"]["conformance"]["steps"]
        if step.get("uses", "").startswith("OWNER/infercheck@")
    ]
    known = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["inputs"]
    assert set(step.get("with", {})) <= set(known)


def test_the_gitlab_job_keeps_what_a_run_leaves():
    (text,) = blocks("yaml", "# .gitlab-ci.yml")
    job = yaml.safe_load(text)["conformance"]
    run = next(line for line in job["script"] if " run " in line)
    assert job["artifacts"]["reports"]["junit"] == f"{run.split('--output ')[1]}/junit.xml"


@pytest.mark.parametrize("line", dict.fromkeys(commands()))
def test_commands_have_the_options_that_they_are_shown_with(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [word for word in shlex.split(line, comments=True)[1:] if word not in ("…", "[ID]")]
    (tmp_path / "out").mkdir()
    group = cli.make_context("infercheck", words, resilient_parsing=False)
    name, command, rest = cli.resolve_command(group, words)
    with contextlib.suppress(click.MissingParameter):
        command.make_context(name, [word.replace("…", "json") for word in rest])


@pytest.mark.slow
def test_pytest_has_the_options_that_it_is_shown_with(pytester):
    lines = [line for text in blocks("sh") for line in text.splitlines() if line.startswith("pytest ")]
    assert len(lines) >= 4
    (pytester.path / "infercheck.yaml").write_text("target: reference\n")
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        result = pytester.runpytest_subprocess("--collect-only", "-q", *words)
        assert result.ret == 0, line


def test_what_is_shown_of_python_is_python():
    for text in blocks("python"):
        compile(text, "README.md", "exec")
