"""From the events of a YAML parser to values, each with the line where it stands.

This works on events, not on the nodes that PyYAML composes: those have lost where an alias stood, and composing
them is recursion in C, which nothing stops before the stack ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from infercheck.errors import ConfigError

DEPTH = 100
"""Lists and mappings that may stand in each other. Deeper ones exhaust the stack, and nobody writes them."""

SIZE = 1_000_000
"""Values that a file may have where every alias counts as what it stands for: nine lines can name a billion."""

LONGEST = 60
"""Characters of a key that are shown."""

QUOTE = "Text that begins with one of * & ! % @ ` [ { or has `: ` in it needs quotes."

TAG = "tag:yaml.org,2002:"

KINDS: Mapping[type, str] = {
    type(None): "nothing",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a mapping",
}
"""What values are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value, the line where it begins, and what is in it by key or index, each with the line that leads there.

    `size` counts the values in it and itself. `merges` is set for a plain `<<`.
    """

    value: Any
    line: int
    size: int = 1
    inside: Mapping[str | int, tuple[int, Node]] = field(default_factory=dict)
    merges: bool = False


def shown(key: str) -> str:
    """A key as messages name it."""
    cut = key if len(key) <= LONGEST else f"{key[:LONGEST]}…"
    return "`{}`".format("".join(character if character.isprintable() else "�" for character in cut))


def document(path: Path, events: Iterator[Any]) -> Node:
    """The one document of a file, an empty mapping where there is none; ConfigError for what no config file holds.

    Anchors, aliases and merge keys are followed, dates become texts. Syntax errors come through as yaml.YAMLError.
    """
    return _Builder(path, events).document()


class _Builder:
    def __init__(self, path: Path, events: Iterator[Any]) -> None:
        self._path = path
        self._events = events
        self._anchors: dict[str, Node] = {}
        self._size = 0
        self._resolver: Any = yaml.resolver.Resolver()
        self._constructor = yaml.constructor.SafeConstructor()

    def document(self) -> Node:
        root = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root:
                    raise self._wrong(event, "a second document begins here", "One file holds one document.")
                root = self._node(next(self._events), 0)
        return Node(value={}, line=1) if root is None or root.value is None else root

    def _wrong(self, event: Any, text: str, hint: str = "") -> ConfigError:
        return ConfigError(f"{self._path}:{_line(event)}: {text}", hint=hint)

    def _node(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth > DEPTH:
            raise self._wrong(event, f"lists and mappings stand more than {DEPTH} deep in each other")
        before = self._size
        self._count(event, 1)
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._list(event, depth)
        else:
            node = self._mapping(event, depth)
        node = replace(node, size=self._size - before)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _count(self, event: Any, values: int) -> None:
        self._size += values
        if self._size > SIZE:
            raise self._wrong(event, f"more than {SIZE:,} values, where every alias counts as what it stands for")

    def _alias(self, event: Any) -> Node:
        # An anchor is not known before it has been read to its end, so nothing can hold itself.
        node = self._anchors.get(event.anchor)
        if node is None:
            raise self._wrong(event, "`*` begins an alias, and no anchor of that name stands before it", QUOTE)
        self._count(event, node.size)
        return replace(node, line=_line(event))

    def _scalar(self, event: Any) -> Node:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._resolver.resolve(yaml.ScalarNode, event.value, event.implicit)
        kind = tag.removeprefix(TAG)
        value: Any = event.value
        if kind in ("null", "bool", "int", "float", "timestamp"):
            value = self._constructed(event, tag)
        elif kind not in ("str", "merge", "value"):
            raise self._unknown_tag(event)
        return Node(value=value, line=_line(event), merges=kind == "merge")

    def _constructed(self, event: Any, tag: str) -> Any:
        node = yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        try:
            value = self._constructor.yaml_constructors[tag](self._constructor, node)
            if isinstance(value, int | float) and not math.isfinite(value):
                raise ValueError
        except (ValueError, OverflowError, LookupError, AttributeError):
            # PyYAML goes by the form: it meets 2027-02-30, numbers of 5,000 digits and `!!int x` unprepared.
            what = {TAG + "timestamp": "there is no such date", TAG + "bool": "this is neither true nor false"}
            text = what.get(tag, "this is no number that can be counted with")
            raise self._wrong(event, text, "Put it in quotes if it is meant as text.") from None
        return value.isoformat() if hasattr(value, "isoformat") else value

    def _unknown_tag(self, event: Any) -> ConfigError:
        return self._wrong(event, "`!` begins a tag, and only plain values are read here", QUOTE)

    def _children(self, event: Any, kind: str, end: type) -> Iterator[Any]:
        if event.tag not in (None, "!", TAG + kind):
            raise self._unknown_tag(event)
        for child in self._events:
            if isinstance(child, end):
                return
            yield child

    def _list(self, event: Any, depth: int) -> Node:
        items = [self._node(child, depth + 1) for child in self._children(event, "seq", yaml.SequenceEndEvent)]
        return Node(
            value=[item.value for item in items],
            line=_line(event),
            inside={index: (item.line, item) for index, item in enumerate(items)},
        )

    def _mapping(self, event: Any, depth: int) -> Node:
        inside: dict[str | int, tuple[int, Node]] = {}
        lines: dict[str, int] = {}
        merged: list[Node] = []
        for child in self._children(event, "map", yaml.MappingEndEvent):
            key = self._key(child, depth)
            if key.value in lines:
                first = f"the first time in line {lines[key.value]}"
                raise self._wrong(child, f"{shown(key.value)} stands twice, {first}", "Take one of the two out.")
            lines[key.value] = key.line
            node = self._node(next(self._events), depth + 1)
            if key.merges:
                merged = self._merged(child, node)
            else:
                inside[key.value] = (key.line, node)
        # What a mapping says itself goes before what it takes in, and of that the first before the next.
        for source in merged:
            for name, found in source.inside.items():
                inside.setdefault(name, found)
        value = {name: node.value for name, (_, node) in inside.items()}
        return Node(value=value, line=_line(event), inside=inside)

    def _key(self, event: Any, depth: int) -> Node:
        if not isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
            raise self._wrong(event, "a list or a mapping cannot be a key", QUOTE)
        key = self._node(event, depth + 1)
        if not isinstance(key.value, str):
            name = shown(event.value) if isinstance(event, yaml.ScalarEvent) and event.value else "a key"
            text = f"{name} is read as {KINDS[type(key.value)]}, and keys are texts"
            raise self._wrong(event, text, "Put it in quotes.")
        return key

    def _merged(self, event: Any, node: Node) -> list[Node]:
        sources = [item for _, item in node.inside.values()] if isinstance(node.value, list) else [node]
        if not all(isinstance(source.value, dict) for source in sources):
            raise self._wrong(event, "`<<` takes in a mapping, or a list of mappings")
        return sources


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
