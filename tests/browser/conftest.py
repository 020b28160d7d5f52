"""A browser, and pages of several runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from missing import missing

from browser.chromium import QUIET, chromium
from browser.runs import RUNS
from infercheck.reports.html import render


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Skip every module here that could not be imported."""
    return missing(("playwright",), "browser", module_path, parent)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    found = chromium()
    if found is None:
        pytest.skip("no Chromium: apt-get install chromium, or name one in INFERCHECK_CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=found, args=list(QUIET))


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The report of a run, by its name in `RUNS`, as a file."""
    folder = tmp_path_factory.mktemp("pages")

    def page_of(name: str) -> Path:
        path = folder / f"{name}.html"
        if not path.exists():
            # In a thread of its own: Playwright has an event loop in this one.
            with ThreadPoolExecutor(1) as worker:
                path.write_bytes(worker.submit(lambda: render(RUNS[name]())).result().encode("utf-8"))
        return path

    return page_of


class Shown:
    """A page that is shown, with all that it did which it should not."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page = page
        self.sins: list[str] = []
        page.on("console", lambda message: self.sins.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.sins.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.sins.append("dialog"))
        page.on("request", self._asked)
        page.goto(path.as_uri())

    def _asked(self, request: Any) -> None:
        if not request.url.startswith("file:"):
            self.sins.append(f"asked for {request.url}")


@pytest.fixture
def show(browser: Any, pages: Callable[[str], Path]) -> Iterator[Callable[..., Any]]:
    """Show a run's page, with options of the browser's context; what it should not do fails the test."""
    contexts, shown = [], []

    def show_one(name: str, fragment: str = "", *, width: int = 1200, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        shown.append(Shown(context.new_page(), pages(name)))
        if fragment:
            shown[-1].page.evaluate("hash => { location.hash = hash }", fragment)
        return shown[-1].page

    yield show_one
    sins = [sin for one in shown for sin in one.sins]
    for context in contexts:
        context.close()
    assert sins == []
