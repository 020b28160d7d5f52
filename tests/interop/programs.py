"""Starting other people's programs, each in an environment that has nothing of ours in it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CLIENTS = HERE / "clients"
WORKERS = HERE / "workers"
PYTHON = ROOT / ".cache" / "interop" / "bin" / "python"
"""The interpreter that has the Python clients, and nothing of this project."""

_PATIENCE = 60


def run(*command: object, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> str:
    """What a program prints; it has to succeed."""
    done = subprocess.run(
        [str(word) for word in command],
        env=_clean(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextlib.contextmanager
def started(script: str, *arguments: object) -> Iterator[str]:
    """The URL that a server of ours for Node prints. It ends when its standard input does."""
    with subprocess.Popen(
        ["node", str(HERE / script), *map(str, arguments)],
        env=_clean(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url.startswith("http://"), f"{script} did not start; what it says is above"
            yield url
        finally:
            process.communicate(timeout=_PATIENCE)


def _clean(more: Mapping[str, str] | None = None) -> dict[str, str]:
    # Nothing of the machine's own proxies, certificates and tokens.
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **(more or {})}
