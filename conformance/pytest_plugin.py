"""The pytest plugin: `pytest --infercheck` tests a target, one item a requirement.

This module is imported by every pytest that finds infercheck installed. So it imports nothing but pytest, and does
nothing unless an `infercheck.yaml` is collected, the option is given or the fixture is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from infercheck.plugin.target import RunningTarget

CONFIG = "infercheck.yaml"
RUN = "run"
"""What the ini option has to say so that requests are sent without the command line's."""

_TARGET = re.compile(r"reference|cloudflare|(https?://|replay:|engine:|asgi:|transformers:).+")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    group = parser.getgroup("infercheck", "conformance of a text-generation endpoint")
    group.addoption(
        "--infercheck",
        nargs="?",
        const="",
        default=None,
        metavar="TARGET",
        help=f"send the requests of {CONFIG} (or to TARGET, as `infercheck run` takes it), one item a requirement",
    )
    group.addoption(
        "--infercheck-fail-on",
        choices=("must", "should"),
        default=None,
        help="what fails: a broken MUST (the default), or a broken SHOULD as well, which otherwise warns",
    )
    parser.addini("infercheck", f"'{RUN}' sends the requests of {CONFIG} without --infercheck", default="")


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Iterator[None]:
    """Take only a target for the value of --infercheck: in `pytest --infercheck tests` a folder follows it."""
    for index, word in enumerate(args[:-1]):
        if word == "--infercheck" and not _TARGET.fullmatch(args[index + 1]):
            args[index] = "--infercheck="
            early_config.known_args_namespace = parser.parse_known_args(args)
    yield


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks, for --strict-markers and --markers."""
    config.addinivalue_line("markers", "infercheck: a requirement that infercheck tests")
    for level in ("must", "should", "info"):
        config.addinivalue_line("markers", f"infercheck_{level}: a requirement of level {level.upper()}")
    if config.getini("infercheck") not in ("", RUN):
        raise pytest.UsageError(f"the ini option infercheck is {RUN} or nothing")
    if asked(config):
        from infercheck.plugin.session import collect_config

        collect_config(config)


def asked(config: pytest.Config) -> bool:
    """Whether requests are to be sent."""
    return config.getoption("infercheck", None) is not None or config.getini("infercheck") == RUN


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect infercheck.yaml."""
    if file_path.name != CONFIG:
        return None
    from infercheck.plugin.items import ConfigFile

    return ConfigFile.from_parent(parent, path=file_path)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where no config file was collected, add the items of the target that was named, or say what is missing."""
    if config.getoption("infercheck", None) is not None:
        from infercheck.plugin.items import add_items

        add_items(session, items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Say what is about to be sent beyond this machine."""
    if asked(session.config):
        from infercheck.plugin.session import session_of

        session_of(session.config).announce([item.nodeid for item in session.items])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """The same where the workers of pytest-xdist collect."""
    if asked(node.config):
        from infercheck.plugin.session import session_of

        session_of(node.config).announce(ids)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the folder of this session's runs to a worker of pytest-xdist."""
    from infercheck.plugin.session import FOLDER, session_of

    folder = session_of(node.config).folder
    if asked(node.config):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    node.workerinput[FOLDER] = str(folder)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how the runs ended, and where their reports lie."""
    if asked(config):
        from infercheck.plugin.session import session_of

        session_of(config).summarise(terminalreporter)


@pytest.fixture(scope="session")
def infercheck_target(request: pytest.FixtureRequest) -> Iterator[RunningTarget]:
    """The target of infercheck.yaml while it runs, started where the file says how; with `url` and `headers`."""
    from infercheck.plugin.target import running

    with running(request.config) as target:
        yield target
