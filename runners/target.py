"""Target addresses: from what the user writes to a runner that reaches it."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from infercheck.addresses import LIVE
from infercheck.errors import UsageError
from infercheck.exchange import Runner
from infercheck.runners.http import HttpRunner, Link, Network
from infercheck.runners.loading import Place

KINDS = (
    "reference, cloudflare, engine:MODULE:OBJECT, asgi:MODULE:APP, transformers:PATH, or the exact "
    "http:// or https:// URL to POST to"
)
CLOUDFLARE = "https://api.cloudflare.com/client/v4/accounts/{account}/ai/run/{model}"
CLOUDFLARE_RATE = 4.0
"""Requests a second for the hosted API where no rate is given: under the documented 300 a minute."""

BASE = "http://127.0.0.1:8787"
"""Where engines and applications are asked, and where `infercheck serve` answers by default."""

API_PATH = "/client/v4/accounts/local/ai/run/{model}"

GIVEN_TOKEN = "INFERCHECK_TOKEN"
"""What curl lines call a token that stands in no variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the user says about the target."""

    address: str
    model: str
    token_env: str | None = None
    token: str | None = field(default=None, repr=False)
    """The token itself, for who has it in no variable."""
    network: Network = field(default_factory=Network)
    socket: Path | None = None
    """The Unix socket at which an engine or an application is served."""
    reference: tuple[str, ...] = ()
    """Further options of the reference server, where that is the target."""

    def link(self) -> Link:
        """The way to it; UsageError where the address, the token or its variable makes no sense."""
        return _link(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A target that can be asked: its runner, and what curl lines need to reach it, ready for a shell."""

    runner: Runner
    url: str
    token_variable: str | None
    curl_options: tuple[str, ...] = ()
    rate: float | None = None
    """Ends a target of ours that is silent; it is started again then."""


def check(target: Target) -> None:
    """UsageError where the address, the token variable or a header makes no sense; nothing is sent."""
    if target.address == "reference":
        return
    _link(target)


@asynccontextmanager
async def open_target(target: Target) -> AsyncIterator[Opened]:
    """Open a target; starts the reference server where that is the target, and ends it afterwards."""
    if target.address == "reference":
        from infercheck.runners.serving import LocalServer

        with LocalServer(arguments=target.reference) as server:
            link = Link(url=server.url, model=target.model, token=server.token, network=target.network)
            async with HttpRunner(link) as runner:
                yield Opened(runner=runner, url=server.url, token_variable=GIVEN_TOKEN)
        return
    link = _link(target)
    try:
        client = HttpRunner(link)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the proxy or the certificates cannot be used: {type(error).__name__}",
            hint="Write --proxy as a URL, as in http://proxy:3128, and --ca-bundle as a file in PEM.",
        ) from None
    async with client as runner:
        yield Opened(
            runner=runner,
            url=link.url,
            token_variable=_token_variable(target),
            curl_options=tuple(_curl_options(target.network)),
            rate=CLOUDFLARE_RATE if target.address == "cloudflare" else None,
        )


def _curl_options(network: Network) -> Iterator[str]:
    for name, shown in network.shown_headers.items():
        variable = shown.startswith("$")
        yield f'-H "{name}: {shown}"' if variable else f"-H {shlex.quote(f'{name}: {shown}')}"
    if network.insecure:
        yield "--insecure"
    if network.ca_bundle:
        yield f"--cacert {shlex.quote(network.ca_bundle)}"
    if network.proxy:
        yield f"--proxy {shlex.quote(without_password(network.proxy))}"


def without_password(url: str) -> str:
    """A URL whose user and password are left out."""
    scheme, colon, rest = url.partition("://")
    return f"{scheme}{colon}***@{rest.rpartition('@')[2]}" if "@" in rest else url


def _token_variable(target: Target) -> str | None:
    if target.token_env is not None:
        return target.token_env
    if target.token is not None:
        return GIVEN_TOKEN
    return "CLOUDFLARE_AUTH_TOKEN" if target.address == "cloudflare" else None


def _link(target: Target) -> Link:
    url = target.address
    if (path := path_of(target)) is not None:
        url = f"{BASE}{path}"
    if url == "cloudflare":
        account = os.environ.get("CLOUDFLARE_ACCOUNT_ID")
        if not account:
            raise UsageError(
                "the variable CLOUDFLARE_ACCOUNT_ID is not set",
                hint="Export your account's id in it, and a token in CLOUDFLARE_AUTH_TOKEN.",
            )
        url = CLOUDFLARE.format(account=account, model=target.model)
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UsageError(f"{url!r} is no URL: {error}") from None
    if parsed.port is not None and parsed.port > 65535:
        raise UsageError(f"there is no port {parsed.port}")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise UsageError(f"{url!r} is no target", hint=f"A target is {KINDS}.")
    if parsed.userinfo:
        raise UsageError("the URL holds a password", hint="Put the token in a variable: --token-env NAME.")
    if target.token is not None and not target.token:
        raise UsageError("the token is empty")
    variable = _token_variable(target)
    token = target.token or (os.environ.get(variable) if variable else None)
    if variable is not None and not token:
        raise UsageError(f"the variable {variable} is not set", hint=f"export {variable}=your-token")
    if token and not (token.isascii() and token.isprintable()):
        where = "" if target.token else f" in {variable}"
        raise UsageError(f"the token{where} has characters that no header can carry")
    return Link(url=url, model=target.model, token=token, network=target.network, socket=target.socket)


def path_of(target: Target) -> str | None:
    """The path at which an engine or an application is asked; None where the target is neither."""
    place = Place.parse(target.address)
    if place is None and not target.address.startswith(LIVE):
        return None
    own = place.path if place else "".join(target.address.partition("/")[1:])
    return own or API_PATH.format(model=target.model)


def is_secret(name: str) -> bool:
    """Whether a header of this name holds what nobody may see."""
    return bool(re.search(r"auth|key|token|secret|cookie|password|session", name, re.IGNORECASE))


def parse_headers(lines: tuple[str, ...]) -> tuple[dict[str, str], dict[str, str], tuple[str, ...]]:
    """`NAME=VALUE` and `NAME=$VARIABLE` lines as headers, as they may be shown, and the secrets among them.

    A value is a secret where it comes from a variable, or where the name says so.
    """
    headers: dict[str, str] = {}
    shown: dict[str, str] = {}
    secrets: list[str] = []
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name.strip()):
            # Not repeated: what is meant as a value may stand before the first equals sign.
            raise UsageError("a --header is no header", hint="Write NAME=VALUE, or NAME=$VARIABLE for a secret.")
        if value.startswith("$"):
            found = os.environ.get(value[1:])
            if found is None:
                raise UsageError(f"the variable {value[1:]} is not set", hint=f"export {value[1:]}=…")
            value = found
        if line.partition("=")[2].startswith("$") or is_secret(name):
            secrets.append(value)
        if not (value.isascii() and value.isprintable() and name.strip().isascii()):
            raise UsageError(f"the header {name} has characters that no header can carry")
        headers[name.strip()] = value
        literal = line.partition("=")[2]
        shown[name.strip()] = "***" if is_secret(name) and not literal.startswith("$") else literal
    return headers, shown, tuple(secrets)
