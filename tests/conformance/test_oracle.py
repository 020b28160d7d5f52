"""The oracle: which keywords an instance breaks, branch by branch, and whatever a target sends."""

from __future__ import annotations

import pytest
from fakes import CONTRACT

from infercheck.schema import walk

PLACES = {place.pointer: place.steps for place in walk(CONTRACT.input, CONTRACT.branches)}
FLAT = "/oneOf/1/properties/tools/items/oneOf/0"
IMAGE = "/oneOf/1/properties/image/oneOf/0"


def tool(**changes):
    return {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}, **changes}


def body(**options):
    return {"messages": [{"role": "user", "content": "x"}], **options}


@pytest.mark.parametrize(
    ("instance", "at", "broken"),
    [
        (body(), "", set()),
        ([], "", {"/type", "/oneOf"}),
        (body(prompt="x"), "", {"/oneOf"}),
        (body(top_k=51), "/oneOf/1", {"/oneOf/1/properties/top_k/maximum"}),
        (body(top_k=51), "/oneOf/0", {"/oneOf/0/required", "/oneOf/0/properties/top_k/maximum"}),
        (body(tools=[tool(name=5)]), "/oneOf/1", {"/oneOf/1/properties/tools/items/oneOf"}),
        (body(tools=[tool(name=5)]), FLAT, {f"{FLAT}/properties/name/type"}),
        # Two ways with the same branches but through other places are not taken for one another.
        (body(image=["x"]), IMAGE, {f"{IMAGE}/items/type"}),
        (body(image=["x"]), FLAT, {"/oneOf/1/properties/image/oneOf"}),
    ],
)
def test_the_broken_keywords_are_those_of_the_branches_taken(instance, at, broken):
    assert CONTRACT.oracle.broken(instance, PLACES[at]) == broken


def nested(depth):
    value = 5
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("value", [float("inf"), 10**400, nested(300), "\ud800"])
def test_whatever_a_target_sends_is_judged(value):
    assert CONTRACT.answers.broken({"response": "x", "extra": value}) == set()
    assert CONTRACT.answers.broken({"response": 5, "extra": value}) == {"/properties/response/type"}


def test_a_value_that_nests_deeper_than_the_fast_validator_goes_is_judged_by_the_reference():
    # As deep as our own reader of JSON goes, about.
    assert CONTRACT.answers.broken({"response": nested(900)}) == {"/properties/response/type"}


def test_an_explanation_names_the_branch_and_stays_short():
    lines = list(CONTRACT.oracle.explain(body(top_k=51, seed="x" * 10_000)))
    assert any("in branch 1, $.top_k" in line and "maximum of 50" in line for line in lines)
    assert all(len(line) < 300 for line in lines)
