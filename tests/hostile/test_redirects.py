"""Redirects: never followed, so that nobody but the named host sees a request, let alone the token."""

from __future__ import annotations

import pytest

from hostile.running import run
from hostile.servers import SSE, TOKEN, Raw, Reply, served

pytestmark = pytest.mark.slow  # real sockets, real patience

STATUSES = [301, 302, 303, 307, 308]
STREAMED = {"input/prompt/stream/type", "input/messages/stream/type"}
ODD = [
    "\x1b[31mred\x07",
    "http://x/\x9b2J",
    "javascript:alert(1)",
    "//[",
    "http://",
    "mailto:a@b",
    "http://x:99999999/",
]
"""Locations that are none, or that nobody can go to."""


class Redirects(Raw):
    """Sends everybody elsewhere."""

    def __init__(self, status, location=None):
        super().__init__()
        self.status = status
        self.location = location or self.url

    def usual(self, asked):
        location = self.location.encode("latin-1").replace(b"TOKEN", asked.token.encode())
        return Reply(self.status, b"", headers=((b"Location", location), (b"Refresh", b"0; url=" + location)))


class RedirectsStreams(Redirects):
    """Sends elsewhere whoever asks for a stream."""

    def usual(self, asked):
        reply = Raw.usual(self, asked)
        return super().usual(asked) if reply.media_type == SSE else reply


@pytest.mark.parametrize("status", STATUSES)
def test_a_redirect_to_another_host_is_told_and_not_followed(status, tmp_path):
    with served(Raw()) as other, served(Redirects(status, other.url)) as server:
        done = run(server.url, tmp_path, seconds=20)
        assert (other.connections, other.asked) == (0, [])
    assert done.status == 3
    assert f"It redirects to {other.url}" in done.stderr
    assert len(server.asked) < 10


@pytest.mark.parametrize("status", [302, 308])
def test_a_redirect_to_itself_is_no_loop(status, tmp_path):
    with served(Redirects(status)) as server:
        done = run(server.url, tmp_path, seconds=20)
    assert done.status == 3
    assert len(server.asked) < 10


def test_redirects_of_streams_alone_are_refusals_of_streams(tmp_path):
    with served(Raw()) as other, served(RedirectsStreams(307, other.url)) as server:
        done = run(server.url, tmp_path, seconds=60)
        assert (other.connections, other.asked) == (0, [])
    assert done.status == 1
    assert done.broken == STREAMED | {"example/worker-streaming"}, done.told()


@pytest.mark.parametrize("location", ODD)
def test_a_redirect_to_nowhere_is_a_refusal_like_any_other(location, tmp_path):
    with served(RedirectsStreams(307, location)) as server:
        done = run(server.url, tmp_path, "--profile", "quick", seconds=60)
    assert done.status == 1
    assert done.broken & STREAMED, done.told()  # the budget may have no room for both
    assert done.broken <= STREAMED | {"example/worker-streaming"}, done.told()


@pytest.mark.parametrize("location", ["http://127.0.0.1:9/?token=TOKEN", "http://TOKEN@127.0.0.1:9/"])
def test_the_token_in_a_location_is_masked(location, tmp_path):
    with served(Redirects(302, location)) as server:
        done = run(server.url, tmp_path, seconds=20)
    assert done.status == 3
    assert "*" * len(TOKEN) in done.stderr


@pytest.mark.parametrize("location", ODD)
def test_a_location_that_is_none_harms_nobody(location, tmp_path):
    with served(Redirects(302, location)) as server:
        done = run(server.url, tmp_path, "--profile", "quick", seconds=20)
    assert done.status == 3
