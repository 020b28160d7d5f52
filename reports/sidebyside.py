"""Two answers to one request, side by side on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infercheck import jsontext
from infercheck.exchange import Answer, Exchange
from infercheck.reports.visible import visible

LINES = 60
"""Lines that are shown: those that differ, and what stands about them, before others."""
ABOUT = 3
"""Lines before and after those that differ that are shown."""
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
    pairs = list(_aligned(list(lines_of(recorded.answer)), list(lines_of(now.answer))))
    for first, last in _kept([old != new for old, new in pairs]):
        for old, new in pairs[first:last]:
            style = "" if old == new else "bold"
            table.add_row("" if old == new else "!", Text(old or "", style), Text(new or "", style))
        if last < len(pairs):
            table.add_row("", Text("…", "dim"), Text("…", "dim"))
    console.print(table)


def lines_of(answer: Answer) -> Iterator[str]:
    """An answer as lines for people: status, headers, body, and what went wrong."""
    yield f"status {answer.status if answer.status is not None else 'none'}"
    for name, value in sorted(answer.headers):
        if name.lower() not in MASKED:
            yield visible(f"{name.lower()}: {value}", WIDE)
    yield ""
    body = list(_body_lines(answer.body))
    yield from (visible(line, WIDE) for line in body)
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


def _kept(differ: Sequence[bool]) -> Iterator[tuple[int, int]]:
    # Stretches to be shown: all where that is little, else the head, and what differs with some lines about it.
    if len(differ) <= LINES:
        yield 0, len(differ)
        return
    wanted = set(range(ABOUT))
    for place, differs in enumerate(differ):
        if differs and len(wanted) < LINES:
            wanted.update(range(max(0, place - ABOUT), min(len(differ), place + ABOUT + 1)))
    places = sorted(wanted)
    first = places[0]
    for place, following in zip_longest(places, places[1:]):
        if following != place + 1:
            yield first, place + 1
            first = following


def _aligned(old: list[str], new: list[str]) -> Iterator[tuple[str | None, str | None]]:
    for _, a, b, c, d in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        yield from zip_longest(old[a:b], new[c:d])
