"""The Chromium of this machine."""

from __future__ import annotations

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
"""Options with which it asks nobody for anything by itself."""


def chromium() -> str | None:
    """Its path, as INFERCHECK_CHROMIUM names it or as it is found; None where there is none."""
    return os.environ.get("INFERCHECK_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
