"""Writing what a run leaves beside its journal."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from infercheck.errors import UsageError


def to_bytes(text: str) -> bytes:
    """A report in UTF-8; a lone surrogate of the target's becomes the escape that JSON has for it."""
    return text.encode("utf-8", "backslashreplace")


def drop_stdout() -> None:
    """Write no more to who has stopped reading, as head does: that is no error of ours, nor of a target's."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_file(path: Path, data: bytes, *, make_folder: bool = False) -> None:
    """Write a file, and the folder that it lies in where that is ours; UsageError where that cannot be."""
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
