"""`infercheck serve`: the reference model, an engine, an application or a checkpoint behind HTTP."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from infercheck.addresses import is_loopback
from infercheck.commands.options import contract_of
from infercheck.contract import Contract
from infercheck.contract_loader import DEFAULT
from infercheck.errors import UsageError
from infercheck.launching.checkpoints import CHECKPOINTS, checkpoint_of, refuse, refuse_own
from infercheck.runners.contracted import Contracted
from infercheck.runners.engine import Engine
from infercheck.runners.hosting import LONGEST, api_of
from infercheck.runners.loading import Place, application_of, engine_of, load
from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.reference.model import DEFAULT_LENGTH, DEFAULT_PEAK, LanguageModel
from infercheck.runners.server import Api
from infercheck.runners.serving import serve as serve_app
from infercheck.runners.target import API_PATH

OF_THE_MODEL = ("peak", "length")
"""Options of the reference model, by name."""

OURS = ("token_env", "no_token", "dialect", "lora", "concurrency", "max_body")
"""Options of what stands around an engine."""

BODY = 16
"""Mebibytes of a body that are read, where the user says nothing."""


def serve(engine: str, host: str, port: int, at: Path | None, **options: Any) -> None:
    """Serve until Ctrl-C; prints how to call it."""
    place = Place.parse(engine)
    if place is None and engine != "reference":
        raise UsageError(
            f"{engine!r} is nothing that can be served",
            hint="Write reference, engine:MODULE:OBJECT, asgi:MODULE:APP or transformers:PATH.",
        )
    _check_options(engine, place.kind if place else engine, options)
    contract = contract_of(options["contract_name"])
    path = place.path if place and place.path else API_PATH.format(model=contract.model)
    if at is not None and len(os.fsencode(at)) > LONGEST:
        raise UsageError(
            f"{at} is too long for a socket", hint=f"A path of at most {LONGEST} bytes is one, and may be relative."
        )
    if place is not None and place.kind == "asgi":
        _check_host(host, at)
        app, lifespan, about = application_of(load(place)), True, []
    else:
        token = _token(host, at, options["token_env"], no_token=options["no_token"])
        api = _api(contract, _engine(place, contract, options), token, options)
        names: Sequence[str] = api.adapters or getattr(api.engine, "adapters", None) or ()
        shown = None if token is None else f"${options['token_env']}" if options["token_env"] else token
        about = [f"token  {shown or 'none'}", *([f"adapters  {', '.join(names)}"] if names else [])]
        about += _curl(path, shown)
        app, lifespan = api.app(), False

    def ready(base: str) -> None:
        if at is not None:
            click.echo(f"serving {engine} at {at}")
            return
        lines = [f"url    {base}{path}", *(line.replace("BASE", base) for line in about), "", "Ctrl-C ends it."]
        click.echo("\n".join(lines))

    try:
        serve_app(app, host=host, port=port, at=at, lifespan=lifespan, on_ready=ready)
    except OSError as error:
        where = f"at {at}" if at else f"on {host} port {port}"
        raise UsageError(f"cannot listen {where}: {error.strerror or error}", hint=_hint(error, at)) from None


def _hint(error: OSError, at: Path | None) -> str:
    if at is not None:
        return "Give another path to --unix."
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        return "Give another --port, or 0 for any."
    return "Give another --host: it has to be an address of this machine."


def _curl(path: str, token: str | None) -> list[str]:
    header = f' \\\n  -H "Authorization: Bearer {token}"' if token else ""
    return ["", f'curl -sS BASE{path}{header} -d \'{{"prompt":"Say hello."}}\'']


def _check_options(engine: str, kind: str, options: dict[str, Any]) -> None:
    if kind != "transformers":
        refuse_own(options, engine)
        refuse(options, engine, ("context_window",), CHECKPOINTS)
    if kind != "reference":
        refuse(options, engine, OF_THE_MODEL, "That is for the reference model.")
    if kind == "asgi":
        refuse(options, engine, OURS, "The tokens, dialect, adapters and limits of an application are its own.")


def _check_host(host: str, at: Path | None) -> None:
    if at is None and not is_loopback(host):
        raise UsageError(
            f"{host} is not loopback, and nobody can tell whether an application asks for a token",
            hint="Serve it there yourself, as by uvicorn.",
        )


def _token(host: str, at: Path | None, variable: str | None, *, no_token: bool) -> str | None:
    if at is None and not is_loopback(host) and (no_token or not variable):
        raise UsageError(f"{host} is not loopback", hint="Beyond loopback, give a token of your own: --token-env.")
    if no_token:
        return None
    token = os.environ.get(variable) if variable else secrets.token_urlsafe(18)
    if not token:
        raise UsageError(f"the variable {variable} is not set", hint=f"export {variable}=your-token")
    return token


def _engine(place: Place | None, contract: Contract, options: dict[str, Any]) -> Engine:
    if place is not None and place.kind == "transformers":
        return _under(contract, _transformers(place, options))
    if place is not None:
        return engine_of(load(place))
    try:
        model = LanguageModel(peak=options["peak"] or DEFAULT_PEAK, length=_length(options["length"]))
    except ValueError as error:
        raise UsageError(str(error)) from None
    reference = ReferenceEngine(model=model, adapters=options["lora"] or ("poet", "pirate"))
    return _under(contract, reference)


def _transformers(place: Place, options: dict[str, Any]) -> Engine:
    checkpoint = checkpoint_of(place, options)
    checkpoint.check()
    from infercheck.runners.transformers.engine import TransformersEngine  # and so PyTorch

    return TransformersEngine(checkpoint)


def _under(contract: Contract, engine: Engine) -> Engine:
    # An engine of ours knows the page's own parameters.
    return engine if contract.id == DEFAULT == contract.location else Contracted(engine, contract)


def _api(contract: Contract, engine: Engine, token: str | None, options: dict[str, Any]) -> Api:
    api = api_of(
        engine,
        contract,
        dialect=options["dialect"] or "rest",
        token=token,
        adapters=[line.partition("=")[0] for line in options["lora"]],
        concurrency=options["concurrency"],
    )
    api.body_limit = (options["max_body"] or BODY) << 20
    return api


def _length(text: str | None) -> tuple[int, int]:
    if text is None:
        return DEFAULT_LENGTH
    low, colon, high = text.partition(":")
    if not (colon and low.isdigit() and high.isdigit()):
        raise UsageError(f"{text!r} is no length", hint="Write the fewest and the most tokens, as in 20:60.")
    return int(low), int(high)
