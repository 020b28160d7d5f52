"""`infercheck run`: the main job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infercheck.commands.github import annotate, quoted, tell
from infercheck.commands.options import given, job_of_options
from infercheck.config import NAME, find_config
from infercheck.errors import InfercheckError, UsageError
from infercheck.expectation_files import to_yaml
from infercheck.findings import Verdict
from infercheck.journal import JOURNAL
from infercheck.launching.launch import OUTPUT, Launch, perform, prepare
from infercheck.launching.reports import REPORTS, write_reports
from infercheck.reports import terminal
from infercheck.reports.files import to_bytes, write_file
from infercheck.reports.plain import count
from infercheck.reports.visible import visible
from infercheck.results import Results
from infercheck.runners.masking import Mask
from infercheck.runners.target import is_secret, without_password
from infercheck.suite import Progress


def run(argv: tuple[str, ...], **options: Any) -> int:
    """Run the suite and write its reports; returns the exit status."""
    try:
        return _run(argv, options)
    except InfercheckError as error:
        if not options["github"]:
            raise
        tell(error)
        return error.exit_status


def _run(argv: tuple[str, ...], options: dict[str, Any]) -> int:
    console = terminal.console(stderr=True, quiet=options["quiet"])

    def said(line: str) -> None:
        console.print(visible(line), soft_wrap=True)

    job = job_of_options(options, said)
    if options["github"] and job.target == "reference" and "target" not in given(options) and job.folder is None:
        # In CI nobody means the built-in server unless he says so: a green job would be about nothing.
        raise UsageError("no target is named", hint=f"Is {NAME} in this folder? `infercheck init` writes one.")
    launch = prepare(job)
    written: Path | None = options["write_expectations"]
    in_use = {Path(name).resolve() for name in job.expect}
    if written is not None and written.exists() and written.resolve() not in in_use:
        raise UsageError(
            f"{written} is there already",
            hint="With --expect of the same file, what it says is kept and the rest is added.",
        )
    folder = Path(job.output or OUTPUT)
    plan = launch.plan
    said(
        f"{plan.requests} requests planned, {plan.price:,} output tokens at most, "
        f"{plan.bytes_out / 1e6:.1f} MB of input"
        + (f"; then others are drawn, {plan.budget:,} in all" if plan.profile.draws else "")
    )
    with terminal.progress(console, len(plan.steps)) as listener:

        def told(progress: Progress) -> None:
            listener.update(progress.done, progress.total, progress.requests, progress.broken, progress.seconds)

        results = perform(
            launch,
            folder,
            resume=options["resume"],
            signals=True,
            command=("infercheck", *map(Mask(*launch.secrets).text, _without_secrets(argv))),
            said=said,
            listener=told,
        )
    write_reports(folder, results, fail_on_should=job.fail_on_should)
    shown = terminal.console(quiet=options["quiet"])
    with quoted(active=options["github"] and not options["quiet"]):
        terminal.summary(shown, results, f"{folder}/{', '.join((*REPORTS, JOURNAL))}")
    if options["github"]:
        annotate(results, options["config"] or find_config(Path()))
    if written is not None:
        _write_expectations(written, launch, results)
        said(f"expectations written to {written}")
    warnings = results.totals[Verdict.WARN]
    if job.fail_on_should and warnings and results.exit_status() != 1:
        said(f"exit status 1, for --fail-on should: {count(warnings, 'SHOULD requirement')} not kept")
    return results.exit_status(fail_on_should=job.fail_on_should, allow_undecided=job.allow_undecided)


def _write_expectations(path: Path, launch: Launch, results: Results) -> None:
    outdated = [stale.entry for stale in results.stale]
    own = [entry for entry in launch.expected if entry.place.startswith(f"{path.name}:")]
    kept = [entry for entry in own if entry not in outdated]
    write_file(path, to_bytes(to_yaml(results, kept)))


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
