"""What several reports say of a run, cut to what they have room for; whatever a target sent, all of it prints."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator

from infercheck.addresses import LIVE, SERVED
from infercheck.findings import Finding, Verdict
from infercheck.record import Record
from infercheck.reports.curl import curl_of
from infercheck.reports.visible import visible
from infercheck.requirements import Level
from infercheck.results import Group, Result, Results

CAUSE = 3
"""Requirements from which on those that are open for the same reason are told of once."""


def kept(results: Results) -> tuple[int, int]:
    """How many MUSTs were decided and kept, and how many there are."""
    musts = [result for result in results.results if result.requirement.level is Level.MUST]
    return sum(result.verdict is Verdict.PASS for result in musts), len(musts)


def areas(results: Results) -> dict[str, Counter[Verdict]]:
    """How many requirements of each area have each verdict."""
    found: dict[str, Counter[Verdict]] = {}
    for result in results.results:
        found.setdefault(result.requirement.area, Counter())[result.verdict] += 1
    return found


def worst(results: Results) -> list[Result]:
    """The broken requirements that nobody expected, those of level MUST first."""
    return results.with_verdict(Verdict.FAIL) + results.with_verdict(Verdict.WARN)


def by_cause(results: Iterable[Result]) -> list[tuple[str, list[Result]]]:
    """Results that nothing was decided about, in parts: those with the same reason behind it, all others alone.

    The reason is empty where a part is one result that has its reason to itself, or shares it with few.
    """
    same: dict[str, list[Result]] = {}
    for result in results:
        same.setdefault(result.reason, []).append(result)
    parts: list[tuple[str, list[Result]]] = []
    for cause, all_ in same.items():
        shared = bool(cause) and len(all_) >= CAUSE
        parts += [(cause, all_)] if shared else [("", [result]) for result in all_]
    return parts


def line(text: object, limit: int) -> str:
    """Any text as one line of at most `limit` characters, all of which print."""
    shown = visible(str(text)[: limit + 1])
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def evidence(group: Group, limit: int) -> Iterator[tuple[str, str]]:
    """What shows a verdict, as names and lines of about `limit` characters; what is not known is left out."""
    finding = group.finding
    for name in ("case", "expected", "observed", "reason"):
        if value := line(getattr(finding, name), limit):
            times = f"  ({group.count} times)" if name == "observed" and group.count > 1 else ""
            yield name, f"{value}{times}"


def message(finding: Finding, limit: int) -> str:
    """Both sides of a finding in one line of at most `limit` characters; its reason where it has no sides."""
    sides = [f"{name} {value}" for name in ("expected", "observed") if (value := getattr(finding, name))]
    return line(", ".join(line(side, limit // 2 - 1) for side in sides) or finding.reason, limit)


def commands(record: Record, finding: Finding) -> Iterator[tuple[str, str]]:
    """The curl lines of a finding, whole, by name: `try` and, where two answers are compared, `versus`."""
    own = record.own(finding)
    for name, number in (("try", own.number if own else None), ("versus", finding.versus)):
        if whole := curl_of(record, number):
            yield name, whole


def replay(record: Record, finding: Finding) -> Iterator[tuple[str, str]]:
    """The command that sends the case of a finding again and shows both answers; named `replay`.

    None for an object of a test: nobody but that test can ask it again.
    """
    target = record.header["target"]
    own = record.own(finding)
    if own is None:
        return
    if str(target["address"]).startswith(LIVE):
        return
    words = ["infercheck", "replay", record.header["folder"], own.case]
    if str(target["address"]).startswith(SERVED):
        options = target.get("serve_options", ())
        pairs = zip(options[::2], options[1::2], strict=True)
        words += ["--target", target["address"]]
        words += [word for pair in pairs if pair[0] != "--context-window" for word in pair]  # which is the plan's
    if target["token_variable"] and target["address"] != "reference":
        words += ["--token-env", target["token_variable"]]
    yield "replay", shlex.join(words)


def dialect_of(record: Record) -> str:
    """The dialect that answers were read in, and what showed it where the user left it to us."""
    asked = str(record.header["target"]["dialect"])
    if not record.dialect or record.dialect == asked:
        return f"{asked}, though it saw {record.saw}" if record.saw else asked
    return f"{record.dialect}, by {asked}: {record.saw}"


def fitted(whole: str, limit: int) -> tuple[str, str]:
    """A curl line in at most `limit` characters, and what is to be said of it, which may be nothing."""
    # A body may have several lines; a shell needs them as they are.
    shown = "\n".join(map(visible, whole[: limit + 1].split("\n")))
    if len(shown) > limit:
        return f"{shown[: limit - 1]}…", f"cut; the whole line of {len(whole):,} characters is in report.json"
    if shown != whole:
        return shown, "some of its characters are shown as escapes; copy it from report.json"
    return shown, ""
