"""What one pytest session knows of its runs: the folder, one run a config file, what is said on the terminal."""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infercheck.pytest_plugin import CONFIG

if TYPE_CHECKING:
    from infercheck.plugin.shared import SharedRun

FOLDER = "infercheck_folder"
"""What a worker of pytest-xdist is told the folder by."""


class Session:
    """The runs of a pytest session, by config file. Nothing is made on disk before a run begins."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        handed = getattr(config, "workerinput", {}).get(FOLDER)
        self.folder = Path(handed) if handed else _own_folder(config)
        self._runs: dict[Path, SharedRun] = {}
        self._announced = False

    def run_of(self, path: Path) -> SharedRun:
        """The run of a config file; of the target on the command line alone where there is no such file."""
        from infercheck.plugin.shared import SharedRun

        if path not in self._runs:
            # The same in every worker, whatever it comes across first.
            name = hashlib.sha256(str(path).encode()).hexdigest()[:8]
            self._runs[path] = SharedRun(
                path, url=self.config.getoption("infercheck") or "", folder=self.folder / name
            )
        return self._runs[path]

    def announce(self, nodes: Iterable[str]) -> None:
        """Print what is about to be sent beyond this machine, once."""
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        if self._announced or reporter is None or self.config.getoption("collectonly"):
            return
        self._announced = True
        for path, ids in self._selected(nodes).items():
            if line := self.run_of(path).foretold(ids):
                reporter.write_line(f"infercheck: {line}")

    def _selected(self, nodes: Iterable[str]) -> dict[Path, list[str]]:
        found: dict[Path, list[str]] = {}
        for node in nodes:
            file, colons, name = node.partition("::")
            if colons and (file == CONFIG or file.endswith(f"/{CONFIG}")):
                found.setdefault(self.config.rootpath / file, []).append(name)
        return found

    def summarise(self, reporter: Any) -> None:
        """Print how each run ended, and where its reports lie."""
        lines = [line for run in self._runs.values() for line in run.summary()]
        if lines:
            reporter.section("infercheck")
            for line in lines:
                reporter.line(line)


def collect_config(config: pytest.Config) -> None:
    """Have the root's config file collected too, where the paths that are would leave it out.

    `testpaths` seldom names the folder in which that file lies. Who names paths without the option means these.
    """
    path = config.rootpath / CONFIG
    if config.getoption("infercheck") is None and config.args_source is pytest.Config.ArgsSource.ARGS:
        return
    named = [(config.invocation_params.dir / arg.partition("::")[0]).resolve() for arg in config.args]
    if any(one.name == CONFIG or path.resolve().is_relative_to(one) for one in named):
        return
    if path.is_file():
        config.args.append(str(path))


def _own_folder(config: pytest.Config) -> Path:
    # Below pytest's own, which it clears away in time; a name of ours where that plugin is off.
    factory = getattr(config, "_tmp_path_factory", None)
    base = factory.getbasetemp() if factory is not None else Path(tempfile.gettempdir())
    return Path(base) / f"infercheck-{uuid.uuid4().hex[:12]}"


SESSION = pytest.StashKey[Session]()


def session_of(config: pytest.Config) -> Session:
    """The session that a pytest configuration belongs to."""
    if SESSION not in config.stash:
        config.stash[SESSION] = Session(config)
    return config.stash[SESSION]
