"""The HTTP runner over real sockets: what it sends, what it observes, and what it never lets through."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading

import pytest

from infercheck.cases import Request
from infercheck.runners.http import HttpRunner, Link, Network, Timeouts

TOKEN = 'secret/tok"en-1234'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextlib.contextmanager
def listening(script):
    """A server that reads one request a connection and hands the socket, and what it read, to `script`."""
    listener = socket.create_server(("127.0.0.1", 0))
    requests = []

    def work():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                data = b""
                while b"\r\n\r\n" not in data:
                    data += connection.recv(65536)
                head, _, body = data.partition(b"\r\n\r\n")
                length = int(next(line for line in head.lower().split(b"\r\n") if b"content-length" in line)[15:])
                while len(body) < length:
                    body += connection.recv(65536)
                requests.append((head.decode("latin-1"), body))
                with contextlib.suppress(OSError):
                    script(connection)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/run", requests
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def ask(url, request=None, token=None, **network):
    async def go():
        async with HttpRunner(Link(url=url, token=token, network=Network(**network))) as runner:
            return await runner.send(request or Request(body=b'{"a":1}'))

    return asyncio.run(go())


def reply(body, head=HEAD):
    return lambda connection: connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def test_bytes_label_and_token_are_sent_as_they_are():
    with listening(reply(b"{}")) as (url, requests):
        answer = ask(url, Request(body=b"{ raw }", content_type="text/x"), token=TOKEN, headers={"x-a": "b"})
    head, body = requests[0]
    assert body == b"{ raw }"
    assert head.startswith("POST /run HTTP/1.1\r\n")
    lines = [line.lower() for line in head.split("\r\n")]
    assert "content-type: text/x" in lines
    assert f"authorization: bearer {TOKEN}".lower() in lines
    assert "x-a: b" in lines
    assert "accept-encoding: identity" in lines
    assert (answer.status, answer.body, answer.failure) == (200, b"{}", None)


@pytest.mark.parametrize(
    "echo",
    [TOKEN, json.dumps(TOKEN)[1:-1], "secret%2Ftok%22en-1234", "".join(f"\\u{ord(c):04X}" for c in TOKEN)],
)
def test_a_token_that_is_echoed_is_masked_at_equal_length_also_across_chunks(echo):
    data = f'{{"you sent": "{echo}"}}'.encode()

    def script(connection):
        connection.sendall(HEAD + b"X-Echo: " + TOKEN.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(data), 7):
            piece = data[start : start + 7]
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")

    with listening(script) as (url, _):
        answer = ask(url, token=TOKEN)
    assert answer.echoed
    assert answer.body == f'{{"you sent": "{"*" * len(echo)}"}}'.encode()
    assert len(answer.chunks) > 1
    assert answer.header("x-echo") == "*" * len(TOKEN)
    assert TOKEN not in repr(answer)


def test_a_secret_header_is_masked_too_and_nothing_else_is():
    with listening(reply(b'{"max_tokens": 256, "k": "hunter22"}')) as (url, _):
        answer = ask(url, headers={"x-key": "hunter22"}, secrets=("hunter22",))
    assert answer.body == b'{"max_tokens": 256, "k": "********"}'


def test_redirects_are_not_followed():
    with listening(reply(b"", b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:9/\r\n")) as (url, requests):
        answer = ask(url, token=TOKEN)
    assert (answer.status, answer.header("location")) == (307, "http://127.0.0.1:9/")
    assert len(requests) == 1


def test_the_environments_proxy_is_not_used(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with listening(reply(b"{}")) as (url, _):
        assert ask(url).status == 200


def test_a_stream_without_end_is_cut_where_the_request_says():
    def endless(connection):
        connection.sendall(HEAD + b"\r\n")
        while True:
            connection.sendall(b"data: {}\n\n")

    with listening(endless) as (url, _):
        answer = ask(url, Request(body=b"{}", stream=True, stop_after=3))
    assert answer.cut
    assert answer.failure is None
    assert len(answer.chunks) == 3


@pytest.mark.parametrize(
    ("script", "kind", "status"),
    [
        (lambda connection: None, "closed", None),
        (lambda connection: connection.sendall(b"nonsense\r\n\r\n"), "protocol", None),
        (lambda connection: connection.sendall(HEAD + b"Content-Length: 9\r\n\r\n{}"), "protocol", 200),
        (lambda connection: threading.Event().wait(1), "timeout", None),
        (lambda connection: (connection.sendall(HEAD + b"Content-Length: 9\r\n\r\n{}"), threading.Event().wait(1)),
         "timeout", 200),
    ],
)  # fmt: skip
def test_what_goes_wrong_on_the_wire_comes_back_as_a_failure(script, kind, status):
    with listening(script) as (url, _):
        answer = ask(url, timeouts=Timeouts(first=0.3, between=0.3))
    assert answer.failure
    assert (answer.failure.kind, answer.status) == (kind, status)
    assert answer.body == (b"{}" if status else b"")


def test_nobody_listens():
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    answer = ask(f"http://127.0.0.1:{port}/")
    assert answer.status is None
    assert answer.failure
    assert answer.failure.kind == "connect"


@pytest.mark.parametrize("size", [1, 3, 8])
def test_a_token_that_is_said_piece_by_piece_is_masked_too(size):
    token = "secret-token-1234"
    pieces = [token[start : start + size] for start in range(0, len(token), size)]
    events = [
        {"response": "You sent "},
        *({"response": piece, "p": "ab"} for piece in pieces),
        {"response": " so."},
    ]
    data = "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()
    with listening(reply(data)) as (url, _):
        answer = ask(url, token=token)
    assert answer.echoed
    assert len(answer.body) == len(data)
    said = [json.loads(line[6:])["response"] for line in answer.body.decode().splitlines() if line]
    assert "".join(said[1:-1]) == "*" * len(token)
    assert (said[0], said[-1]) == ("You sent ", " so.")


def test_a_408_on_a_kept_connection_is_the_connection_s_and_not_the_request_s():
    listener = socket.create_server(("127.0.0.1", 0))
    answers = {0: [b"200 OK", b"408 Request Timeout"], 1: [b"200 OK"]}

    def work():
        for replies in answers.values():
            connection, _ = listener.accept()
            with connection:
                for status in replies:
                    data = b""
                    while not data.endswith(b"{}"):
                        data += connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()

    async def twice():
        async with HttpRunner(Link(url=f"http://127.0.0.1:{listener.getsockname()[1]}/")) as runner:
            return [await runner.send(Request(body=b"{}")) for _ in range(2)]

    first, second = asyncio.run(twice())
    thread.join(5)
    listener.close()
    assert (first.status, second.status) == (200, 200)
    assert not second.reused
