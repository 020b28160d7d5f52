"""Exhibits: the requests and answers that a finding rests on, cut to what a page can hold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus

from infercheck.cases import Request, Token
from infercheck.exchange import Exchange
from infercheck.findings import Finding, Verdict
from infercheck.record import Record
from infercheck.reports.markup import marked
from infercheck.reports.nearest import Difference, between, nearest
from infercheck.reports.survey import Survey, succeeded
from infercheck.reports.trace import Piece, Trace, trace_of
from infercheck.reports.words import commands, replay
from infercheck.results import Group, Result

TEXT = 2_000
"""Characters of a text that are shown."""
WHOLE = 150_000
"""Characters of a body that are shown where a promise is broken: as many as the longest prompt has, and more."""
COMMAND = 4_000
"""Characters of a curl line that are shown."""
BYTES = 512
"""Bytes of a body that is no UTF-8 that are shown, in hexadecimal."""
VALUE = 300
"""Characters of a header's value, or of an error message, that are shown."""
GENEROUS = 1_500_000
"""Characters of exhibits after which a quarter of the above is shown, so that a page stays small."""
ENOUGH = 3_500_000
"""Characters, as they stand in the page, after which exhibits are left to the journal and report.json."""
FOLDED = 50
"""Groups of findings of a requirement that are shown at all."""
SHORT = 200
"""Characters of the texts of a finding for which there is hardly room."""
FRAME = 1_000
"""Characters of what stands around the texts of a group."""
TEXTS = ("expected", "observed", "reason")
"""The texts of a finding."""
HEADERS = 30
"""Headers of an answer that are shown."""
EXCHANGES = 4
"""Exchanges of one finding that are shown: two that are compared, and the last ones."""
TOLD = ("input", "output", "stream", "http", "envelope", "error", "example", "robust")
"""Areas whose findings are about one request, which may be told as its difference from another."""
TITLES = {"try": "Try it", "versus": "Compare with", "replay": "Send it again, and see both answers side by side"}
"""What stands over the curl lines of a finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """The beginning of something. `left_out` says what is missing, `remark` how to read it; each may be empty.

    `dump` tells that its lines are rows of bytes, not to be wrapped.
    """

    text: str
    left_out: str = ""
    remark: str = ""
    dump: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One exchange as a page shows it."""

    number: int
    case: str
    title: str
    sent: str
    request: Excerpt
    status: str
    remarks: tuple[str, ...]
    headers: tuple[tuple[str, Excerpt], ...]
    headers_left_out: int
    body: Excerpt
    trace: Trace | None = None


@dataclass(slots=True)
class Exhibits:
    """The exhibits of one page. Each exchange is shown once; where it is asked for again, a page links to it."""

    record: Record
    survey: Survey = field(default_factory=Survey)
    _shown: set[int] = field(default_factory=set)
    _spent: int = 0

    def commands(self, finding: Finding) -> list[tuple[str, Excerpt]]:
        """The commands that send the requests of a finding again, each with its title."""
        lines = [*commands(self.record, finding), *replay(self.record, finding)]
        shown = [(TITLES[name], self._command(name, line)) for name, line in lines]
        return [(title, excerpt) for title, excerpt in shown if excerpt.text]

    def difference(self, finding: Finding) -> Difference | None:
        """How its request differs from the one that it is compared with, or from the nearest that passed."""
        exchanges, exchange = self.record.exchanges, self.record.own(finding)
        if exchange is None or not self._limit(TEXT):
            return None
        if finding.versus is not None:
            return between(exchanges[finding.versus], exchange) if finding.versus in exchanges else None
        case = self.record.case(exchange.case)
        area = finding.requirement.partition("/")[0]
        # What is left open, or is no JSON at all, is not told by its members; nor is one request with two answers.
        if area not in TOLD or exchange.case.startswith("wire/") or case.get("expectation") == "open":
            return None
        twin = self.survey.succeeded.get(exchange.request.digest)
        if twin is not None and not succeeded(exchange):
            return Difference(number=twin, changes=(), same=())
        passed = self.survey.passed
        if area != "input":
            passed = [one for one in passed if finding.requirement in one.kept]
        found = nearest(exchange, case.get("branch"), passed)
        if found is not None:
            self._spend(*(f"{change.there}{change.here}" for change in found.changes))
        return found

    def groups(self, result: Result) -> list[Group]:
        """The groups of findings of a requirement that the page has room for, the texts of each cut to it."""
        shown: list[Group] = []
        for group in result.groups[:FOLDED]:
            limit = self._limit(TEXT) or SHORT
            if shown and limit < TEXT:
                break
            finding = replace(group.finding, **{name: getattr(group.finding, name)[:limit] for name in TEXTS})
            self._spend(*(getattr(finding, name) for name in TEXTS))
            self._spent += FRAME
            shown.append(replace(group, finding=finding))
        return shown

    def _command(self, name: str, line: str) -> Excerpt:
        excerpt = clipped(line, self._limit(COMMAND))
        self._spend(excerpt.text)
        if excerpt.left_out:
            where = "" if name == "replay" else "; the whole line is in report.json"
            return Excerpt(text=excerpt.text, left_out=excerpt.left_out + where)
        if not all(part.isprintable() for part in line.split("\n")):
            return Excerpt(
                text=line, remark="some of its characters are shown as escapes; copy it from report.json"
            )
        return excerpt

    def of(self, finding: Finding) -> list[tuple[int, Exhibit | None]]:
        """The exchanges of a finding by number; None for those that `missing` tells of."""
        numbers = list(dict.fromkeys(finding.exchanges))
        own = self.record.own(finding)
        first = [number for number in (own.number if own else None, finding.versus) if number is not None]
        others = [number for number in numbers if number not in first]
        room = EXCHANGES - len(first)
        # In the order of sending, but that two which are compared come first.
        shown = first + others[-room:] if finding.versus is not None else sorted(first + others[-room:])
        return [(number, self._exhibit(number, finding)) for number in shown]

    def missing(self, number: int) -> str:
        """Why an exchange has no exhibit here; empty where it stands elsewhere on the page."""
        if number in self._shown:
            return ""
        if number in self.record.exchanges:
            return "left out to keep this page small; the journal has it"
        return "no answer was recorded"

    def _spend(self, *texts: str) -> None:
        # As they stand in the page: a target can make one character of its answer twenty of ours.
        self._spent += sum(len(marked(text)) for text in texts)

    def _limit(self, most: int) -> int:
        if self._spent >= ENOUGH:
            return 0
        return most if self._spent < GENEROUS else most // 4

    def _exhibit(self, number: int, finding: Finding) -> Exhibit | None:
        exchange = self.record.exchanges.get(number)
        limit = self._limit(TEXT)
        if exchange is None or number in self._shown or not limit:
            return None
        if finding.verdict is Verdict.FAIL and self._spent < GENEROUS:
            limit = WHOLE
        self._shown.add(number)
        answer = exchange.answer
        request, body = excerpt_of(exchange.request.body, limit), excerpt_of(answer.body, limit)
        headers = tuple((name[:100], clipped(value, VALUE)) for name, value in answer.headers[:HEADERS])
        self._spend(request.text, body.text, *(value.text for _, value in headers))
        return Exhibit(
            number=number,
            case=exchange.case,
            title=str(self.record.case(exchange.case).get("title", "")),
            sent=_sent(exchange.request),
            request=request,
            status=_status(answer.status),
            remarks=tuple(_remarks(exchange)),
            headers=headers,
            headers_left_out=max(0, len(answer.headers) - HEADERS),
            body=body,
            trace=self._trace(exchange, finding.at if number in finding.exchanges[:1] else None),
        )

    def _trace(self, exchange: Exchange, at: int | None) -> Trace | None:
        if not exchange.request.stream or self._limit(TEXT) < TEXT:
            return None
        trace = trace_of(exchange.answer, at)
        if trace is not None:
            self._spend(*("".join(piece.parts) for piece in trace.pieces if isinstance(piece, Piece)))
        return trace


def clipped(text: str, limit: int = TEXT) -> Excerpt:
    """The beginning of a text."""
    if len(text) <= limit:
        return Excerpt(text=text)
    return Excerpt(text=text[:limit], left_out=f"{len(text) - limit:,} more characters left out")


def excerpt_of(data: bytes, limit: int = TEXT) -> Excerpt:
    """The beginning of a body as text; where it is no UTF-8, a dump of the bytes about the first that is wrong."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        # The place that is wrong must be seen: the dump begins with the row before it, where it is far down.
        start = 0 if error.start < BYTES - 16 else error.start // 16 * 16 - 16
        part = data[start : start + BYTES]
        rest = len(data) - len(part)
        return Excerpt(
            text=_dump(part, start),
            left_out=f"{rest:,} more bytes left out" if rest else "",
            remark=f"not UTF-8 (byte {error.start:,} is 0x{data[error.start]:02x}), shown in hexadecimal",
            dump=True,
        )
    shown = text[:limit]
    rest = len(data) - len(shown.encode("utf-8"))
    return Excerpt(text=shown, left_out=f"{rest:,} more bytes left out" if rest else "")


def _dump(data: bytes, start: int) -> str:
    rows = []
    for position in range(0, len(data), 16):
        row = data[position : position + 16]
        letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        rows.append(f"{start + position:08x}  {row.hex(' '):<47}  {letters}")
    return "\n".join(rows)


def _status(status: int | None) -> str:
    if status is None:
        return "no status"
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _sent(request: Request) -> str:
    # How a request was sent, beside its body.
    label = request.content_type or "no Content-Type"
    words = [request.method, clipped(label, VALUE).text]
    if request.token is not Token.GIVEN:
        words.append(f"{request.token} token")
    if request.model is not None:
        words.append(f"model {clipped(request.model, VALUE).text}")
    return ", ".join(words)


def _remarks(exchange: Exchange) -> list[str]:
    answer = exchange.answer
    remarks = [f"{answer.seconds:.3f} s", f"{len(answer.body):,} bytes"]
    if len(answer.chunks) > 1:
        remarks.append(f"{len(answer.chunks):,} chunks")
    if exchange.retries:
        remarks.append(f"after {exchange.retries:,} retries")
    if exchange.request.stream:
        remarks.append("asked for a stream")
    if answer.cut:
        remarks.append("closed by infercheck on purpose")
    if answer.echoed:
        remarks.append("repeated the token (masked)")
    if answer.failure is not None:
        remarks.append(f"{answer.failure.kind}: {answer.failure.message[:VALUE]}")
    return remarks
