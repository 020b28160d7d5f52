"""`infercheck run`: the main job."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from infercheck.commands.options import contract_of, plan_options, target_of
from infercheck.commands.recorded import begun, open_recorded, options_of, recorded_path
from infercheck.conduct import Settings, conduct
from infercheck.contract import Contract
from infercheck.dialect import Dialect
from infercheck.errors import UsageError
from infercheck.pace import parse_rate
from infercheck.plan import Options, Plan, make_plan
from infercheck.record import Record, read
from infercheck.reports import html, json_report, terminal
from infercheck.reports.curl import needs_file, write_body
from infercheck.reports.files import to_bytes, write_file
from infercheck.reports.visible import visible
from infercheck.results import Results, results_of
from infercheck.runners.target import Target, check, is_secret, open_target, without_password
from infercheck.suite import Progress


def run(argv: tuple[str, ...], **options: Any) -> int:
    """Run the suite and write its reports; returns the exit status."""
    contract = contract_of(options["contract_name"])
    path = recorded_path(options["target"])
    recorded = read(path) if path else None
    target = target_of(contract, options, options["concurrency"])
    if recorded is None:
        check(target)
    wanted = options_of(recorded, options) if recorded else plan_options(options)
    plan = make_plan(contract, wanted)
    folder: Path = options["output"]
    journal = folder / "journal.ndjson"
    if path and journal.resolve() == path.resolve():
        raise UsageError(f"{journal} is the run to be judged again", hint="Give another folder with --output.")
    earlier = begun(journal) if options["resume"] else None
    console = terminal.console(stderr=True, quiet=options["quiet"])
    if earlier is None:
        _forget(folder)
    else:
        console.print(f"going on with {visible(str(journal))}, which has {len(earlier.exchanges)} answers")
    console.print(
        f"{len(plan.cases)} requests planned, {plan.price:,} output tokens at most, "
        f"{plan.bytes_out / 1e6:.1f} MB of input"
    )
    settings = _settings(target, options, argv, recorded)
    asyncio.run(_run(contract, plan, wanted, target, journal, settings, console, earlier, path))
    results = results_of(read(journal))
    write_reports(folder, results)
    shown = terminal.console(quiet=options["quiet"])
    terminal.summary(shown, results, f"{folder}/report.html, report.json, journal.ndjson")
    return results.exit_status(
        fail_on_should=options["fail_on"] == "should", allow_undecided=options["allow_undecided"]
    )


def _settings(target: Target, options: dict[str, Any], argv: tuple[str, ...], recorded: Record | None) -> Settings:
    dialect = options["dialect"] or (recorded.header["target"]["dialect"] if recorded else "rest")
    return Settings(
        address=target.address,
        url="",  # known when the target is open
        dialect=Dialect(dialect),
        concurrency=1 if recorded else options["concurrency"],
        rate=parse_rate(options["rate"]) if options["rate"] else None,
        max_time=options["max_time"],
        restart_wait=math.inf if recorded else options["restart_wait"],
        command=("infercheck", *_without_secrets(argv)),
    )


async def _run(
    contract: Contract,
    plan: Plan,
    wanted: Options,
    target: Target,
    journal: Path,
    settings: Settings,
    console: Console,
    earlier: Record | None,
    recorded: Path | None,
) -> None:
    async with open_recorded(recorded) if recorded else open_target(target) as opened:
        settings = replace(
            settings,
            url=opened.url,
            token_variable=opened.token_variable,
            curl_options=opened.curl_options,
            rate=settings.rate or opened.rate,
        )
        with terminal.progress(console, len(plan.cases)) as listener:

            def told(progress: Progress) -> None:
                listener.update(progress.done, progress.requests, progress.broken, progress.seconds)

            await conduct(contract, plan, wanted, opened.runner, journal, settings, told, earlier=earlier)


def _forget(folder: Path) -> None:
    # Reports of an earlier run must not be taken for those of one that did not get that far.
    for name in ("report.json", "report.html"):
        with contextlib.suppress(OSError):
            (folder / name).unlink(missing_ok=True)


def _without_secrets(argv: tuple[str, ...]) -> Iterator[str]:
    # The command stands in the journal and in reports; what was typed as a literal secret must not.
    before = ""
    for word in argv:
        option, equals, value = word.partition("=") if word.startswith("--") else (before, "", word)
        head = f"{option}{equals}" if equals else ""
        name, is_header, literal = value.partition("=")
        if option == "--header" and is_header and is_secret(name) and not literal.startswith("$"):
            word = f"{head}{name}=***"
        elif option == "--proxy" and "@" in value:
            word = f"{head}{without_password(value)}"
        yield word
        before = word


def write_reports(folder: Path, results: Results) -> None:
    """Write report.json, report.html and the bodies that curl lines read to a folder."""
    write_file(folder / "report.json", to_bytes(json_report.render(results)))
    write_file(folder / "report.html", to_bytes(html.render(results)))
    for request_number in _shown(results):
        exchange = results.record.exchanges[request_number]
        if needs_file(exchange.request):
            write_body(folder, exchange.request)


def _shown(results: Results) -> set[int]:
    record: Record = results.record
    return {
        number
        for result in results.results
        for group in result.groups
        for number in group.finding.exchanges
        if number in record.exchanges
    }
