"""Sketches: requests as they are drawn, and as they go from one interpreter to another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """A request as it was drawn: its branch, its body, what it breaks (pairs of a requirement and a side), and the
    number of the batch that has it."""

    branch: str
    body: bytes
    breaks: tuple[tuple[str, str], ...] = ()
    batch: int = 0
    twins: str = ""
    """The kind of twins whose answers showed a defect; empty where its own did."""

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.breaks

    def is_about(self, key: str) -> bool:
        """Whether something is wrong with one of its top-level parameters."""
        within = f"/{self.branch}" if self.branch else ""
        return any(f"{within}/{key}/" in f"{id_}/" for id_, _ in self.breaks)

    @property
    def digest(self) -> bytes:
        """Tells bodies apart."""
        return hashlib.blake2b(self.body, digest_size=12).digest()

    def line(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "branch": self.branch,
            "body": self.body.decode(),
            "breaks": self.breaks,
            "batch": self.batch,
            "twins": self.twins,
        }


def sketch_of(line: Mapping[str, Any]) -> Sketch:
    """The sketch that JSON tells of."""
    return Sketch(
        branch=line["branch"],
        body=line["body"].encode(),
        breaks=tuple((requirement, side) for requirement, side in line["breaks"]),
        batch=line["batch"],
        twins=line["twins"],
    )
