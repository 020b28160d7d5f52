"""Workflow commands of GitHub Actions: what a run found, as annotations, and a way to print what is no command.

The runner takes any line of a log that begins with `::` for a command, and any that has `##[` in it.
"""

# No import of annotations from __future__: here the name is a function's.

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import PurePath

from infercheck.expectations import Stale
from infercheck.findings import Verdict
from infercheck.reports.plain import clause_of, count
from infercheck.reports.words import commands, fitted, line, worst
from infercheck.results import Result, Results

LIMIT = 10
"""Annotations that GitHub shows of one kind and step."""
MESSAGE = 1_000
"""Characters of an annotation's message."""
TITLE = 200
"""Characters of an annotation's title; GitHub allows 255."""
REMARK = 100
"""Characters of it that are kept for what is to be said of a curl line."""

_TOKEN = re.compile(r"[0-9A-Za-z-]{32,}")


def annotations(results: Results, *, file: str | None = None, limit: int = LIMIT) -> str:
    """The commands that show the worst of a run beside a pull request, a line each; empty where there is none.

    `file` is the path that they are shown at, from the root of the repository: an expectations file, say. Where an
    expectation names a file and a line, its own is shown there.
    """
    commands = list(_commands(results, file))
    more = len(commands) - limit
    if more > 0:
        said = f"{count(more, 'more problem')}: the summary of the job and report.html have them all."
        commands[limit:] = [_command("notice", said, title="infercheck")]
    return "\n".join(commands)


def trouble(message: str, hint: str = "") -> str:
    """The command that shows why there are no results."""
    said = "\n".join(line(text, MESSAGE) for text in (*message.split("\n"), hint) if text)
    return _command("error", said, title="infercheck")


def stop_commands(token: str) -> str:
    """The line after which GitHub takes no line for a command, until `resume_commands` with the same token.

    The token must be such that no target can guess it (`secrets.token_hex(16)`); ValueError where it is too short.
    """
    return f"::stop-commands::{_checked(token)}"


def resume_commands(token: str) -> str:
    """The line that ends what `stop_commands` began."""
    return f"::{_checked(token)}::"


def _checked(token: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise ValueError("expected 32 or more letters, digits and hyphens")
    return token


def _commands(results: Results, file: str | None) -> Iterator[str]:
    # That a run is incomplete says what all else is worth.
    yield from _undecided(results, file)
    broken = worst(results)
    # What has expired may be the cause of all that is broken.
    yield from (_stale(stale, file) for stale in results.stale)
    yield from (_broken(results, result, file) for result in broken if result.verdict is Verdict.FAIL)
    yield from (_broken(results, result, file) for result in broken if result.verdict is Verdict.WARN)


def _undecided(results: Results, file: str | None) -> Iterator[str]:
    record, undecided = results.record, results.undecided
    said = f"{count(len(undecided), 'MUST requirement')} could not be decided"
    if not record.complete:
        why = line(record.why_incomplete or "no reason was recorded", MESSAGE // 2)
        yield _command("error", f"{why}\n{said}", title="infercheck: the run is INCOMPLETE", file=file)
    elif undecided:
        reasons = [line(f"{result.requirement.id}: {result.reason}", MESSAGE // 4) for result in undecided[:3]]
        yield _command("warning", "\n".join(reasons), title=f"infercheck: {said}", file=file)


def _broken(results: Results, result: Result, file: str | None) -> str:
    requirement, finding = result.requirement, result.groups[0].finding
    lines = [
        line(requirement.title, MESSAGE // 10),
        f"clause: {line(f'{requirement.level} {clause_of(result)}', MESSAGE // 5)}",
        f"expected: {line(finding.expected, MESSAGE // 5)}",
        f"observed: {line(finding.observed, MESSAGE // 5)}",
    ]
    room = MESSAGE - len("\n".join(lines)) - REMARK
    # There is room for one; what it is compared with stands in the summary of the job.
    for name, whole in islice(commands(results.record, finding), 1):
        curl, remark = fitted(whole, room)
        lines.append(f"{name}: {curl}")
        if remark:
            lines.append(f"({remark})")
    kind = "error" if result.verdict is Verdict.FAIL else "warning"
    return _command(kind, "\n".join(lines), title=f"infercheck: {requirement.id}", file=file)


def _stale(stale: Stale, file: str | None) -> str:
    place, line_number = file, ""
    name, _, number = stale.entry.place.rpartition(":")
    if name and number.isdecimal():
        # An expectation knows the name of its file, not the way to it from the root of the repository.
        place, line_number = (file if file and PurePath(file).name == name else name), number
    said = f"{line(stale, MESSAGE // 2)}\nTake it out, or mend it."
    return _command("error", said, title="infercheck: an expectation is out of date", file=place, line=line_number)


def _command(kind: str, message: str, **properties: str | None) -> str:
    written = ",".join(f"{name}={_property(value)}" for name, value in _ordered(properties).items())
    return f"::{kind} {written}::{_data(message)}"


def _ordered(properties: Mapping[str, str | None]) -> dict[str, str]:
    return {name: line(value, TITLE) for name in ("file", "line", "title") if (value := properties.get(name))}


def _data(text: str) -> str:
    # As @actions/core has it; the percent sign goes first.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
