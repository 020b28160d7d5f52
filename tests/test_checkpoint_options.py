"""What is said of `transformers:PATH` without PyTorch: options, and what is wrong with them."""

from __future__ import annotations

import json

import pytest
from harness import invoke

from infercheck.errors import UsageError
from infercheck.job import Job
from infercheck.launching.checkpoints import words_of
from infercheck.runners.loading import Place
from infercheck.runners.target import Target, path_of
from infercheck.runners.transformers import checkpoint as module
from infercheck.runners.transformers.checkpoint import Checkpoint, named_adapters


@pytest.fixture
def installed(monkeypatch):
    """As if the extra were there."""
    monkeypatch.setattr(module, "find_spec", lambda name: object())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text("{}")
    for name, kind in (("poet", "LORA"), ("other", "IA3"), ("broken", None)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "adapter_config.json").write_text(json.dumps({"peft_type": kind}) if kind else "[")
    return tmp_path


def test_the_address():
    assert Place.parse("transformers:a/b: c") == Place("transformers", "", "", checkpoint="a/b: c")
    assert path_of(Target(address="transformers:x", model="m")) == "/client/v4/accounts/local/ai/run/m"
    with pytest.raises(UsageError, match="names no checkpoint"):
        Place.parse("transformers:")


def test_a_job_declares_the_names_and_serves_the_paths():
    job = Job(
        target="transformers:x",
        lora=("poet=a/b", "pirate=c=d"),
        batch=4,
        device="cpu",
        context_window=9,
        dtype=None,
    )
    assert job.options.adapters == ("poet", "pirate")
    words = (
        "--lora",
        "poet=a/b",
        "--lora",
        "pirate=c=d",
        "--batch",
        "4",
        "--device",
        "cpu",
        "--context-window",
        "9",
    )
    assert words_of(job) == words
    assert {name: str(path) for name, path in named_adapters(job.lora).items()} == {"poet": "a/b", "pirate": "c=d"}
    elsewhere = Job(target="http://127.0.0.1/", lora=("poet",), context_window=9)
    assert elsewhere.options.adapters == ("poet",)
    assert words_of(elsewhere) == ()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["transformers:nowhere"], "nowhere is no checkpoint"),
        (["transformers:poet"], "poet is no checkpoint"),
        (["transformers:no.gguf"], "no.gguf is no checkpoint"),
        (["transformers:base", "--lora", "poet"], "names no adapter"),
        (["transformers:base", "--lora", "poet="], "names no adapter"),
        (["transformers:base", "--lora", "poet=poet", "--lora", "poet=other"], "twice"),
        (["transformers:base", "--lora", "poet=nowhere"], "nowhere is no adapter"),
        (["transformers:base", "--lora", "poet=broken"], "broken is no adapter"),
        (["transformers:base", "--lora", "poet=other"], "IA3"),
        (["engine:a:b", "--lora", "poet=poet"], "takes no --lora poet=poet"),
        (["engine:a:b", "--batch", "2"], "takes no --batch"),
        (["reference", "--device", "cpu"], "takes no --device"),
        (["reference", "--dtype", "float32"], "takes no --dtype"),
    ],
    ids=str,
)
@pytest.mark.parametrize("command", ["run", "serve"])
def test_what_makes_no_sense_is_said(folder, installed, command, arguments, words):
    done = invoke(command, *arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_window_of_another_engine_is_not_ours_to_set(folder):
    done = invoke("serve", "reference", "--context-window", "9")
    assert done.exit_code == 2
    assert "takes no --context-window" in done.stderr


@pytest.mark.parametrize("command", ["run", "serve"])
def test_what_is_not_installed_is_named_and_how_to_get_it(folder, monkeypatch, command):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    done = invoke(command, "transformers:base")
    assert done.exit_code == 2
    assert "needs torch and transformers and peft" in done.stderr
    assert "pip install 'infercheck[transformers]'" in done.stderr
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "gguf" else object())
    with pytest.raises(UsageError, match="needs the package gguf"):
        Checkpoint(path=folder / "x.gguf").check()
