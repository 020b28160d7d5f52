"""The page's four examples, verbatim; and that the contract says of each to the byte what it sends."""

from __future__ import annotations

import ast
import json

import httpx
import pytest

from interop.binding import bound
from interop.cloud import ACCOUNT, PATH
from interop.page import BODIES, code
from interop.programs import PYTHON, run, worker
from interop.recording import Received, text_of
from interop.tunnel import CLOUD


def test_curl(sky):
    """Fails for a server that goes by the label of a body: curl calls it a form."""
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
    """Fails for a server that minds the white space of JSON, or an account that is no account's id."""
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
    """Fails for a stream that is labelled as JSON, which the runtime parses, or that does not end with `[DONE]`."""
    # Substituted: the service that the runtime's own env.AI fetches from, which is ours.
    file = tmp_path / "worker.ts"
    file.write_text(code(example), "utf-8")
    with bound() as (service, recorder), worker(file, service) as url:
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
    """Fails for an error envelope without code or message. The Worker is the page's, asking for another model."""
    file = tmp_path / "worker.ts"
    file.write_text(code("example/worker").replace("instruct-v0.2-lora", "instruct-v9"), "utf-8")
    with bound() as (service, _), worker(file, service) as url:
        answer = httpx.get(url)
    assert answer.status_code == 500
    assert "InferenceUpstreamError: 5007: No such model" in answer.text
