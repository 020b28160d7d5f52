"""Text as a page may show it: whatever a target sends, it is no markup and hides nothing."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

from markupsafe import Markup, escape

from infercheck.reports.visible import escaped

# Printable ASCII needs no look; of the rest, str.isprintable knows more that hides than any list of ours.
_SUSPECT = re.compile(r"[^\n\x20-\x7e]+")


def marked(value: Any) -> Any:
    """A value as a page shows it: escaped, what does not print in a box of its own; markup stays as it is."""
    # No quotes in the tag: it must do no harm in an attribute either.
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    text = _SUSPECT.sub(lambda match: _shown(match[0], "<b class=x>{}</b>"), str(escape(value)))
    return Markup(text)  # noqa: S704  (escaped above)


def plain(text: str) -> str:
    """The same for places where no markup can be, such as the title; a template still has to escape it."""
    return _SUSPECT.sub(lambda match: _shown(match[0], "{}"), text.replace("\n", "\\n"))


def _shown(characters: str, form: str) -> str:
    """Characters beyond printable ASCII, those that do not print written in `form`, a run of them at once."""
    if characters.isprintable():
        return characters
    runs = groupby(characters, str.isprintable)
    return "".join("".join(run) if prints else form.format("".join(map(escaped, run))) for prints, run in runs)
