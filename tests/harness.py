"""Running the suite in tests: against a target without a network, or against an application over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from click.testing import CliRunner, Result
from fakes import CONTRACT

from infercheck.checks.relations import COMPARED
from infercheck.cli import cli
from infercheck.conduct import Settings, conduct
from infercheck.contract import Contract
from infercheck.dialect import Dialect
from infercheck.exchange import Runner
from infercheck.expectations import Expected
from infercheck.findings import Verdict
from infercheck.plan import Options, Plan, make_plan
from infercheck.record import read
from infercheck.results import Results, results_of
from infercheck.runners.http import Link, Network, Timeouts
from infercheck.runners.target import HttpRunner

RELATED = COMPARED
"""The requirements that relations between answers decide."""

_PLANS: dict[Options, Plan] = {}


def plan_of(contract: Contract, options: Options) -> Plan:
    """A plan. It is the same for the same options, and making it is half of a small run."""
    if contract is not CONTRACT:
        return make_plan(contract, options)
    if options not in _PLANS:
        _PLANS[options] = make_plan(contract, options)
    return _PLANS[options]


def judge(
    target: Runner,
    *,
    concurrency: int = 1,
    contract: Any = CONTRACT,
    url: str = "http://fake/",
    token_variable: str | None = None,
    dialect: Dialect = Dialect.REST,
    restart_wait: float = 0.0,
    expected: tuple[Expected, ...] = (),
    examples: Path | None = None,
    **options: Any,
) -> Results:
    """The results of a run against a target that is asked in this process."""
    wanted = Options(**options)
    settings = Settings(
        address="fake",
        url=url,
        dialect=Dialect(dialect),
        token_variable=token_variable,
        concurrency=concurrency,
        restart_wait=restart_wait,
        expected=expected,
        examples=examples,
    )
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal.ndjson"
        asyncio.run(conduct(contract, plan_of(contract, wanted), wanted, target, journal, settings))
        return results_of(read(journal))


def judge_url(
    url: str,
    token: str | None = None,
    *,
    dialect: str = "rest",
    concurrency: int = 4,
    restart_wait: float = 10.0,
    timeouts: Timeouts | None = None,
    examples: Path | None = None,
    **options: Any,
) -> Results:
    """The results of a run against a server."""

    async def run() -> Results:
        wanted = Options(**options)
        settings = Settings(
            address=url,
            url=url,
            dialect=Dialect(dialect),
            token_variable="MY_TOKEN" if token else None,
            concurrency=concurrency,
            restart_wait=restart_wait,
            examples=examples,
        )
        network = Network(timeouts=timeouts or Timeouts())
        with tempfile.TemporaryDirectory() as folder:
            journal = Path(folder) / "journal.ndjson"
            async with HttpRunner(Link(url=url, model=CONTRACT.model, token=token, network=network)) as runner:
                await conduct(CONTRACT, plan_of(CONTRACT, wanted), wanted, runner, journal, settings)
            return results_of(read(journal))

    return asyncio.run(run())


@contextlib.contextmanager
def served(app: Any, **options: Any) -> Iterator[str]:
    """The URL to POST to of an ASGI application on loopback. Options are uvicorn's."""
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", access_log=False, **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/client/v4/accounts/test/ai/run/{CONTRACT.model}"
    finally:
        server.should_exit = True
        thread.join()


def invoke(*arguments: object, **environment: str) -> Result:
    """What a command prints and exits with; raises what no command may raise."""
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], env=environment)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def ids(results: Results, *verdicts: Verdict) -> set[str]:
    """The requirements that have one of these verdicts."""
    return {result.requirement.id for result in results.with_verdict(*verdicts)}


def broken(results: Results) -> set[str]:
    """The requirements that failed or warned."""
    return ids(results, Verdict.FAIL, Verdict.WARN)


def ill_formed(results: Results) -> set[str]:
    """The requirements that failed or warned, without those that relations between answers decide: for these
    a target is to blame as well that always says the same words."""
    return broken(results) - RELATED
