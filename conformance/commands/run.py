"""`infercheck run`: the main job."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from infercheck.commands.options import contract_of, plan_options, target_of
from infercheck.contract import Contract
from infercheck.pace import parse_rate
from infercheck.plan import Options, Plan, make_plan
from infercheck.record import Record, read
from infercheck.reports import html, json_report, terminal
from infercheck.reports.curl import needs_file, write_body
from infercheck.reports.files import to_bytes, write_file
from infercheck.results import Results, results_of
from infercheck.run import Settings, conduct
from infercheck.runners.target import Target, check, is_secret, open_target, without_password
from infercheck.suite import Progress


def run(argv: tuple[str, ...], **options: Any) -> int:
    """Run the suite and write its reports; returns the exit status."""
    contract = contract_of(options["contract_name"])
    target = target_of(contract, options, options["concurrency"])
    check(target)
    wanted = plan_options(options)
    plan = make_plan(contract, wanted)
    rate = parse_rate(options["rate"]) if options["rate"] else None
    folder: Path = options["output"]
    journal = folder / "journal.ndjson"
    console = terminal.console(stderr=True, quiet=options["quiet"])
    console.print(
        f"{len(plan.cases)} requests planned, {plan.price:,} output tokens at most, "
        f"{plan.bytes_out / 1e6:.1f} MB of input"
    )
    _forget(folder)
    asyncio.run(_run(contract, plan, wanted, target, journal, options, rate, argv, console))
    results = results_of(read(journal))
    write_reports(folder, results)
    shown = terminal.console(quiet=options["quiet"])
    terminal.summary(shown, results, f"{folder}/report.html, report.json, journal.ndjson")
    return results.exit_status(
        fail_on_should=options["fail_on"] == "should", allow_undecided=options["allow_undecided"]
    )


async def _run(
    contract: Contract,
    plan: Plan,
    wanted: Options,
    target: Target,
    journal: Path,
    options: dict[str, Any],
    rate: float | None,
    argv: tuple[str, ...],
    console: Console,
) -> None:
    async with open_target(target) as opened:
        settings = Settings(
            address=target.address,
            url=opened.url,
            token_variable=opened.token_variable,
            curl_options=opened.curl_options,
            dialect=options["dialect"],
            concurrency=options["concurrency"],
            rate=rate or opened.rate,
            max_time=options["max_time"],
            command=("infercheck", *_without_secrets(argv)),
        )
        with terminal.progress(console, len(plan.cases)) as listener:

            def told(progress: Progress) -> None:
                listener.update(progress.done, progress.requests, progress.broken, progress.seconds)

            await conduct(contract, plan, wanted, opened.runner, journal, settings, told)


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
