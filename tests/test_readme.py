"""What the README shows can be used as it stands."""

from __future__ import annotations

import contextlib
import shlex
import shutil

import click
import pytest
import yaml
from fakes import CONTRACT
from harness import served
from shown import ROOT, blocks, commands, shown_run

from infercheck.cli import cli
from infercheck.config import read_config
from infercheck.expectation_files import read_expectations
from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.server import Api


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with what the commands speak of: an engine, an application, a page, expectations, earlier runs."""
    folder = tmp_path_factory.mktemp("readme")
    (engine,) = blocks("python", "# my_engine.py")
    (folder / "my_engine.py").write_text(f"{engine}\n{REST_OF_ENGINE}")
    (folder / "my_server").mkdir()
    (folder / "my_server" / "main.py").write_text(APPLICATION)
    (folder / "page.txt").write_bytes((ROOT / "tests" / "importing" / "newer.page.txt").read_bytes())
    (folder / "known.yaml").write_text(blocks("yaml", "# known.yaml\n")[0])
    (folder / "infercheck.yaml").write_text("target: reference\n")
    return folder


REST_OF_ENGINE = """
class Unknown(Exception):
    def __init__(self, name):
        super().__init__(name)
        self.code, self.message = 3037, f"no adapter {name}"


def generate(self, request):
    from infercheck.runners.reference.engine import ReferenceEngine

    for event in ReferenceEngine().answer({**request, "stream": True}):
        yield event["response"]


Engine.generate = generate
"""
APPLICATION = """
import json
from importlib.resources import files

from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.server import Api

schema = files("infercheck.schemas") / "mistral-7b-instruct-v0.2-lora" / "input.schema.json"
app = Api(ReferenceEngine(), input_schema=json.loads(schema.read_text("utf-8"))).app()
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_command_that_is_shown_runs_where_it_is_shown(folder):
    """One after the other, as somebody does who reads on; those of checkpoints have a tier of their own."""
    lines = [line for line in dict.fromkeys(commands()) if "transformers:" not in line]
    assert len(lines) > 18
    (folder / "infercheck.yaml").write_text("target: reference\n")
    api = Api(ReferenceEngine(), input_schema=dict(CONTRACT.input), token="sesame-open")
    with served(api.app()) as url:
        for line in lines:
            if line.startswith("infercheck compare"):
                for name in ("main", "vllm", "llama", "mine"):
                    shutil.copytree(folder / "out", folder / name / "out", dirs_exist_ok=True)
            status, told = shown_run(folder, line, url)
            assert status == 0, f"{line}\n{told}"
            assert "Traceback" not in told


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
