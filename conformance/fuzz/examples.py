"""Examples: the smallest requests that showed a defect in earlier runs, kept to be tried first in later ones."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from infercheck.contract import Contract
from infercheck.fuzz.sketch import Sketch, sketch_of

MOST = 100
"""Examples that are kept, the latest."""

LONGEST = 200_000
"""Bytes of the longest that is."""

PATIENCE = 2.0
"""Seconds that another run may take to write its own."""


class Examples:
    """The examples of one contract, in a file of a folder; none are kept where there is no folder.

    A file that cannot be read or written, or holds something else, is no reason to end a run: there are none then.
    """

    def __init__(self, contract: Contract, folder: Path | None) -> None:
        self._contract = contract
        self._path = folder / f"{contract.id}-{contract.sha256[:12]}.ndjson" if folder else None

    def __iter__(self) -> Iterator[Sketch]:
        """Those that are kept, the latest first."""
        yield from self._read()

    def add(self, sketch: Sketch) -> None:
        """Keep one more."""
        if self._path is None or len(sketch.body) > LONGEST:
            return
        with contextlib.suppress(OSError, Timeout):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self._path}.lock", timeout=PATIENCE):
                kept = [sketch, *(one for one in self._read() if one.body != sketch.body)][:MOST]
                whole = self._path.with_suffix(".new")
                whole.write_text("".join(json.dumps(one.line()) + "\n" for one in kept), "utf-8")
                whole.replace(self._path)

    def _read(self) -> list[Sketch]:
        if self._path is None:
            return []
        try:
            sketches = [sketch_of(json.loads(line)) for line in self._path.read_text("utf-8").splitlines()]
            return [sketch for sketch in sketches if self._is_one(sketch)]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return []

    def _is_one(self, sketch: Sketch) -> bool:
        # The file may have been edited, and only the validator says what is valid.
        known = all(id_ in self._contract.requirements for id_, _ in sketch.breaks)
        return known and self._contract.oracle.is_valid(json.loads(sketch.body)) == sketch.is_valid
