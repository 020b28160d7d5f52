"""Targets that say "later": obeyed, for a while, and never blamed for it."""

from __future__ import annotations

import pytest
from mutants.conforming import dump, failure

from hostile.running import run
from hostile.servers import Raw, Reply, served
from infercheck import door, pace

pytestmark = pytest.mark.slow  # real sockets, real patience

ABSURD = [
    b"99999999999999999999",
    b"-5",
    b"1e9",
    b"inf",
    b"nan",
    b"soon",
    b"",
    b"\xb2",
    b"\xd9\xa3",
    b"0x10",
    b"1.5",
    b"Fri, 31 Dec 9999 23:59:59 GMT",
    b"Wed, 21 Oct 99999999999 07:28:00 GMT",
    b"Mon, 01 Jan 0001 00:00:00 -0000",
    b"Mon, 99 Foo 2015 99:99:99 GMT",
    b"Wed, 21 Oct 2015 07:28:00 +99999999999999999999",
    b"9" * 60000,
]


class Later(Raw):
    """Says "later" for ever, from the request with number `since` on."""

    def __init__(self, status=429, asks=None, since=1):
        super().__init__()
        self.status, self.asks, self.since = status, asks, since

    def usual(self, asked):
        if asked.number < self.since:
            return super().usual(asked)
        headers = () if self.asks is None else ((b"Retry-After", self.asks),)
        return Reply(self.status, dump(failure(3036, "later")), headers=headers)


class LaterOnceEach(Raw):
    """Says "later" to every request once, with one of many ways to say when."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def usual(self, asked):
        key = (asked.body, asked.method, asked.path, asked.token, asked.headers.get("content-type"))
        if key in self.seen:
            return super().usual(asked)
        self.seen.add(key)
        count = len(self.seen)
        asks = ((b"Retry-After", ABSURD[count % len(ABSURD)]),)
        return Reply(503 if count % 2 else 429, dump(failure(3040, "later")), headers=asks)


@pytest.fixture(autouse=True)
def haste(monkeypatch):
    monkeypatch.setattr(door, "BACKOFF", (0.01,) * 5)
    monkeypatch.setattr(pace, "PATIENCE", 0.02)


@pytest.mark.parametrize("since", [1, 2, 30])
@pytest.mark.parametrize(("status", "asks"), [(429, None), (429, b"0"), (503, b"0")])
def test_who_says_later_for_ever_ends_the_run_and_is_not_blamed(status, asks, since, tmp_path):
    with served(Later(status, asks, since)) as server:
        done = run(server.url, tmp_path, "--profile", "quick", seconds=20)
    assert done.status == 4, done.told()
    assert done.broken == set(), done.told()
    assert f"answered {status} 6 times in a row" in done.stdout
    assert len(server.asked) < since + 60


@pytest.mark.parametrize("asks", ABSURD, ids=repr)
def test_an_absurd_time_to_come_back_is_cut_or_passed_over(asks, tmp_path):
    with served(Later(429, asks)) as server:
        done = run(server.url, tmp_path, "--profile", "quick", seconds=20)
    assert done.status == 4, done.told()
    assert done.broken == set(), done.told()
    assert "429 6 times in a row" in done.stdout or "or more, twice" in done.stdout


def test_who_says_later_once_to_each_is_heard_and_passes(tmp_path):
    with served(LaterOnceEach()) as server:
        done = run(server.url, tmp_path, "--profile", "quick", seconds=30)
    assert done.status == 0, done.told()
    assert done.broken == set(), done.told()
    assert done.undecided == set()


def test_a_503_without_a_word_of_later_is_a_server_error(tmp_path):
    with served(Later(503)) as server:
        done = run(server.url, tmp_path, "--profile", "quick", seconds=20)
    assert done.status == 1
    assert done.broken - {"input/prompt/required", "input/messages/required"} <= {
        "http/server-error",
        "input/prompt/stream/type",
        "input/messages/stream/type",
    }, done.told()
    assert "http/server-error" in done.failed
