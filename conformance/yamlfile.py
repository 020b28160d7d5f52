"""A YAML file with the line of every value, and its check against a JSON Schema.

No message repeats a value: a secret may have been pasted where none belongs. Keys are named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from infercheck.errors import ConfigError
from infercheck.schema import Schema
from infercheck.yamlnodes import QUOTE, Node, document
from infercheck.yamlwords import worded


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlFile:
    """A file that was read."""

    path: Path
    root: Node = field(repr=False)

    @property
    def value(self) -> Any:
        """What the file says, of what JSON knows: texts, finite numbers, booleans, None, lists, mappings."""
        return self.root.value

    def line(self, path: Sequence[str | int]) -> int:
        """The line, from 1, of the key or list item that a path ends with; of the nearest parent that exists."""
        line, node = self.root.line, self.root
        for step in path:
            if step not in node.inside:
                break
            line, node = node.inside[step]
        return line


def load(path: Path) -> YamlFile:
    """Read a file; ConfigError where it cannot be read or is not YAML. An empty file is an empty mapping.

    Anchors, aliases and merge keys are followed. Dates become texts, as in 2027-01-31. Keys have to be texts, and
    none may stand twice.
    """
    text = _text(path)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return YamlFile(path=path, root=document(path, yaml.parse(text, Loader=loader)))
    except yaml.YAMLError as error:
        raise _syntax(path, text.splitlines(), error) from None


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: this is not UTF-8", hint="Save the file as UTF-8.") from None
    # The parsers stop at these as well, but do not say in which line.
    control = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise ConfigError(f"{path}:{line}: YAML has no place for the character U+{ord(control[0]):04X}")
    return text


# Syntax

SYNTAX_HINTS = (
    ("escape", "In double quotes \\ begins an escape; put the text in single quotes."),
    ("quoted scalar", "A quote is opened and not closed."),
    ("flow ", "A bracket is opened and not closed, or a comma is missing."),
    ("mapping values", "The line is indented too far, or text that has `: ` in it needs quotes."),
    ("expected key", "The line is not indented as those that it belongs to."),
    ("", QUOTE),
)
"""What to do where a word stands in the problem; the first that does."""


def _syntax(path: Path, lines: Sequence[str], error: yaml.YAMLError) -> ConfigError:
    mark, began = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    problem = _without_values(getattr(error, "problem", None) or getattr(error, "reason", None) or str(type(error)))
    context = getattr(error, "context", None) or ""
    # At the end of a file the mark may stand behind the last line.
    line = min(mark.line + 1 if mark else 1, len(lines) or 1)
    text = f"this is no YAML: {problem}"
    if context and began and began.line + 1 < line:
        text += f", {context} that begins in line {began.line + 1}"
    hint = next(hint for word, hint in SYNTAX_HINTS if word in f"{problem} {context}")
    if lines and re.match(r" *\t", lines[line - 1]):
        hint = "YAML is indented with spaces, never with tabs."
    return ConfigError(f"{path}:{line}: {text}", hint=hint)


def _without_values(problem: str) -> str:
    # PyYAML's own parser, which stands in where libyaml is missing, quotes what it found. Single characters and the
    # names of tokens say what is wrong; what is longer comes from the file.
    def kept(match: re.Match[str]) -> str:
        inner = match[0][1:-1]
        return match[0] if len(inner) < 2 or re.fullmatch(r"\\.\w*|<[a-z ]+>", inner) else "…"

    return re.sub(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", kept, problem)


# Form


def _is_integer(_: object, value: object) -> bool:
    # Stricter than JSON Schema, which takes 5.0 for an integer: range() does not.
    return isinstance(value, int) and not isinstance(value, bool)


_TYPES = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
_VALIDATOR = extend(Draft202012Validator, type_checker=_TYPES)  # type: ignore[no-untyped-call]


def check(file: YamlFile, schema: Schema) -> None:
    """A file against a JSON Schema; ConfigError for the fault that comes first in it."""
    if (fault := fault_of(file.value, schema, file.line)) is not None:
        line, text, hint = fault
        raise ConfigError(f"{file.path}:{line}: {text}", hint=hint)


def fault_of(
    value: Any, schema: Schema, line: Callable[[Sequence[str | int]], int] = lambda path: 1
) -> tuple[int, str, str] | None:
    """What is wrong with a value: the line, the words for it, and a hint; None where nothing is.

    Annotations in the schema help with the words: `x-also` has other names that people give a property, `x-wanted`
    says what a value is to be, and `x-hint` what to do where it is not. Where a value may have several forms
    (`anyOf`), each has a `type`, or is about required keys alone.
    """
    faults = [fault for error in _VALIDATOR(schema).iter_errors(value) for fault in _singly(error)]
    if not faults:
        return None

    def order(fault: tuple[ValidationError, str]) -> tuple[int, int]:
        error, key = fault
        # A value of a wrong type breaks other keywords too, and they say less; what is missing may be misspelt.
        weight = 0 if error.validator == "type" else 2 if error.validator == "required" else 1
        return line([*error.absolute_path, *([key] if key else [])]), weight

    error, key = min(faults, key=order)
    return order((error, key))[0], *worded(error, key, schema)


def _singly(error: ValidationError) -> Iterator[tuple[ValidationError, str]]:
    # The errors that a person would name, each with the key that is missing or unknown, if it is about one.
    instance: Any = error.instance
    keyword: Any = error.validator_value
    if error.validator in ("anyOf", "oneOf"):
        if all(inner.validator == "required" for inner in error.context or ()):
            yield error, ""
            return
        forms: dict[Any, list[ValidationError]] = {}
        for inner in error.context or ():
            forms.setdefault(inner.relative_schema_path[0], []).append(inner)
        for form in forms.values():
            if not any(inner.validator == "type" and not inner.relative_path for inner in form):
                for inner in form:
                    yield from _singly(inner)
                return
        yield error, ""
    elif error.validator == "additionalProperties" and keyword is False:
        known = error.schema.get("properties", {})  # type: ignore[union-attr]
        yield from ((error, key) for key in instance if key not in known)
    elif error.validator == "required":
        yield from ((error, key) for key in keyword if key not in instance)
    else:
        yield error, ""
