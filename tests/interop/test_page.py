"""The page's four examples, verbatim."""

from __future__ import annotations

import ast
import json

import httpx
import pytest

from interop.binding import bound
from interop.cloud import ACCOUNT, PATH
from interop.page import BODIES, code
from interop.programs import PYTHON, run, started
from interop.recording import Received, text_of
from interop.tunnel import CLOUD


def test_curl(sky):
    # Substituted: nothing. Account and token come from the variables that the line names.
    printed = run("bash", "-c", code("example/curl"), environment=sky.environment)
    [(received, answered)] = sky.exchanges()
    assert received == Received(
        host=CLOUD,
        path=PATH,
        content_type="application/x-www-form-urlencoded",
        body=BODIES["example/curl"],
    )
    assert json.loads(printed)["result"]["response"] == text_of(answered)


def test_the_python_script(sky):
    # Substituted: nothing. The token comes from the variable that it reads; the account is the one in its text.
    printed = run(PYTHON, "-c", code("example/python"), environment=sky.environment)
    [(received, answered)] = sky.exchanges()
    assert received == Received(
        host=CLOUD,
        path=PATH.replace(ACCOUNT, "your-account-id"),
        content_type="application/json",
        body=BODIES["example/python"],
    )
    assert ast.literal_eval(printed)["result"]["response"] == text_of(answered)


@pytest.mark.parametrize("example", ["example/worker", "example/worker-streaming"])
def test_a_worker(example, tmp_path):
    # Substituted: the service that the runtime's own env.AI fetches from, which is ours.
    worker = tmp_path / "worker.ts"
    worker.write_text(code(example), "utf-8")
    with bound() as (service, recorder), started("workers/host.mjs", worker, service) as url:
        answer = httpx.get(url)
    [(received, answered)] = [pair for pair in recorder.exchanges() if pair[0].method == "POST"]
    assert received.body == b'{"inputs":%b,"options":{}}' % BODIES[example]
    if example == "example/worker":
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == json.loads(answered)
    else:
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.content == answered
        assert answered.endswith(b"data: [DONE]\n\n")


def test_what_the_server_refuses_is_thrown_in_a_worker(tmp_path):
    # The page's Worker, asking for another model.
    worker = tmp_path / "worker.ts"
    worker.write_text(code("example/worker").replace("instruct-v0.2-lora", "instruct-v9"), "utf-8")
    with bound() as (service, _), started("workers/host.mjs", worker, service) as url:
        answer = httpx.get(url)
    assert answer.status_code == 500
    assert "InferenceUpstreamError: 5007: No such model" in answer.text
