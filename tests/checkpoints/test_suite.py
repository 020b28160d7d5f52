"""The suite against the tiny Mistral: as a target by its path, and served by hand."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from harness import invoke
from hostile.running import run
from shapes import SHAPES

from infercheck.findings import Verdict

UNDONE = (Verdict.FAIL, Verdict.WARN, Verdict.INCONCLUSIVE, Verdict.ERROR)


def adapters(tiny):
    return [word for name in ("poet", "pirate") for word in ("--lora", f"{name}={tiny / name}")]


@pytest.mark.parametrize("options", [(), ("--batch", 4, "--dtype", "float32")], ids=["alone", "batch"])
def test_the_whole_suite_by_its_path(tiny, tmp_path, options):
    done = run(f"transformers:{tiny / 'base'}", tmp_path, *adapters(tiny), *options, token=None, seconds=240)
    assert done.status == 0, done.told()
    assert not done.ids(*UNDONE), done.told()
    assert {"lora/effect", "isolation/lora", "isolation/concurrency", "effect/seed/reproducible"} <= done.ids(
        Verdict.PASS
    )
    header = done.results.record.header
    assert header["options"]["adapters"] == ["poet", "pirate"]
    assert f"--lora poet={tiny / 'poet'}" in done.stdout


def test_the_whole_suite_served_by_hand(tiny, tmp_path):
    command = [sys.executable, "-m", "infercheck", "serve", f"transformers:{tiny / 'base'}", *adapters(tiny)]
    with subprocess.Popen([*command, "--no-token", "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = re.match(r"url\s+(\S+)", process.stdout.readline())[1]
            lines = [process.stdout.readline() for _ in range(3)]
            assert "adapters  poet, pirate\n" in lines
            options = ("--lora", "poet", "--lora", "pirate", "--context-window", 8192)
            done = run(url, tmp_path, *options, token=None, seconds=240)
        finally:
            process.terminate()
    assert done.status == 0, done.told()
    assert not done.ids(*UNDONE), done.told()


@pytest.mark.parametrize("shape", ["names-of-its-own", "forms-with-defaults-and-bounds-of-their-own"])
def test_a_checkpoint_keeps_another_contract(tiny, tmp_path, shape):
    file = tmp_path / "nine.json"
    file.write_text(json.dumps(SHAPES[shape]))
    assert invoke("contracts", "import", file, "--output", tmp_path / "nine").exit_code == 0
    options = ("--contract", tmp_path / "nine", "--context-window", 8192)
    done = run(f"transformers:{tiny / 'base'}", tmp_path / "out", *options, token=None, seconds=240)
    assert done.status == 0, done.told()
    assert not done.ids(*UNDONE), done.told()


def test_a_config_file_says_the_same_and_a_case_is_sent_again(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = ["target: transformers:base", "lora: poet=poet", "batch: 2", "context_window: 500", "device: cpu"]
    (tiny / "infercheck.yaml").write_text("\n".join([*lines, "only: [lora, input/prompt/lora]"]))
    config = ("--config", tiny / "infercheck.yaml")
    done = invoke("run", *config, "--output", "out")
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "out/report.json").read_text())["complete"]
    told = "serve transformers:base --no-token --lora poet=poet --batch 2 --device cpu --context-window 500"
    assert told in done.stdout
    assert invoke("doctor", *config).exit_code == 0
    assert invoke("replay", "out", "*lora/type/5*", *config).exit_code == 0
