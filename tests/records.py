"""Records of runs that never were, for the tests of reports."""

from __future__ import annotations

from dataclasses import replace

from infercheck.cases import Request
from infercheck.exchange import Answer, Chunk, Exchange, Failure
from infercheck.expectations import Expectations, Expected
from infercheck.findings import Finding, Verdict
from infercheck.record import Judged, Record, Row
from infercheck.requirements import Clause, Level, Requirement

EVIL = (
    "</pre></style><script>alert(1)</script><img src=x onerror=alert(2)>"
    "\" ' {{ 7*7 }} \u202e\x00\x1b[31m\u061c&amp;"
)
URL = "http://127.0.0.1:1/run"


def requirement(id_, level=Level.MUST, title="a promise", clause=None):
    return Requirement(
        id=id_, level=level, title=title, clause=clause or Clause(quote="It is so.", source="page"), keyword=None
    )


def header(**more):
    return {
        "infercheck": "0.1.0",
        "python": "3.11.7",
        "contract": {"id": "some-model", "title": "Some model", "sha256": "ab" * 32, "date": "2026-01-02"},
        "folder": "/somewhere/out",
        "target": {
            "address": "http://target",
            "url": URL,
            "dialect": "rest",
            "token_variable": "MY_TOKEN",
            "curl_options": [],
        },
        "profile": "standard",
        "seed": 1,
        "concurrency": 4,
        "command": ["infercheck", "run", "a b"],
        "started": "2026-01-02T03:04:05+00:00",
        "planned": {"requests": 9, "tokens": 99, "left_out": 0, "cut": 0},
        "options": {"declare": [], "only": [], "exclude": [], "adapters": []},
        **more,
    }


FOOTER = {"complete": True, "reason": "", "requests": 9, "retries": 2, "tokens": 1234, "seconds": 5.25}


def exchange(number, *, body=b'{"prompt": "hi"}', answer=b"{}", headers=(), **more):
    return Exchange(
        number=number,
        case=f"case/{number}",
        ordinal=0,
        request=Request(body=body),
        started=0.0,
        answer=Answer(status=500, headers=headers, chunks=(Chunk(data=answer, time=0.1),), **more),
    )


def row(it):
    return Row(requirement=it, exist=frozenset(), planned=frozenset())


def record(**more):
    """One requirement of each verdict; `area/fail` has seven groups of findings."""
    levels = {"area/warn": Level.SHOULD, "open/note": Level.INFO}
    ids = [
        "area/fail",
        "area/warn",
        "area/unsure",
        "area/error",
        "open/note",
        "area/skip",
        "area/pass",
        "else/pass",
    ]
    findings = [
        Finding(
            requirement="area/fail",
            verdict=Verdict.FAIL,
            case=f"case/{n}",
            expected=f"expected {n}",
            observed=f"observed {n}",
            exchanges=(n,),
        )
        for n in range(1, 8)
    ]
    findings += [
        Finding(requirement="area/warn", verdict=Verdict.WARN, expected="w", observed="o", exchanges=(1,)),
        Finding(requirement="area/unsure", verdict=Verdict.FAIL, expected="u", reason="no power", confirmed=False),
        Finding(requirement="area/error", verdict=Verdict.ERROR, reason="the suite tripped", exchanges=(99,)),
        Finding(requirement="open/note", verdict=Verdict.NOTE, observed="it did", exchanges=(2,)),
    ]
    passed = [Finding(requirement=id_, verdict=Verdict.PASS, case="c") for id_ in ("area/pass", "else/pass")]
    fields = {
        "header": header(),
        "footer": FOOTER,
        "rows": tuple(row(requirement(id_, levels.get(id_, Level.MUST))) for id_ in ids),
        "exchanges": {n: exchange(n) for n in range(1, 8)},
        "findings": findings,
        "passed": passed,
    }
    fields |= more
    kept = tuple((finding.requirement, finding.side) for finding in fields.pop("passed"))
    judged = Judged(findings=tuple(fields.pop("findings")), kept=kept)
    return Record(**fields, judged={"case": judged})


def hostile(evil=EVIL):
    """A text in everything that a target, a journal or a contract of the user's can fill."""
    it = requirement(f"evil/{evil}", title=evil, clause=Clause(pointer=evil, quote=evil, source=evil))
    skipped = requirement(f"skip/{evil}", title=evil)
    passed = requirement(f"pass/{evil}", title=evil)
    finding = Finding(
        requirement=it.id,
        verdict=Verdict.FAIL,
        case=evil,
        expected=evil,
        observed=evil,
        reason=evil,
        exchanges=(1,),
    )
    body = evil.encode("utf-8", "backslashreplace")
    sent = exchange(
        1,
        body=body,
        answer=body,
        headers=((evil, evil),),
        failure=Failure(kind=evil, message=evil),
        cut=True,
        echoed=True,
    )
    sent = replace(sent, case=evil, request=Request(body=body, content_type=body.decode(), stream=True), retries=1)
    contract = dict.fromkeys(("id", "title", "sha256", "date"), evil)
    target = {"address": evil, "url": evil + "/", "dialect": evil, "token_variable": evil, "curl_options": []}
    return record(
        header=header(
            infercheck=evil,
            python=evil,
            contract=contract,
            target=target,
            profile=evil,
            seed=evil,
            concurrency=evil,
            command=[evil],
            started=evil,
        ),
        footer={**FOOTER, "complete": False, "reason": evil},
        rows=(row(it), row(skipped), row(passed)),
        case=lambda id_: {"title": evil} if id_ == evil else {},
        exchanges={1: sent},
        findings=[finding, replace(finding, verdict=Verdict.ERROR)],
        passed=[Finding(requirement=passed.id, verdict=Verdict.PASS)],
    )


def stale(*entries, **more):
    """A run whose expectations have all expired."""
    expired = tuple(replace(entry, expires="2025-12-31") for entry in entries)
    return record(expectations=Expectations(date="2026-01-02", entries=expired), **more)


def many(number, *, body=b'{"prompt": "hi"}', text="t", level=Level.MUST, verdict=Verdict.FAIL):
    """A run that breaks many requirements, each with a request of its own."""
    numbers = range(1, number + 1)
    return record(
        rows=tuple(row(requirement(f"area/{n}", level)) for n in numbers),
        exchanges={n: exchange(n, body=body) for n in numbers},
        findings=[
            Finding(
                requirement=f"area/{n}", verdict=verdict, case=text, expected=text, observed=text, exchanges=(n,)
            )
            for n in numbers
        ],
        passed=[],
    )


def compared(**more):
    """A run in which the answer to one request, the second, is not what that to another, the fifth, says."""
    finding = Finding(
        requirement="area/fail",
        verdict=Verdict.FAIL,
        case="case/2",
        expected="the answer to five",
        observed="to two",
        exchanges=(2, 3, 4, 5, 6, 7),
        versus=5,
    )
    fields = {"exchanges": {n: exchange(n, body=str(n).encode()) for n in range(1, 8)}, "findings": [finding]}
    return record(rows=(row(requirement("area/fail")),), passed=[], **(fields | more))


def of_verdicts(verdicts, *, levels=None, **more):
    """A run with these verdicts, by requirement; `levels` are MUST where they are not given.

    What is broken or noted has an exchange of its own, in the order of the requirements.
    """
    levels = levels or {}
    findings = [
        Finding(
            requirement=id_,
            verdict=Verdict.FAIL if verdict == "expected" else Verdict(verdict),
            case=f"case/{number}",
            expected=f"expected of {id_}",
            observed=f"observed of {id_}",
            reason="no power" if verdict in ("inconclusive", "error") else "",
            exchanges=(number,),
        )
        for number, (id_, verdict) in enumerate(verdicts.items(), start=1)
        if verdict not in ("pass", "skip")
    ]
    passed = [
        Finding(requirement=id_, verdict=Verdict.PASS) for id_, verdict in verdicts.items() if verdict == "pass"
    ]
    known = tuple(
        Expected(requirement=id_, reason="known") for id_, verdict in verdicts.items() if verdict == "expected"
    )
    fields = {
        "rows": tuple(
            row(requirement(id_, levels.get(id_, Level.MUST), title=f"title of {id_}")) for id_ in verdicts
        ),
        "exchanges": {number: exchange(number) for number in range(1, len(verdicts) + 1)},
        "findings": findings,
        "passed": passed,
        "expectations": Expectations(entries=known, date="2026-01-02"),
    }
    return record(**(fields | more))
