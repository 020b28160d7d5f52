"""Pages: what the reports in HTML have in common, each one file that needs nothing else.

Whatever came from a target or a user is text here, never markup: autoescape is on, and `finalize` sends every
value of the templates through `marked`, which also shows what text could hide. A policy that knows the style and a
script, where there is one, by their hashes lets nothing else run and nothing be loaded.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from infercheck.reports.exhibits import clipped
from infercheck.reports.markup import marked


def page(template: str, script: str = "", **values: Any) -> str:
    """A page from a template of this folder, with a script of this folder or none."""
    css, source = _own("report.css"), _own(script) if script else ""
    allowed = f" script-src '{_digest(source)}';" if script else ""
    csp = f"default-src 'none'; style-src '{_digest(css)}';{allowed} base-uri 'none'; form-action 'none'"
    whole: str = _environment().get_template(template).render(css=css, script=source, csp=csp, **values)
    return whole.lstrip()


def anchor(id_: str) -> str:
    """A requirement's id as an id attribute and fragment: itself, unless it holds what these cannot."""
    return quote(id_, safe="/:@$*,;+!~", errors="replace")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("infercheck.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=marked,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(anchor=anchor, clip=clipped, number=lambda value: f"{value:,}")
    return environment


@cache
def _own(name: str) -> Markup:
    return Markup(_environment().get_template(name).render())  # noqa: S704  (our own file)


def _digest(source: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode('ascii')}"
