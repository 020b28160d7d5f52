"""A proxy through which clients reach api.cloudflare.com, which is our server, and nothing else of the world."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator

CLOUD = "api.cloudflare.com"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Way)
        self.port = port
        self.strangers: list[str] = []


class _Way(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        request = self.rfile.readline().decode("latin-1").strip()
        while self.rfile.readline().strip():
            pass
        if not request.startswith(f"CONNECT {CLOUD}:443 "):
            self.server.strangers.append(request)
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.server.port)) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_copy, args=(there, self.connection), daemon=True)
            back.start()
            _copy(self.connection, there)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):  # either side may hang up as it likes
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def tunnel(port: int) -> Iterator[tuple[str, list[str]]]:
    """The URL of a proxy to what listens with TLS at `port`, and what it was asked for besides."""
    with _Server(port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", server.strangers
        finally:
            server.shutdown()
