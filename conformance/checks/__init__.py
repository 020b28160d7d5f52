"""What is said of every exchange, whichever check asked for it. A check is a small pure generator; none knows HTTP
clients, budgets or reports.
"""

from __future__ import annotations

from collections.abc import Iterator

from infercheck.checks import errors, http, limits, output, stream, tools
from infercheck.checks.rules import Said
from infercheck.observation import Observation

CHECKS = (http.check, errors.check, output.check, stream.check, limits.check, tools.check)


def judge(seen: Observation) -> Iterator[Said]:
    """What all checks say of one exchange."""
    for check in CHECKS:
        yield from check(seen)
