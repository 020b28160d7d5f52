"""The journal: the append-only NDJSON record of a run, from which every report is made.

Lines, in order: one `header`; then `expectations` (where there are any), `dialect` (what the first answers
showed), `case` (once, before its first request), `sent` (before a request leaves), `body` (bytes, once for each
SHA-256), `exchange`, `judged`; one `footer` where the run was ended in order. A run that goes on later writes
`resumed` and goes on behind that; of two `judged` lines of a case the later one holds. Header and footer are synced
to the disk, the rest is flushed line by line, so that whatever ends a run costs what was under way and no more.
Described by schemas/journal.schema.json.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

from infercheck.cases import Case
from infercheck.dialect import Guess
from infercheck.errors import JournalError
from infercheck.exchange import Exchange
from infercheck.findings import Finding, Verdict
from infercheck.keys import Keys

JOURNAL = "journal.ndjson"
"""The file of a run's journal, in the folder of the run."""

VERSION = 1


def body_key(digest: str) -> int:
    """Tells the bodies of a run apart in less room than their digests take."""
    return int(digest[:15], 16)


def case_key(case: str) -> int:
    """Tells the cases of a run apart, in this process, in less room than their ids take."""
    return hash(case)


@dataclass(slots=True, kw_only=True)
class Written:
    """What a journal holds already: keys of bodies and of cases, and what was judged of these for good."""

    bodies: Keys = field(default_factory=Keys)
    cases: Keys = field(default_factory=Keys)
    judged: set[str] = field(default_factory=set)
    dialect: bool = False


class JournalWriter:
    """Writes a run as it happens; a context manager. With `written` it goes on behind what stands there."""

    def __init__(self, path: Path, *, written: Written | None = None) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("r+b" if path.exists() else "w+b", buffering=1 << 16)
            _lock(self._file, path)
            if written:
                _mend_end(self._file)
            elif os.fstat(self._file.fileno()).st_size:
                self._file.truncate(0)
        except OSError as error:
            raise JournalError(
                f"{path}: cannot be written: {error.strerror}", hint="Give another folder with --output."
            ) from None
        self._written = written or Written()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError as problem:
            if error is None:
                raise self._unwritable(problem) from None

    def header(self, data: Mapping[str, Any]) -> None:
        """What the run is: contract, target, plan, requirements."""
        self._line({"type": "header", "version": VERSION, **data}, sync=True)

    def resumed(self, data: Mapping[str, Any]) -> None:
        """The run goes on after an interruption."""
        self._line({"type": "resumed", **data}, sync=True)

    def dialect(self, guess: Guess) -> None:
        """The dialect that answers are read in, and what showed it (empty where the user said so); once."""
        if not self._written.dialect:
            self._written.dialect = True
            self._line({"type": "dialect", "dialect": guess.dialect, "saw": guess.saw}, flush=True)

    def expectations(self, data: Mapping[str, Any]) -> None:
        """What is expected to be broken; of two such lines the later one holds."""
        self._line({"type": "expectations", **data}, flush=True)

    def case(self, case: Case) -> None:
        """A case, before its first request."""
        if not self._written.cases.add(case_key(case.id)):
            return
        self._line(
            {
                "type": "case",
                "case": case.id,
                "title": case.title,
                "expectation": case.expectation,
                "branch": case.branch,
                "requirements": case.requirements,
                "price": case.price,
            }
        )

    def sent(self, number: int, case: Case, ordinal: int, started: float) -> None:
        """A request, before it leaves."""
        self.case(case)
        request = case.request
        self._line(
            {
                "type": "sent",
                "exchange": number,
                "case": case.id,
                "ordinal": ordinal,
                "started": round(started, 6),
                "body": self._body(request.body),
                "content_type": request.content_type,
                "stream": request.stream,
                "stop_after": request.stop_after,
                "method": request.method,
                "token": request.token,
                "model": request.model,
            },
            flush=True,
        )

    def exchange(self, exchange: Exchange) -> None:
        """What came back."""
        answer = exchange.answer
        self._line(
            {
                "type": "exchange",
                "exchange": exchange.number,
                "status": answer.status,
                "headers": answer.headers,
                "body": self._body(answer.body),
                "chunks": [(len(chunk.data), round(chunk.time, 6)) for chunk in answer.chunks],
                "seconds": round(answer.seconds, 6),
                "failure": asdict(answer.failure) if answer.failure else None,
                "cut": answer.cut,
                "echoed": answer.echoed,
                "reused": answer.reused,
                "retries": exchange.retries,
            },
            flush=True,
        )

    def judged(self, case: Case, findings: Sequence[Finding]) -> None:
        """What was found: the requirements that were kept by name, all else whole. Once, where it was decided."""
        if case.id in self._written.judged:
            return
        passed = [finding for finding in findings if finding.verdict is Verdict.PASS]
        rest = [finding for finding in findings if finding.verdict is not Verdict.PASS]
        line = {
            "type": "judged",
            "case": case.id,
            "passed": [(finding.requirement, finding.side) for finding in passed],
            "findings": [_finding(finding) for finding in rest],
        }
        self._line(line, flush=True)

    def footer(self, data: Mapping[str, Any]) -> None:
        """How the run ended."""
        self._line({"type": "footer", **data}, sync=True)

    def _body(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        if self._written.bodies.add(body_key(digest)):
            try:
                content = {"text": data.decode("utf-8")}
            except UnicodeDecodeError:
                content = {"base64": base64.b64encode(data).decode("ascii")}
            self._line({"type": "body", "sha256": digest, **content})
        return digest

    def _line(self, data: Mapping[str, Any], *, flush: bool = False, sync: bool = False) -> None:
        line = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        try:
            # A lone surrogate in a text of the target's becomes the JSON escape that it came as.
            self._file.write(line.encode("utf-8", "backslashreplace") + b"\n")
            if flush or sync:
                self._file.flush()
            if sync:
                os.fsync(self._file.fileno())
        except OSError as problem:
            raise self._unwritable(problem) from None

    def _unwritable(self, problem: OSError) -> JournalError:
        return JournalError(
            f"{self.path}: cannot be written: {problem.strerror}", hint="Make room, or give another folder."
        )


def _lock(file: BinaryIO, path: Path) -> None:
    # For as long as the file is open, whatever ends us; where there are no such locks, nothing is locked.
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise JournalError(
            f"{path}: another run is writing it", hint="Wait for it, or give another folder with --output."
        ) from None
    except OSError:
        return  # a device, or a file system that knows no locks


def check_free(path: Path) -> None:
    """JournalError where another run is writing this journal."""
    with contextlib.suppress(OSError), path.open("r+b") as file:
        _lock(file, path)


def _mend_end(file: BinaryIO) -> None:
    # A run that was cut off may have torn its last line; whole lines stay.
    text = file.read()
    end = text.rfind(b"\n") + 1
    try:
        json.loads(text[end:])
    except ValueError:
        file.truncate(end)
        file.seek(end)
        return
    file.write(b"\n")


def _finding(finding: Finding) -> dict[str, Any]:
    # Few findings compare two answers, or are about one event: the lines of the others are spared the words.
    line = asdict(finding)
    for name in ("versus", "at"):
        if line[name] is None:
            del line[name]
    return line
