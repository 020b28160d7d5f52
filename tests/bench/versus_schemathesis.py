"""Side by side with Schemathesis: the same servers, the same number of requests.

Schemathesis is run as its best users would: all phases, all checks, the schema in an OpenAPI document with schemas
of answers, errors and stream events. What it says of conforming servers is a false alarm; what it says of a broken
one is counted where it says nothing like it of the plain conforming one.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import mutants.table  # noqa: E402  fills the registry
import test_variants  # noqa: E402, F401
from fakes import CONTRACT  # noqa: E402
from harness import broken, judge_url, served  # noqa: E402
from mutants.conforming import Conforming  # noqa: E402
from mutants.judging import first_true_finding  # noqa: E402
from mutants.registry import MUTANTS  # noqa: E402
from variants.registry import VARIANTS  # noqa: E402

from infercheck.results import Results  # noqa: E402

assert mutants.table

SETTINGS = (
    "--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--mode", "all", "--continue-on-failure",
    "--seed", "1", "--workers", "1", "--max-examples", "2000", "--suppress-health-check", "all",
    "--warnings", "off", "--request-timeout", "10", "--no-shrink",
    "--report", "ndjson", "--report-ndjson-path", "events.ndjson",
)  # fmt: skip
"""Shrinking is off: its requests would count, and only show the same again."""

MOST_SECONDS = 180
"""How long Schemathesis may take for its requests."""


@dataclass
class Counted:
    """An ASGI application whose requests are counted, with the moments of their arrival."""

    app: Any
    times: list[float] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.times.append(time.time())
        await self.app(scope, receive, send)


@dataclass(frozen=True)
class Said:
    """What one of the two said of a server: by kind, the request and the second of the first of each."""

    kinds: dict[str, tuple[int, float]]
    requests: int


def document(url: str) -> dict[str, Any]:
    """The contract as OpenAPI, but for binary images, of which it can make nothing, and names of adapters, which a
    server may refuse."""
    schema = json.loads(json.dumps(CONTRACT.input))
    for branch in schema["oneOf"]:
        for key in ("image", "lora"):
            branch["properties"].pop(key, None)
    path = urlsplit(url).path
    envelope = {
        "type": "object",
        "required": ["result", "success", "errors", "messages"],
        "properties": {
            "result": CONTRACT.output["oneOf"][0] if "oneOf" in CONTRACT.output else CONTRACT.output,
            "success": {"const": True},
            "errors": {"type": "array", "maxItems": 0},
            "messages": {"type": "array"},
        },
    }
    error = {
        "type": "object",
        "required": ["success", "errors"],
        "properties": {
            "success": {"const": False},
            "errors": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["code", "message"],
                    "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
                },
            },
        },
    }
    data = {
        "anyOf": [
            {"const": "[DONE]"},
            {"type": "string", "contentMediaType": "application/json", "contentSchema": dict(CONTRACT.event)},
        ]
    }
    event = {"type": "object", "required": ["data"], "properties": {"data": data}}
    refused = {"description": "refused", "content": {"application/json": {"schema": error}}}
    return {
        "openapi": "3.2.0",
        "info": {"title": CONTRACT.title, "version": "1"},
        "paths": {
            path: {
                "post": {
                    "operationId": "run",
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {
                                "schema": schema,
                                "examples": {str(n): {"value": one} for n, one in enumerate(_examples())},
                            }
                        },
                    },
                    "responses": {
                        "200": {
                            "description": "answered",
                            "content": {
                                "application/json": {"schema": envelope},
                                "text/event-stream": {"itemSchema": event},
                            },
                        },
                        **{str(code): refused for code in (400, 401, 404, 405, 413, 415, 422, 429)},
                    },
                }
            }
        },
    }


def _examples() -> Iterator[Any]:
    for example in CONTRACT.examples:
        yield json.loads(example.body)


def schemathesis(command: Path, app: Any, requests: int) -> Said:
    """What Schemathesis says of a server in so many requests."""
    counted = Counted(app)
    with served(counted) as url, tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        (room / "openapi.json").write_text(json.dumps(document(url)))
        events = room / "events.ndjson"
        began = time.time()
        process = subprocess.Popen(
            [
                command,
                "run",
                "openapi.json",
                "--url",
                url.partition("/client")[0],
                *SETTINGS,
                "--report-ndjson-path",
                events,
            ],
            cwd=room,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and len(counted.times) < requests and time.time() < began + MOST_SECONDS:
            time.sleep(0.02)
        if process.poll() is None:
            process.send_signal(2)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        times = counted.times[:requests]
        kinds: dict[str, tuple[int, float]] = {}
        for moment, kind in failures(events):
            number = sum(one <= moment for one in times)
            if moment <= times[-1] + 0.5:
                kinds.setdefault(kind, (number, moment - began))
        return Said(kinds=kinds, requests=len(times))


def failures(events: Path) -> Iterator[tuple[float, str]]:
    """The failed checks of a run, each with the moment of its request."""
    for line in events.read_text("utf-8").splitlines() if events.exists() else ():
        yield from _failures(json.loads(line))


def _failures(event: dict[str, Any]) -> Iterator[tuple[float, str]]:
    recorder = event.get("ScenarioFinished", {}).get("recorder", {})
    for case, checks in recorder.get("checks", {}).items():
        for check in checks:
            if check["status"] != "success":
                told = check["failure_info"]["failure"]
                yield recorder["interactions"][case]["timestamp"], f"{check['name']}: {told['title']}"


def ours(app: Any, options: dict[str, Any]) -> tuple[Results, Counted, float]:
    """Our results for a server, its requests, and when the first was sent."""
    counted = Counted(app)
    with served(counted) as url:
        began = time.time()
        return judge_url(url, **options), counted, began


@dataclass
class Tally:
    """What was found of all broken servers, and said of conforming ones, by one of the two."""

    shown: dict[str, tuple[int, float]] = field(default_factory=dict)
    alarms: dict[str, list[str]] = field(default_factory=dict)

    def line(self, mutants: int, variants: int) -> str:
        """One row of the table."""
        requests = statistics.median([number for number, _ in self.shown.values()] or [0])
        seconds = statistics.median([second for _, second in self.shown.values()] or [0])
        shown = f"{len(self.shown)} of {mutants}"
        return f"{shown:>12} {f'{len(self.alarms)} of {variants}':>14} {requests:>16.0f} {seconds:>16.1f}"


def compare(command: Path, every: int) -> int:
    """Run both over every so manieth server, print what each shows, and what Schemathesis alone does."""
    mutants = [one for one in MUTANTS if one.server.secret is None and not one.options.get("dialect")][::every]
    variants = [one for one in VARIANTS if one.server.secret is None and not one.options.get("dialect")][::every]
    results, counted, _ = ours(Conforming().app(), {})
    usual = set(schemathesis(command, Conforming().app(), len(counted.times)).kinds)
    print(f"schemathesis run openapi.json {' '.join(SETTINGS)}")
    print(f"of the plain conforming server, in {len(counted.times)} requests,")
    print(f"  infercheck says: {', '.join(sorted(broken(results))) or 'nothing'}")
    print(f"  Schemathesis: {', '.join(sorted(usual)) or 'nothing'}")
    mine, theirs = Tally(), Tally()
    for count, mutant in enumerate(mutants, start=1):
        results, counted, began = ours(mutant.server().app(), dict(mutant.options))
        if number := first_true_finding(mutant, results):
            mine.shown[mutant.name] = number, counted.times[min(number, len(counted.times)) - 1] - began
        said = schemathesis(command, mutant.server().app(), len(counted.times))
        if new := [first for kind, first in said.kinds.items() if kind not in usual]:
            theirs.shown[mutant.name] = min(new)
        print(f"\r{count} of {len(mutants)} broken servers", end="", file=sys.stderr, flush=True)
    for count, variant in enumerate(variants, start=1):
        results, counted, _ = ours(variant.server().app(), dict(variant.options))
        if alarms := broken(results):
            mine.alarms[variant.name] = sorted(alarms)
        if kinds := schemathesis(command, variant.server().app(), len(counted.times)).kinds:
            theirs.alarms[variant.name] = sorted(kinds)
        print(f"\r{count} of {len(variants)} conforming servers", end="", file=sys.stderr, flush=True)
    print(f"\n{'':<14}{'shown':>12} {'false alarms':>14} {'median requests':>16} {'median seconds':>16}")
    print(f"{'infercheck':<14}{mine.line(len(mutants), len(variants))}")
    print(f"{'Schemathesis':<14}{theirs.line(len(mutants), len(variants))}")
    alone = sorted(theirs.shown.keys() - mine.shown.keys())
    print(f"shown by Schemathesis alone: {', '.join(alone) or 'none'}")
    kinds = Counter(kind for said in theirs.alarms.values() for kind in said)
    for kind, count in kinds.most_common():
        print(f"  its alarms: {kind}, of {count} conforming servers")
    return len(alone)


def main() -> int:
    """The command line; 1 where Schemathesis shows what we do not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", type=Path, help="the schemathesis to run, in an environment of its own")
    parser.add_argument("--every", type=int, default=1, help="run every so manieth server only (1: all)")
    arguments = parser.parse_args()
    logging.disable()
    return int(compare(arguments.command.absolute(), arguments.every) > 0)


if __name__ == "__main__":
    sys.exit(main())
