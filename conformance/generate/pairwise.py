"""Pairwise: valid requests in which every pair of parameters meets in every pair of boundary values."""

from __future__ import annotations

from collections.abc import Iterator

from covertable import make, sorters

from infercheck.cases import Case, Part, Side
from infercheck.generate.boundary import Boundary
from infercheck.schema import Place

VALUES = 2
"""How many boundary values of a parameter are paired, its absence apart."""


def pairwise(boundary: Boundary, seed: int) -> Iterator[Case]:
    """A covering array of strength 2 over each branch (Cohen et al., 1997); the same for the same seed."""
    builder = boundary.builder
    for branch in builder.branches():
        parts = boundary.parts(branch)
        factors = {key: _levels(branch, key, options) for key, options in parts.items()}
        factors = {key: levels for key, levels in factors.items() if len(levels) > 1}
        if len(factors) < 2:
            continue
        for row in make(factors, sorter=sorters.hash, salt=f"infercheck-{seed}"):
            chosen = tuple(part for part in row.values() if part is not None)
            yield boundary.together("pairwise", branch, chosen, "in pairs")


def _levels(branch: Place, key: str, options: list[Part]) -> list[Part | None]:
    # At the limits first; a required key cannot be absent.
    by_limit = sorted(options, key=lambda part: all(aim.side is not Side.AT_LIMIT for aim in part.aims))
    absent: list[Part | None] = [] if key in branch.schema.get("required", []) else [None]
    return absent + list(by_limit[:VALUES])
