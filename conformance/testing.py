"""For tests of one's own: the contract's cases as parameters, and the judge of one answer.

@infercheck.parametrize(profile="quick")
def test_contract(case, client):
    response = client.post(PATH, content=case.content, headers=case.headers)
    case.judge(response)
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

import pytest

from infercheck import jsontext
from infercheck.alone import of_one
from infercheck.cases import RELATION, Case, Expectation, Request, Token
from infercheck.checks.relations import COMPARED
from infercheck.contract import Contract
from infercheck.contract_loader import DEFAULT, load
from infercheck.dialect import Dialect
from infercheck.errors import BrokenShould, UsageError
from infercheck.exchange import Answer, Chunk, Exchange
from infercheck.findings import Finding, Verdict
from infercheck.job import Job
from infercheck.observation import Observation
from infercheck.plan import make_plan
from infercheck.reports.visible import visible
from infercheck.requirements import Level

F = TypeVar("F", bound=Callable[..., Any])

ASTRAY = (401, 403, 404, 405)
"""Statuses by which an API says that a request did not get as far as its body."""

LINE = 400
"""Characters of a line of a message."""

FEW = 3
"""Requirements that a message names."""


class BrokenPromise(AssertionError):
    """An answer that breaks a promise of level MUST."""


class ResponseLike(Protocol):
    """What clients such as httpx, requests and the test clients of web frameworks return."""

    status_code: int
    headers: Any


Response: TypeAlias = ResponseLike | tuple[int, Mapping[str, str] | Sequence[tuple[str, str]], bytes]
"""A client's response that was read to its end, or its status, headers and body."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ContractCase:
    """One request of the contract, and what is to become of it."""

    case: Case
    contract: Contract
    dialect: Dialect

    def __repr__(self) -> str:
        return f"<{self.id}: {self.title}>"

    @property
    def id(self) -> str:
        """The id of the case."""
        return self.case.id

    @property
    def title(self) -> str:
        """What the request is, in words."""
        return self.case.title

    @property
    def request(self) -> Request:
        """The request: `body` (bytes), `content_type`, `method`, and whether it asks for a `stream`."""
        return self.case.request

    @property
    def content(self) -> bytes:
        """The body as it has to be sent, byte for byte."""
        return self.case.request.body

    @property
    def json(self) -> Any:
        """The body's JSON value; ValueError where it is none, as in some cases it is not."""
        return jsontext.parse(self.case.request.body).value

    @property
    def headers(self) -> dict[str, str]:
        """The headers that belong to the request; the token is the caller's business."""
        kind = self.case.request.content_type
        return {} if kind is None else {"content-type": kind}

    @property
    def is_valid(self) -> bool | None:
        """Whether the contract wants it accepted, or refused; None where it leaves that open."""
        return {Expectation.VALID: True, Expectation.INVALID: False}.get(self.case.expectation)

    def findings(self, response: Response) -> list[Finding]:
        """What an answer shows, passes included."""
        exchange = Exchange(
            number=1, case=self.id, ordinal=0, request=self.case.request, answer=_answer(response), started=0.0
        )
        seen = Observation(contract=self.contract, case=self.case, exchange=exchange, dialect=self.dialect)
        return list(of_one(seen))

    def judge(self, response: Response) -> None:
        """Look at an answer: BrokenPromise where it breaks a MUST, a BrokenShould warning for a SHOULD.

        Skips the test where the answer decides nothing, such as a 429. UsageError where it is no answer.
        """
        __tracebackhide__ = True
        found = self.findings(response)
        status = _answer(response).status
        if status in ASTRAY and self.request.method == "POST" and not self.case.at_edge:
            raise BrokenPromise(
                f"{self.id}: {status} says nothing of the request: does the test reach the API? Give its path, and "
                "its token beside case.headers"
            )
        if broken := [finding for finding in found if finding.verdict is Verdict.FAIL]:
            raise BrokenPromise("\n".join(self._told(finding) for finding in broken))
        for finding in found:
            if finding.verdict is Verdict.WARN:
                warnings.warn(BrokenShould(self._told(finding)), stacklevel=2)
        for finding in found:
            level = self.contract.requirements[finding.requirement].level
            if finding.verdict is Verdict.INCONCLUSIVE or (finding.verdict is Verdict.NOTE and level is Level.MUST):
                pytest.skip(f"not decided: {visible(finding.reason or finding.observed, LINE)}")

    def _told(self, finding: Finding) -> str:
        requirement = self.contract.requirements[finding.requirement]
        clause = " ".join(filter(None, (requirement.clause.source, requirement.clause.pointer)))
        lines = (
            f"{requirement.id}: {requirement.title} ({requirement.level}, {clause}); {self.title}",
            f"  expected  {finding.expected}",
            f"  observed  {finding.observed}",
        )
        return "\n".join(visible(line, LINE) for line in lines)


def parametrize(
    *,
    contract: str = DEFAULT,
    dialect: str = "rest",
    only: str | Iterable[str] = (),
    exclude: str | Iterable[str] = (),
    declare: str | Iterable[str] = (),
    lora: str | Iterable[str] = (),
    profile: str = "standard",
    argument: str = "case",
) -> Callable[[F], F]:
    """A decorator that calls a test once for each case that can be judged by its answer alone.

    The test takes a `ContractCase` as the argument of that name. Left out are the cases about tokens and other
    models: these are not the test's to send. So are those whose answers are only compared with each other: a test
    judges one. The words are those of `infercheck.yaml`; UserError where they make no sense, or where nothing is
    selected but what is told by comparing answers.
    """
    lists = {"only": only, "exclude": exclude, "declare": declare, "lora": lora}
    words: dict[str, Any] = {
        key: (value,) if isinstance(value, str) else tuple(value) for key, value in lists.items()
    }
    loaded = load(contract)
    plan = make_plan(loaded, Job(profile=profile, **words).options)
    if plan.selected <= COMPARED:
        # Not a test that passes without having looked at anything.
        raise UsageError(
            f"{', '.join(sorted(plan.selected)[:FEW])}: told by comparing answers, and a test judges one",
            hint="`pytest --infercheck` and `infercheck run` compare them.",
        )
    cases = [
        ContractCase(case=case, contract=loaded, dialect=Dialect(dialect)) for case in plan.cases if _is_own(case)
    ]
    return pytest.mark.parametrize(argument, [pytest.param(case, id=case.id) for case in cases])


def _is_own(case: Case) -> bool:
    if case.group == RELATION:
        return False
    return case.request.token is Token.GIVEN and case.request.model is None and case.request.stop_after is None


def _answer(response: Response) -> Answer:
    status, headers, body = response if isinstance(response, tuple) else _read(response)
    if not isinstance(body, bytes | bytearray):
        raise UsageError("the body of the response is no bytes: give (status, headers, body) instead")
    return Answer(
        status=status,
        # Clients ask for codings of their own and take them off.
        headers=tuple(
            (name, value)
            for name, value in ((_text(name), _text(value)) for name, value in _pairs(headers))
            if name.lower() != "content-encoding"
        ),
        chunks=(Chunk(data=bytes(body), time=0.0),) if body else (),
    )


def _read(response: ResponseLike) -> tuple[int, Any, Any]:
    # Flask's test client has the body by another name than httpx and requests.
    try:
        body = next((getattr(response, name) for name in ("content", "data") if hasattr(response, name)), None)
        return response.status_code, response.headers, body
    except (AttributeError, RuntimeError) as error:  # of another kind, or a stream that was not read
        raise UsageError(f"no response that can be read: {error}; give (status, headers, body) instead") from None


def _pairs(headers: Any) -> Iterable[tuple[Any, Any]]:
    # A header that stands twice is two pairs where the client knows them apart.
    for name in ("multi_items", "items"):
        if hasattr(headers, name):
            pairs: Iterable[tuple[Any, Any]] = getattr(headers, name)()
            return pairs
    listed: Iterable[tuple[Any, Any]] = headers
    return listed


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
