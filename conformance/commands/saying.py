"""Saying: lines for people, of which no terminal obeys anything."""

from __future__ import annotations

import click

from infercheck.reports.visible import visible_lines


def say(text: str) -> None:
    """Print a line, or several; what does not print in them is shown as escapes."""
    click.echo(visible_lines(text))
