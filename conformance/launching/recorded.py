"""Recorded runs as targets: `replay:JOURNAL`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from infercheck.journal import JOURNAL
from infercheck.plan import Options
from infercheck.record import Record, read
from infercheck.recording import Recording
from infercheck.runners.replay import ReplayRunner
from infercheck.runners.target import Opened

PREFIX = "replay:"


def journal_of(path: Path) -> Path:
    """The journal that a path means: itself, or the one in the folder that it names."""
    return path / JOURNAL if path.is_dir() else path


def recorded_path(address: str) -> Path | None:
    """The journal that an address names; None where it is no recorded run."""
    if not address.startswith(PREFIX):
        return None
    return journal_of(Path(address.removeprefix(PREFIX)))


def begun(journal: Path) -> Record | None:
    """The run whose journal this is; None where there is none, or none whose header was written whole."""
    try:
        with journal.open("rb") as file:
            if not file.readline().endswith(b"\n"):
                return None
    except OSError:
        return None
    return read(journal)


def options_of(record: Record, wanted: Options) -> Options:
    """The plan's options of a recorded run; patterns that are given now narrow what is judged again."""
    recorded: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in record.header["options"].items()
    }
    now = Options(**recorded)
    return replace(now, only=wanted.only, exclude=wanted.exclude) if wanted.only or wanted.exclude else now


@asynccontextmanager
async def open_recorded(path: Path) -> AsyncIterator[Opened]:
    """A recorded run as a target; curl lines lead to the one that it was recorded from."""
    record = read(path)
    target = record.header["target"]
    yield Opened(
        runner=ReplayRunner(Recording(record.exchanges.values())),
        url=target["url"],
        token_variable=target["token_variable"],
        curl_options=tuple(target["curl_options"]),
    )
