"""Starting other people's programs, each in an environment that has nothing of ours in it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

CLIENTS = Path(__file__).parent / "clients"
WORKERS = Path(__file__).parent / "workers"
PYTHON = Path(__file__).parent.parent.parent / ".cache" / "interop" / "bin" / "python"
"""The interpreter that has the Python clients, and nothing of this project."""

_PATIENCE = 30


def run(*command: object, environment: Mapping[str, str] | None = None) -> str:
    """What a program prints; it has to succeed."""
    done = subprocess.run(
        [str(word) for word in command],
        env=_clean(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextlib.contextmanager
def worker(file: Path, *service: str) -> Iterator[str]:
    """The URL of a Worker in workerd. The service is what its `env.AI` fetches from, where it has one."""
    with subprocess.Popen(
        ["node", str(WORKERS / "host.mjs"), str(file), *service],
        env=_clean(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url.startswith("http://"), f"{file} did not start; what node says of it is above"
            yield url
        finally:
            try:
                process.communicate(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _clean(more: Mapping[str, str] | None = None) -> dict[str, str]:
    # Nothing of the machine's own proxies, certificates, tokens and ~/.curlrc.
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8", **(more or {})}
