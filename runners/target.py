"""Target addresses: from what the user writes to a runner that reaches it."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from infercheck.errors import UsageError
from infercheck.exchange import Runner
from infercheck.runners.http import HttpRunner, Link, Network

KINDS = "reference, cloudflare, or the exact http:// or https:// URL to POST to"
CLOUDFLARE = "https://api.cloudflare.com/client/v4/accounts/{account}/ai/run/{model}"
CLOUDFLARE_RATE = 4.0
"""Requests a second for the hosted API where no rate is given: under the documented 300 a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the user says about the target."""

    address: str
    model: str
    token_env: str | None = None
    network: Network = field(default_factory=Network)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A target that can be asked: its runner, and the address for reports and curl lines."""

    runner: Runner
    url: str
    token_variable: str | None
    rate: float | None = None


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

        with LocalServer() as server:
            link = Link(url=server.url, token=server.token, network=target.network)
            async with HttpRunner(link) as runner:
                yield Opened(runner=runner, url=server.url, token_variable="INFERCHECK_TOKEN")  # noqa: S106
        return
    link = _link(target)
    try:
        client = HttpRunner(link)
    except (OSError, ValueError) as error:
        raise UsageError(f"{target.network.proxy or target.network.ca_bundle}: {error}") from None
    async with client as runner:
        yield Opened(
            runner=runner,
            url=link.url,
            token_variable=_token_variable(target),
            rate=CLOUDFLARE_RATE if target.address == "cloudflare" else None,
        )


def _token_variable(target: Target) -> str | None:
    return target.token_env or ("CLOUDFLARE_AUTH_TOKEN" if target.address == "cloudflare" else None)


def _link(target: Target) -> Link:
    url = target.address
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
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise UsageError(f"{url!r} is no target", hint=f"A target is {KINDS}.")
    if parsed.userinfo:
        raise UsageError("the URL holds a password", hint="Put the token in a variable: --token-env NAME.")
    variable = _token_variable(target)
    token = os.environ.get(variable) if variable else None
    if variable and not token:
        raise UsageError(f"the variable {variable} is not set", hint=f"export {variable}=your-token")
    if token and not (token.isascii() and token.isprintable()):
        raise UsageError(f"the token in {variable} has characters that no header can carry")
    return Link(url=url, token=token, network=target.network)


def is_secret(name: str) -> bool:
    """Whether a header of this name holds what nobody may see."""
    return bool(re.search(r"auth|key|token|secret|cookie|password|session", name, re.IGNORECASE))


def parse_headers(lines: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
    """`NAME=VALUE` and `NAME=$VARIABLE` lines as headers, and the secrets among them.

    A value is a secret where it comes from a variable, or where the name says so.
    """
    headers: dict[str, str] = {}
    secrets: list[str] = []
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{line!r} is no header", hint="Write NAME=VALUE, or NAME=$VARIABLE for a secret.")
        if value.startswith("$"):
            found = os.environ.get(value[1:])
            if found is None:
                raise UsageError(f"the variable {value[1:]} is not set", hint=f"export {value[1:]}=…")
            value = found
        if equals and (line.partition("=")[2].startswith("$") or is_secret(name)):
            secrets.append(value)
        if not (value.isascii() and value.isprintable() and name.strip().isascii()):
            raise UsageError(f"the header {name} has characters that no header can carry")
        headers[name.strip()] = value
    return headers, tuple(secrets)
