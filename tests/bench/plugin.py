"""What the pytest plugin costs those who do not ask: wall time of pytest with it over pytest without it."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 15
WITHOUT = ("-p", "no:infercheck")


def seconds(folder: Path, *options: str) -> float:
    """Wall time of one run."""
    began = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:hypothesispytest",
        *options,
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    """Print the ratios, each of runs that take turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_one.py").write_text("def test_one(): pass\n")
        for what, text in (("no infercheck.yaml", None), ("infercheck.yaml collected", "target: reference\n")):
            if text:
                (folder / "infercheck.yaml").write_text(text)
            pairs = [(seconds(folder), seconds(folder, *WITHOUT)) for _ in range(ROUNDS)]
            ratio = statistics.median(one / other for one, other in pairs)
            extra = statistics.median(one - other for one, other in pairs)
            print(f"pytest with the plugin over pytest without, {what}: {ratio:.2f} ({extra * 1000:+.0f} ms)")


if __name__ == "__main__":
    main()
