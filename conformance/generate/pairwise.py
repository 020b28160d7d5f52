"""Pairwise: valid requests in which every pair of parameters meets in every pair of boundary values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from covertable import make, sorters

from infercheck import jsontext
from infercheck.cases import Case, Expectation, Part, Request, Side
from infercheck.generate.boundary import Boundary
from infercheck.schema import Place

VALUES = 3
"""How many boundary values of a parameter are paired, its absence apart."""


def pairwise(boundary: Boundary, seed: int) -> Iterator[Case]:
    """A covering array of strength 2 over each branch (Cohen et al., 1997); the same for the same seed."""
    builder = boundary.builder
    for branch in builder.branches():
        base = builder.base(branch)
        parts = boundary.parts(branch)
        factors = {key: _levels(branch, key, options) for key, options in parts.items()}
        factors = {key: levels for key, levels in factors.items() if len(levels) > 1}
        if len(factors) < 2:
            continue
        name = builder.name(branch)
        for row in make(factors, sorter=sorters.hash, salt=f"infercheck-{seed}"):
            chosen = tuple(part for part in row.values() if part is not None)
            body = {**base, **{part.key: part.value for part in chosen}}
            digest = hashlib.sha256(jsontext.dump(body)).hexdigest()[:8]
            yield Case(
                id=f"pairwise/{name}/{digest}",
                title="valid values in pairs: " + ", ".join(part.label for part in chosen),
                expectation=Expectation.VALID,
                request=Request(body=jsontext.dump(body), stream=builder.streams(body)),
                branch=name or None,
                parts=chosen,
                base=base,
            )


def _levels(branch: Place, key: str, options: list[Part]) -> list[Part | None]:
    # At the limits first; a required key cannot be absent.
    by_limit = sorted(options, key=lambda part: all(aim.side is not Side.AT_LIMIT for aim in part.aims))
    absent: list[Part | None] = [] if key in branch.schema.get("required", []) else [None]
    return absent + list(by_limit[:VALUES])
