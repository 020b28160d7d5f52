"""Drawing: requests in batches, each a pure function of a seed, and smaller and smaller ones from one of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import given, seed
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from infercheck import jsontext
from infercheck.fuzz.broken import SIDES, Broken, Mistake
from infercheck.fuzz.quietly import quietly, seed_of
from infercheck.fuzz.sketch import Sketch
from infercheck.fuzz.valid import Valid
from infercheck.generate.boundary import Boundary
from infercheck.schema import Place

BATCH = 8
"""Requests that are drawn at a time: after ten Hypothesis goes over to variations of what it drew."""


class Drawing:
    """Draws requests of a contract; the same for the same seed. Where it is `about` some requirements, valid ones
    have a parameter of theirs, and invalid ones break them."""

    def __init__(
        self, boundary: Boundary, absent: frozenset[str], seed: int, about: frozenset[str] = frozenset()
    ) -> None:
        self._boundary = boundary
        self._oracle = boundary.oracle
        self._seed = seed
        builder = boundary.builder
        valid = Valid(builder, boundary.adapters, absent, about)
        broken = Broken(boundary, valid, about)
        branches = builder.branches()
        with_values = [one for one in branches if valid.is_about(one)] or branches
        with_mistakes = [one for one in branches if broken.can_be_in(one)] or branches
        self._kinds: dict[bool, SearchStrategy[Any]] = {
            True: st.one_of([st.tuples(st.just(one), valid.bodies(one), st.just(())) for one in with_values]),
            False: st.one_of([st.builds(_flat, st.just(one), broken.bodies(one)) for one in with_mistakes]),
        }

    def batch(self, number: int, *, valid: bool) -> Iterator[Sketch]:
        """The requests of a batch, none of which comes twice in it."""
        found: list[Sketch] = []

        def keep(drawn: Sketch) -> bool:
            found.append(drawn)
            return False

        self._run(number, valid, keep, shrinks=False)
        yield from {drawn.body: drawn for drawn in found}.values()

    def make_small(self, wanted: Sketch, alike: Callable[[Sketch], bool]) -> None:
        """Ask of smaller and smaller requests, none of them twice, whether they fare like one that was drawn."""
        known: dict[bytes, bool] = {}

        def fails(drawn: Sketch) -> bool:
            if not known and drawn.body != wanted.body:
                return False
            if drawn.body not in known:
                known[drawn.body] = drawn.body == wanted.body or alike(drawn)
            return known[drawn.body]

        self._run(wanted.batch, wanted.is_valid, fails, shrinks=True)

    def _run(self, number: int, valid: bool, fails: Callable[[Sketch], bool], *, shrinks: bool) -> None:
        class Fails(Exception):
            pass

        def one(drawn: Any) -> None:
            made = self._made(number, *drawn)
            if made is not None and fails(made):
                raise Fails

        test = quietly(BATCH, shrinks=shrinks)(given(self._kinds[valid])(one))
        with contextlib.suppress(Fails):
            seed(seed_of(self._seed, number, valid))(test)()

    def _made(self, number: int, branch: Any, body: dict[str, Any], mistakes: Any) -> Sketch | None:
        # The validator judges what was drawn, and what was made of it by shrinking.
        data = jsontext.dump(body)
        if not mistakes:
            return (
                Sketch(batch=number, branch=self._name(branch), body=data) if self._oracle.is_valid(body) else None
            )
        if self._oracle.is_valid(body):
            return None
        ids = self._boundary.contract.input_ids
        breaks = []
        for mistake in mistakes:
            rest = {key: value for key, value in body.items() if key not in {one.key for one in mistakes}}
            alone = mistake.in_({**self._boundary.builder.base(branch), **rest})
            if not self._boundary.breaks_only(alone, mistake.occurrence):
                return None
            breaks.append((ids[mistake.occurrence.pointer], SIDES[mistake.occurrence.keyword].value))
        return Sketch(batch=number, branch=self._name(branch), body=data, breaks=tuple(dict.fromkeys(breaks)))

    def _name(self, branch: Any) -> str:
        return self._boundary.builder.name(branch)


def _flat(branch: Place, made: tuple[dict[str, Any], tuple[Mistake, ...]]) -> tuple[Place, dict[str, Any], Any]:
    return branch, *made
