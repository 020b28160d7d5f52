"""HAR: each field that the specification requires, and nothing of the token."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from datetime import datetime

import pytest
from fakes import CONTRACT, Target
from harness import invoke, plan_of
from records import EVIL, exchange, header, hostile, record

from infercheck.cases import WRONG_TOKEN, Request, Token
from infercheck.conduct import Settings, conduct
from infercheck.dialect import Dialect
from infercheck.errors import JournalError
from infercheck.exchange import Answer, Chunk, Failure
from infercheck.plan import Options
from infercheck.record import read
from infercheck.reports.har import document, render
from infercheck.results import results_of

PAIRS = [{"name": str, "value": str}]
NUMBER = (int, float)
REQUIRED = {
    "version": str,
    "creator": {"name": str, "version": str},
    "pages": list,
    "entries": [
        {
            "startedDateTime": str,
            "time": NUMBER,
            "request": {
                "method": str,
                "url": str,
                "httpVersion": str,
                "cookies": list,
                "headers": PAIRS,
                "queryString": PAIRS,
                "headersSize": int,
                "bodySize": int,
            },
            "response": {
                "status": int,
                "statusText": str,
                "httpVersion": str,
                "cookies": list,
                "headers": PAIRS,
                "content": {"size": int, "mimeType": str},
                "redirectURL": str,
                "headersSize": int,
                "bodySize": int,
            },
            "cache": {},
            "timings": {"send": NUMBER, "wait": NUMBER, "receive": NUMBER},
        }
    ],
}
"""The fields that HAR 1.2 does not call optional, by kind; `pages` is, but Firefox wants it."""
OPTIONAL = {
    "entry": {"comment"},
    "request": {"postData"},
    "response": {"comment", "_error"},
    "content": {"text", "encoding"},
    "postData": {"mimeType", "text", "_encoding", "comment"},
}
"""What may stand beside them; names of one's own begin with an underscore."""


def check(value, wanted, place="log"):
    if isinstance(wanted, dict):
        assert isinstance(value, dict), place
        for name, kind in wanted.items():
            assert name in value, f"{place}: {name}"
            check(value[name], kind, f"{place}.{name}")
    elif isinstance(wanted, list):
        assert isinstance(value, list), place
        for number, one in enumerate(value):
            check(one, wanted[0], f"{place}[{number}]")
    else:
        assert isinstance(value, wanted), f"{place}: {value!r}"
        assert not isinstance(value, bool), place


def checked(it):
    """The entries of a run, each looked over field by field."""
    log = json.loads(json.dumps(document(it)))["log"]
    check(log, REQUIRED)
    wanted = REQUIRED["entries"][0]
    for entry in log["entries"]:
        for part, name, fields in (
            (entry, "entry", wanted),
            (entry["request"], "request", wanted["request"]),
            (entry["response"], "response", wanted["response"]),
            (entry["response"]["content"], "content", wanted["response"]["content"]),
            (entry["request"].get("postData", {}), "postData", {}),
        ):
            assert set(part) <= set(fields) | OPTIONAL[name]
        assert datetime.fromisoformat(entry["startedDateTime"]).utcoffset() is not None
        assert len(entry["startedDateTime"]) == len("2026-01-02T03:04:05.000+00:00")
        assert all(value >= 0 for value in entry["timings"].values())
        assert entry["time"] == pytest.approx(sum(entry["timings"].values()), abs=0.01)
        assert entry["request"].get("postData", {"mimeType": "", "text": ""}).keys() >= {"mimeType", "text"}
    return log["entries"]


def entry(answer=None, request=None, *, target=None, **more):
    it = exchange(7)
    it = replace(it, answer=answer or it.answer, request=request or it.request, **more)
    head = header()
    head = {**head, "target": {**head["target"], **(target or {})}, "contract": {**head["contract"], "model": "m"}}
    (found,) = checked(record(header=head, exchanges={7: it}))
    return found


def test_an_exchange_is_told_whole():
    answer = Answer(
        status=200,
        headers=(("Content-Type", "text/event-stream"), ("x-one", "two")),
        chunks=(Chunk(data="data: é\n".encode(), time=0.25), Chunk(data=b"\n", time=0.75)),
        seconds=1.0,
    )
    request = Request(body='{"prompt": "hé"}'.encode(), stream=True)
    assert entry(answer, request, target={"url": "http://x/run?a=1&b="}, started=61.5) == {
        "startedDateTime": "2026-01-02T03:05:06.500+00:00",
        "time": 1000,
        "request": {
            "method": "POST",
            "url": "http://x/run?a=1&b=",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [
                {"name": "Authorization", "value": "Bearer $MY_TOKEN"},
                {"name": "Content-Type", "value": "application/json"},
            ],
            "queryString": [{"name": "a", "value": "1"}, {"name": "b", "value": ""}],
            "postData": {"mimeType": "application/json", "text": '{"prompt": "hé"}'},
            "headersSize": -1,
            "bodySize": 17,
        },
        "response": {
            "status": 200,
            "statusText": "OK",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [
                {"name": "Content-Type", "value": "text/event-stream"},
                {"name": "x-one", "value": "two"},
            ],
            "content": {"size": 10, "mimeType": "text/event-stream", "text": "data: é\n\n"},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": 10,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 250, "receive": 750},
        "comment": "case/7",
    }


def test_bodies_that_are_no_utf8_are_in_base64_and_say_so():
    found = entry(Answer(status=200, chunks=(Chunk(data=b"\xff\xfe", time=0.1),)), Request(body=b"\xfa"))
    content, sent = found["response"]["content"], found["request"]["postData"]
    assert (base64.b64decode(content["text"]), content["encoding"]) == (b"\xff\xfe", "base64")
    assert (base64.b64decode(sent["text"]), sent["_encoding"]) == (b"\xfa", "base64")
    assert content["size"] == 2


@pytest.mark.parametrize("kind", ["connect", "closed", "timeout"])
def test_a_failed_connection_is_status_0_with_its_error(kind):
    found = entry(Answer(seconds=2.5, failure=Failure(kind=kind, message="cannot connect: refused")))
    assert (found["response"]["status"], found["response"]["statusText"]) == (0, "")
    assert found["response"]["_error"] == f"{kind}: cannot connect: refused"
    assert found["timings"] == {"send": 0, "wait": 2500, "receive": 0}
    assert found["response"]["content"] == {"size": 0, "mimeType": "x-unknown", "text": ""}


def test_an_answer_that_breaks_off_has_its_status_and_its_error():
    failure = Failure(kind="closed", message="gone")
    found = entry(Answer(status=200, chunks=(Chunk(data=b"x", time=0.1),), seconds=0.2, failure=failure))
    assert (found["response"]["status"], found["response"]["_error"]) == (200, "closed: gone")
    assert "_error" not in entry()["response"]


def test_a_stream_that_we_closed_says_so():
    assert entry(Answer(status=200, cut=True))["response"]["comment"] == "closed by infercheck on purpose"
    assert "comment" not in entry()["response"]


def test_what_a_coded_body_weighed_is_not_known():
    coded = Answer(status=200, headers=(("content-encoding", "gzip"),), chunks=(Chunk(data=b"abc", time=0.1),))
    assert (entry(coded)["response"]["bodySize"], entry(coded)["response"]["content"]["size"]) == (-1, 3)
    assert entry(Answer(status=302, headers=(("Location", "/x"),)))["response"]["redirectURL"] == "/x"


@pytest.mark.parametrize(
    ("token", "variable", "shown"),
    [
        (Token.GIVEN, "MY_TOKEN", ["Bearer $MY_TOKEN"]),
        (Token.GIVEN, None, []),
        (Token.GIVEN, "no variable", []),
        (Token.WRONG, "MY_TOKEN", [f"Bearer {WRONG_TOKEN}"]),
        (Token.MISSING, "MY_TOKEN", []),
    ],
)
def test_of_a_token_the_variable_is_named(token, variable, shown):
    found = entry(request=Request(body=b"{}", token=token), target={"token_variable": variable})
    values = [pair["value"] for pair in found["request"]["headers"] if pair["name"] == "Authorization"]
    assert values == shown


def test_headers_of_the_users_own_stand_as_curl_lines_have_them():
    options = ['-H "X-Key: $MY_KEY"', "-H 'X-Api: a b'", "--insecure", "-H 'x; id"]
    found = entry(target={"curl_options": options})
    assert found["request"]["headers"][1:3] == [
        {"name": "X-Key", "value": "$MY_KEY"},
        {"name": "X-Api", "value": "a b"},
    ]
    assert len(found["request"]["headers"]) == 4


def test_a_request_is_told_as_it_was_sent():
    bare = entry(request=Request(body=b"", content_type=None, method="GET", token=Token.MISSING))["request"]
    assert (bare["method"], bare["headers"], bare["bodySize"]) == ("GET", [], 0)
    assert "postData" not in bare
    assert entry(request=Request(body=b"x", content_type=None))["request"]["postData"]["mimeType"] == ""
    other = entry(request=Request(body=b"x", model="other"), target={"url": "http://x/run/m"})
    assert other["request"]["url"] == "http://x/run/other"


def test_a_run_has_an_entry_for_each_exchange_in_order(tmp_path):
    options, path = Options(only=("input/prompt/top_k/maximum",)), tmp_path / "journal.ndjson"
    settings = Settings(address="fake", url="http://fake/", dialect=Dialect.REST, token_variable="MY_TOKEN")
    asyncio.run(conduct(CONTRACT, plan_of(CONTRACT, options), options, Target(), path, settings))
    results = results_of(read(path))
    entries = checked(results.record)
    assert [one["comment"] for one in entries] == [one.case for one in results.record.exchanges.values()]
    assert entries
    assert [one["startedDateTime"] for one in entries] == sorted(one["startedDateTime"] for one in entries)
    assert invoke("report", tmp_path, "--format", "har", "--output", tmp_path / "run.har").exit_code == 0
    assert (tmp_path / "run.har").read_text("utf-8") == render(results) == render(results)


def test_whatever_a_target_sends_the_archive_can_be_read():
    it = hostile()
    it = replace(it, header={**it.header, "started": "2026-01-02T03:04:05"})
    (found,) = checked(it)
    assert EVIL.encode("utf-8", "backslashreplace").decode() == found["response"]["content"]["text"]
    assert found["comment"] == EVIL
    assert found["startedDateTime"].endswith("+00:00")


@pytest.mark.parametrize(("started", "later"), [("soon", 0.0), ("2026-01-02T03:04:05+00:00", 1e300)])
def test_a_journal_without_times_is_refused(started, later):
    it = record(header=header(started=started), exchanges={1: replace(exchange(1), started=later)})
    with pytest.raises(JournalError):
        render(results_of(it))
