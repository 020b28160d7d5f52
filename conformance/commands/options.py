"""From the command line's options to a contract, a target and a plan."""

from __future__ import annotations

from typing import Any

from infercheck.contract import Contract
from infercheck.contract_loader import DEFAULT, load
from infercheck.errors import UsageError
from infercheck.plan import Options
from infercheck.runners.http import Network, Timeouts
from infercheck.runners.target import Target, parse_headers


def contract_of(name: str | None) -> Contract:
    """The contract that was named, or the default one."""
    return load(name or DEFAULT)


def target_of(contract: Contract, options: dict[str, Any], connections: int = 4) -> Target:
    """The target that the options name; UsageError where a header or the token is not to be had."""
    headers, shown, secrets = parse_headers(options["headers"])
    if options["proxy"] and "://" not in options["proxy"]:
        raise UsageError("--proxy is no URL", hint="Write it as a URL, as in http://proxy:3128.")
    return Target(
        address=options["target"],
        model=contract.model,
        token_env=options["token_env"],
        network=Network(
            headers=headers,
            shown_headers=shown,
            secrets=secrets,
            timeouts=Timeouts(first=options["timeout"], between=options["timeout"], whole=10 * options["timeout"]),
            connections=connections,
            proxy=options["proxy"],
            ca_bundle=options["ca_bundle"],
            insecure=options["insecure"],
        ),
    )


def plan_options(options: dict[str, Any]) -> Options:
    """What the options say of the plan."""
    return Options(
        profile=options["profile"],
        seed=options["seed"],
        adapters=tuple(options["adapters"]),
        context_window=options["context_window"],
        only=tuple(options["only"]),
        exclude=tuple(options["exclude"]),
        max_requests=options["max_requests"],
        max_tokens=options["max_tokens"],
    )
