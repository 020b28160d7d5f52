"""How long report.html of ten thousand cases takes to be made and, in Chromium, to be seen first.

The second needs Playwright and Chromium, as `make browser` does; without them it is left out.
"""

from __future__ import annotations

import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.chromium import QUIET, chromium
from browser.runs import MANY, many

from infercheck.reports.html import render

PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
ROUNDS = 5


def main() -> None:
    """Print a table."""
    results = many()
    began = time.perf_counter()
    page = render(results).encode()
    print(
        f"report.html of {MANY:,} cases: {len(page) / 2**20:.2f} MiB, made in {time.perf_counter() - began:.2f} s"
    )
    found = chromium()
    if find_spec("playwright") is None or found is None:
        print("time to first paint: not measured, needs `make browser` and Chromium")
        return
    print(f"time to first paint: {_first_paint(page, found):.0f} ms, the median of {ROUNDS}")


def _first_paint(page: bytes, path_of_browser: str) -> float:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder) / "report.html"
        path.write_bytes(page)
        browser = driver.chromium.launch(executable_path=path_of_browser, args=list(QUIET))
        times = []
        for _ in range(ROUNDS):
            shown = browser.new_page()
            shown.goto(path.as_uri())
            shown.wait_for_timeout(200)
            times.append(float(shown.evaluate(PAINT)))
            shown.close()
        browser.close()
    return sorted(times)[ROUNDS // 2]


if __name__ == "__main__":
    main()
