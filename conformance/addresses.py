"""Addresses of targets: what those begin with that are no URLs, and where in a URL the model stands."""

from __future__ import annotations

import ipaddress
from urllib.parse import quote, urlsplit

SERVED = ("engine:", "asgi:", "transformers:")
"""What the addresses begin with that a run serves itself."""

LIVE = "live:"
"""What the addresses begin with of objects that a test hands over."""


def is_loopback(host: str) -> bool:
    """Whether a host, by name or by number, is this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def leads_to_loopback(url: str) -> bool:
    """Whether the host of a URL is this machine alone."""
    return is_loopback(urlsplit(url).hostname or "")


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
