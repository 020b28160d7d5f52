"""The four examples, as they stand on the vendored page."""

from __future__ import annotations

import re
from pathlib import Path

from fakes import CONTRACT

import infercheck.schemas

ROOM = Path(infercheck.schemas.__file__).parent / CONTRACT.id
_FROM_TO = {
    "example/worker-streaming": ("Worker - Streaming\n\n", "Worker\n\n"),
    "example/worker": ("Worker\n\n", "Python\n\n"),
    "example/python": ("Python\n\n", "curl\n\n"),
    "example/curl": ("curl\n\nTerminal window\n", "Parameters\n\n"),
}
"""Between which lines each stands. "Terminal window" is what the page writes over a command line."""

BODIES = {example.id: example.body for example in CONTRACT.examples}
"""What the contract says that each sends."""


def code(example: str) -> str:
    """The text of an example."""
    begin, end = map(re.escape, _FROM_TO[example])
    page = (ROOM / "page.txt").read_text("utf-8")
    found = re.search(rf"^{begin}(.*?\n)\n^{end}", page, re.DOTALL | re.MULTILINE)
    assert found is not None, f"the page has no {example} any more"
    return found[1]
