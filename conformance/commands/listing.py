"""`infercheck contracts` by itself: what there is to test against."""

from __future__ import annotations

from collections import Counter

import click

from infercheck.contract_loader import available, load
from infercheck.schema import untested


def list_(contract_name: str | None) -> None:
    """List the contracts, or one that is checked by being loaded."""
    for name in [contract_name] if contract_name else available():
        contract = load(name)
        levels = Counter(requirement.level for requirement in contract.requirements.values())
        click.echo(f"{contract.id}\n  {contract.title}\n  model {contract.model}")
        click.echo(f"  {contract.provenance['source']}, {contract.provenance['date']}")
        click.echo("  " + ", ".join(f"{count} {level}" for level, count in levels.items()))
        for pointer in untested(contract.input):
            click.echo(f"  no request is made for {pointer}")
        click.echo(f"  sha256 {contract.sha256}")
