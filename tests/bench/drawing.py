"""How fast requests are drawn and sent, how long they are, and what a long run takes of memory."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from fakes import CONTRACT  # noqa: E402
from harness import served  # noqa: E402
from mutants.conforming import Conforming  # noqa: E402

from infercheck.fuzz.drawing import Drawing  # noqa: E402
from infercheck.generate.boundary import Boundary  # noqa: E402
from infercheck.generate.builder import Builder  # noqa: E402

SIZES = (1_000, 20_000)
"""Requests of the two runs whose memory is compared."""

SECONDS = 6.0
"""How long each kind is drawn."""


def rates() -> None:
    """Print how many requests of each kind are drawn, validated and unlike each other in a second, on one core."""
    drawing = Drawing(Boundary(Builder(CONTRACT), ("poet",)), frozenset(), 1)
    sizes: Counter[int] = Counter()
    for valid in (True, False):
        known: set[bytes] = set()
        began, number = time.perf_counter(), 0
        while time.perf_counter() - began < SECONDS:
            for sketch in drawing.batch(number, valid=valid):
                known.add(sketch.body)
            number += 1
        rate = len(known) / (time.perf_counter() - began)
        print(f"{'valid' if valid else 'invalid':<8} {rate:6.0f} a second")
        if valid:
            sizes.update(longest(json.loads(body)) for body in known)
    print("\nlongest text of a valid request, in characters")
    for low, high in [(0, 10), (10, 100), (100, 1_000), (1_000, 10_000), (10_000, 131_072), (131_072, 131_073)]:
        count = sum(many for size, many in sizes.items() if low <= size < high)
        print(f"{low:>8} to {high - 1:>6}  {count:5}  {'#' * round(60 * count / sizes.total())}")


def longest(value: object) -> int:
    """The length of the longest text in a request."""
    if isinstance(value, str):
        return len(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max(map(longest, inner), default=0)


MEASURED = """
import sys
from infercheck.cli import main
try:
    main()
finally:
    lines = open("/proc/self/status").read().splitlines()
    print(next(line.split()[1] for line in lines if line.startswith("VmHWM")), file=sys.stderr)
"""
"""The command, which says at last how many kilobytes it had at most. (What the parent of a process had is counted
in with what wait4 tells of it.)"""


def run(url: str, requests: int) -> tuple[float, float]:
    """Seconds that a run with so many requests takes, and the megabytes that it takes at most."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-c", MEASURED, "run", url, "--profile", "deep", "--output", folder,
            "--max-requests", str(requests), "--max-tokens", str(requests * 40), "--lora", "poet",
        ]  # fmt: skip
        began = time.perf_counter()
        environment = {**os.environ, "INFERCHECK_CACHE_DIR": ""}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 4):  # a small budget leaves cases out
            raise SystemExit(f"the run of {requests} requests exits with {done.returncode}: {done.stderr}")
        return time.perf_counter() - began, int(done.stderr.split()[-1]) / 1024


def memory() -> None:
    """Print the rate and the memory of a short run and of a long one."""
    print("\nprofile deep, reference server in another process")
    taken = []
    with served(Conforming().app()) as url:
        for requests in SIZES:
            seconds, megabytes = run(url, requests)
            taken.append(megabytes)
            print(f"{requests:>6} requests  {requests / seconds:5.0f} a second  {megabytes:6.1f} MB")
    print(f"ratio of memory {taken[1] / taken[0]:.2f} (limit 1.2)")


def main() -> None:
    """Print all, or the one part that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", choices=["rates", "memory"])
    part = parser.parse_args().part
    if part != "memory":
        rates()
    if part != "rates":
        memory()


if __name__ == "__main__":
    main()
