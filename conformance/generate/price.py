"""The price of a request: the output tokens that a target may charge for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from infercheck.cases import Case
from infercheck.contract import Contract

CONTEXT_WINDOW = 4096
"""Tokens that an answer without a limit may have, where the user declares no context window."""

UNLIMITED_DEFAULT = 256
"""Tokens that an answer is taken to have where the contract states no default for its limit."""


class Pricing:
    """Prices in output tokens, by the limit that a request states (the contract's role `output_limit`)."""

    def __init__(self, contract: Contract, context_window: int = CONTEXT_WINDOW) -> None:
        self.window = context_window
        self._contract = contract
        self.default = contract.default_limit or UNLIMITED_DEFAULT

    def of(self, body: object) -> int:
        """The price of a request with this body: its own limit or the default, else the context window."""
        stated = self._contract.limit_of(body) if isinstance(body, Mapping) else None
        if not isinstance(stated, int) or isinstance(stated, bool):
            return self.default
        return min(stated, self.window) if stated > 0 else self.window

    def priced(self, case: Case) -> Case:
        """The case with its price."""
        try:
            body = json.loads(case.request.body)
        except (ValueError, RecursionError):
            body = None
        return replace(case, price=self.of(body))
