"""report.html: the results for people, as one file that needs nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from infercheck.findings import Verdict
from infercheck.reports.exhibits import Exhibits, clipped
from infercheck.reports.grid import SIGNS, SLOTS, grid_of
from infercheck.reports.page import page
from infercheck.reports.plain import count, drawn, others, served, steadiness
from infercheck.reports.plots import bars, timings
from infercheck.reports.survey import survey_of
from infercheck.reports.visible import visible
from infercheck.reports.words import areas, by_cause, dialect_of
from infercheck.requirements import Level
from infercheck.results import Result, Results

GROUPS = 5
"""Groups of findings of one requirement that stand open; the rest are folded."""
SECTIONS = (
    ("failures", "Failures", "Promises of level MUST that the target broke.", (Verdict.FAIL,)),
    (
        "expected",
        "Expected failures",
        "Broken promises that an expectation names, with its reason. They do not fail the run.",
        (Verdict.EXPECTED,),
    ),
    ("warnings", "Warnings", "Promises of level SHOULD that the target did not keep.", (Verdict.WARN,)),
    ("notes", "Notes", "What the target does where the contract leaves it open.", (Verdict.NOTE,)),
    (
        "undecided",
        "Inconclusive and errors",
        "What could not be decided, and what failed on our side or on the way.",
        (Verdict.INCONCLUSIVE, Verdict.ERROR),
    ),
)
SECTION_OF = {str(verdict): key for key, _, _, verdicts in SECTIONS for verdict in verdicts} | {
    "skip": "skipped",
    "pass": "passed",
}


def render(results: Results) -> str:
    """The whole report as an HTML page: a pure function of the results."""
    survey = survey_of(results.record)
    failed = results.with_verdict(Verdict.FAIL)
    return page(
        "report.html.jinja",
        script="report.js",
        GROUPS=GROUPS,
        section_of=SECTION_OF,
        others=others,
        exhibits=Exhibits(results.record, survey),
        loud=list(_loud(results)),
        levels=[str(level) for level in Level],
        grid=grid_of(results),
        slots=list(SLOTS),
        signs=[(verdict, sign) for verdict, sign in SIGNS.items() if verdict not in ("error", "skip")],
        bars=bars(survey),
        timings=list(timings(survey)),
        version=results.record.header["infercheck"],
        verdict=results.verdict,
        title=visible(f"{results.verdict.upper()}: {results.record.header['target']['address']}"),
        reasons=list(_reasons(results)),
        broken=failed,
        stale=results.stale,
        undecided=results.undecided,
        facts=list(_facts(results)),
        totals={str(verdict): count for verdict, count in results.totals.items()},
        areas=areas(results),
        sections=[(key, title, lead, _parts(results, verdicts)) for key, title, lead, verdicts in SECTIONS],
        skipped=results.with_verdict(Verdict.SKIP),
        passed=_by_area(results.with_verdict(Verdict.PASS)),
    )


def _reasons(results: Results) -> Iterator[str]:
    totals = results.totals
    musts = [result.verdict for result in results.results if result.requirement.level is Level.MUST]
    kept = f"{musts.count(Verdict.PASS)} of {count(len(musts), 'MUST requirement')} decided and kept"
    if results.verdict == "pass":
        skipped = musts.count(Verdict.SKIP)
        yield kept + (f"; {skipped} skipped." if skipped else ".")
    else:
        broken = f"{count(totals[Verdict.FAIL], 'MUST requirement')} broken; " if totals[Verdict.FAIL] else ""
        yield f"{broken}{kept}."
        if results.undecided:
            yield f"{count(len(results.undecided), 'MUST requirement')} could not be decided."
    if results.stale:
        yield f"{count(len(results.stale), 'expectation')} out of date."
    if totals[Verdict.EXPECTED]:
        yield f"{count(totals[Verdict.EXPECTED], 'requirement')} broken as expected."
    if totals[Verdict.WARN]:
        yield f"{count(totals[Verdict.WARN], 'SHOULD requirement')} not kept (warnings)."


def _loud(results: Results) -> Iterator[str]:
    """What makes this run say less than a whole one."""
    record = results.record
    planned = record.header["planned"]
    if not record.complete:
        yield f"The run is incomplete: {clipped(record.why_incomplete or 'no reason was recorded').text}"
    if planned["cut"] and record.complete:
        yield f"A budget cut off {count(planned['cut'], 'case')} of the plan."
    if results.undecided and (unasked := (record.footer or {}).get("unasked")):
        yield f"Not all could be looked at closer: {unasked}."


def _facts(results: Results) -> Iterator[tuple[str, str, str]]:
    """What the run was: name, value (empty where it was not recorded), and `wide`, `short` or, folded, `more`."""
    record = results.record
    header, footer = record.header, record.footer or {}
    contract, target = header["contract"], header["target"]
    total, both = results.keywords
    address, url = str(target["address"]), str(target.get("url") or "")
    yield "Target", clipped(address).text, "wide"
    yield "URL", clipped(url).text if url != address else "", "wide"
    yield "Served", clipped(served(record)).text, "wide"
    yield "Contract", f"{contract['id']}: {contract['title']}, {contract['date']}", "wide"
    yield "Command", clipped(shlex.join(header["command"])).text, "wide"
    yield "Profile", header["profile"], "short"
    yield "Seed", str(header["seed"]), "short"
    yield "Started", header["started"].replace("T", " ").replace("+00:00", " UTC"), "short"
    yield "Took", f"{footer['seconds']:,.1f} s" if footer else "unknown", "short"
    yield "Requests", f"{len(record.exchanges):,} ({header['planned']['requests']:,} planned)", "short"
    yield "Ran to its end", "yes" if record.complete else "no", "short"
    yield "What noise leaves to be told", footer.get("noise", ""), "wide"
    yield "Contract SHA-256", contract["sha256"], "more"
    yield "Dialect", clipped(dialect_of(record)).text, "more"
    yield "Declared", ", ".join(header["options"]["declare"]), "more"
    yield "Concurrency", str(header["concurrency"]), "more"
    yield "Beside the plan", drawn(record), "more"
    yield "Retries", f"{footer['retries']:,}" if footer else "unknown", "more"
    yield "Steadiness", steadiness(record), "more"
    yield "Output tokens, by price", f"{footer['tokens']:,}" if footer else "unknown", "more"
    yield "Schema keywords", f"{both} of {total} decided on every side they have", "more"
    yield "infercheck", f"{header['infercheck']} (Python {header['python']})", "more"


def _parts(results: Results, verdicts: Sequence[Verdict]) -> list[tuple[str, list[Result]]]:
    found = results.with_verdict(*verdicts)
    return by_cause(found) if Verdict.INCONCLUSIVE in verdicts else [("", [result]) for result in found]


def _by_area(results: Sequence[Result]) -> dict[str, list[Result]]:
    areas: dict[str, list[Result]] = {}
    for result in results:
        areas.setdefault(result.requirement.area, []).append(result)
    return areas
