"""`python -m infercheck.runners.reference`: the reference server as a process of its own.

Prints one line of JSON, `{"url": "http://…"}`, once it accepts connections.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from importlib.resources import files

from infercheck.runners.engine import Engine
from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.reference.model import DEFAULT_LENGTH, DEFAULT_PEAK, LanguageModel
from infercheck.runners.server import DEFAULT_MODEL, Api
from infercheck.runners.serving import serve

_CONTRACT = "mistral-7b-instruct-v0.2-lora"


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    token = None
    if options.token_env is not None:
        token = os.environ.get(options.token_env)
        if not token:
            parser.error(f"environment variable {options.token_env} holds no token")
    try:
        model = LanguageModel(peak=options.peak, length=options.length)
    except ValueError as error:
        parser.error(str(error))
    reference = ReferenceEngine(adapters=options.adapters, model=model)
    engine: Engine = reference
    if options.contract:
        from infercheck.contract_loader import load
        from infercheck.runners.contracted import Contracted

        contract = load(options.contract)
        engine, schema, name = Contracted(reference, contract), dict(contract.input), contract.model
    else:
        schema = json.loads((files("infercheck.schemas") / _CONTRACT / "input.schema.json").read_text("utf-8"))
        name = DEFAULT_MODEL
    api = Api(engine, input_schema=schema, token=token, model=name)

    def announce(base: str) -> None:
        if options.exit_with_parent:
            threading.Thread(target=_end_with_parent, daemon=True).start()
        url = f"{base}/client/v4/accounts/local/ai/run/{name}"
        sys.stdout.write(json.dumps({"url": url}) + "\n")
        sys.stdout.flush()

    try:
        serve(api.app(), host=options.host, port=options.port, on_ready=announce)
    except OSError as error:
        sys.stderr.write(f"cannot listen on {options.host} port {options.port}: {error.strerror}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infercheck.runners.reference", description="Reference server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 (default): any free port")
    parser.add_argument("--token-env", metavar="NAME", help="variable that holds the token to ask for")
    parser.add_argument("--peak", type=float, default=DEFAULT_PEAK, help="scale of the logits")
    parser.add_argument("--length", type=_length, default=DEFAULT_LENGTH, metavar="LO:HI", help="in tokens")
    parser.add_argument("--adapters", type=_names, default=("poet", "pirate"), metavar="NAME,…")
    parser.add_argument("--contract", metavar="FOLDER", help="another contract to keep")
    parser.add_argument("--exit-with-parent", action="store_true", help="stop when stdin ends")
    return parser


def _length(text: str) -> tuple[int, int]:
    shortest, _, longest = text.partition(":")
    return int(shortest), int(longest)


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def _end_with_parent() -> None:
    with suppress(OSError):
        while os.read(0, 4096):  # not sys.stdin: its lock would hold up our exit
            pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
