"""Two answers beside each other: what differs is shown, however far down it stands."""

from __future__ import annotations

import io

from records import exchange
from rich.console import Console

from infercheck.reports.sidebyside import LINES, side_by_side


def shown(old, new):
    console = Console(file=io.StringIO(), width=120, markup=False, emoji=False, highlight=False)
    side_by_side(console, exchange(1, answer=old.encode()), exchange(2, answer=new.encode()))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_short_answers_are_shown_whole_and_what_differs_is_marked():
    lines = shown("a\nb\nc", "a\nx\nc")
    assert [line.split() for line in lines if line.startswith(" !")] == [["!", "b", "x"]]
    assert [line.split() for line in lines[-3:]] == [["a", "a"], ["!", "b", "x"], ["c", "c"]]


def test_what_differs_far_down_is_shown_and_what_is_alike_before_it_is_left_out():
    many = [f"line {number}" for number in range(300)]
    lines = shown("\n".join([*many, "the end"]), "\n".join(many))
    assert len(lines) < LINES
    assert any(line.split() == ["!", "the", "end"] for line in lines)
    assert any("line 299" in line for line in lines)
    assert not any("line 150" in line for line in lines)
    assert any("…" in line for line in lines)


def test_of_many_differences_as_many_are_shown_as_have_room():
    lines = shown("\n".join(f"old {n}" for n in range(500)), "\n".join(f"new {n}" for n in range(500)))
    assert LINES <= len(lines) < 2 * LINES
