"""The other way: the suite, before what others run and validate with."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from fakes import CONTRACT
from harness import invoke, served
from mutants.conforming import Careless

from infercheck.expectation_files import read_expectations
from infercheck.runners.engine import Refusal
from infercheck.runners.server import BAD_INPUT
from interop.binding import bound
from interop.programs import WORKERS, worker


def verdicts_of(folder: Path) -> dict[str, set[str]]:
    """The requirements that a run left with each verdict."""
    verdicts: dict[str, set[str]] = {}
    for row in json.loads((folder / "report.json").read_text("utf-8"))["requirements"]:
        verdicts.setdefault(row["verdict"], set()).add(row["id"])
    return verdicts


def test_a_worker_that_passes_requests_on(tmp_path):
    """The runtime, its env.AI and miniflare do nothing to an answer that the suite minds.

    Fails for a finding under `--dialect worker` that is not the server's fault.
    """
    with bound() as (service, _), worker(WORKERS / "passing.ts", service) as url:
        result = invoke(
            "run", url, "--dialect", "worker", "--lora", "poet", "--lora", "pirate", "--output", tmp_path
        )
    assert result.exit_code == 0, result.output
    verdicts = verdicts_of(tmp_path)
    assert set(verdicts) == {"pass", "note", "skip"}
    # What a Worker has no part in, and what no answer of this server brings up.
    areas = ("envelope/", "http/", "output/null-response", "stream/named", "stream/unknown-field")
    assert [id_ for id_ in verdicts["skip"] if not id_.startswith(areas)] == []


class Hosted(Careless):
    """Answers whatever the hosted API's own validator lets pass."""

    def __init__(self, validator: httpx.Client) -> None:
        super().__init__()
        self._validator = validator

    def validate(self, body: Any) -> None:
        verdict = self._validator.post("/", content=json.dumps(body))
        if verdict.status_code == 400:
            raise Refusal(400, BAD_INPUT, f"AiError: Bad input: {verdict.text}")
        assert verdict.status_code == 204, verdict.text


@contextlib.contextmanager
def hosted() -> Iterator[str]:
    """The URL of such a server."""
    with (
        worker(WORKERS / "validator.ts") as url,
        httpx.Client(base_url=url) as validator,
        served(Hosted(validator).app()) as target,
    ):
        yield target


def test_the_hosted_validator_deviates_as_expected_and_in_nothing_else(tmp_path):
    """Fails for an expectation too many, too few, too wide or too narrow.

    tests/test_hosted.py asserts the same of a stand-in for the validator, to the same number.
    """
    with hosted() as target:
        result = invoke("run", target, "--expect", "cloudflare-hosted", "--output", tmp_path)
    assert result.exit_code == 0, result.output  # nothing unexpected, and no expectation out of date
    verdicts = verdicts_of(tmp_path)
    assert set(verdicts) == {"pass", "note", "skip", "expected"}
    entries = read_expectations(["cloudflare-hosted"], CONTRACT)
    meant = {id_ for ids in verdicts.values() for id_ in ids if any(entry.means(id_) for entry in entries)}
    assert verdicts["expected"] == meant
    assert len(meant) == 45


def test_nor_in_what_is_drawn(tmp_path):
    """Other values than those of the standard profile: it takes `functions: false`, which that never sends."""
    with hosted() as target:
        result = invoke(
            *("run", target, "--expect", "cloudflare-hosted", "--output", tmp_path),
            *("--profile", "deep", "--only", "input", "--max-requests", 1000),
        )
    assert result.exit_code == 0, result.output
    assert set(verdicts_of(tmp_path)) == {"pass", "expected"}
