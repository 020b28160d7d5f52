"""Quietly: how Hypothesis is run, every setting of it explicit."""

from __future__ import annotations

import hashlib
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, settings


def quietly(examples: int, *, shrinks: bool, **more: Any) -> settings:
    """Settings under which Hypothesis draws so many examples, remembers nothing, and says nothing."""
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink) if shrinks else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        **more,
    )


def seed_of(*parts: object) -> int:
    """A seed for Hypothesis, the same for the same parts."""
    key = hashlib.sha256(" ".join(map(str, parts)).encode()).digest()
    return int.from_bytes(key[:8], "big")
