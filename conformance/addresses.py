"""Addresses of targets: what those begin with that are no URLs, and where in a URL the model stands."""

from __future__ import annotations

from urllib.parse import quote

SERVED = ("engine:", "asgi:", "transformers:")
"""What the addresses begin with that a run serves itself."""

LIVE = "live:"
"""What the addresses begin with of objects that a test hands over."""


def names_model(url: str, model: str) -> bool:
    """Whether a URL ends with the name of a model, its slashes plain or as `%2F`."""
    return bool(_spelling(url, model))


def with_model(url: str, model: str, other: str) -> str:
    """The URL with another model in the place of the one that it names; as it is where it names none."""
    spelling = _spelling(url, model)
    if not spelling:
        return url
    head, _, query = url.partition("?")
    spelled = other if spelling == model else quote(other, safe="@")
    return head.removesuffix(spelling) + spelled + (f"?{query}" if query else "")


def _spelling(url: str, model: str) -> str:
    path = url.partition("?")[0]
    spellings = (model, quote(model, safe="@"), quote(model, safe="")) if model else ()
    return next((spelling for spelling in spellings if path.endswith(spelling)), "")
