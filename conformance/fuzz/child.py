"""The child: an interpreter that draws requests, or makes one smaller, and imports nothing of the user's.

It reads one line of JSON, its task, and says JSON, each after a line with its size in bytes. A task to draw is
answered with one request after the other, without end: the pipe makes it wait. A task to shrink is answered
with each request to be tried, after which it reads `true` or `false`: whether that fares like the first. A task
of traffic is answered where a sequence begins and with each step of it, after which it reads whether all is as
it should be.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from itertools import count
from typing import Any

from infercheck.contract_loader import load
from infercheck.fuzz.drawing import Drawing
from infercheck.fuzz.sketch import Sketch, sketch_of
from infercheck.fuzz.stateful import sequences
from infercheck.generate.boundary import Boundary
from infercheck.generate.builder import Builder


def main() -> None:
    """Do the task on standard input."""
    task = json.loads(sys.stdin.readline())
    boundary = Boundary(Builder(load(task["contract"])), task["adapters"])
    drawing = Drawing(boundary, frozenset(task["absent"]), task["seed"], about=frozenset(task["about"]))
    try:
        if task["traffic"]:
            sequences(task["traffic"], task["seed"], _begin, _take)
        elif task["shrink"]:
            _shrink(drawing, sketch_of(task["shrink"]))
        else:
            _draw(drawing)
    except BrokenPipeError:
        sys.stderr.close()  # nobody wants any more


def _draw(drawing: Drawing) -> None:
    # Valid ones and others in turns; none comes twice.
    known: set[bytes] = set()
    for number in count():
        batches = [list(drawing.batch(number, valid=valid)) for valid in (True, False)]
        for index in range(max(map(len, batches))):
            for batch in batches:
                if index < len(batch) and (digest := batch[index].digest) not in known:
                    known.add(digest)
                    _say(batch[index].line())


def _shrink(drawing: Drawing, sketch: Sketch) -> None:
    def alike(drawn: Sketch) -> bool:
        _say(drawn.line())
        return bool(json.loads(sys.stdin.readline()))

    drawing.make_small(sketch, alike)


def _begin() -> None:
    _say({"begin": True})
    sys.stdin.readline()


def _take(kind: str, of: list[int]) -> bool:
    _say({"step": kind, "of": of})
    return bool(json.loads(sys.stdin.readline()))


def _say(line: Mapping[str, Any]) -> None:
    text = json.dumps(line, ensure_ascii=False).encode()
    sys.stdout.buffer.write(b"%d\n%b" % (len(text), text))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
