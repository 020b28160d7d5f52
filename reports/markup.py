"""Text as a page may show it: whatever a target sends, it is no markup and hides nothing."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

from markupsafe import Markup, escape

from infercheck.reports.visible import escaped

# As in visible.py, but for ends of lines.
_SUSPECT = re.compile(r"[^\n\x20-\x7e]+")


def marked(value: Any) -> Any:
    """A value as a page shows it: escaped, what does not print in a box of its own; markup stays as it is."""
    # No quotes in the tag: it must do no harm in an attribute either.
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    text = _SUSPECT.sub(_boxed, str(escape(value)))
    return Markup(text)  # noqa: S704  (escaped above)


def _boxed(match: re.Match[str]) -> str:
    # A run of characters that do not print stands in one box.
    if match[0].isprintable():
        return match[0]
    runs = groupby(match[0], str.isprintable)
    return "".join(
        "".join(run) if prints else f"<b class=x>{''.join(map(escaped, run))}</b>" for prints, run in runs
    )
