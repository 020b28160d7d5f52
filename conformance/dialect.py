"""Dialects: how a target wraps its answers, and what it makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from infercheck.spoken import CALLS, CHOICES, TEXT


class Dialect(StrEnum):
    """How a target wraps what it says."""

    REST = "rest"
    """The REST API: `{"result": …, "success": true, "errors": [], "messages": []}`, errors in the same envelope."""
    WORKER = "worker"
    """A Worker such as the page's two: the bare answer, and any status but success for a refusal, since nothing in
    them catches errors."""
    AUTO = "auto"
    """Whichever of the two the first answer shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What an answer tells of its dialect: which it is, and what was seen, for people."""

    dialect: Dialect
    saw: str


def guess(value: Any, *, choices: bool = False) -> Guess | None:
    """The dialect that the JSON value of an answer to a valid request shows; None where it shows none."""
    if not isinstance(value, dict):
        return None
    if "result" in value or isinstance(value.get("success"), bool):
        return Guess(dialect=Dialect.REST, saw="an envelope with result or success")
    for member in (TEXT, CALLS, *([CHOICES] if choices else [])):
        if member in value:
            return Guess(dialect=Dialect.WORKER, saw=f"a bare answer: {member} at the top")
    return None


UNTOLD = Guess(dialect=Dialect.REST, saw="no answer that tells; taken for the REST API")
"""What is taken where no answer shows the dialect."""


FORM_OF_ERRORS = frozenset({"error/client-error", "error/media-type", "error/envelope"})
"""What the REST API documents of refusals, and a Worker leaves to the platform."""

LENIENT_WORKERS = frozenset({"http/invalid-utf-8"})
"""What a Worker takes without a word: Request.json() of the Fetch standard replaces what is no UTF-8."""
