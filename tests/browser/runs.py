"""Runs whose reports are looked at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from fakes import CONTRACT, Target
from harness import judge
from records import EVIL, exchange, hostile, record, requirement, row

from infercheck.cases import Request
from infercheck.exchange import Chunk
from infercheck.findings import Finding, Verdict
from infercheck.record import Judged
from infercheck.results import Results, results_of

MANY = 10_000


class Broken(Target):
    """Takes top_k 51, says "null" for hot answers, and loses the end of its streams."""

    def __init__(self) -> None:
        def accepts(body: Any) -> bool:
            return CONTRACT.oracle.is_valid(body) or (isinstance(body, dict) and body.get("top_k") == 51)

        super().__init__(accepts=accepts)

    def say(self, body: Any) -> Mapping[str, Any] | Iterator[Mapping[str, Any]]:
        said = super().say(body)
        if isinstance(said, Mapping):
            return {**said, "response": None} if body.get("temperature") == 5 else said
        return iter(list(said)[:-3])


def many() -> Results:
    """A run of ten thousand cases, every hundredth of which shows a defect."""
    ids = [f"area{number % 20}/keyword/{number}" for number in range(400)]
    numbers = range(1, MANY + 1)
    answer = b'{"result":{"response":"' + b"word " * 60 + b'"},"success":true,"errors":[],"messages":[]}'
    exchanges = {}
    for number in numbers:
        one = exchange(number, body=b'{"prompt": "hi", "seed": %d}' % number, answer=answer)
        exchanges[number] = replace(
            one,
            started=number / 100,
            answer=replace(one.answer, status=200, chunks=(Chunk(data=answer, time=0.1),)),
        )
    made = record(
        rows=tuple(row(requirement(id_)) for id_ in ids),
        exchanges=exchanges,
        findings=[
            Finding(
                requirement=ids[number % 400],
                verdict=Verdict.FAIL,
                case=f"case/{number}",
                expected=f"something else {number}",
                observed="x" * 300,
                exchanges=(number,),
            )
            for number in numbers
            if number % 100 == 0
        ],
    )
    judged = {f"case/{n}": Judged(findings=(), kept=((ids[n % 400], None),)) for n in numbers if n % 100}
    return results_of(replace(made, judged={**judged, **made.judged}))


def streams() -> Results:
    """Hostile bytes in a stream, a line of a megabyte, and hostile names in requests that are told apart."""
    evil = EVIL.encode("utf-8", "backslashreplace")
    usual, failing = ({"prompt": EVIL, **more} for more in ({}, {EVIL: [EVIL], "top_k": EVIL}))
    data = (b"data: " + evil + b"\n\n", b"\xff\xfe" + evil, b"data: " + b"x" * 1_000_000 + b"\n\n", b"data: [DONE]")

    def asked(number: int, body: Any, chunks: tuple[Chunk, ...]) -> Any:
        one = exchange(number)
        request = Request(body=json.dumps(body).encode(), stream=True)
        return replace(one, request=request, answer=replace(one.answer, status=200, chunks=chunks))

    chunks = tuple(Chunk(data=one, time=0.1 * place) for place, one in enumerate(data))
    finding = Finding(
        requirement="stream/evil", verdict=Verdict.FAIL, case="case/2", expected=EVIL, observed=EVIL, exchanges=(2,)
    )
    made = record(
        rows=(row(requirement("stream/evil", title=EVIL)),),
        exchanges={1: asked(1, usual, chunks[:1]), 2: asked(2, failing, chunks)},
        findings=[finding],
        passed=[],
    )
    return results_of(replace(made, judged={**made.judged, "case/1": Judged(findings=())}))


RUNS: Mapping[str, Callable[[], Results]] = {
    "passing": lambda: judge(Target(), profile="quick"),
    "broken": lambda: judge(Broken()),
    "hostile": lambda: results_of(hostile()),
    "streams": streams,
    "many": many,
}
