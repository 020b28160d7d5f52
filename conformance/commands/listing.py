"""`infercheck contracts` by itself: what there is to test against."""

from __future__ import annotations

from collections import Counter

from infercheck.commands.saying import say
from infercheck.contract_loader import available, load
from infercheck.schema import untested


def list_(contract_name: str | None) -> None:
    """List the contracts, or one that is checked by being loaded."""
    for name in [contract_name] if contract_name else available():
        contract = load(name)
        levels = Counter(requirement.level for requirement in contract.requirements.values())
        say(f"{contract.id}\n  {contract.title}\n  model {contract.model}")
        say(f"  {contract.provenance['source']}, {contract.provenance['date']}")
        say("  " + ", ".join(f"{count} {level}" for level, count in levels.items()))
        for pointer in untested(contract.input):
            say(f"  no request is made for {pointer}")
        say(f"  sha256 {contract.sha256}")
