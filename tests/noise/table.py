"""The table of noise (`make noise`): which broken servers are shown all the same, and how often noise is blamed."""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import harness
import mutants.table  # noqa: F401  fills the registry
from direct import URL
from harness import broken, ids
from mutants.conforming import Conforming
from mutants.registry import MUTANTS, Mutant

from infercheck.findings import Verdict
from infercheck.results import Results
from noise.kinds import KINDS, noisy
from noise.simulation import figures

SEED = "effect/seed/reproducible"
"""The one requirement that noise breaks."""

TABLE = Path(__file__).with_name("TABLE.md")
WORKERS = 2
RUNS = 12
"""Runs of the conforming server for each kind of noise."""

SHOWN = (
    "ignores_temperature",
    "takes_temperature_zero_for_the_default",
    "ignores_top_k",
    "ignores_top_p",
    "ignores_max_tokens",
    "writes_one_token_more",
    "writes128_tokens_by_default",
    "samples_at_one_by_default",
    "sends_the_text_so_far",
    "loses_the_first_token",
    "answers_streams_as_json",
    "drops_the_system",
    "answers_the_last_message",
    "reads_the_first256_characters",
    "ignores_frequency_penalty",
    "ignores_lora",
    "keeps_the_last_adapter",
    "takes_unknown_adapters_for_none",
    "repeats_the_prompt",
    "keeps_its_request_in_a_global",
)
"""Mutants of all sorts. Those that are not there are left out."""


def judged(server: type[Conforming], kind: str, seed: int, **options: object) -> Results:
    """The results of a run against a server with noise on it."""
    logging.disable()
    return harness.judge(noisy(server, kind, seed), url=URL, **{"concurrency": 4, **options})


def cell(work: tuple[str, str]) -> str:
    """What becomes of what a mutant breaks under one kind of noise."""
    name, kind = work
    mutant = _mutant(name)
    results = judged(mutant.server, kind, 1, **mutant.options)
    wrong = mutant.surplus(broken(results)) - {SEED}
    if wrong:
        return f"**blamed wrongly: {', '.join(sorted(wrong))}**"
    if mutant.required & broken(results):
        return "shown"
    if broken(results) - {SEED}:
        return "shown nearby"
    return "undecided" if mutant.required & ids(results, Verdict.INCONCLUSIVE) else "passed"


def alarms(work: tuple[str, int]) -> set[str]:
    """What is blamed on a conforming server with noise on it, its lack of steadiness apart."""
    kind, seed = work
    return broken(judged(Conforming, kind, seed, adapters=("poet", "pirate"))) - {SEED}


def _mutant(name: str) -> Mutant:
    return next(one for one in MUTANTS if one.name == name)


def rows(names: Sequence[str], pool: ProcessPoolExecutor) -> list[str]:
    """The rows of the table, in Markdown."""
    work = [(name, kind) for name in names for kind in KINDS]
    cells = dict(zip(work, pool.map(cell, work), strict=True))
    return [
        "| mutant | " + " | ".join(KINDS) + " |",
        "|---" * (len(KINDS) + 1) + "|",
        *(
            "| " + " | ".join([name.replace("_", " "), *(cells[name, kind] for kind in KINDS)]) + " |"
            for name in names
        ),
    ]


def main() -> int:
    """Make the table; 1 where anything is blamed wrongly."""
    began = time.monotonic()
    known = {one.name for one in MUTANTS}
    names = [name for name in SHOWN if name in known]
    with ProcessPoolExecutor(WORKERS) as pool:
        table = rows(names, pool)
        work = [(kind, seed) for kind in KINDS for seed in range(RUNS)]
        blamed = dict(zip(work, pool.map(alarms, work), strict=True))
    counts = Counter(kind for (kind, _), ids_ in blamed.items() if ids_)
    lines = [
        "# Noise",
        "",
        "Made by `make noise`. Nothing here is promised; it is what was measured.",
        "",
        "## What is still shown of broken servers",
        "",
        *table,
        "",
        "*Shown nearby*: by a requirement that the defect breaks as well.",
        "",
        "## What is blamed on conforming servers",
        "",
        f"Runs of {RUNS} in which anything but `{SEED}` was blamed:",
        "",
        *(f"- {kind}: {counts[kind]}" for kind in KINDS),
        "",
        "## Simulated",
        "",
        *figures(),
        "",
    ]
    TABLE.write_text("\n".join(lines), "utf-8")
    print("\n".join(lines))
    print(f"{time.monotonic() - began:.0f} s, {len(known & set(SHOWN))} of {len(SHOWN)} mutants known")
    return 1 if counts or any("blamed wrongly" in line for line in table) else 0


if __name__ == "__main__":
    sys.exit(main())
