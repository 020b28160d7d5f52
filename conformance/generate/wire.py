"""Wire cases: bodies and headers that are no business of the schema's (RFC 8259, RFC 9110).

Each is sent alone: their like are known to kill servers. What a standard leaves to the server is an open question,
which is recorded; no text is used whose verdict hangs on whether numbers are read as decimals or as doubles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from infercheck import jsontext
from infercheck.cases import Aim, Case, Expectation, Need, Request, Side, Token
from infercheck.generate.builder import Builder
from infercheck.schema import Place, Property

DEPTH = 7_000
"""Levels of nesting that no parser has to follow (RFC 8259, section 9), in a body that no limit on bodies stops."""

DEEP = 20_000
"""More of them, whatever the body comes to."""

DIGITS = 5_000
"""Digits of an integer that no parser has to hold (RFC 8259, section 6)."""

OTHER_MODEL = "infercheck-no-such-model"

NOT_IMPLEMENTED = 501
"""What a server may say to a method that it does not know at all (RFC 9110, section 15.6.2)."""


def wire(builder: Builder) -> Iterator[Case]:
    """All wire cases of a contract; what shows most for least first."""
    branch = builder.branches()[0]
    body = builder.base(branch)
    base = jsontext.dump(body)
    maker = _Maker(branch=builder.name(branch) or None, streams=builder.streams(body))
    yield from _malformed(builder, branch, base, maker)
    yield from _scalars(builder, base, maker)
    yield from _left_open(base, maker)
    yield from _labels(base, maker)
    yield from _edge(builder, base, maker)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Maker:
    # Makes cases of a branch, whose answers are streams or not; `at_edge` and `needs` as in Case.
    branch: str | None
    streams: bool
    at_edge: bool = False
    needs: frozenset[Need] = frozenset()

    def invalid(self, label: str, words: str, request: bytes | Request, requirement: str) -> Case:
        aims = (Aim(requirement=requirement, side=Side.OUTSIDE),)
        return replace(self._case(label, words, request, Expectation.INVALID), aims=aims)

    def valid(self, label: str, words: str, request: bytes | Request, requirement: str) -> Case:
        aims = (Aim(requirement=requirement, side=Side.VALID),)
        return replace(self._case(label, words, request, Expectation.VALID), aims=aims)

    def open(self, label: str, words: str, request: bytes | Request, requirement: str) -> Case:
        return replace(self._case(label, words, request, Expectation.OPEN), question=requirement)

    def _case(self, label: str, words: str, request: bytes | Request, expectation: Expectation) -> Case:
        request = request if isinstance(request, Request) else Request(body=request)
        return Case(
            id=f"wire/{label}",
            title=words,
            expectation=expectation,
            request=replace(request, stream=self.streams),
            branch=self.branch,
            alone=True,
            needs=self.needs,
            at_edge=self.at_edge,
        )


def _malformed(builder: Builder, branch: Place, base: bytes, maker: _Maker) -> Iterator[Case]:
    malformed, parameter = "http/malformed-json", _number(builder, branch)
    yield maker.invalid("truncated", "a JSON text without its end", base[:-1], malformed)
    yield maker.invalid("empty", "an empty body", b"", malformed)
    if parameter:
        for label, literal in (("nan", "NaN"), ("infinity", "Infinity"), ("minus-infinity", "-Infinity")):
            body = _with(base, parameter, literal.encode())
            yield maker.invalid(label, f"{literal} for {parameter}", body, "http/non-finite")
    latin = _with(base, "x-text", b'"caf\xe9"')
    yield maker.invalid("invalid-utf-8", "a byte that is no UTF-8", latin, "http/invalid-utf-8")
    bare = _with(base, "x-text", b'"a\nb"')
    for label, words, body in (
        ("trailing-garbage", "a JSON text with more behind it", base + b"}"),
        ("two-texts", "two JSON texts", base + base),
        ("blank", "white space alone", b" \r\n"),
        ("unclosed", f"{DEPTH} arrays, none of them closed", b"[" * DEPTH),
    ):
        yield maker.invalid(label, words, body, malformed)
    for label, words, body in (
        ("trailing-comma", "a comma without a member behind it", base[:-1] + b",}"),
        ("single-quotes", "strings in single quotes", base.replace(b'"', b"'")),
        ("control-character", "a line feed as it is in a string", bare),
    ):
        yield maker.open(label, words, body, "http/json-extensions")


def _scalars(builder: Builder, base: bytes, maker: _Maker) -> Iterator[Case]:
    # JSON texts that are no object, where the schema wants one.
    root = "input/type"
    if root not in builder.contract.requirements:
        return
    for label, words, body in (
        ("number", "a number", b"5"),
        ("true", "true", b"true"),
        ("array-of-request", "a valid request in an array", b"[" + base + b"]"),
        ("json-string", "a valid request as a JSON string", jsontext.dump(base.decode())),
    ):
        if not builder.contract.oracle.is_valid(jsontext.parse(body).value):
            yield maker.invalid(label, f"the body: {words}", body, root)


def _left_open(base: bytes, maker: _Maker) -> Iterator[Case]:
    yield maker.open("byte-order-mark", "a byte order mark", b"\xef\xbb\xbf" + base, "http/byte-order-mark")
    key, text = _first_text(base)
    for label, words, body in (
        ("high", "the first half of a surrogate pair alone", _with(base, "x-text", rb'"\ud83d"')),
        ("low", "the second half of a surrogate pair alone", _with(base, "x-text", rb'"\ude00"')),
        ("in-text", "half a surrogate pair in the text itself", _again(base, key, text[:-1] + rb' \ud83d"')),
    ):
        yield maker.open(f"lone-surrogate-{label}", words, body, "http/lone-surrogate")
    twice = _with(base, key, b'"Say good night."')
    yield maker.open("duplicate-key", "a key that stands twice", twice, "http/duplicate-keys")
    for label, words, literal in (
        ("exponent", "1e400, which no double holds", b"1e400"),
        ("digits", f"an integer of {DIGITS} digits", b"1" * DIGITS),
    ):
        body = _with(base, "x-number", literal)
        yield maker.open(f"huge-number-{label}", words, body, "http/huge-numbers")
    for label, depth, nested in (
        ("array", DEPTH, b"[" * DEPTH + b"]" * DEPTH),
        ("object", DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    ):
        words = f"{depth} {label}s in each other"
        yield maker.open(f"deep-{label}", words, _with(base, "x-deep", nested), "http/deep-nesting")


def _labels(base: bytes, maker: _Maker) -> Iterator[Case]:
    charset = Request(body=base, content_type="application/json; charset=utf-8")
    words = "JSON whose label names its charset"
    yield maker.valid("charset", words, charset, "http/content-type-parameters")
    for label, words, kind in (
        ("no-content-type", "JSON without a label", None),
        ("text-plain", "JSON labelled as text", "text/plain"),
    ):
        yield maker.open(label, words, Request(body=base, content_type=kind), "http/content-type")


def _edge(builder: Builder, base: bytes, maker: _Maker) -> Iterator[Case]:
    # What is settled before the API reads a body; the answer may come from whatever stands before it.
    edge = replace(maker, at_edge=True, needs=frozenset({Need.REST}))
    put = edge.invalid("put", "the request with method PUT", Request(body=base, method="PUT"), "http/method")
    get = edge.open("get", "method GET, without a body", Request(body=b"", method="GET"), "http/get")
    for case in (put, get):
        yield replace(case, lenient=frozenset({NOT_IMPLEMENTED}))
    family = builder.contract.model.rpartition("/")[0]
    other = f"{family}/{OTHER_MODEL}" if family else OTHER_MODEL
    case = edge.invalid(
        "unknown-model", f"the model {other}", Request(body=base, model=other), "http/unknown-model"
    )
    yield replace(case, needs=edge.needs | {Need.MODEL})
    for token, words in ((Token.MISSING, "no token"), (Token.WRONG, "a token that nobody gave out")):
        request = Request(body=base, token=token)
        case = edge.invalid(f"{token}-token", words, request, f"http/{token}-token")
        yield replace(case, needs=edge.needs | {Need.TOKEN})


def _number(builder: Builder, branch: Place) -> str | None:
    # A parameter that takes fractions, where NaN would do most harm.
    name = builder.contract.roles.get("temperature")
    return name if name and (*branch.steps, Property(name)) in builder.places else None


def _with(base: bytes, key: str, literal: bytes) -> bytes:
    return base[:-1] + b"," + jsontext.dump(key) + b":" + literal + b"}"


def _first_text(base: bytes) -> tuple[str, bytes]:
    for key, value in jsontext.parse(base).value.items():
        if isinstance(value, str):
            return key, jsontext.dump(value)
    return "x-text", b'"text"'


def _again(base: bytes, key: str, literal: bytes) -> bytes:
    # The same request with another value for one of its texts.
    member = jsontext.dump(key) + b":"
    if member not in base:
        return _with(base, key, literal)
    old = jsontext.dump(jsontext.parse(base).value[key])
    return base.replace(member + old, member + literal, 1)
