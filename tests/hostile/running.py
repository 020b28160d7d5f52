"""Running the command against a hostile target, within a time that is a wall, and looking at all that it left."""

from __future__ import annotations

import base64
import contextlib
import html
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote

from click.testing import CliRunner
from harness import plan_of

import infercheck.launching.launch as launch
from hostile.servers import TOKEN
from infercheck.cli import cli
from infercheck.findings import Verdict
from infercheck.record import read
from infercheck.results import Results, results_of

SCRIPT = Path(str(files("infercheck.reports"))) / "templates" / "report.js"
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""What no terminal should be given: all that moves a cursor, or hides in a text."""


class TooLong(BaseException):
    """A run did not end in time. No Exception, so that nobody on the way takes it for one of his own."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """A wall: what is not done by then is broken off."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooLong(f"not done after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass
class Done:
    """What a run of the command came to. `peak` is in bytes, where the run had a process of its own."""

    status: int
    stdout: str
    stderr: str
    folder: Path
    peak: int = 0

    @property
    def results(self) -> Results:
        return results_of(read(self.folder / "journal.ndjson"))

    def ids(self, *verdicts: Verdict) -> set[str]:
        return {result.requirement.id for result in self.results.with_verdict(*verdicts)}

    @property
    def failed(self) -> set[str]:
        return self.ids(Verdict.FAIL)

    @property
    def warned(self) -> set[str]:
        return self.ids(Verdict.WARN)

    @property
    def broken(self) -> set[str]:
        return self.ids(Verdict.FAIL, Verdict.WARN)

    @property
    def undecided(self) -> set[str]:
        return self.ids(Verdict.INCONCLUSIVE)

    def is_quick(self, patience: float) -> bool:
        """Whether the target answered so fast that `patience` in vain, in seconds, says something: 20 times.

        On a busy machine no server does, and infercheck rightly leaves undecided what did not answer.
        """
        answers = [exchange.answer for exchange in self.results.record.exchanges.values()]
        return max(answer.seconds for answer in answers if answer.status) < patience / 20

    @property
    def reasons(self) -> list[str]:
        """Why what is undecided is."""
        return [result.reason for result in self.results.with_verdict(Verdict.INCONCLUSIVE)]

    @property
    def noted(self) -> set[str]:
        return self.ids(Verdict.NOTE)

    def finding(self, id_: str) -> Any:
        (result,) = (one for one in self.results.results if one.requirement.id == id_)
        return result.groups[0].finding

    def told(self) -> str:
        """The worst findings, for whoever reads why a test failed."""
        lines = [f"exit {self.status}: {self.results.record.why_incomplete or 'complete'}"]
        for result in self.results.with_verdict(Verdict.FAIL, Verdict.WARN, Verdict.ERROR):
            finding = result.groups[0].finding
            lines.append(f"{result.verdict} {result.requirement.id} ({finding.case}): {finding.observed[:150]!r}")
        return "\n".join(lines)


def run(url: str, folder: Path, *options: Any, token: str | None = TOKEN, seconds: float = 60) -> Done:
    """`infercheck run` in this process."""
    arguments = ["run", url, "--output", str(folder), *map(str, options)]
    if token is not None:
        arguments += ["--token-env", "MY_TOKEN"]
    with within(seconds), patch.object(launch, "make_plan", plan_of):
        result = CliRunner().invoke(cli, arguments, env={"MY_TOKEN": token})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return inspected(Done(result.exit_code, result.stdout, result.stderr, folder), token)


APART = """
import atexit, sys
def tell():
    rows = open("/proc/self/status").read().split("\\n")
    peak = next(row for row in rows if row.startswith("VmHWM:")).split()[1]
    open(sys.argv[0], "w").write(peak)
atexit.register(tell)
from infercheck.cli import cli
cli.main(args=sys.argv[1:], prog_name="infercheck")
"""


def run_apart(url: str, folder: Path, *options: Any, token: str | None = TOKEN, seconds: float = 60) -> Done:
    """`infercheck run` in a process of its own, whose memory is measured, and which is killed if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    told = folder.parent / "peak"
    code = APART.replace("sys.argv[0]", repr(str(told)))
    arguments = ["run", url, "--output", str(folder), *map(str, options)]
    if token is not None:
        arguments += ["--token-env", "MY_TOKEN"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        env={**os.environ, "MY_TOKEN": token or ""},
        timeout=seconds,
        check=False,
    )
    peak = int(told.read_text()) * 1024
    stdout, stderr = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    return inspected(Done(done.returncode, stdout, stderr, folder, peak), token)


def inspected(done: Done, token: str | None) -> Done:
    """What holds of every run, whatever the target does."""
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    assert not CONTROLS.search(said), repr(CONTROLS.search(said))
    if token is not None:
        assert not leaks(said, token), said
        for file in done.folder.rglob("*"):
            if file.is_file():
                assert not leaks(file.read_bytes().decode("utf-8", "replace"), token), file
    for line in (done.folder / "journal.ndjson").read_bytes().splitlines():
        entry = json.loads(line)
        if token is not None and entry["type"] == "body":
            body = base64.b64decode(entry["base64"]) if "base64" in entry else entry["text"].encode()
            assert not leaks(body.decode("latin-1"), token), body
    if (done.folder / "report.html").exists():
        json.loads((done.folder / "report.json").read_bytes())
        check_page((done.folder / "report.html").read_text("utf-8"))
    return done


def leaks(text: str, token: str) -> bool:
    """Whether a text holds the token, as it is or in a form in which it can be read."""
    forms = {text, html.unescape(text), unquote(text)}
    for _ in range(2):
        forms |= {re.sub(r'\\(u[0-9a-fA-F]{4}|["\\/\'])', _unescaped, form) for form in forms}
    return any(token.lower() in form.lower() for form in forms)


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1][1:], 16)) if match[1].startswith("u") else match[1]


class _Page(HTMLParser):
    TAGS = ("script", "img", "iframe", "object", "embed", "link", "base", "image", "use", "foreignobject")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in self.TAGS, tag
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            assert name not in ("action", "formaction"), (tag, name)
            assert name not in ("href", "src") or (value or "").startswith("#"), (tag, name, value)


def check_page(page: str) -> None:
    """A page that loads nothing, runs nothing but our own script, and shows what is hidden."""
    script = f"<script>{SCRIPT.read_text('utf-8').rstrip()}"
    before, found_, after = page.partition(script)
    assert found_
    page = before + after.lstrip().removeprefix("</script>")
    _Page(convert_charrefs=True).feed(page)
    found = CONTROLS.search(html.unescape(page))
    assert not found, repr(page[max(0, found.start() - 80) : found.end() + 20])
