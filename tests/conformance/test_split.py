"""Splitting finds every guilty value, and pairs that do not go together, with few questions."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from infercheck.split import guilty_sets

VALUES = [f"p{number}" for number in range(12)]


def split(guilty):
    asked = []

    async def refused(values):
        asked.append(tuple(values))
        return any(set(one) <= set(values) for one in guilty)

    found = asyncio.run(guilty_sets(VALUES, refused))
    return {frozenset(one) for one in found}, len(asked)


@pytest.mark.parametrize("name", VALUES)
def test_one_guilty_value_is_found_in_few_questions(name):
    found, questions = split([{name}])
    assert found == {frozenset({name})}
    assert questions <= 10


@pytest.mark.parametrize("pair", list(itertools.combinations(VALUES[::3], 2)))
def test_a_pair_that_does_not_go_together_is_found(pair):
    found, questions = split([set(pair)])
    assert found == {frozenset(pair)}
    assert questions <= 45


@pytest.mark.parametrize(
    "guilty",
    [
        [{"p0"}, {"p11"}],
        [{"p1"}, {"p2"}, {"p3"}],
        [{"p5"}, {"p6", "p7"}],
        [{"p0", "p1"}, {"p0", "p2"}],
        [{"p3"}, {"p0", "p9"}, {"p0", "p4"}],
        [{value} for value in VALUES],
    ],
)
def test_every_guilty_set_is_found(guilty):
    found, _ = split(guilty)
    assert found == {frozenset(one) for one in guilty}
