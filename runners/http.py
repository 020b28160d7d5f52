"""The HTTP runner: one request to one address, over httpx, every byte and its time observed."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from infercheck import __version__
from infercheck.addresses import with_model
from infercheck.cases import WRONG_TOKEN, Request, Token
from infercheck.exchange import Answer, Chunk, Failure
from infercheck.runners.coding import CodingError, UnknownCoding, decoder_for
from infercheck.runners.masking import Mask

BODY_CAP = 8 * 1024 * 1024
"""Bytes of an answer that are read, without its coding, before the connection is closed."""

IDLE_TOO_LONG = 408
"""What a server may say on a kept connection that nothing came on for long."""

CHUNK_CAP = 50_000
"""Chunks of an answer, or events of a stream, that are read before the connection is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """In seconds: to connect, to the first byte of the answer, between two chunks, and for the whole exchange."""

    connect: float = 10.0
    first: float = 60.0
    between: float = 60.0
    whole: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What lies between us and a target.

    `shown_headers` are the `headers` as they may be seen, `secrets` those of their values that must not.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    shown_headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    timeouts: Timeouts = field(default_factory=Timeouts)
    connections: int = 16
    proxy: str | None = None
    ca_bundle: str | None = None
    insecure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How to get to a target: the exact URL, the model that it names, the bearer token, and the network between, or
    the Unix socket on this machine."""

    url: str
    model: str = ""
    token: str | None = field(default=None, repr=False)
    network: Network = field(default_factory=Network)
    socket: Path | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no output: the token, and the headers that hold as much."""
        return (*([self.token] if self.token else []), *self.network.secrets)


class _Trace:
    # Sees whether a request got a connection of its own, or one that was kept.
    def __init__(self) -> None:
        self.connected = False

    async def __call__(self, event: str, info: object) -> None:
        if event.startswith("connection.connect"):
            self.connected = True


class HttpRunner:
    """Sends requests over HTTP/1.1. Redirects are not followed and the environment's proxies are not used, so that
    the token goes to the named host alone."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._mask = Mask(*link.secrets)
        self._headers = {
            "user-agent": f"infercheck/{__version__}",
            "accept": "application/json, text/event-stream",
            # Compressed chunks would arrive when the compressor likes, not when the target sends them.
            "accept-encoding": "identity",
            **link.network.headers,
        }
        if link.token:
            self._headers["authorization"] = f"Bearer {link.token}"
        # Transports rather than clients: these would look into redirects and cookies, and trip over hostile ones.
        self._verify = _verification(link)
        self._kept = self._transport(link.network.connections)
        self._alone = self._transport(0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._kept.aclose()
        await self._alone.aclose()

    async def send(self, request: Request, *, alone: bool = False) -> Answer:
        """Send one request; `alone` on a connection of its own, with no other open and no other request under way.

        Whatever the target does comes back as an answer. A kept connection that the target closes just as it is
        used again, or says 408 of (RFC 9110, section 15.5.9), says nothing of the request (RFC 9112, section
        9.3.1): the request is then sent anew, until it has had a connection of its own. Where there is none to be
        had any more, the loss is what was observed: the target may have died of the request.
        """
        if alone:
            await self._close_kept()
        lost: Answer | None = None
        while True:
            trace = _Trace()
            answer = await self._send(self._alone if alone else self._kept, request, trace)
            kind = answer.failure.kind if answer.failure else ""
            if lost is not None and kind == "connect":
                return lost
            answered = answer.status is not None and answer.status != IDLE_TOO_LONG
            if answered or kind == "timeout" or trace.connected:
                return answer
            lost = answer

    async def _close_kept(self) -> None:
        # Nobody else's request is under way (see Door), and a target may have room for few connections.
        kept, self._kept = self._kept, self._transport(self._link.network.connections)
        await kept.aclose()

    def _transport(self, kept: int) -> httpx.AsyncHTTPTransport:
        network = self._link.network
        return httpx.AsyncHTTPTransport(
            trust_env=False,
            limits=httpx.Limits(max_connections=network.connections, max_keepalive_connections=kept),
            proxy=network.proxy,
            verify=self._verify,
            uds=str(self._link.socket) if self._link.socket else None,
        )

    async def _send(self, transport: httpx.AsyncHTTPTransport, request: Request, trace: _Trace) -> Answer:
        began = time.monotonic()
        chunks: list[Chunk] = []
        head: list[httpx.Response] = []
        failure: Failure | None = None
        cut = False
        times = self._link.network.timeouts
        loop = asyncio.get_running_loop()
        end = loop.time() + times.whole
        try:
            async with asyncio.timeout_at(min(end, loop.time() + times.first)) as timer:
                response = await transport.handle_async_request(self._built(request, trace))
                head.append(response)
                try:
                    failure, cut = await self._read(response, request, chunks, began, timer, end)
                finally:
                    await response.aclose()
        except TimeoutError:
            message = _timed_out(times, bool(head), time.monotonic() - began)
            length = head[0].headers.get("content-length") if head else None
            if length:
                message += (
                    f"; Content-Length says {length[:20]}, {sum(len(chunk.data) for chunk in chunks)} bytes came"
                )
            failure = Failure(kind="timeout", message=message)
        except httpx.HTTPError as error:
            failure = Failure(kind=_kind(error), message=_describe(error))
        answer = self._answer(head[0] if head else None, chunks, failure, cut, time.monotonic() - began)
        return replace(answer, reused=not trace.connected)

    def _built(self, request: Request, trace: _Trace) -> httpx.Request:
        link = self._link
        url = link.url if request.model is None else with_model(link.url, link.model, request.model)
        headers = dict(self._headers)
        if request.content_type is not None:
            headers["content-type"] = request.content_type
        if request.token is Token.WRONG:
            headers["authorization"] = f"Bearer {WRONG_TOKEN}"
        elif request.token is Token.MISSING:
            headers.pop("authorization", None)
        times = {"connect": link.network.timeouts.connect, "read": None, "write": None, "pool": None}
        return httpx.Request(
            request.method,
            url,
            content=request.body or None,
            headers=headers,
            extensions={"trace": trace, "timeout": times},
        )

    async def _read(
        self,
        response: httpx.Response,
        request: Request,
        chunks: list[Chunk],
        began: float,
        timer: asyncio.Timeout,
        end: float,
    ) -> tuple[Failure | None, bool]:
        size = events = 0
        loop = asyncio.get_running_loop()
        times = self._link.network.timeouts
        timer.reschedule(min(end, loop.time() + times.first))
        try:
            decoder = decoder_for(response.headers.get("content-encoding"))
            async for raw in response.aiter_raw():
                data = decoder.feed(raw, BODY_CAP - size)
                chunks.append(Chunk(data=data, time=time.monotonic() - began))
                size += len(data)
                events += data.count(b"data:")
                if size > BODY_CAP or max(events, len(chunks)) > CHUNK_CAP:
                    return Failure(kind="too-large", message=_too_large(size)), False
                if request.stop_after is not None and len(chunks) >= request.stop_after:
                    return None, True
                timer.reschedule(min(end, loop.time() + times.between))
            decoder.close()
        except UnknownCoding as error:
            return Failure(kind="coding", message=str(error)), False
        except CodingError as error:
            return Failure(kind="protocol", message=str(error)), False
        return None, False

    def _answer(
        self,
        response: httpx.Response | None,
        chunks: list[Chunk],
        failure: Failure | None,
        cut: bool,
        seconds: float,
    ) -> Answer:
        masked, echoed = self._mask.chunks(chunks, whole=failure is None and not cut)
        if failure is not None:
            failure = replace(failure, message=self._mask.text(failure.message))
        headers: list[tuple[str, str]] = []
        for name, value in response.headers.multi_items() if response else ():
            hidden = self._mask.text(name), self._mask.text(value)
            echoed = echoed or hidden != (name, value)
            headers.append(hidden)
        return Answer(
            status=response.status_code if response else None,
            headers=tuple(headers),
            chunks=masked,
            seconds=seconds,
            failure=failure,
            cut=cut,
            echoed=echoed,
        )


def _verification(link: Link) -> ssl.SSLContext | bool:
    if link.network.insecure:
        return False
    if link.network.ca_bundle:
        return ssl.create_default_context(cafile=link.network.ca_bundle)
    # Made once: reading the certificates takes longer than most requests.
    return httpx.create_ssl_context(trust_env=False) if link.url.startswith("https:") else False


def _timed_out(times: Timeouts, started: bool, seconds: float) -> str:
    if seconds >= times.whole:
        return f"not finished after {times.whole:g} s"
    if started:
        return f"no more bytes for {times.between:g} s"
    return f"no answer after {times.first:g} s"


def _too_large(size: int) -> str:
    what = f"{BODY_CAP >> 20} MiB" if size > BODY_CAP else f"{CHUNK_CAP:,} pieces"
    return f"a body of more than {what}, which we stopped reading"


def _kind(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return "connect"
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.RemoteProtocolError) and not _disconnected(error):
        return "protocol"
    return "closed"


def _disconnected(error: httpx.HTTPError) -> bool:
    # What h11 says of a connection that was closed before one byte of an answer: no rule of HTTP is broken by it.
    return "disconnected without sending" in str(error)


def _describe(error: httpx.HTTPError) -> str:
    text = str(error).rstrip(".") or type(error).__name__
    match error:
        case httpx.RemoteProtocolError() if _disconnected(error):
            return "the connection was closed before an answer came"
        case httpx.ConnectError():
            return f"cannot connect: {text}"
        case httpx.ConnectTimeout():
            return "cannot connect: timed out"
        case httpx.RemoteProtocolError():
            return f"the connection broke HTTP: {text}"
        case httpx.ReadError() | httpx.WriteError():
            return f"the connection was closed: {text}"
        case _:
            return text
