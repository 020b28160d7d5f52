"""Pages: a journal as it is read, all of it once, and then what is looked up by its place."""

from __future__ import annotations

import importlib.resources
import json
import os
import weakref
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import jsonschema_rs

from infercheck.errors import JournalError
from infercheck.journal import VERSION


class Places:
    """Offsets of lines by a key of 63 bits; of two lines with the same key the later one holds.

    Sixteen bytes for each, for a long run has tens of thousands of requests.
    """

    def __init__(self) -> None:
        self._keys, self._offsets = array("q"), array("q")
        self._sorted = True

    def add(self, key: int, offset: int) -> None:
        """Remember a line; OverflowError where the key is too large."""
        self._sorted = self._sorted and (not self._keys or key > self._keys[-1])
        self._keys.append(key)
        self._offsets.append(offset)

    def find(self, key: int) -> int | None:
        """The offset of a line; None where there is none."""
        self._sort()
        index = bisect_left(self._keys, key)
        return self._offsets[index] if index < len(self._keys) and self._keys[index] == key else None

    def __iter__(self) -> Iterator[int]:
        self._sort()
        return iter(self._keys)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, int) and self.find(key) is not None

    def __len__(self) -> int:
        self._sort()
        return len(self._keys)

    def _sort(self) -> None:
        if self._sorted:
            return
        # One number for each line, the key before the offset: of two with the same key the later one comes last.
        packed = sorted(key << 64 | offset for key, offset in zip(self._keys, self._offsets, strict=True))
        nexts = (each >> 64 for each in [*packed[1:], 1 << 200])
        last = [one for one, next_ in zip(packed, nexts, strict=True) if one >> 64 != next_]
        self._keys = array("q", (one >> 64 for one in last))
        self._offsets = array("q", (one & (1 << 64) - 1 for one in last))
        self._sorted = True


class Pages:
    """A journal to read: line by line, and a line that stands at some place.

    It stays open for as long as anybody may look something up in it, whatever becomes of its name.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise JournalError(f"{path}: cannot be read: {error.strerror}") from None
        weakref.finalize(self, os.close, self._file)

    def lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """All lines with their offsets; a torn last line is left out, any other fault is a JournalError with its
        place."""
        offset = 0
        try:
            with self._at(0) as file:
                for number, line in enumerate(file, start=1):
                    value = self._read(number, line)
                    if value is not None:
                        yield offset, value
                    offset += len(line)
        except OSError as error:
            raise JournalError(f"{self._path}: cannot be read: {error.strerror}") from None

    def line(self, offset: int, kind: str, **known: Any) -> dict[str, Any]:
        """The line of a kind at an offset; JournalError where it is not the one that stood there."""
        with self._at(offset) as file:
            text = file.readline()
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        wanted = {"type": kind, **known}
        if not isinstance(value, dict) or {key: value.get(key) for key in wanted} != wanted:
            raise JournalError(f"{self._path}: was written over after it was read")
        return value

    def _at(self, offset: int) -> BinaryIO:
        file = os.fdopen(os.dup(self._file), "rb")
        file.seek(offset)
        return file

    def _read(self, number: int, line: bytes) -> dict[str, Any] | None:
        if line == b"\n":
            return None
        place = f"{self._path}: line {number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            if not line.endswith(b"\n"):
                return None
            raise JournalError(f"{place}: expected JSON: {error}") from None
        if not isinstance(value, dict) or "type" not in value:
            raise JournalError(f"{place}: expected an object with a type")
        if value["type"] == "header" and value.get("version") != VERSION:
            raise JournalError(f"{place}: journal version {value.get('version')!r}, expected {VERSION}")
        if not _is_line(value):
            raise JournalError(f"{place}: is no line of a journal of this version")
        return value


@cache
def _form() -> jsonschema_rs.Draft202012Validator:
    file = importlib.resources.files("infercheck.schemas") / "journal.schema.json"
    return jsonschema_rs.Draft202012Validator(json.loads(file.read_text("utf-8")))


def _is_line(value: Mapping[str, Any]) -> bool:
    try:
        return _form().is_valid(value)
    except ValueError:  # it nests more deeply than any line of ours
        return False
