"""HAR: every exchange of a run as an HTTP Archive 1.2, which the developer tools of browsers open.

The form is that of http://www.softwareishard.com/blog/har-12-spec/. What the journal does not hold is not made up:
of the headers of a request only those stand here that it tells, sizes of headers are -1, and the times of a run
that went on later leave out the pause. The token is no part of a journal; its variable is named, as in curl lines.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from infercheck.cases import Request
from infercheck.errors import JournalError
from infercheck.exchange import Answer, Exchange
from infercheck.record import Record
from infercheck.reports.curl import given_headers, token_of, url_of
from infercheck.results import Results

HTTP = "HTTP/1.1"
"""The version of HTTP that runners speak."""
UNKNOWN = -1
"""What the format has for a number that is not known."""
NO_TYPE = "x-unknown"
"""What browsers write for an answer without a media type."""


def render(results: Results) -> str:
    """All exchanges of a run as a JSON text; JournalError where the journal does not say when it began."""
    return json.dumps(document(results.record), ensure_ascii=False, indent=1)


def document(record: Record) -> Mapping[str, Any]:
    """All exchanges of a run as a JSON value."""
    began = _began(record)
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "infercheck", "version": record.header["infercheck"]},
            # Optional, but Firefox opens no archive without it.
            "pages": [],
            # The format prefers them in the order of sending, which numbers need not tell of those sent together.
            "entries": sorted(
                (_entry(record.header, began, record.exchanges[number]) for number in record.exchanges),
                key=lambda entry: str(entry["startedDateTime"]),
            ),
        }
    }


def _began(record: Record) -> datetime:
    try:
        began = datetime.fromisoformat(record.header["started"])
    except ValueError:
        raise JournalError(f"the journal's header says no time that it began: {record.header['started']}") from None
    return began if began.tzinfo else began.replace(tzinfo=UTC)


def _entry(header: Mapping[str, Any], began: datetime, exchange: Exchange) -> Mapping[str, Any]:
    timings = _timings(exchange.answer)
    try:
        started = began + timedelta(seconds=exchange.started)
    except OverflowError:
        raise JournalError(f"request {exchange.number} was sent after the end of time") from None
    return {
        "startedDateTime": started.isoformat(timespec="milliseconds"),
        "time": round(sum(timings.values()), 3),
        "request": _request(header, exchange.request),
        "response": _response(exchange.answer),
        "cache": {},
        "timings": timings,
        "comment": exchange.case,
    }


def _timings(answer: Answer) -> Mapping[str, float]:
    # In milliseconds. To connect, to send and to wait for the first byte were measured as one.
    whole = answer.seconds
    first = min(answer.chunks[0].time, whole) if answer.chunks else whole
    return {"send": 0, "wait": round(first * 1000, 3), "receive": round((whole - first) * 1000, 3)}


def _request(header: Mapping[str, Any], request: Request) -> Mapping[str, Any]:
    url = url_of(header, request)
    query = parse_qsl(url.partition("?")[2].partition("#")[0], keep_blank_values=True)
    sent: dict[str, Any] = {
        "method": request.method,
        "url": url,
        "httpVersion": HTTP,
        "cookies": [],
        "headers": _pairs(list(_headers(header, request))),
        "queryString": _pairs(query),
        "headersSize": UNKNOWN,
        "bodySize": len(request.body),
    }
    if request.body:
        # The format has no encoding for what is sent; a name with an underscore is for whoever needs one.
        text, encoding = _text(request.body)
        sent["postData"] = {"mimeType": request.content_type or "", "text": text}
        if encoding:
            sent["postData"] |= {"_encoding": encoding, "comment": f"no UTF-8, in {encoding}"}
    return sent


def _headers(header: Mapping[str, Any], request: Request) -> Iterator[tuple[str, str]]:
    if token := token_of(header, request):
        yield "Authorization", f"Bearer {token}"
    yield from given_headers(header)
    if request.content_type is not None:
        yield "Content-Type", request.content_type


def _response(answer: Answer) -> Mapping[str, Any]:
    text, encoding = _text(answer.body)
    content = {"size": len(answer.body), "mimeType": answer.header("content-type") or NO_TYPE, "text": text}
    if encoding:
        content["encoding"] = encoding
    came: dict[str, Any] = {
        "status": answer.status or 0,
        "statusText": _phrase(answer.status),
        "httpVersion": HTTP,
        "cookies": _pairs(list(_cookies(answer))),
        "headers": _pairs(answer.headers),
        "content": content,
        "redirectURL": answer.header("location") or "",
        "headersSize": UNKNOWN,
        # Of a coded body the journal has what it meant, not what was sent.
        "bodySize": UNKNOWN if answer.header("content-encoding") else len(answer.body),
    }
    if answer.failure is not None:
        came["_error"] = f"{answer.failure.kind}: {answer.failure.message}"
    elif answer.status is None:
        came["_error"] = "no answer"
    if answer.cut:
        came["comment"] = "closed by infercheck on purpose"
    return came


def _cookies(answer: Answer) -> Iterator[tuple[str, str]]:
    for name, value in answer.headers:
        if name.lower() == "set-cookie":
            key, _, said = value.partition(";")[0].partition("=")
            yield key.strip(), said.strip()


def _pairs(pairs: Sequence[tuple[str, str]]) -> list[Mapping[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _text(body: bytes) -> tuple[str, str]:
    """A body as text, and how it is encoded: not at all where it is UTF-8."""
    try:
        return body.decode("utf-8"), ""
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), "base64"


def _phrase(status: int | None) -> str:
    try:
        return HTTPStatus(status or 0).phrase
    except ValueError:
        return ""
