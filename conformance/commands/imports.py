"""`infercheck contracts import` and `infercheck contracts diff`: contracts from elsewhere."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from infercheck.checks.relations import COMPARED
from infercheck.commands.saying import say
from infercheck.contract import Contract
from infercheck.contract_loader import available, load
from infercheck.errors import ContractError
from infercheck.generate.builder import Builder
from infercheck.importing.differences import Differences, differences
from infercheck.importing.draft import Draft, draft_of, missing_roles
from infercheck.importing.folder import loaded, write
from infercheck.importing.source import source_of
from infercheck.plan import Options, make_plan
from infercheck.reports.plain import count

STDIN = "-"
SHOWN = 12
"""Lines of one kind that are shown."""


def import_(file: str, output: Path | None, model: str, url: str, force: bool) -> None:
    """Make a contract, and say what was found, what will be left out, and what to look over by hand."""
    draft = _draft(file, model, url)
    folder = output or Path(draft.yaml["id"])
    contract = write(draft, folder, force=force)
    for line in _found(contract, draft, folder):
        say(line)


def _draft(file: str, model: str = "", url: str = "") -> Draft:
    name = "what was piped in" if file == STDIN else Path(file).name
    today = datetime.now(UTC).date().isoformat()
    return draft_of(source_of(_text(file), name), "" if file == STDIN else name, model=model, url=url, date=today)


def _text(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    except OSError as error:
        raise ContractError(file, "", f"cannot be read: {error.strerror or error}") from None
    for encoding in ("utf-8-sig", "utf-16"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ContractError(file, "", "expected text in UTF-8")


def _found(contract: Contract, draft: Draft, folder: Path) -> Iterator[str]:
    levels = Counter(requirement.level for requirement in contract.requirements.values())
    keywords = sum(1 for one in contract.requirements.values() if one.keyword and one.area == "input")
    yield f"{folder}: {contract.title}"
    builder = Builder(contract)
    asked = [builder.name(branch) or "one form" for branch in builder.branches()]
    yield f"  forms of a request   {', '.join(asked)}"
    for pointer, why in contract.unasked.items():
        yield f"  not asked for        {pointer}: {why}"
    by_level = ", ".join(f"{number} {level}" for level, number in levels.items())
    number = len(contract.requirements)
    yield f"  requirements         {number} ({by_level}), {keywords} keywords of the input schema"
    roles = ", ".join(role if role == name else f"{role} ({name})" for role, name in contract.roles.items())
    yield f"  roles found          {roles or 'none'}"
    missing = missing_roles(contract.roles)
    if missing:
        yield f"  roles missing        {', '.join(missing)}"
    if unknown := sorted(_roleless(builder)):
        yield f"  of no role           {', '.join(unknown)}: only what they may be is tested, not what they do"
    plan = make_plan(contract, Options())
    silent = {id_ for id_ in plan.absent if id_ in COMPARED and not id_.startswith("lora/")}
    left = sorted((COMPARED - set(contract.requirements)) | silent)
    if left:
        yield f"  will not be asked    {', '.join(left)}"
    yield f"  examples             {', '.join(one.id for one in contract.examples) or 'none that could be read'}"
    yield f"  open questions       {len(contract.open)}"
    for id_, side in contract.impossible:
        yield f"  cannot exist         {id_}: {side} (its forms are of disjoint types)"
    one_sided = [
        id_
        for id_, one in contract.requirements.items()
        if one.keyword and one.area == "input" and "invalid" not in plan.exist.get(id_, ())
        and not _is_unasked(contract, id_)
    ]  # fmt: skip
    if one_sided:
        more = f" and {len(one_sided) - SHOWN} more" if len(one_sided) > SHOWN else ""
        yield f"  kept by anything     {', '.join(one_sided[:SHOWN])}{more}: no request breaks it alone"
    if draft.by_hand:
        yield "look over by hand:"
        yield from (f"  {line}" for line in draft.by_hand)
    yield f"a run would send {count(plan.requests, 'request')}:"
    yield f"  infercheck run URL --contract {folder}"


def _roleless(builder: Builder) -> set[str]:
    # Parameters of which nobody knows what they are for, so that no answers are compared for their sake.
    declared = {name for branch in builder.branches() for name in branch.schema.get("properties", {})}
    return declared - set(builder.contract.roles.values())


def _is_unasked(contract: Contract, id_: str) -> bool:
    pointer = contract.requirements[id_].clause.pointer or ""
    return any(pointer.startswith(f"{one}/") for one in contract.unasked)


def diff(one: str, other: str, form: str, exit_code: bool) -> int:
    """Print what changed; the exit status."""
    found = differences(_contract(one), _contract(other), (one, other))
    if form == "json":
        click.echo(json.dumps(found.as_json(), indent=2))
    else:
        for line in _told(found):
            say(line)
    return int(exit_code and found.any)


def _contract(name: str) -> Contract:
    if name in available() or (name != STDIN and Path(name).is_dir()):
        return load(name)
    if name != STDIN and not Path(name).exists():
        raise ContractError(
            name, "", "no such contract, and no such file", hint=f"Known by name: {', '.join(available())}"
        )
    return loaded(_draft(name))


def _told(found: Differences) -> Iterator[str]:
    yield f"{found.one} -> {found.other}"
    for title, lines in found.sections():
        if lines:
            yield f"\n{title}"
            yield from (f"  {line}" for line in lines)
    yield f"\n{found.verdict}"
