"""`infercheck serve`: the reference server, by hand."""

from __future__ import annotations

import os
import secrets
from typing import Any

import click

from infercheck.contract_loader import load
from infercheck.errors import UsageError
from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.reference.model import DEFAULT_LENGTH, DEFAULT_PEAK, LanguageModel
from infercheck.runners.server import Api
from infercheck.runners.serving import serve as serve_app

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    host: str,
    port: int,
    token_env: str | None,
    peak: float | None,
    length: str | None,
    **_: Any,
) -> None:
    """Serve until Ctrl-C; prints how to call it."""
    token = os.environ.get(token_env) if token_env else secrets.token_urlsafe(18)
    if not token:
        raise UsageError(f"the variable {token_env} is not set", hint=f"export {token_env}=your-token")
    if host not in LOOPBACK and not token_env:
        raise UsageError(f"{host} is not loopback", hint="Beyond loopback, give a token of your own: --token-env.")
    contract = load()
    try:
        model = LanguageModel(peak=peak or DEFAULT_PEAK, length=_length(length))
    except ValueError as error:
        raise UsageError(str(error)) from None
    api = Api(ReferenceEngine(model=model), input_schema=dict(contract.input), token=token)

    def ready(base: str) -> None:
        url = f"{base}/client/v4/accounts/local/ai/run/{contract.model}"
        shown = f"${token_env}" if token_env else token
        click.echo(f"url    {url}\ntoken  {shown}\nadapters  poet, pirate\n")
        click.echo(f'curl -sS {url} \\\n  -H "Authorization: Bearer {shown}" -d \'{{"prompt":"Say hello."}}\'\n')
        click.echo("Ctrl-C ends it.")

    try:
        serve_app(api.app(), host=host, port=port, on_ready=ready)
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host} port {port}: {error.strerror}",
            hint="Give another --port, or 0 for any.",
        ) from None


def _length(text: str | None) -> tuple[int, int]:
    if text is None:
        return DEFAULT_LENGTH
    low, colon, high = text.partition(":")
    if not (colon and low.isdigit() and high.isdigit()):
        raise UsageError(f"{text!r} is no length", hint="Write the fewest and the most tokens, as in 20:60.")
    return int(low), int(high)
