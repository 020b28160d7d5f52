"""Places where a server takes connections, and whether somebody is there."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TypeAlias

import httpx

from infercheck.errors import UsageError

Place: TypeAlias = tuple[str, int] | Path
"""Host and port, or the path of a Unix socket."""

_ANSWER = 5.0


def missing(url: str | None, place: Place, seconds: float) -> str | None:
    """What a server lacks to be ready, found out within about these seconds; None where it lacks nothing."""
    limit = min(_ANSWER, max(0.05, seconds))
    if url is None:
        return taken(place, limit)
    asked = httpx.URL(url)
    where = f"GET {asked.scheme}://{asked.netloc.decode()}{asked.path}"
    times = dict.fromkeys(("connect", "read", "write", "pool"), limit)
    request = httpx.Request("GET", asked, extensions={"timeout": times})
    # Certificates are the run's business: nothing is told to the server here, nothing believed but that it answers.
    with httpx.HTTPTransport(verify=False, trust_env=False) as transport:
        try:
            response = transport.handle_request(request)
            response.close()
        except (httpx.HTTPError, UnicodeError) as error:
            return f"{where}: {str(error) or type(error).__name__}"
    return f"{where} gives {response.status_code}" if response.status_code >= 500 else None


def place_of(url: str) -> Place:
    """The host and port of a URL; `UsageError` where it has none."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UsageError(f"{url!r} is no URL: {error}") from None
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    if parsed.scheme not in ("http", "https") or not parsed.host or port > 65535:
        raise UsageError(
            f"{url!r} is no address of a server that `start` starts",
            hint="`start` needs a target, and `ready`, that is an http:// or https:// URL.",
        )
    return parsed.host, port


def taken(place: Place, limit: float = 1.0) -> str | None:
    """None where somebody takes connections there, else what is missing for it."""
    try:
        with _connected(place, limit) as connection:
            # A free port of ours may be lent to this very connection, which then meets itself.
            if isinstance(place, Path) or connection.getsockname() != connection.getpeername():
                return None
    except (OSError, UnicodeError):
        pass
    return f"nobody takes connections at {shown(place)}"


def _connected(place: Place, limit: float) -> socket.socket:
    if not isinstance(place, Path):
        return socket.create_connection(place, timeout=limit)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(limit)
        connection.connect(str(place))
    except OSError:
        connection.close()
        raise
    return connection


def shown(place: Place) -> str:
    """A place as people write it."""
    return str(place) if isinstance(place, Path) else f"{place[0]}:{place[1]}"
