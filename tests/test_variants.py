"""Conforming servers that do everything legal in another way: none is blamed for anything."""

import pytest
from harness import ids
from mutants.judging import judge_server, shown
from mutants.registry import expand
from variants import (
    adapters,
    answers,
    conversations,
    errors,
    limits,
    loads,
    models,
    pieces,
    questions,
    sampling,
    streams,
    tools,
    wires,
    workers,
)
from variants.registry import VARIANTS

from infercheck.findings import Verdict

MODULES = (
    answers, errors, questions, streams, wires, workers,
    adapters, conversations, limits, loads, models, pieces, sampling, tools,
)  # fmt: skip


@pytest.mark.parametrize(
    "variant",
    [pytest.param(one, id=one.name, marks=() if one.quick else pytest.mark.slow) for one in VARIANTS],
)
def test_a_conforming_server_is_blamed_for_nothing(variant):
    results = judge_server(variant.server, **variant.options)
    blamed = ids(results, Verdict.FAIL, Verdict.WARN, Verdict.ERROR)
    assert not blamed, shown(results, blamed)
    undecided = ids(results, Verdict.INCONCLUSIVE)
    doubted = variant.doubted(undecided)
    assert not doubted, shown(results, doubted)
    assert results.exit_status(fail_on_should=True) in ((0, 4) if undecided else (0,))


def test_every_variant_has_a_name_and_a_docstring_of_its_own():
    names = [one.name for one in VARIANTS]
    ways = [one.server.__doc__ for one in VARIANTS]
    assert len(names) == len(set(names)) >= 180
    assert len(ways) == len(set(ways))
    assert {one.server.__module__ for one in VARIANTS} == {module.__name__ for module in MODULES}


def test_every_pattern_of_what_may_be_undecided_means_something():
    for one in VARIANTS:
        for pattern in one.undecided:
            assert expand(pattern), (one.name, pattern)
