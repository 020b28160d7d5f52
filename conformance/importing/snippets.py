"""Snippets: the calls that a page makes in curl, Python and JavaScript, as the bodies that their code sends."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar

from infercheck.oracle import Oracle

FORM, JSON = "application/x-www-form-urlencoded", "application/json"

_CURL_BODY = re.compile(
    r"(?:-d|--data|--data-raw|--data-binary|--json)\s+'(?P<body>.*?)'\s*(?:\\?\s*\n|$)", re.DOTALL
)
_ASSIGNED = re.compile(
    r"^\s*(?:const|let|var)?\s*(?P<name>\w+)\s*(?::\s*[\w\[\]<>. ]+)?=\s*(?P<value>[\[{\"'`])", re.MULTILINE
)
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|\#[^\n]*)|(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`)"""
    r"""|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_$][\w$]*)|(?P<mark>[\[\]{}:,])""",
    re.VERBOSE,
)


class _Unreadable(ValueError):
    # Code that is no plain value.
    pass


def examples(page: str, oracle: Oracle) -> Iterator[dict[str, Any]]:
    """The rows `examples` of a contract: each call of a page that can be read and that the schema allows."""
    taken: set[str] = set()
    for kind, title, quote, value, type_ in [*_javascript(page), *_python(page), *_curl(page)]:
        body = value if isinstance(value, str) else _dumped(value, kind)
        try:
            parsed = json.loads(body)
        except ValueError:
            continue
        if not isinstance(parsed, dict) or not oracle.is_valid(parsed):
            continue
        streams = "-streaming" if kind == "worker" and parsed.get("stream") is True else ""
        id_ = f"example/{kind}{streams}"
        number = 2
        while id_ in taken:
            id_, number = f"example/{kind}{streams}-{number}", number + 1
        taken.add(id_)
        yield {"id": id_, "title": title, "quote": quote, "body": body, "content_type": type_}


def _dumped(value: Any, kind: str) -> str:
    # As the language's own writer does.
    if kind == "worker":
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return json.dumps(value)


_Found = tuple[str, str, str, Any, str]


def _curl(page: str) -> Iterator[_Found]:
    for start in [match.start() for match in re.finditer(r"\bcurl\b", page)]:
        call = re.split(r"\n\s*\n|\bcurl\b", page[start + 4 :], maxsplit=1)[0]
        if match := _CURL_BODY.search(call + "\n"):
            labelled = re.search(r"content-type:\s*application/json", call, re.IGNORECASE) or "--json" in call
            title = "the page's curl line is answered"
            if not labelled:
                title += ", although curl labels its body as a form"
            body = match["body"]
            yield "curl", title, body, body, JSON if labelled else FORM


def _javascript(page: str) -> Iterator[_Found]:
    for match in re.finditer(r"\.run\(\s*[\"'`][^\"'`\n]+[\"'`]\s*,\s*", page):
        try:
            value, end = _Reader(page, _known(page, match.start())).value(match.end())
        except _Unreadable:
            continue
        yield "worker", "the page's Worker is answered", page[match.start() + 1 : end], value, JSON


def _python(page: str) -> Iterator[_Found]:
    for match in re.finditer(r"\bjson\s*=\s*(?=\{)|(?<![.\w])run\(\s*(?:model|\"[^\"]+\")\s*,\s*", page):
        try:
            value, end = _Reader(page, _known(page, match.start())).value(match.end())
        except _Unreadable:
            continue
        yield "python", "the page's Python script is answered", page[match.start() : end], value, JSON


def _known(page: str, before: int) -> dict[str, Any]:
    # The names that stand for plain values, as last assigned.
    known: dict[str, Any] = {}
    for match in _ASSIGNED.finditer(page, 0, before):
        try:
            known[match["name"]] = _Reader(page, known).value(match.start("value"))[0]
        except _Unreadable:
            continue
    return known


class _Reader:
    # Reads plain values of JavaScript and of Python.
    _words: ClassVar[dict[str, Any]] = {
        "true": True,
        "false": False,
        "null": None,
        "True": True,
        "False": False,
        "None": None,
    }

    def __init__(self, text: str, known: dict[str, Any]) -> None:
        self._text = text
        self._known = known

    def value(self, start: int) -> tuple[Any, int]:
        """The value that begins at a place, and where it ends."""
        kind, token, end = self._token(start)
        match kind:
            case "text":
                return _unquoted(token), end
            case "number":
                return json.loads(token), end
            case "name" if token in self._words:
                return self._words[token], end
            case "name" if token in self._known:
                return self._known[token], end
        if token == "[":
            return self._array(end)
        if token == "{":
            return self._object(end)
        raise _Unreadable(token)

    def _token(self, start: int) -> tuple[str, str, int]:
        while match := _TOKEN.match(self._text, start):
            if match.lastgroup != "space":
                return str(match.lastgroup), match[0], match.end()
            start = match.end()
        raise _Unreadable(self._text[start : start + 20])

    def _array(self, start: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        while True:
            _, token, end = self._token(start)
            if token == "]":
                return found, end
            if token == ",":
                start = end
                continue
            value, start = self.value(start)
            found.append(value)

    def _object(self, start: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        while True:
            kind, token, end = self._token(start)
            if token == "}":
                return found, end
            if token == ",":
                start = end
                continue
            if kind not in ("name", "text"):
                raise _Unreadable(token)
            key = token if kind == "name" else _unquoted(token)
            _, mark, after = self._token(end)
            if mark == ":":
                found[key], start = self.value(after)
            else:  # JavaScript's short form
                found[key], start = self.value(start)


def _unquoted(token: str) -> str:
    if token[0] == "`":
        if "${" in token:
            raise _Unreadable(token)
        return token[1:-1]
    try:
        return str(ast.literal_eval(token))
    except (ValueError, SyntaxError):
        raise _Unreadable(token) from None
