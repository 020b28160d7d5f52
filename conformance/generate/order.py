"""The order of cases: what shows most for least goes first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from infercheck.cases import Case
from infercheck.generate.boundary import Boundary
from infercheck.generate.page import examples, open_questions
from infercheck.generate.pairwise import pairwise
from infercheck.generate.wire import wire

DEADLY = 2_000
"""Bytes of a wire case from which on servers are known to die of it."""


def ordered(boundary: Boundary, seed: int) -> Iterator[Case]:
    """The cases of a contract. What shows most for least goes first; long texts go last, for they cost most and say
    least."""
    builder = boundary.builder
    yield from boundary.baselines()
    invalid = _spread(boundary.invalid())
    streamed = [*boundary.streamed_invalid(invalid), *boundary.form_invalid(invalid)]
    shared = _alternate(boundary.shared())
    calls = list(examples(builder))
    wires = list(wire(builder))
    # What may kill a server shows little where nothing is left to be shown: it goes late.
    deadly = [case for case in wires if len(case.request.body) > DEADLY]
    tame = [case for case in wires if len(case.request.body) <= DEADLY]
    few = [*boundary.unlimited(calls), *calls, *tame[:3], *_zipped(shared[4:], tame[3:])]
    yield from shared[:4]
    yield from _mix([*streamed, *invalid], few, ratio=4)
    yield from boundary.long_answers()
    yield from boundary.unknown_properties()
    yield from open_questions(builder)
    yield from pairwise(boundary, seed)
    yield from deadly
    yield from boundary.long()


def _spread(cases: Iterable[Case]) -> list[Case]:
    # First one mistake for every requirement, of another kind each time: most defects are of one keyword, or of one
    # kind of mistake. Then what is left, in the same manner.
    waiting: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        waiting[case.aims[0].requirement].append(case)
    spread: list[Case] = []
    while waiting:
        turn = [
            queue.pop(index % len(queue) if id_.endswith("/type") else 0)
            for index, (id_, queue) in enumerate(waiting.items())
        ]
        spread += _by_kind(turn)
        waiting = {id_: queue for id_, queue in waiting.items() if queue}
    return spread


def _by_kind(cases: Iterable[Case]) -> list[Case]:
    # One of each kind of mistake, then the next of each; alternating branches and depths within a kind.
    kinds: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        keyword, label = case.id.split("/")[-2:]
        kinds[f"{keyword}/{label if keyword in ('type', 'oneOf') else ''}"].append(case)
    queues = [_alternate(sorted(kind, key=lambda case: case.id.count("/"))) for kind in kinds.values()]
    return _zipped(*queues)


def _alternate(cases: Iterable[Case]) -> list[Case]:
    by_branch: dict[str | None, list[Case]] = defaultdict(list)
    for case in cases:
        by_branch[case.branch].append(case)
    return _zipped(*by_branch.values())


def _zipped(*rows: Iterable[Case]) -> list[Case]:
    return [case for row in zip_longest(*rows) for case in row if case is not None]


def _mix(many: Sequence[Case], few: Sequence[Case], *, ratio: int) -> Iterator[Case]:
    rest = iter(few)
    for index, case in enumerate(many):
        yield case
        if index % ratio == ratio - 1:
            yield from (extra for extra in [next(rest, None)] if extra)
    yield from rest
