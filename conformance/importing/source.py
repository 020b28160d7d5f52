"""Sources: the schemas in a text, whether it is JSON, JSON among a program's messages, or a documentation page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from infercheck.errors import ContractError
from infercheck.importing.outline import outline

MODEL = re.compile(r"@(?:cf|hf)/[\w.-]+/[\w.-]+")
DEPTH = 4
"""Levels at which a pair of schemas may lie in a JSON text."""

_DRAFTING = {"type", "properties", "oneOf", "anyOf", "allOf", "$ref", "enum", "const", "items", "required"}
_TYPES = {"object", "array", "string", "number", "integer", "boolean", "null"}
_HEADING = re.compile(r"^[#*\s]*(input|output)s?(?: schema)?[*:\s]*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a text holds: an input schema, perhaps an output schema, and the page that they stand on."""

    input: Mapping[str, Any]
    output: Mapping[str, Any] | None
    page: str | None
    """The text itself, where it is a page rather than JSON."""
    model: str = ""
    notes: tuple[str, ...] = ()


def source_of(text: str, name: str) -> Source:
    """The schemas in a text that came under a name; ContractError where there are none."""
    text = text.removeprefix("\ufeff")
    if re.match(r"\s*<(!doctype|html|head|body)\b", text, re.IGNORECASE):
        text = _text_of_html(text)
    found = list(_objects(text, name))
    for _, _, value in found:
        pair = _pair(value)
        if pair is not None:
            return _of_pair(pair, value)
    schemas = [(start, end, value) for start, end, value in found if is_schema(value)]
    if schemas:
        return _of_page(text, schemas)
    if found:
        raise ContractError(
            name,
            "",
            "no JSON Schema of an input: what there is in JSON is none",
            hint="Give what `wrangler ai models schema MODEL` prints, or the text of a page that has its schemas.",
        )
    raise ContractError(
        name,
        "",
        "no JSON Schema in this text",
        hint="Copy the page with its section API Schemas, or save what `wrangler ai models schema MODEL` prints.",
    )


def is_schema(value: object) -> bool:
    """Whether a JSON value reads like a JSON Schema rather than like a request."""
    if not isinstance(value, Mapping) or not _DRAFTING & value.keys():
        return False
    kinds = value.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not isinstance(kinds, list) or not set(map(str, kinds)) <= _TYPES:
        return False
    for keyword in ("oneOf", "anyOf", "allOf"):
        if keyword in value and not (
            isinstance(value[keyword], list) and all(isinstance(form, Mapping) for form in value[keyword])
        ):
            return False
    properties = value.get("properties", {})
    return isinstance(properties, Mapping) and all(isinstance(one, Mapping | bool) for one in properties.values())


def _pair(value: Any, depth: int = DEPTH) -> Mapping[str, Any] | None:
    # The innermost holder of an input schema, at whatever member of an answer, or of a model's description.
    if not isinstance(value, Mapping) or not depth:
        return None
    if is_schema(value.get("input")) and (is_schema(value.get("output")) or not is_schema(value)):
        return value
    if is_schema(value):
        return None
    for member in value.values():
        found = _pair(member, depth - 1)
        if found is not None:
            return found
    return None


def _of_pair(pair: Mapping[str, Any], whole: Mapping[str, Any]) -> Source:
    shared = {key: pair[key] for key in ("$defs", "definitions") if isinstance(pair.get(key), Mapping)}
    output = pair.get("output")
    notes = () if is_schema(output) else ("The source has no output schema.",)
    model = next((each for each in _named(whole) if MODEL.fullmatch(each)), "")
    return Source(
        input={**pair["input"], **{key: {**shared[key], **pair["input"].get(key, {})} for key in shared}},
        output={**output, **shared} if isinstance(output, Mapping) and is_schema(output) else None,
        page=None,
        model=model,
        notes=notes,
    )


def _named(whole: Mapping[str, Any]) -> Iterator[str]:
    for key in ("name", "model", "id"):
        if isinstance(whole.get(key), str):
            yield whole[key]
    for member in whole.values():
        if isinstance(member, Mapping) and not is_schema(member):
            yield from _named(member)


def _of_page(text: str, schemas: Sequence[tuple[int, int, Mapping[str, Any]]]) -> Source:
    labelled: dict[str, Mapping[str, Any]] = {}
    rest: list[Mapping[str, Any]] = []
    last = 0
    for start, end, value in schemas:
        headings = _HEADING.findall(text[last:start])
        label = headings[-1].lower() if headings and last else ""
        if label and label not in labelled:
            labelled[label] = value
        else:
            rest.append(value)
        last = end
    input_ = labelled.get("input") or (rest.pop(0) if rest else None)
    if input_ is None:
        raise ContractError("the page", "", "an output schema, and no input schema")
    notes: list[str] = []
    output = labelled.get("output") or (rest.pop(0) if rest else None)
    if output is None:
        output = outline(text, "Output")
        notes.append(
            "output.schema.json is read from the page's outline of its Output, which prints no schema."
            if output
            else "The page has no output schema."
        )
    models = MODEL.findall(text)
    model = max(models, key=models.count).rstrip(".") if models else ""
    return Source(input=input_, output=output, page=text, model=model, notes=tuple(notes))


def _objects(text: str, name: str) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
    # The JSON objects of a text that are no part of another, with where they begin and end. Of one that has no end
    # its parts would be taken for the whole.
    decoder = json.JSONDecoder(strict=False)
    for plain in (text, text.replace("\u00a0", " ")):
        position, found = 0, False
        while (start := plain.find("{", position)) >= 0:
            try:
                value, position = decoder.raw_decode(plain, start)
            except (ValueError, RecursionError) as error:
                if isinstance(error, json.JSONDecodeError) and _is_cut_off(error, plain):
                    line = plain.count("\n", 0, start) + 1
                    raise ContractError(
                        name, "", f"the JSON that begins in line {line} is cut off", hint="Save all of it."
                    ) from None
                position = start + 1
                continue
            found = True
            yield start, position, value
        if found:
            return


def _is_cut_off(error: json.JSONDecodeError, text: str) -> bool:
    rest = text[error.pos :].strip()
    in_word = any(word.startswith(rest) for word in ("true", "false", "null"))
    return in_word or re.fullmatch(r"[-+.eE]*", rest) is not None or error.msg.startswith("Unterminated string")


class _Text(HTMLParser):
    # The text of a page, a line for each block of it.
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        if tag in ("p", "div", "li", "br", "pre", "tr", "section") or re.fullmatch(r"h[1-6]", tag):
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")
        if tag in ("p", "div", "li", "pre", "tr", "section") or re.fullmatch(r"h[1-6]", tag):
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


def _text_of_html(text: str) -> str:
    parser = _Text()
    parser.feed(text)
    return "".join(parser.pieces)
