"""The target of a config file while it runs, for tests of the user's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infercheck.errors import InfercheckError
from infercheck.launching.launch import target_of
from infercheck.launching.server import server_of
from infercheck.plugin.session import session_of
from infercheck.plugin.shared import SharedRun
from infercheck.pytest_plugin import CONFIG
from infercheck.reports.visible import visible_lines


class Headers(dict[str, str]):
    """Headers whose values stand in no traceback and in no failed comparison."""

    def __repr__(self) -> str:
        return f"<the headers {', '.join(self)}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTarget:
    """Where a target is: the URL to POST to, and the headers that it wants, with the bearer token among them.

    An engine or an application is asked through the Unix `socket`: `httpx.HTTPTransport(uds=str(target.socket))`.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    socket: Path | None = None


@contextmanager
def running(config: pytest.Config) -> Iterator[RunningTarget]:
    """The target, started where the config file says how; shared with the run and by all workers."""
    folders = (config.rootpath, config.invocation_params.dir)
    path = next((folder / CONFIG for folder in folders if (folder / CONFIG).is_file()), config.rootpath / CONFIG)
    if not path.is_file() and not config.getoption("infercheck", None):
        pytest.fail(f"infercheck_target: there is no {CONFIG} in {config.rootpath}", pytrace=False)
    run = session_of(config).run_of(path)
    try:
        with _running(run) as target:
            yield target
    except InfercheckError as error:
        trouble = visible_lines(f"infercheck_target: {error}\n  {error.hint}".rstrip())
    else:
        return
    pytest.fail(trouble, pytrace=False)


@contextmanager
def _running(run: SharedRun) -> Iterator[RunningTarget]:
    job = run.job
    target = target_of(run.contract, job)
    if job.target == "reference":
        from infercheck.runners.serving import LocalServer

        with LocalServer() as server:
            yield _at(server.url, server.token, target.network.headers)
        return
    link = target.link()
    run.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with server_of(job, target, run.folder) as served:
        yield _at(link.url, link.token, link.network.headers, served.target.socket)


def _at(url: str, token: str | None, headers: Mapping[str, str], socket: Path | None = None) -> RunningTarget:
    bearer = {"authorization": f"Bearer {token}"} if token else {}
    return RunningTarget(url=url, token=token, headers=Headers({**bearer, **headers}), socket=socket)
