"""Curl lines: the request of a finding as a command that runs as it stands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infercheck.addresses import with_model
from infercheck.cases import WRONG_TOKEN, Request, Token
from infercheck.record import Record
from infercheck.reports.files import write_file

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAMED_HEADER = re.compile(r'-H "[\w-]+: \$[A-Za-z_][A-Za-z0-9_]*"')

OPTIONS = ("-H", "--insecure", "--cacert", "--proxy")
"""Options of curl that a way to a target may need."""

BODIES = "bodies"
"""The folder of long bodies, in that of the reports."""

INLINE = 2_000
"""Bytes up to which a body stands in the command line; longer ones stand in a file beside the report."""


def curl(header: Mapping[str, Any], request: Request) -> str:
    """The command that sends a request to the run's target; the token is named, never written.

    A body over INLINE bytes, or one that no command line can hold or nobody could read there, is read from a file
    in the run's folder.
    """
    words = ["curl", "-sS", "-i", "-X", shlex.quote(request.method), shlex.quote(url_of(header, request))]
    if request.stream:
        words.insert(1, "-N")
    if set("[]{}") & set(words[-1]):
        words.insert(1, "-g")  # else curl takes them for several addresses
    if token := token_of(header, request):
        line = f"Authorization: Bearer {token}"
        words += ["-H", f'"{line}"' if token.startswith("$") else shlex.quote(line)]
    words += _options(header)
    # Without a value, curl leaves the header out.
    words += ["-H", shlex.quote(f"Content-Type: {request.content_type or ''}".rstrip())]
    if request.method == "GET":
        return " ".join(words)
    if needs_file(request):
        path = str(Path(header["folder"]) / body_file(request))
        words += ["--data-binary", shlex.quote(f"@{path}")]
    else:
        words += ["--data-binary", shlex.quote(request.body.decode("utf-8"))]
    return " ".join(words)


def url_of(header: Mapping[str, Any], request: Request) -> str:
    """The address that a request goes to."""
    url: str = header["target"]["url"]
    return url if request.model is None else with_model(url, header["contract"]["model"], request.model)


def token_of(header: Mapping[str, Any], request: Request) -> str:
    """The bearer token of a request as it may be seen: its variable (`$NAME`), a wrong one, or empty for none."""
    variable = header["target"].get("token_variable") or ""
    if request.token is Token.GIVEN and _VARIABLE.fullmatch(variable):
        return f"${variable}"
    return WRONG_TOKEN if request.token is Token.WRONG else ""


def given_headers(header: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The headers that the user had sent along, as they may be seen."""
    for option in _options(header):
        name, *value = shlex.split(option)
        if name == "-H" and value:
            key, _, shown = value[0].partition(": ")
            yield key, shown


def _options(header: Mapping[str, Any]) -> Iterator[str]:
    return filter(_is_quoted, header["target"]["curl_options"])


def curl_of(record: Record, number: int | None) -> str | None:
    """The command that sends a recorded request again; None where there is no such exchange."""
    exchange = None if number is None else record.exchanges.get(number)
    return curl(record.header, exchange.request) if exchange else None


def _is_quoted(option: str) -> bool:
    # A journal may be anybody's, and a shell runs what it is given: only what we would write is let through.
    if _NAMED_HEADER.fullmatch(option):
        return True
    try:
        words = shlex.split(option)
    except ValueError:
        return False
    return bool(words) and words[0] in OPTIONS and " ".join(map(shlex.quote, words)) == option


def needs_file(request: Request) -> bool:
    """Whether a request's body cannot stand in a command line, or not so that it could be read and copied there."""
    if len(request.body) > INLINE or b"\x00" in request.body or request.body.startswith(b"@"):
        return True
    try:
        lines = request.body.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return True
    return not all(map(str.isprintable, lines))


def body_file(request: Request) -> str:
    """The path of a body's file, relative to the folder of the reports."""
    return f"{BODIES}/{request.digest[:16]}.json"


def write_body(folder: Path, request: Request) -> None:
    """Write a body's file where its curl line looks for it."""
    write_file(folder / body_file(request), request.body, make_folder=True)
