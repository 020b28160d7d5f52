"""Raw servers: what no web framework would let an application send, byte by byte over a real socket."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from fakes import CONTRACT
from mutants.conforming import DONE, Careless, dump, envelope, failure, frame

from infercheck.cases import WRONG_TOKEN
from infercheck.runners.engine import Refusal

TOKEN = "infercheck-t0ken+4711/abc=="
"""What the command is given as a token; it has characters that are escaped in JSON, in URLs and in pages."""

PATH = f"/client/v4/accounts/test/ai/run/{CONTRACT.model}"
JSON, SSE = "application/json", "text/event-stream"
JUDGE = Careless()
"""Tells valid bodies from others, and what to answer to them."""


class Closing(Exception):
    """The server is closed: whoever works for it leaves."""


@dataclass(frozen=True)
class Asked:
    """A request as it came. `number` counts the requests of a server from 1, `turn` those of a connection."""

    head: bytes
    body: bytes
    number: int
    turn: int

    @cached_property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode("latin-1")

    @property
    def path(self) -> str:
        return self.head.split(b" ", 2)[1].decode("latin-1")

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    @cached_property
    def value(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def streams(self) -> bool:
        return isinstance(self.value, dict) and self.value.get("stream") is True


@dataclass
class Reply:
    """An answer before it is put into bytes; `pieces` are the chunks of a stream."""

    status: int
    body: bytes
    media_type: str = JSON
    pieces: tuple[bytes, ...] = ()
    reason: bytes = b"Fine"
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def head(self) -> bytes:
        """Status line and headers, without those that say how long the body is, and without the blank line."""
        fields = [(b"Content-Type", self.media_type.encode("latin-1")), *self.headers]
        lines = [b"HTTP/1.1 %d %b" % (self.status, self.reason), *(name + b": " + value for name, value in fields)]
        return b"\r\n".join([*lines, b""])

    def encoded(self) -> bytes:
        """The whole answer: chunked where it is a stream."""
        if self.pieces:
            return self.head + CHUNKED + b"".join(map(chunk, self.pieces)) + LAST
        return self.head + length(len(self.body)) + self.body


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def length(size: int) -> bytes:
    """The header that says how long a body is, and the end of the headers."""
    return b"Content-Length: %d\r\n\r\n" % size


def usual(asked: Asked, *, secret: str | None = None) -> Reply:
    """What a conforming server answers; with a `secret` to those alone who have it."""
    if asked.method != "POST":
        return Reply(405, dump(failure(7001, "method not allowed", result=None)))
    if asked.token == WRONG_TOKEN or (secret is not None and asked.token != secret):
        return Reply(401, dump(failure(10000, "Authentication error", result=None)))
    if not asked.path.partition("?")[0].endswith(CONTRACT.model):
        return Reply(400, dump(failure(5007, "No such model")))
    try:
        said = answered(asked.body)
    except Refusal as refusal:
        return Reply(refusal.status, dump(failure(refusal.code, refusal.message)))
    return Reply(200, dump(envelope(said))) if isinstance(said, Mapping) else stream(*said)


@cache
def answered(raw: bytes) -> Mapping[str, Any] | tuple[Any, ...]:
    """What is said to a body, or the payloads of a stream. Every run asks the same, and real patience is short."""
    body = JUDGE.parse_body(raw)
    JUDGE.validate(body)
    said = JUDGE.run(body)
    return said if isinstance(said, Mapping) else tuple(said)


def stream(*payloads: Any, end: bytes = DONE) -> Reply:
    """A stream of events, each a chunk."""
    pieces = (*map(frame, payloads), end)
    return Reply(200, b"".join(pieces), SSE, pieces)


class Raw:
    """A conforming server, a thread for each connection. Kinds of it override `answer`, or `usual`.

    The token that the first request has is the only one that it takes.
    """

    def __init__(self, listener: socket.socket | None = None) -> None:
        self.secret: str | None = None
        self.asked: list[Asked] = []
        self.connections = 0
        self._closing = threading.Event()
        self._lines: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self.listener = listener or socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self._start(self._listen, self.listener)

    # What kinds override

    def greets(self, line: socket.socket, number: int) -> bool:
        """Meet a connection before anything is read from it; False closes it."""
        return True

    def answer(self, line: socket.socket, asked: Asked) -> bool:
        """Answer a request; False closes the connection."""
        line.sendall(self.usual(asked).encoded())
        return True

    def usual(self, asked: Asked) -> Reply:
        """What a conforming server answers."""
        return usual(asked, secret=self.secret)

    def wait(self, seconds: float = 3600) -> None:
        """Do nothing for so long; Closing where the server is closed meanwhile."""
        if self._closing.wait(seconds):
            raise Closing

    # How it works

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    def _start(self, work: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self, listener: socket.socket) -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._lines.add(line)
            self._start(self._serve, line, self.connections)

    def _serve(self, line: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError, Closing), line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.greets(line, number):
                self._converse(line)
        with self._lock:
            self._lines.discard(line)

    def _converse(self, line: socket.socket) -> None:
        data, turn = b"", 0
        while not self._closing.is_set():
            while b"\r\n\r\n" not in data:
                if not (more := line.recv(1 << 16)):
                    return
                data += more
            head, _, data = data.partition(b"\r\n\r\n")
            turn += 1
            size = next((int(row[15:]) for row in head.lower().split(b"\r\n") if row[:15] == b"content-length:"), 0)
            if not self.reads(line, head, size):
                return
            body = bytearray(data)
            while len(body) < size:
                if not (more := line.recv(1 << 16)):
                    return
                body += more
            data = bytes(body[size:])
            with self._lock:
                asked = Asked(head, bytes(body[:size]), len(self.asked) + 1, turn)
                self.asked.append(asked)
                self.secret = self.secret or asked.token or None
            if not self.answer(line, asked):
                return

    def reads(self, line: socket.socket, head: bytes, size: int) -> bool:
        """Whether a body is read at all; False closes the connection."""
        return True

    def die(self) -> None:
        """Close the listener and every connection, as a process that ends does."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self._lock:
            lines = list(self._lines)
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let everybody go."""
        self._closing.set()
        self.die()
        for thread in self._threads:
            thread.join(5)


def reset(line: socket.socket) -> None:
    """Close a connection with a reset, so that what the other side has not read yet is lost."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


@contextlib.contextmanager
def served(server: Raw) -> Iterator[Raw]:
    """A server for as long as it is needed."""
    try:
        yield server
    finally:
        server.close()
