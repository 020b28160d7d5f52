"""The files of a contract, read with errors that say which file, where in it, and what was expected there."""

from __future__ import annotations

import json
from importlib.resources.abc import Traversable
from typing import Any, Protocol

import yaml

from infercheck.errors import ContractError


class Seal(Protocol):
    """Takes in the bytes of every file, as the digests of hashlib do."""

    def update(self, data: bytes, /) -> None:
        """Take bytes in."""


def read_bytes(file: Traversable) -> bytes:
    """The bytes of a contract's file."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise ContractError(file, "", f"cannot be read: {error.strerror or error}") from None


def read_text(file: Traversable, seal: Seal) -> str:
    """The text of a file in UTF-8; the seal takes its bytes in."""
    data = read_bytes(file)
    seal.update(data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ContractError(file, f"byte {error.start}", "expected UTF-8") from None


def read_yaml(file: Traversable, seal: Seal) -> Any:
    """The value of a YAML file, dates as text."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _plain(yaml.load(read_text(file, seal), Loader=loader))  # noqa: S506  (both are safe loaders)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else ""
        raise ContractError(file, place, f"expected YAML: {getattr(error, 'problem', error)}") from None


def _plain(value: Any) -> Any:
    # YAML reads dates as dates; JSON Schema knows strings.
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def read_json(file: Traversable, seal: Seal) -> Any:
    """The value of a JSON file."""
    try:
        return json.loads(read_text(file, seal))
    except ValueError as error:
        raise ContractError(file, "", f"expected JSON: {error}") from None
