"""Every keyword of the schema: a server that drops or tightens it is shown by its requirement."""

from __future__ import annotations

import copy
import json

import pytest
from fakes import CONTRACT, Target, accepting
from harness import broken, judge

from infercheck.findings import Verdict
from infercheck.plan import Options, make_plan
from infercheck.requirements import occurrences_of
from infercheck.schema import BOUNDS

pytestmark = pytest.mark.slow


OCCURRENCES = {o.pointer: o for o in occurrences_of(CONTRACT.input, CONTRACT.branches)}
CASES = [
    (case, json.loads(case.request.body))
    for case in make_plan(CONTRACT, Options()).cases
    if case.group != "wire"  # which is no business of the schema's
]

MEANS_THE_SAME = {"input/type", "input/messages/tools/items/type"}
"""Without these two the schema means the same: what is no object matches every form of the oneOf beside them."""


def changed(pointer, change):
    """The schema with the keyword at a pointer changed in its place."""
    schema = copy.deepcopy(CONTRACT.input)
    *path, keyword = pointer.split("/")[1:]
    place = schema
    for token in path:
        place = place[int(token)] if isinstance(place, list) else place[token]
    change(place, keyword)
    return schema


@pytest.mark.parametrize("pointer", OCCURRENCES)
def test_a_server_that_drops_a_keyword_is_shown_by_its_requirement(pointer):
    accepts = accepting(changed(pointer, lambda place, keyword: place.pop(keyword)))
    id_ = CONTRACT.input_ids[pointer]
    if id_ in MEANS_THE_SAME:
        assert all(accepts(body) == CONTRACT.oracle.is_valid(body) for _, body in CASES)
        return
    results = judge(Target(accepts=accepts), only=(id_,))
    found = {result.requirement.id: result for result in results.with_verdict(Verdict.FAIL)}
    assert id_ in found
    finding = found[id_].groups[0].finding
    assert finding.confirmed
    assert finding.observed.startswith(("200 ", "400 "))
    assert results.exit_status() == 1


def tighten(place, keyword):
    step = 1 if place.get("type") in ("integer", "string") else 0.01
    place[keyword] += step if keyword.startswith("min") else -step


@pytest.mark.parametrize("pointer", [pointer for pointer, o in OCCURRENCES.items() if o.keyword in BOUNDS])
def test_a_server_that_tightens_a_bound_is_shown_by_it_and_by_nothing_else(pointer):
    results = judge(Target(accepts=accepting(changed(pointer, tighten))))
    assert broken(results) == {CONTRACT.input_ids[pointer]}


@pytest.mark.parametrize(
    ("pointer", "kind", "id_"),
    [
        ("/oneOf/0/properties/temperature/type", "integer", "input/prompt/temperature/type"),
        ("/oneOf/1/properties/top_p/type", "integer", "input/messages/top_p/type"),
        ("/oneOf/1/properties/tools/type", "null", "input/messages/tools/type"),
    ],
)
def test_a_server_that_narrows_a_type_is_shown_by_it(pointer, kind, id_):
    schema = changed(pointer, lambda place, keyword: place.update({keyword: kind}))
    assert id_ in broken(judge(Target(accepts=accepting(schema))))
