"""The property that everything rests on: valid cases validate, invalid ones break exactly what they name."""

from __future__ import annotations

import json
from collections import defaultdict

import jsonschema
import jsonschema_rs
import pytest
from fakes import CONTRACT

from infercheck import jsontext
from infercheck.cases import RELATION, Case, Expectation, Side
from infercheck.checks.relations import ROWS
from infercheck.errors import UsageError
from infercheck.plan import PROFILES, Options, make_plan
from infercheck.requirements import occurrences_of
from infercheck.selection import matches

PLAN = make_plan(CONTRACT, Options(adapters=("poet",)))
CASES = [case for case in PLAN.cases if case.group != "wire"]
"""The cases that are the schema's business."""
BODIES = {case.id: jsontext.parse(case.request.body).value for case in CASES}
PLACES = {o.pointer: o.place for o in occurrences_of(CONTRACT.input, CONTRACT.branches)}
BY_ID = {CONTRACT.input_ids[pointer]: pointer for pointer in PLACES}


def aims(case):
    return [*case.aims, *(aim for part in case.parts for aim in part.aims)]


def test_valid_cases_validate_and_invalid_ones_do_not_by_both_validators():
    reference = jsonschema.Draft202012Validator(CONTRACT.input)
    fast = jsonschema_rs.Draft202012Validator(CONTRACT.input)
    for case in CASES:
        valid = case.expectation is not Expectation.INVALID
        assert reference.is_valid(BODIES[case.id]) == fast.is_valid(BODIES[case.id]) == valid, case.id


def reference_breaks(body, pointer):
    """What the reference validator finds broken, descending only the branches that lead to the pointer."""
    schema, path = CONTRACT.input, pointer.split("/")[1:]
    found = set()

    def visit(schema, instances, at, rest):
        bare = {key: value for key, value in schema.items() if key not in ("properties", "items", "oneOf")}
        bare.pop("additionalProperties", None)
        for instance in instances:
            found.update(
                f"{at}/{e.schema_path[0]}" for e in jsonschema.Draft202012Validator(bare).iter_errors(instance)
            )
            forms = schema.get("oneOf")
            if forms and not (rest[:1] == ["oneOf"] and len(rest) > 1):
                if sum(jsonschema.Draft202012Validator(form).is_valid(instance) for form in forms) != 1:
                    found.add(f"{at}/oneOf")
            elif forms:
                visit(forms[int(rest[1])], [instance], f"{at}/oneOf/{rest[1]}", rest[2:])
            children = schema.get("properties", {})
            if isinstance(instance, dict):
                for name, value in instance.items():
                    if name in children:
                        step = ["properties", name]
                        visit(
                            children[name], [value], f"{at}/properties/{name}", rest[2:] if rest[:2] == step else []
                        )
                    elif isinstance(schema.get("additionalProperties"), dict):
                        on_way = rest[:1] == ["additionalProperties"]
                        visit(
                            schema["additionalProperties"],
                            [value],
                            f"{at}/additionalProperties",
                            rest[1:] if on_way else [],
                        )
            if isinstance(instance, list) and "items" in schema:
                visit(schema["items"], instance, f"{at}/items", rest[1:] if rest[:1] == ["items"] else [])

    visit(schema, [body], "", path)
    return found


def test_every_invalid_case_breaks_exactly_the_keyword_it_names_in_its_branch():
    checked = 0
    for case in CASES:
        if case.expectation is not Expectation.INVALID:
            continue
        for aim in case.aims:
            pointer = BY_ID[aim.requirement]
            broken = reference_breaks(BODIES[case.id], pointer)
            if pointer.endswith("/type"):
                broken.discard(pointer.removesuffix("/type") + "/oneOf")
            assert broken == {pointer}, case.id
            checked += 1
    assert checked > 200


# Sides that only an open question could stand on: a refusal of them would be nobody's fault.
OPEN_SIDES = {"input/prompt/image/string/type", "input/messages/image/string/type"}


def test_every_keyword_has_a_case_on_each_side_that_can_exist():
    sides = defaultdict(set)
    for case in CASES:
        if case.expectation is not Expectation.OPEN:
            for aim in aims(case):
                sides[aim.requirement].add(aim.side)
    impossible = {id_ for id_, side in CONTRACT.impossible if side == Side.TWO_MATCHES}
    assert len(impossible) == 2
    for pointer, place in PLACES.items():
        id_, keyword = CONTRACT.input_ids[pointer], pointer.rsplit("/", 1)[1]
        match keyword:
            case "type":
                wanted = {Side.WRONG_TYPE} | (set() if id_ in OPEN_SIDES else {Side.VALID})
            case "required":
                wanted = {Side.MISSING, Side.VALID}
            case "oneOf":
                wanted = {Side.NO_MATCH, Side.VALID} | (set() if id_ in impossible else {Side.TWO_MATCHES})
            case _:
                wanted = {Side.AT_LIMIT, Side.INSIDE, Side.OUTSIDE}
        if place.steps == () and keyword == "oneOf":
            wanted.add(Side.TWO_MATCHES)
        assert wanted <= sides[id_], id_


def test_every_required_name_is_missing_once():
    missing = defaultdict(int)
    for case in CASES:
        for aim in case.aims:
            if aim.side is Side.MISSING:
                missing[aim.requirement] += 1
    for pointer, place in PLACES.items():
        if pointer.endswith("/required") and place.schema.get("required") is not None:
            names = len(place.schema["required"])
            # And all of them at once, where there are several.
            assert missing[CONTRACT.input_ids[pointer]] == names + (names > 1)


def test_every_type_meets_null_and_a_tempting_coercion():
    tried = defaultdict(set)
    for case in CASES:
        for aim in case.aims:
            if aim.side is Side.WRONG_TYPE:
                tried[aim.requirement].add(case.id.rsplit("/", 1)[1])
    for pointer, place in PLACES.items():
        if pointer.endswith("/type") and place.schema.get("type"):
            labels = tried[CONTRACT.input_ids[pointer]]
            assert len(labels) >= 2, pointer
            assert any("null" in label for label in labels), pointer


@pytest.mark.parametrize(("branch", "read"), [
    ("prompt", lambda body: body["prompt"]),
    ("messages", lambda body: body["messages"][0]["content"]),
])  # fmt: skip
@pytest.mark.parametrize("character", ["a", "é", "灯", "🗼"])
def test_long_texts_have_exactly_the_limit_in_code_points_and_one_more(branch, read, character):
    lengths = defaultdict(set)
    for case in CASES:
        if case.size and case.branch == branch and set(read(BODIES[case.id])) == {character}:
            lengths[case.expectation].add(len(read(BODIES[case.id])))
    assert 131072 in lengths[Expectation.VALID]
    assert lengths[Expectation.INVALID] == {131073}


def test_seeds_stand_at_every_boundary_of_implementations():
    for branch in ("prompt", "messages"):
        seeds = {BODIES[c.id].get("seed") for c in CASES if c.branch == branch and c.expectation == "valid"}
        assert {1, 2, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 9999999998, 9999999999} <= seeds


def test_every_pair_of_parameters_meets_in_every_pair_of_limits():
    for branch in ("prompt", "messages"):
        rows = [case for case in CASES if case.group == "pairwise" and case.branch == branch]
        levels = defaultdict(set)
        for case in rows:
            for part in case.parts:
                levels[part.key].add(part.label)
        met = {
            frozenset((one.label, other.label))
            for case in rows
            for one in case.parts
            for other in case.parts
            if one.key < other.key
        }
        for one in levels:
            for other in levels:
                if one < other:
                    for a in levels[one]:
                        for b in levels[other]:
                            assert frozenset((a, b)) in met, (a, b)
        assert {"top_k=1", "top_k=50"} <= levels["top_k"]
        assert {"temperature=0", "temperature=5"} <= levels["temperature"]
        assert {"stream=true", "stream=false"} <= levels["stream"]


def test_ids_and_requests_are_unique_and_the_plan_is_the_same_again():
    ids = [case.id for case in PLAN.cases]
    assert len(set(ids)) == len(ids)
    assert len({case.request.digest for case in PLAN.cases}) == len(ids)
    assert make_plan(CONTRACT, Options(adapters=("poet",))) == PLAN
    other = make_plan(CONTRACT, Options(adapters=("poet",), seed=2))
    assert {case.id for case in other.cases if case.group != "pairwise"} == {
        case.id for case in PLAN.cases if case.group != "pairwise"
    }
    assert [case.id for case in other.cases] != ids


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_stays_within_its_price_and_keeps_its_reserve(name):
    profile, plan = PROFILES[name], make_plan(CONTRACT, Options(profile=name))
    assert plan.requests == len(plan.cases) + len(plan.repeats)
    assert plan.requests <= profile.requests - profile.reserve
    assert plan.price <= profile.tokens
    assert plan.left_out == 0 or name == "quick"


def test_prices_are_those_of_the_output_limit():
    prices = {case.id: case.price for case in PLAN.cases}
    assert prices["boundary/valid/prompt/smallest"] == 8
    assert prices["examples/curl"] == 256
    assert prices["open/max_tokens/huge"] == 4096
    assert make_plan(CONTRACT, Options(context_window=9)).cases[0].price == 8


def test_endless_output_is_asked_for_as_a_stream_that_is_cut():
    for case in CASES:
        limit = BODIES[case.id].get("max_tokens", 256) if isinstance(BODIES[case.id], dict) else 0
        if isinstance(limit, int) and not isinstance(limit, bool) and (limit > 520 or limit < 0):
            assert case.request.stream
            assert case.request.stop_after or limit == 1030


@pytest.mark.slow
def test_only_what_is_selected_is_sent_and_the_smallest_requests():
    plan = make_plan(CONTRACT, Options(only=("input/prompt/top_k",)))
    assert plan.selected == {f"input/prompt/top_k/{word}" for word in ("type", "minimum", "maximum")}
    assert all(case.id.endswith("/smallest") or set(case.requirements) & plan.selected for case in plan.cases)
    assert 6 <= len(plan.cases) < 60
    assert not plan.relations
    streams = make_plan(CONTRACT, Options(only=("stream/done",)))
    # One stream may break what all the others keep.
    assert [case.id for case in streams.cases if case.request.stream] == [
        case.id
        for case in make_plan(CONTRACT, Options()).cases
        if case.request.stream and case.expectation is Expectation.VALID and case.group != RELATION
    ]
    without = make_plan(CONTRACT, Options(exclude=("input/*",)))
    assert not any(id_.startswith("input/") for id_ in without.selected)


@pytest.mark.slow
def test_what_compares_answers_is_sent_with_what_it_needs_and_what_tells_that_they_can_be_compared():
    plan = make_plan(CONTRACT, Options(only=("effect/top_k",)))
    assert plan.selected == {"effect/top_k", "effect/top_k/one"}
    asked = {id_ for relation in plan.relations for id_ in relation.requirements}
    assert asked == plan.selected | {"effect/seed/reproducible"}
    # Looked at closely: both branches, streamed and not.
    assert {relation.form.name for relation in plan.relations if "effect/top_k" in relation.requirements} == {
        "prompt", "prompt+stream", "messages", "messages+stream",
    }  # fmt: skip
    needed = {case.request.digest for relation in plan.relations for case in relation.asks}
    assert {case.request.digest for case in plan.cases if not case.is_smallest} == needed
    assert plan.requests == len(plan.cases) + len(plan.repeats)
    assert len(plan.repeats) >= 4
    # Whoever asks whether answers are streamed as the page says asks for no more than that.
    assert not make_plan(CONTRACT, Options(only=("stream/done",))).relations


def test_what_relations_need_stands_before_them():
    sent = set()
    for step in PLAN.steps:
        if isinstance(step, Case):
            sent.add(step.request.digest)
        else:
            assert {case.request.digest for case in step.asks} <= sent, step.id


def test_what_a_profile_has_no_room_for_is_not_planned():
    plan = make_plan(CONTRACT, Options(profile="quick"))
    decided = {id_ for relation in plan.relations if relation.planned for id_ in relation.requirements}
    compared = {id_ for row in ROWS for id_ in row.requirements}
    assert decided
    assert plan.planned.keys() & compared == decided


def test_a_pattern_that_means_nothing_is_a_mistake():
    with pytest.raises(UsageError, match="input/promt"):
        make_plan(CONTRACT, Options(only=("input/promt",)))
    assert matches("input/prompt/top_k/type", "input/prompt")
    assert not matches("input/prompt/top_k/type", "input/prom")
    assert matches("input/prompt/top_k/type", "*/top_k/*")


def test_the_four_examples_are_the_pages_own_bytes():
    bodies = {case.id: case.request for case in CASES if case.group == "examples"}
    assert len(bodies) == 4
    assert bodies["examples/curl"].content_type == "application/x-www-form-urlencoded"
    assert bodies["examples/worker-streaming"].stream
    assert json.loads(bodies["examples/python"].body)["messages"][1]["content"] == "Tell me all about PEP-8"


@pytest.mark.parametrize("pattern", ["input/combinations", "robust", "stream", "http/malformed-json", "error"])
def test_whatever_is_asked_about_gets_requests_that_can_show_it(pattern):
    plan = make_plan(CONTRACT, Options(only=(pattern,)))
    assert len([case for case in plan.cases if not case.is_smallest]) >= 3


def test_one_invalid_request_goes_under_the_label_of_a_form():
    (case,) = (
        case for case in CASES if case.request.content_type != "application/json" and case.group == "boundary"
    )
    assert case.request.content_type == "application/x-www-form-urlencoded"
    assert case.expectation is Expectation.INVALID
    assert case.id.endswith("+form")


@pytest.mark.slow
def test_whoever_gives_more_requests_than_the_profile_has_gets_more():
    usual = make_plan(CONTRACT, Options(profile="quick"))
    more = make_plan(CONTRACT, Options(profile="quick", max_requests=150, max_tokens=60_000))
    assert usual.requests < usual.budget == 60
    assert 100 < more.requests < more.budget == 150
    assert not more.cut
    assert make_plan(CONTRACT, Options(profile="quick", max_requests=30)).cut


@pytest.mark.parametrize("profile", ["standard", "deep"])
def test_no_two_relations_have_the_same_id(profile):
    # What stands for a relation in the journal is judged once.
    ids = [relation.id for relation in make_plan(CONTRACT, Options(profile=profile, adapters=("a", "b"))).relations]
    assert len(ids) == len(set(ids))
