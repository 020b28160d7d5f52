"""`infercheck contracts` and what stands below it, declared; what they do is imported when they are called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click


@click.group(short_help="List, import and compare contracts.", invoke_without_command=True)
@click.option("--contract", "contract_name", default=None, metavar="ID|FOLDER", help="The contract to check.")
@click.pass_context
def contracts(context: click.Context, contract_name: str | None) -> None:
    """List the contracts that come with the package, or check and describe one with --contract."""
    if context.invoked_subcommand is None:
        from infercheck.commands.listing import list_

        list_(contract_name)


@contracts.command("import", short_help="Make a contract from a page or from schemas.")
@click.argument("file")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="The folder to write; by default one with the model's name, here.")  # fmt: skip
@click.option("--model", default="", metavar="NAME", help="The model's name, where the source does not say it.")
@click.option("--source", "url", default="", metavar="URL", help="Where the source is from, for the record.")
@click.option("--force", is_flag=True, help="Write over a contract that is there.")
def import_(**options: Any) -> None:
    """Make a contract from FILE: the text of a documentation page, or the {input, output} JSON Schemas that
    `wrangler ai models schema MODEL` prints; - reads what is piped in."""
    from infercheck.commands.imports import import_ as command

    command(**options)


@contracts.command(short_help="What changed between two contracts.")
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--exit-code", is_flag=True, help="Exit with 1 where anything changed, as git diff does.")
def diff(**options: Any) -> None:
    """Say what changed from A to B, in requirements. Each is a contract's name, its folder, or a file that
    `contracts import` takes."""
    from infercheck.commands.imports import diff as command

    sys.exit(command(**options))
