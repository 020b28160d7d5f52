"""Exchanges of a recorded run, each read from the journal when it is looked at."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from infercheck.cases import Request, Token
from infercheck.errors import JournalError
from infercheck.exchange import Answer, Chunk, Exchange, Failure
from infercheck.journal import body_key
from infercheck.pages import Pages, Places


class Exchanges(Mapping[int, Exchange]):
    """Exchanges by number. A journal holds `sent` lines, `exchange` lines and bodies, which have places by number
    and by digest."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._sent, self._answered, self._bodies = Places(), Places(), Places()

    def has_body(self, digest: str, offset: int) -> None:
        """A body stands there."""
        self._bodies.add(body_key(digest), offset)

    def was_sent(self, number: int, offset: int) -> None:
        """The `sent` line of a request stands there."""
        self._sent.add(number, offset)

    def was_answered(self, number: int, offset: int) -> None:
        """The `exchange` line of a request stands there."""
        self._answered.add(number, offset)

    @property
    def sent(self) -> Places:
        """The numbers of all requests, those that were in flight at the end included."""
        return self._sent

    @property
    def bodies(self) -> Places:
        """The keys of all bodies."""
        return self._bodies

    def __getitem__(self, number: int) -> Exchange:
        answered, sent = self._answered.find(number), self._sent.find(number)
        if answered is None or sent is None:
            raise KeyError(number)
        line = self._pages.line(answered, "exchange", exchange=number)
        request = self._pages.line(sent, "sent", exchange=number)
        body, position, chunks = self._body(line["body"]), 0, []
        for size, time in line["chunks"]:
            chunks.append(Chunk(data=body[position : position + size], time=time))
            position += size
        return Exchange(
            number=number,
            case=request["case"],
            ordinal=request["ordinal"],
            request=Request(
                body=self._body(request["body"]),
                content_type=request["content_type"],
                stream=request["stream"],
                stop_after=request["stop_after"],
                method=request["method"],
                token=Token(request["token"]),
                model=request["model"],
            ),
            started=request["started"],
            retries=line["retries"],
            answer=_answer(line, tuple(chunks)),
        )

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self._answered.find(number) is not None

    def __iter__(self) -> Iterator[int]:
        return iter(self._answered)

    def __len__(self) -> int:
        return len(self._answered)

    def _body(self, digest: str) -> bytes:
        offset = self._bodies.find(body_key(digest))
        if offset is None:
            raise JournalError(f"the journal lacks the body {digest}")
        line = self._pages.line(offset, "body", sha256=digest)
        if "base64" in line:
            return base64.b64decode(line["base64"])
        text: str = line["text"]
        return text.encode("utf-8")


def _answer(line: Mapping[str, Any], chunks: tuple[Chunk, ...]) -> Answer:
    return Answer(
        status=line["status"],
        headers=tuple((name, value) for name, value in line["headers"]),
        chunks=chunks,
        seconds=line["seconds"],
        failure=Failure(**line["failure"]) if line["failure"] else None,
        cut=line["cut"],
        echoed=line["echoed"],
        reused=line["reused"],
    )
