"""The table of mutants: after how many requests each is shown, with an ordinary model and with one that is sure of
itself, and which promises none breaks (`make mutants`)."""

from __future__ import annotations

import importlib
import logging
import pkgutil
import statistics
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain

from fakes import CONTRACT
from harness import broken, ids

import mutants
from infercheck.findings import Verdict
from infercheck.requirements import Level
from mutants.conforming import PEAKED_MODEL
from mutants.judging import first_true_finding, judge_server
from mutants.registry import MUTANTS, Mutant, expand

TOOLS = frozenset({"altered", "conforming", "judging", "registry", "table"})
MODULES = [
    importlib.import_module(f"mutants.{module.name}")
    for module in pkgutil.iter_modules(mutants.__path__)
    if module.name not in TOOLS
]
"""The modules of this package that hold mutants."""

ARGUED: Mapping[str, str] = {}
"""Promises that a server cannot break, or that need no mutant, by id or pattern, and why.

Those of level INFO, which nobody can break, need not stand here."""

WORKERS = 2
SHOWN = 3
"""Broken requirements that are named in a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the suite says of one mutant at concurrency 1. `requests` is None where it is not shown.

    `peaked` are the requests until it is shown with a peaked model, where not everything is to be seen; what passes
    there although it is broken is `hidden`.
    """

    name: str
    requests: int | None
    peaked: int | None
    seconds: float
    found: tuple[str, ...]
    missing: tuple[str, ...]
    surplus: tuple[str, ...]
    hidden: tuple[str, ...]

    @property
    def is_shown(self) -> bool:
        """Whether all that it breaks was found broken, and nothing else, and none of it passed anywhere."""
        return not (self.missing or self.surplus or self.hidden)


def row(index: int) -> Row:
    """Judge a mutant of the registry by the standard profile, one request at a time."""
    logging.disable()  # what a broken server has to say for itself
    mutant = MUTANTS[index]
    began = time.monotonic()
    options = {**mutant.options, "profile": "standard", "concurrency": 1}
    results = judge_server(mutant.server, **options)
    peaked = judge_server(mutant.server, model=PEAKED_MODEL, **options)
    found, surplus = broken(results), mutant.surplus(broken(results) | broken(peaked))
    return Row(
        name=mutant.name,
        requests=first_true_finding(mutant, results),
        peaked=first_true_finding(mutant, peaked),
        seconds=time.monotonic() - began,
        found=tuple(sorted(found)),
        missing=tuple(sorted(mutant.missing(found))),
        surplus=tuple(sorted(surplus | ids(results, Verdict.ERROR) | ids(peaked, Verdict.ERROR))),
        hidden=() if mutant.unseen else tuple(sorted(mutant.required & ids(peaked, Verdict.PASS))),
    )


def unbroken(mutants: Iterable[Mutant] = MUTANTS) -> list[str]:
    """The promises that a server can break, and that must be broken by none of some mutants."""
    must = {id_ for one in mutants for pattern in one.must_fail for id_ in expand(pattern)}
    return [
        id_
        for id_, requirement in CONTRACT.requirements.items()
        if requirement.level is not Level.INFO and id_ not in must
    ]


def argued() -> set[str]:
    """The promises that ARGUED speaks of."""
    return set(chain.from_iterable(map(expand, ARGUED)))


def stale(arguments: Mapping[str, str]) -> list[str]:
    """Those of some arguments that speak of a promise that a mutant breaks, or give no reason."""
    left = set(unbroken())
    return [pattern for pattern, why in arguments.items() if not (why and expand(pattern) <= left)]


def table(rows: Iterable[Row]) -> str:
    """The rows as text, soonest shown first, and what is wrong with a row below it."""
    ordered = sorted(rows, key=lambda one: (one.requests is None, one.requests, one.name))
    lines = [f"{'mutant':46} {'requests':>8} {'peaked':>8} {'seconds':>7}  broken"]
    for one in ordered:
        more = f" and {len(one.found) - SHOWN} more" if len(one.found) > SHOWN else ""
        numbers = " ".join(f"{'-' if number is None else number:>8}" for number in (one.requests, one.peaked))
        lines.append(f"{one.name:46} {numbers} {one.seconds:>7.1f}  {', '.join(one.found[:SHOWN])}{more}")
        lines += [f"    not shown: {id_}" for id_ in one.missing]
        lines += [f"    blamed wrongly: {id_}" for id_ in one.surplus]
        lines += [f"    passed with a peaked model: {id_}" for id_ in one.hidden]
    return "\n".join(lines)


def score(rows: list[Row]) -> str:
    """How many mutants are shown, and by how many requests."""
    shown = sum(one.is_shown for one in rows)
    numbers = [one.requests for one in rows if one.requests is not None]
    peaked = [one.peaked for one in rows if one.peaked is not None]
    worst = max(rows, key=lambda one: one.requests or 0)
    return (
        f"{shown} of {len(rows)} mutants are shown by what they break and by nothing else; "
        f"requests until shown: median {statistics.median(numbers):g}, worst {worst.requests} ({worst.name}); "
        f"with a peaked model {len(peaked)} are shown, median {statistics.median(peaked):g}"
    )


def main() -> int:
    """Print the table; 1 where a mutant is missed, something else is blamed, or a promise is broken by none."""
    with ProcessPoolExecutor(WORKERS) as pool:
        rows = list(pool.map(row, range(len(MUTANTS))))
    print(table(rows), score(rows), sep="\n\n")
    left = [id_ for id_ in unbroken() if id_ not in argued()]
    print(f"\npromises that no mutant breaks: {len(left)}", *left, sep="\n    ")
    for pattern, why in ARGUED.items():
        print(f"argued: {pattern}: {why}")
    return int(bool(left) or not all(one.is_shown for one in rows))


if __name__ == "__main__":
    sys.exit(main())
