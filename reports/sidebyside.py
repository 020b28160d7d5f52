"""Two answers to one request, side by side on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import zip_longest

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infercheck import jsontext
from infercheck.exchange import Answer, Exchange
from infercheck.reports.visible import visible

LINES = 60
"""Lines of a body that are shown."""
WIDE = 400
"""Characters of a line that are shown."""
MASKED = frozenset({"date", "content-length"})
"""Headers that differ from answer to answer and say nothing."""


def side_by_side(console: Console, recorded: Exchange, now: Exchange) -> None:
    """Print both answers, line by line; what differs is marked with an exclamation mark."""
    table = Table(box=None, padding=(0, 1), expand=True)
    table.add_column("")
    table.add_column(f"recorded (request {recorded.number})", ratio=1, overflow="fold")
    table.add_column("now", ratio=1, overflow="fold")
    for old, new in _aligned(list(lines_of(recorded.answer)), list(lines_of(now.answer))):
        style = "" if old == new else "bold"
        table.add_row("" if old == new else "!", Text(old or "", style), Text(new or "", style))
    console.print(table)


def lines_of(answer: Answer) -> Iterator[str]:
    """An answer as lines for people: status, headers, body, and what went wrong."""
    yield f"status {answer.status if answer.status is not None else 'none'}"
    for name, value in sorted(answer.headers):
        if name.lower() not in MASKED:
            yield visible(f"{name.lower()}: {value}", WIDE)
    yield ""
    body = list(_body_lines(answer.body))
    yield from (visible(line, WIDE) for line in body[:LINES])
    if len(body) > LINES:
        yield f"… and {len(body) - LINES} more lines"
    if answer.cut:
        yield "(closed by infercheck on purpose)"
    if answer.failure:
        yield visible(f"({answer.failure.message})", WIDE)


def _body_lines(body: bytes) -> Iterator[str]:
    try:
        value = jsontext.parse(body).value
    except jsontext.NotJSON:
        yield from body.decode("utf-8", "backslashreplace").splitlines()
        return
    yield from jsontext.pretty(value).splitlines()


def _aligned(old: list[str], new: list[str]) -> Iterator[tuple[str | None, str | None]]:
    for _, a, b, c, d in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        yield from zip_longest(old[a:b], new[c:d])
