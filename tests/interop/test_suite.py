"""The other way: the suite, before what others run and validate with."""

from __future__ import annotations

import json
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
from interop.programs import WORKERS, started

HOST = "workers/host.mjs"


def by_verdict(folder: Path) -> dict[str, set[str]]:
    """The requirements that a run left with each verdict."""
    verdicts: dict[str, set[str]] = {}
    for row in json.loads((folder / "report.json").read_text("utf-8"))["requirements"]:
        verdicts.setdefault(row["verdict"], set()).add(row["id"])
    return verdicts


def test_a_worker_that_passes_requests_on(tmp_path):
    """All of it is as the page says: the runtime, its env.AI and miniflare change nothing that the suite minds."""
    with bound() as (service, _), started(HOST, WORKERS / "passing.ts", service) as url:
        result = invoke("run", url, "--dialect", "worker", "--output", tmp_path)
    assert result.exit_code == 0, result.output
    verdicts = by_verdict(tmp_path)
    assert set(verdicts) == {"pass", "note", "skip"}
    assert {"stream/equivalence", "stream/incremental", "effect/seed/reproducible"} <= verdicts["pass"]
    assert {"example/worker", "example/worker-streaming", "input/prompt/top_k/maximum"} <= verdicts["pass"]


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


def test_the_hosted_validator_deviates_as_expected_and_in_nothing_else(tmp_path):
    """tests/test_hosted.py asserts the same of a stand-in for it, to the same number."""
    with (
        started(HOST, WORKERS / "validator.ts") as url,
        httpx.Client(base_url=url) as validator,
        served(Hosted(validator).app()) as target,
    ):
        result = invoke("run", target, "--expect", "cloudflare-hosted", "--output", tmp_path)
    assert result.exit_code == 0, result.output  # nothing unexpected, and no expectation out of date
    verdicts = by_verdict(tmp_path)
    assert set(verdicts) == {"pass", "note", "skip", "expected"}
    entries = read_expectations(["cloudflare-hosted"], CONTRACT)
    meant = {id_ for ids in verdicts.values() for id_ in ids if any(entry.means(id_) for entry in entries)}
    assert verdicts["expected"] == meant
    assert len(meant) == 45
