"""What a target says in order to move a cursor, run a script or turn a text around: it is shown, and obeyed by
nobody."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from mutants.conforming import DONE, dump, failure

from hostile.running import CONTROLS, check_page, run
from hostile.servers import SSE, Raw, served, stream
from infercheck.cli import cli

pytestmark = pytest.mark.slow  # real sockets, real patience

NASTY = (
    "\x1b[2J\x1b]0;owned\x07\x9b31m\r\x08<script>alert(1)</script><img src=x onerror=alert(1)>\u202eright\u2066to"
    "\u200bleft\u2028\ufeff\x00\x7f{{ 7*7 }}[bold red]</pre>"
)
"""All that is bad, in one text."""

SURROGATE = '"\\ud800 \\udfff"'
"""Halves of characters, as JSON writes them."""

LATIN = NASTY.encode("utf-8").replace(b"\x00", b"").replace(b"\r", b"")
"""What of it a header's value may hold, as bytes."""


class NastyAnswers(Raw):
    """Puts it into the text of every answer and of every event, where it is legal."""

    def usual(self, asked):
        reply = super().usual(asked)
        if reply.status != 200:
            return reply
        if reply.media_type == SSE:
            return stream({"response": NASTY, NASTY: NASTY}, {"response": ""})
        value = json.loads(reply.body)
        value["result"] = {"response": NASTY, NASTY: [NASTY]}
        value["messages"] = [NASTY]
        reply.body = json.dumps(value).encode()
        return reply


class NastyErrors(Raw):
    """Puts it into the message of every error, and halves of characters beside it; refuses every top_k."""

    def usual(self, asked):
        reply = super().usual(asked)
        if reply.status == 400 or (isinstance(asked.value, dict) and "top_k" in asked.value):
            reply.status, reply.pieces, reply.media_type = 400, (), "application/json"
            reply.body = dump(failure(5006, "HERE", messages=[NASTY]))
            reply.body = reply.body.replace(b'"HERE"', SURROGATE.encode()[:-1] + json.dumps(NASTY)[1:].encode())
        return reply


class NastyBodies(Raw):
    """Sends it as it is, for a body, with a status of 500 where it refuses."""

    def usual(self, asked):
        reply = super().usual(asked)
        reply.pieces, reply.body = (), NASTY.encode() + b"\xff\xfe\xed\xa0\x80"
        reply.status = 500 if reply.status == 400 else reply.status
        return reply


class NastyHeads(Raw):
    """Puts it into the media type, the headers and the reason of every answer."""

    def usual(self, asked):
        reply = super().usual(asked)
        reply.media_type = LATIN.decode("latin-1")
        reply.reason = LATIN
        reply.headers = (
            (b"X-Nasty", LATIN),
            (b"Server", LATIN),
            (b"Content-Encoding", b"\x1b[31m"),
            (b"Retry-After", LATIN),
            (b"<script>alert(1)</script>".translate(None, b"<>()/"), b"1"),
        )
        return reply


class NastyEvents(Raw):
    """Puts it into names, ids, fields, comments and data of events, as it is."""

    def usual(self, asked):
        reply = super().usual(asked)
        if reply.media_type == SSE:
            line = NASTY.replace("\r", "")
            text = f"event: {line}\nid: {line}\nretry: {line}\n{line}: {line}\n:{line}\ndata: {line}\n\n"
            data = f"data: {line}\n\n"
            reply.pieces = (text.encode(), data.encode(), DONE)
        return reply


class NastyGarbage(Raw):
    """Sends it in place of HTTP."""

    def answer(self, line, asked):
        line.sendall(LATIN + b"\r\n\r\n")
        return False


class NastyCloses(Raw):
    """Turns everybody away with it."""

    def usual(self, asked):
        reply = super().usual(asked)
        reply.status, reply.pieces, reply.body, reply.media_type = 403, (), NASTY.encode(), LATIN.decode("latin-1")
        reply.reason = LATIN
        return reply


@pytest.mark.parametrize(
    ("kind", "status", "must", "may"),
    [
        (NastyAnswers, 1, {"effect/prompt"}, set()),  # the same to everybody
        (NastyErrors, 1, set(), {"input/prompt/top_k/minimum", "input/messages/top_k/minimum"}),
        (NastyBodies, 1, {"http/server-error", "output/json", "stream/utf-8"}, {"stream/complete", "stream/done"}),
        (NastyHeads, 1, {"http/content-coding", "stream/media-type"}, {"output/media-type", "error/media-type"}),
        (NastyEvents, 1, {"stream/payload"}, set()),
    ],
)
def test_what_is_nasty_is_shown_and_not_obeyed(kind, status, must, may, tmp_path):
    with served(kind()) as server:
        done = run(server.url, tmp_path, "--profile", "quick", "--restart-wait", "0.5")
    assert must <= done.broken <= must | may, done.told()
    assert done.status == status, done.told()


@pytest.mark.parametrize("kind", [NastyCloses, NastyGarbage])
def test_a_nasty_stranger_is_out_of_reach(kind, tmp_path):
    with served(kind()) as server:
        done = run(server.url, tmp_path, "--profile", "quick", seconds=20)
    assert done.status == 3
    assert "owned" in done.stderr


@pytest.mark.parametrize("kind", [NastyAnswers, NastyErrors, NastyBodies, NastyHeads, NastyEvents])
def test_reports_that_are_made_again_obey_nothing_either(kind, tmp_path):
    with served(kind()) as server:
        run(server.url, tmp_path, "--profile", "quick")
    text = CliRunner().invoke(cli, ["report", str(tmp_path), "--format", "text"])
    assert text.exit_code == 0
    assert not CONTROLS.search(text.stdout + text.stderr)
    page = CliRunner().invoke(cli, ["report", str(tmp_path), "--format", "html"])
    check_page(page.stdout)


@pytest.mark.parametrize("kind", [NastyAnswers, NastyErrors, NastyBodies, NastyHeads, NastyCloses, NastyGarbage])
def test_the_doctor_obeys_nothing(kind):
    with served(kind()) as server:
        result = CliRunner().invoke(cli, ["doctor", server.url])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert not CONTROLS.search(result.stdout + result.stderr), result.stdout
