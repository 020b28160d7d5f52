"""Targets that repeat the token in every way they can: it stands in no output, and that they do it is a finding."""

from __future__ import annotations

import html
import json
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from mutants.conforming import dump, failure

from hostile.running import CONTROLS, leaks, run
from hostile.servers import CHUNKED, LAST, TOKEN, Raw, chunk, served, stream
from infercheck.cli import cli

pytestmark = pytest.mark.slow  # real sockets, real patience

QUICK = ("--profile", "quick")
ECHO = "http/token-echo"
HARD = 'it\'s/"a"\\t0ken+4711<&>%41'
"""A token of what JSON, URLs, pages and Python each escape in their own way."""


def spelled(text, form="\\u{:04x}"):
    return "".join(form.format(ord(character)) for character in text)


FORMS = {
    "plain": lambda token: token,
    "json": lambda token: json.dumps(token)[1:-1],
    "json with slashes escaped": lambda token: json.dumps(token)[1:-1].replace("/", "\\/"),
    "spelled in json": spelled,
    "spelled in json in capitals": lambda token: spelled(token, "\\u{:04X}"),
    "in a url": lambda token: quote(token, safe=""),
    "in a url with slashes": quote,
    "in a url in small letters": lambda token: quote(token, safe="").lower(),
    "spelled in a url": lambda token: spelled(token, "%{:02x}"),
    "in capitals": str.upper,
}
IN_PAGES = {
    "in a page": html.escape,
    "in a page without quotes": lambda token: html.escape(token, quote=False),
}


class Echoes(Raw):
    """Repeats the token in one form in its answers, streams and refusals."""

    form = staticmethod(FORMS["plain"])

    def said(self, asked):
        return self.form(asked.token) if asked.token else ""

    def usual(self, asked):
        reply = super().usual(asked)
        marker = '"here":"' + self.said(asked) + '"'
        if reply.pieces:
            first = b'data: {"response":"","x":{' + marker.encode() + b"}}\n\n"
            reply.pieces = (first, *reply.pieces)
            return reply
        value = json.loads(reply.body)
        value["messages"] = ["HERE"]
        reply.body = dump(value).replace(b'["HERE"]', b"[{" + marker.encode() + b"}]")
        return reply


class EchoesByteByByte(Echoes):
    """Repeats the token, each byte a chunk of its own."""

    def answer(self, line, asked):
        reply = self.usual(asked)
        data = reply.head + CHUNKED + b"".join(chunk(bytes([byte])) for byte in reply.body) + LAST
        if reply.pieces:
            data = reply.head + CHUNKED
            data += b"".join(chunk(bytes([byte])) for byte in b"".join(reply.pieces)) + LAST
        line.sendall(data)
        return True


class EchoesInHeaders(Raw):
    """Repeats the token in headers, in one of their names, and in the status line."""

    def usual(self, asked):
        reply = super().usual(asked)
        token = asked.token.encode()
        reply.headers = (
            (b"X-Seen", b"Authorization: Bearer " + token),
            (b"Set-Cookie", b"t=" + quote(token).encode()),
            (b"X-Json", json.dumps({"t": asked.token}).encode()),
        )
        reply.reason = b"Fine, " + token
        return reply


class EchoesInAHeadersName(Raw):
    """Repeats the token as the name of a header."""

    def usual(self, asked):
        reply = super().usual(asked)
        reply.headers = ((asked.token.encode(), b"1"),) if asked.token else ()
        return reply


class EchoesInErrors(Raw):
    """Repeats the token in the message of each error, and refuses everything but the smallest requests."""

    def usual(self, asked):
        reply = super().usual(asked)
        if reply.status == 400 or (isinstance(asked.value, dict) and "top_k" in asked.value):
            reply.status, reply.pieces, reply.media_type = 400, (), "application/json"
            reply.body = dump(failure(5006, f"Bad input: {json.dumps({'token': asked.token})}"))
        return reply


class EchoesInAServerError(Raw):
    """Dumps the whole request into a page that explains a fault."""

    def usual(self, asked):
        reply = super().usual(asked)
        if reply.status == 400:
            head = asked.head.decode("latin-1")
            reply.status, reply.media_type = 500, f"text/html; for={asked.token}"
            reply.body = f"<pre>{html.escape(head)}</pre><pre>{head!r}</pre><!-- {head} -->".encode()
        return reply


class EchoesInAMediaType(Raw):
    """Repeats the token as the media type of every answer."""

    def usual(self, asked):
        reply = super().usual(asked)
        reply.media_type = f"application/{asked.token or 'json'}"
        return reply


class EchoesInAnEvent(Raw):
    """Repeats the token as the name, the id and a field of events that carry no JSON."""

    def usual(self, asked):
        reply = super().usual(asked)
        if reply.pieces:
            token = asked.token
            lines = f"event: {token}\nid: {token}\nretry: {token}\n{token}: {token}\ndata: {token}\n\n"
            reply.pieces = (*stream({"response": "Hello"}, end=b"").pieces[:1], lines.encode(), b"data: [DONE]\n\n")
        return reply


class EchoesInGarbage(Raw):
    """Answers with the token in place of HTTP. `where` is a status line or a header."""

    where = b"HTTP/1.1 %b\r\n\r\n"

    def answer(self, line, asked):
        line.sendall(self.where % asked.token.encode())
        return False


class EchoesInABadHeader(EchoesInGarbage):
    """Answers with the token in a header that is none."""

    where = b"HTTP/1.1 200 OK\r\n\x00 %b\r\n\r\n"


class EchoesInABadLength(EchoesInGarbage):
    """Answers with the token as the length of the body."""

    where = b"HTTP/1.1 200 OK\r\nContent-Length: %b\r\n\r\n"


class EchoesInACoding(EchoesInGarbage):
    """Answers with the token as the coding of the body."""

    where = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: 2\r\n\r\n{}"


class EchoesInABadChunk(Raw):
    """Answers rightly, but for the token in place of a chunk's size."""

    def answer(self, line, asked):
        reply = self.usual(asked)
        if reply.status != 200 or reply.pieces:
            return super().answer(line, asked)
        line.sendall(reply.head + CHUNKED + asked.token.encode() + b"\r\n")
        return False


class EchoesToTheStranger(Raw):
    """Turns everybody away, and tells them with which token."""

    def usual(self, asked):
        reply = super().usual(asked)
        reply.status = 401
        reply.body = dump(failure(10000, f"not this one: {asked.token}"))
        return reply


def kind_of(name):
    return type(
        "Echoes" + name.title().replace(" ", ""), (Echoes,), {"form": staticmethod((FORMS | IN_PAGES)[name])}
    )


@pytest.mark.parametrize("token", [TOKEN, HARD], ids=["usual", "hard"])
@pytest.mark.parametrize("name", FORMS)
def test_the_token_in_every_form_is_masked_and_told(name, token, tmp_path):
    with served(kind_of(name)()) as server:
        done = run(server.url, tmp_path, *QUICK, token=token)
    allowed = {ECHO} if readable(FORMS[name](token)) else {ECHO, "output/json", "stream/payload", "error/envelope"}
    assert ECHO in done.warned, done.told()
    assert done.broken <= allowed, done.told()


def readable(form):
    try:
        json.loads(f'"{form}"')
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", IN_PAGES)
def test_the_token_as_a_page_writes_it_is_masked_too(name, tmp_path):
    with served(kind_of(name)()) as server:
        done = run(server.url, tmp_path, *QUICK, "--only", "http", "--only", "output", token="t0ken-&-4711-<x>")
    assert done.broken == {ECHO}, done.told()


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        (EchoesByteByByte, {ECHO}),
        (EchoesInHeaders, {ECHO}),
        (EchoesInAMediaType, {ECHO, "output/media-type", "stream/media-type", "error/media-type"}),
        (EchoesInAnEvent, {ECHO, "stream/payload", "stream/equivalence"}),
        (EchoesInAServerError, {ECHO, "http/server-error"}),
        (EchoesInABadChunk, {"http/answer"}),
    ],
)
def test_the_token_anywhere_in_an_answer_is_masked(kind, broken, tmp_path):
    with served(kind()) as server:
        done = run(server.url, tmp_path, *QUICK)
    assert done.broken - {ECHO} <= broken, done.told()
    if ECHO in broken:
        assert ECHO in done.warned
    assert done.status == (1 if done.failed else 0)


def test_the_token_as_the_name_of_a_header_is_masked(tmp_path):
    with served(EchoesInAHeadersName()) as server:
        done = run(server.url, tmp_path, *QUICK, token="infercheck-t0ken-4711")
    assert done.broken == {ECHO}, done.told()


@pytest.mark.parametrize("token", [TOKEN, HARD], ids=["usual", "hard"])
def test_the_token_in_error_messages_is_masked_in_what_is_shown_of_them(token, tmp_path):
    with served(EchoesInErrors()) as server:
        done = run(server.url, tmp_path, token=token)
    assert done.status == 1
    assert ECHO in done.warned
    assert "input/prompt/top_k/minimum" in done.failed
    assert "*" * 20 in done.stdout


@pytest.mark.parametrize("token", [TOKEN, HARD], ids=["usual", "hard"])
@pytest.mark.parametrize(
    "kind", [EchoesInGarbage, EchoesInABadHeader, EchoesInABadLength, EchoesInACoding, EchoesToTheStranger]
)
def test_the_token_in_what_is_no_answer_is_masked(kind, token, tmp_path):
    with served(kind()) as server:
        done = run(server.url, tmp_path, *QUICK, token=token)
    assert done.status in (1, 3, 4)


@pytest.mark.parametrize("token", [TOKEN, HARD], ids=["usual", "hard"])
@pytest.mark.parametrize("kind", [EchoesInGarbage, EchoesInABadHeader, EchoesToTheStranger, EchoesInErrors])
def test_the_doctor_does_not_tell_the_token_either(kind, token):
    with served(kind()) as server:
        result = CliRunner().invoke(cli, ["doctor", server.url, "--token-env", "MY_TOKEN"], env={"MY_TOKEN": token})
    assert not isinstance(result.exception, Exception) or isinstance(result.exception, SystemExit)
    assert not leaks(result.stdout + result.stderr, token), result.stdout + result.stderr
    assert not CONTROLS.search(result.stdout + result.stderr)
