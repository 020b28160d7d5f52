"""A badge: the verdict of a run in a few words, for shields.io or as an image of its own."""

from __future__ import annotations

import json
from html import escape

from infercheck.findings import Verdict
from infercheck.reports.plain import count
from infercheck.reports.words import kept
from infercheck.results import Results

LABEL = "infercheck"
LABEL_COLOR = "555555"
COLORS = {"pass": "1a7f37", "fail": "cf222e", "incomplete": "9a6700"}
"""White text has a contrast of 4.5 and more on each (WCAG AA)."""

_NARROW, _WIDE = frozenset(" !'(),./:;I[]fijlrt|"), frozenset("%@MWmw")


def render_json(results: Results) -> str:
    """The badge as the JSON that shields.io reads from an address (its endpoint badge)."""
    badge: dict[str, object] = {
        "schemaVersion": 1,
        "label": LABEL,
        "message": message(results),
        "color": COLORS[results.verdict],
    }
    if results.verdict == "fail":
        badge["isError"] = True
    return json.dumps(badge, indent=1)


def render_svg(results: Results) -> str:
    """The badge as an image that needs nothing else."""
    said = message(results)
    name = escape(f"{LABEL}: {said}")
    left, right = _width(LABEL) + 10, _width(said) + 10
    whole = left + right
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label="{name}">
<title>{name}</title>
<rect width="{whole}" height="20" rx="3" fill="#{COLORS[results.verdict]}"/>
<path d="M3 0H{left}V20H3A3 3 0 0 1 0 17V3A3 3 0 0 1 3 0Z" fill="#{LABEL_COLOR}"/>
<g fill="#ffffff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11" aria-hidden="true">
{_text(LABEL, 5)}
{_text(said, left + 5)}
</g>
</svg>
"""


def message(results: Results) -> str:
    """What the badge says: how much is kept, or what is wrong."""
    broken = results.totals[Verdict.FAIL]
    match results.verdict:
        case "pass":
            good, musts = kept(results)
            return f"{good} of {musts} MUST"
        case "fail":
            return f"{broken} broken" if broken else f"{count(len(results.stale), 'expectation')} out of date"
        case _:
            return "incomplete"


def _text(text: str, x: int) -> str:
    # The length is said, so that a wider font than the one that was reckoned with stays inside its box.
    return f'<text x="{x}" y="14" textLength="{_width(text)}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'


def _width(text: str) -> int:
    # About what Verdana takes at 11 pixels.
    return round(sum(4.2 if c in _NARROW else 10 if c in _WIDE else 7 for c in text))
