"""Drawn requests: what the validator says of them, how a child draws and shrinks them, what a run makes of them."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest
from between import BETWEEN
from fakes import CONTRACT
from harness import broken, ids
from mutants.conforming import Conforming
from mutants.judging import judge_server

from infercheck.campaign import told_apart
from infercheck.cases import Expectation
from infercheck.errors import InfercheckError
from infercheck.findings import Verdict
from infercheck.fuzz.cases import Cases, has
from infercheck.fuzz.drawing import Drawing
from infercheck.fuzz.examples import MOST, Examples
from infercheck.fuzz.reductions import bare
from infercheck.fuzz.sketch import Sketch
from infercheck.fuzz.source import TRIES, Task, drawn, smallest
from infercheck.fuzz.stateful import sequences
from infercheck.fuzz.turns import is_in_turn
from infercheck.generate.boundary import Boundary
from infercheck.generate.builder import Builder
from infercheck.generate.price import Pricing
from infercheck.runners.engine import Refusal
from infercheck.twins import Twinning

BUILDER = Builder(CONTRACT)
TASK = Task(contract=CONTRACT.location, adapters=("poet",))


def drawing(seed=1, adapters=("poet",), absent=()):
    return Drawing(Boundary(BUILDER, adapters), frozenset(absent), seed)


def bodies(batches, *, valid, **options):
    return [one for number in range(batches) for one in drawing(**options).batch(number, valid=valid)]


@pytest.mark.slow
def test_what_is_drawn_as_valid_validates_and_what_is_not_breaks_what_it_says():
    for one in bodies(12, valid=True):
        assert CONTRACT.oracle.is_valid(json.loads(one.body))
        assert not one.breaks
    found = bodies(25, valid=False)
    for one in found:
        assert not CONTRACT.oracle.is_valid(json.loads(one.body))
        assert one.breaks
        assert {id_ for id_, _ in one.breaks} <= CONTRACT.requirements.keys()
    assert len({id_ for one in found for id_, _ in one.breaks}) > 30


@pytest.mark.slow
def test_a_single_mistake_is_what_the_reference_validator_reports():
    named = {id_: pointer for pointer, id_ in CONTRACT.input_ids.items()}
    single = [one for one in bodies(12, valid=False) if len(one.breaks) == 1]
    for one in single:
        ((id_, _),) = one.breaks
        place = next(each for each in BUILDER.places.values() if named[id_].rpartition("/")[0] == each.pointer)
        assert named[id_] in CONTRACT.oracle.broken(json.loads(one.body), place.steps)
    assert len(single) > 20


@pytest.mark.slow
def test_the_same_seed_draws_the_same_and_another_one_others():
    first = [one.body for one in bodies(4, valid=True)]
    assert first == [one.body for one in bodies(4, valid=True)]
    assert len(set(first) & {one.body for one in bodies(4, valid=True, seed=2)}) < len(first) / 3


@pytest.mark.slow
def test_what_a_target_does_not_have_is_not_drawn():
    options = {"adapters": (), "absent": ("tools", "functions", "stream")}
    keys = Counter(key for one in bodies(12, valid=True, **options) for key in json.loads(one.body))
    assert not {"lora", "tools", "functions", "stream"} & keys.keys()
    assert {"prompt", "messages", "seed", "top_k"} <= keys.keys()


@pytest.mark.slow
def test_lengths_depths_and_numbers_of_all_sizes_are_drawn():
    found = [json.loads(one.body) for one in bodies(80, valid=True)]
    prompts = [len(body["prompt"]) for body in found if "prompt" in body]
    assert sum(400 < size <= 16_000 for size in prompts) > 25
    assert max(prompts) > 10_000
    assert max(len(body.get("messages", ())) for body in found) > 100
    assert len({body["top_k"] for body in found if "top_k" in body}) > 40
    assert max(json.dumps(body.get("tools", [])).count('"items"') for body in found) > 20
    assert len({character for body in found for character in body.get("prompt", "")}) > 5_000


def take(count):
    async def some():
        sketches = drawn(TASK)
        found = [sketch async for sketch in _first(sketches, count)]
        await sketches.aclose()
        return found

    return asyncio.run(some())


async def _first(sketches, count):
    for _ in range(count):
        yield await anext(sketches)


@pytest.mark.slow
def test_a_child_draws_both_kinds_and_nothing_twice():
    found = take(120)
    assert 40 < sum(sketch.is_valid for sketch in found) < 80
    assert len({sketch.body for sketch in found}) == len(found)
    assert [sketch.body for sketch in take(40)] == [sketch.body for sketch in found[:40]]


@pytest.mark.slow
def test_a_child_makes_a_request_smaller_for_as_long_as_it_fares_alike():
    sketch = next(one for one in take(300) if one.is_valid and b'"top_k"' in one.body and len(one.body) > 200)
    wanted = json.loads(sketch.body)["top_k"]
    asked = []

    async def alike(other):
        asked.append(other.body)
        return json.loads(other.body).get("top_k") == wanted

    best = asyncio.run(smallest(TASK, sketch, alike))
    assert json.loads(best.body)["top_k"] == wanted
    assert len(best.body) < len(sketch.body)
    assert len(set(asked)) == len(asked) <= TRIES
    assert all(CONTRACT.oracle.is_valid(json.loads(body)) for body in asked)

    async def never(other):
        return False

    assert asyncio.run(smallest(TASK, sketch, never)) is None


def test_nothing_but_the_child_needs_hypothesis():
    code = "import infercheck.cli, infercheck.campaign, sys; sys.exit('hypothesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_cases_of_drawn_requests_say_what_they_are_for():
    cases = Cases(BUILDER, Pricing(CONTRACT))
    valid = cases.of(Sketch(branch="prompt", body=b'{"prompt":"a","max_tokens":3,"top_k":37}', breaks=(), batch=7))
    assert valid.expectation is Expectation.VALID
    assert valid.id.startswith("fuzz/7/valid/prompt/")
    assert {part.key: part.aims[0].requirement for part in valid.parts} == {
        "prompt": "input/prompt/prompt/type",
        "max_tokens": "input/prompt/max_tokens/type",
        "top_k": "input/prompt/top_k/maximum",
    }
    assert valid.price == 3
    wrong = Sketch(
        branch="prompt",
        body=b'{"prompt":"a","max_tokens":3,"top_k":99}',
        breaks=(("input/prompt/top_k/maximum", "just outside"),),
    )
    invalid = cases.of(wrong)
    assert invalid.requirements == ("input/prompt/top_k/maximum",)
    assert invalid.title == 'drawn: top_k=99 (just outside), beside prompt="a", max_tokens=3'


@pytest.mark.parametrize(
    ("value", "small", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1.0}, {"a": 1}, False),
        ({"a": True}, {"a": 1}, False),
        ("some \u2028 text", "\u2028", True),
        ("b" * 70, "a" * 64, True),  # it may be for its length
        ("b" * 60, "a" * 64, False),
        ([{"x": 1}, {"y": 2}], [{"y": 2}], True),
        ([{"x": 1}], [{"x": 1}, {"x": 1}], False),
        (5, [5], False),
    ],
)
def test_what_has_all_of_a_smaller_value_is_told(value, small, expected):
    assert has(value, small) is expected


@pytest.mark.slow
@pytest.mark.parametrize("one", BETWEEN, ids=lambda one: one.name)
def test_a_defect_away_from_every_limit_is_shown_by_its_smallest_request(one):
    options = {"profile": "deep", "only": (one.requirement,), "concurrency": 1, "max_requests": one.requests}
    results = judge_server(one.server, **options)
    assert broken(results) == {one.requirement}
    (result,) = results.with_verdict(Verdict.FAIL, Verdict.WARN)
    group = result.groups[0]
    exchange = results.record.own(group.finding)
    assert len(exchange.request.body) < 4_000
    body = json.loads(exchange.request.body)
    # Sixty messages are drawn in turn alone, and stay so. Others may be out of turn, or wrong, from the beginning.
    if one.name in ("FallsOverLongConversations", "FallsWhereTheAssistantSpokeLast"):
        assert is_in_turn(body["messages"]) == (one.name == "FallsOverLongConversations")
    assert group.finding.confirmed
    # One defect is one finding, or a few; what is met again is counted.
    assert len(result.groups) <= 3


@pytest.mark.slow
def test_a_conforming_server_is_blamed_for_nothing_that_is_drawn():
    results = judge_server(Conforming, profile="deep", adapters=("poet",))
    assert broken(results) == set()
    assert not ids(results, Verdict.INCONCLUSIVE, Verdict.ERROR)
    record = results.record
    assert record.complete
    drawn_ = [case for case in record.judged if case.startswith("fuzz/")]
    assert len(drawn_) > 1_200
    assert len(record.exchanges) <= 3_000


class Strict(Conforming):
    """Refuses conversations that are out of turn, as templates of many models do."""

    def validate(self, body):
        super().validate(body)
        if not is_in_turn(body.get("messages")):
            raise Refusal(400, 5006, "Conversation roles must alternate user/assistant/user/assistant/...")


@pytest.mark.slow
def test_a_server_need_not_make_sense_of_a_conversation_out_of_turn():
    results = judge_server(Strict, profile="deep", max_requests=2_000)
    assert broken(results) == set()
    refused = [
        seen
        for seen in results.record.exchanges.values()
        if seen.case.startswith("fuzz/") and "/valid/" in seen.case and seen.answer.status == 400
    ]
    assert len(refused) > 20


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (["user"], True),
        (["system", "user"], True),
        (["user", "assistant", "user"], True),
        (["user", "assistant"], False),
        (["assistant"], False),
        (["system"], False),
        (["user", "user", "user"], False),
        (["user", "system", "user"], False),
        (["system", "system", "user"], False),
        (["user", "tool", "user"], False),
        ([], False),
    ],
)
def test_a_conversation_is_in_turn_where_user_and_assistant_alternate(roles, expected):
    messages = [{"role": role, "content": "a"} for role in roles]
    assert is_in_turn(messages) is expected
    body = json.dumps({"messages": messages, "max_tokens": 3}).encode()
    case = Cases(BUILDER, Pricing(CONTRACT)).of(Sketch(branch="messages", body=body))
    assert (case.expectation is Expectation.VALID) is expected


@pytest.mark.parametrize("messages", [None, "a", [], [1], [{"role": "user"}, None]])
def test_what_is_no_conversation_has_no_turns(messages):
    assert is_in_turn(messages) is (messages != [])


def test_a_budget_that_leaves_no_room_draws_nothing():
    results = judge_server(Conforming, profile="deep", only=("input/prompt/top_k/maximum",), max_requests=30)
    assert not [case for case in results.record.judged if case.startswith("fuzz/")]


def sketch_with(**members):
    body = {"max_tokens": 8, **members}
    return Sketch(branch="messages" if "messages" in body else "prompt", body=json.dumps(body).encode())


def twins_of(kind, **members):
    made = Twinning(CONTRACT, Cases(BUILDER, Pricing(CONTRACT))).of(sketch_with(**members), kind)
    return made and tuple(json.loads(one.request.body) for one in (made.one, made.other))


@pytest.mark.parametrize(
    ("kind", "members", "one", "other"),
    [
        ("streamed", {"top_k": 3}, {"top_k": 3}, {"top_k": 3, "stream": True}),
        ("streamed", {"stream": True}, {}, {"stream": True}),
        ("without temperature", {"top_p": 1}, {"top_p": 1}, {"top_p": 1, "temperature": 0.6}),
        ("without raw", {"stream": True}, {"stream": True}, {"stream": True, "raw": False}),
        ("without stream", {}, {}, {"stream": False}),
        ("shorter", {"raw": True}, {"raw": True, "max_tokens": 11}, {"raw": True, "max_tokens": 32}),
        ("respelled", {"top_k": 3}, {"top_k": 3}, {"top_k": 3}),
    ],
)
def test_twins_are_two_ways_to_ask_the_same(kind, members, one, other):
    usual = {"prompt": "say", "seed": 42, "max_tokens": 32}
    assert twins_of(kind, prompt="say", **members) == ({**usual, **one}, {**usual, **other})


def test_a_text_is_a_message_where_both_branches_know_what_stands_beside_it():
    one, other = twins_of("as messages", prompt="say what", top_k=3)
    assert one == {"seed": 42, "top_k": 3, "max_tokens": 32, "messages": [{"role": "user", "content": "say what"}]}
    assert other == {"seed": 42, "top_k": 3, "max_tokens": 32, "prompt": "say what"}
    assert twins_of("as messages", prompt="say what", lora="poet") is None  # no parameter of a conversation
    assert twins_of("as messages", prompt=" [INST] ") is None
    assert twins_of("as messages", messages=[{"role": "user", "content": "a"}]) is None


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("without temperature", {"temperature": 1}),
        ("without raw", {"messages": [{"role": "user", "content": "a"}]}),
        ("shorter", {"tools": []}),
    ],
)
def test_what_says_so_itself_has_no_twin_that_does(kind, members):
    assert twins_of(kind, **({} if "messages" in members else {"prompt": "say"}), **members) is None


def test_examples_are_kept_for_later_runs_the_latest_first(tmp_path):
    examples = Examples(CONTRACT, tmp_path)
    assert list(examples) == []
    kept = [sketch_with(prompt="a" * n) for n in range(1, MOST + 4)]
    kept.append(
        Sketch(branch="prompt", body=b'{"prompt":1}', breaks=(("input/prompt/prompt/type", "just outside"),))
    )
    for one in (*kept, kept[50]):
        examples.add(one)
    found = list(Examples(CONTRACT, tmp_path))
    assert found[0] == kept[50]
    assert found[1] == kept[-1]
    assert len(found) == MOST
    assert list(Examples(CONTRACT, None)) == []


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]\n", "not json", '{"branch":"prompt","body":"{","breaks":[],"batch":0,"twins":""}']
)
def test_a_file_of_something_else_holds_no_examples(tmp_path, text):
    Examples(CONTRACT, tmp_path).add(sketch_with(prompt="a"))
    (file,) = tmp_path.glob("*.ndjson")
    file.write_text(text)
    assert list(Examples(CONTRACT, tmp_path)) == []
    file.write_text('{"branch":"prompt","body":"{\\"top_k\\":99}","breaks":[],"batch":0,"twins":""}')
    assert list(Examples(CONTRACT, tmp_path)) == []  # the validator does not agree


@pytest.mark.slow
def test_what_showed_a_defect_is_tried_first_in_the_next_run(tmp_path):
    one = next(one for one in BETWEEN if one.name == "AcceptsSomeHeat")

    def run(**options):
        return judge_server(one.server, profile="deep", only=(one.requirement,), examples=tmp_path, **options)

    assert broken(run(max_requests=one.requests)) == {one.requirement}
    again = run(max_requests=200)
    assert broken(again) == {one.requirement}
    (result,) = again.with_verdict(Verdict.FAIL)
    assert result.groups[0].finding.case.startswith("remembered/invalid/prompt/")


@pytest.mark.slow
def test_twins_that_showed_a_defect_are_tried_first_too(tmp_path):
    one = next(one for one in BETWEEN if one.name == "WarmsUpBesideTopP")

    def run(**options):
        return judge_server(one.server, profile="deep", only=(one.requirement,), examples=tmp_path, **options)

    assert broken(run(max_requests=500)) == {one.requirement}
    assert broken(run(max_requests=320)) == {one.requirement}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "request 7f3a9c2e-1b2d-4e5f-8a9b-0c1d2e3f4a5b failed",
            "request 12345678-9abc-4def-8012-3456789abcde failed",
        ),
        ("at 0x7f001234: no", "at 0xdeadbeef00: no"),
        ("id 5f2b1c9d8e7a6f5b", "id 12ab34cd56ef7890"),
        ("top_k 37 is no good", "top_k 4 is no good"),
        ("cannot read 'some \n text'", "cannot read '你 好'"),
        ('no "a b" here', 'no "" here'),
    ],
)
def test_messages_are_known_again_whatever_they_quote(one, other):
    assert told_apart(one) == told_apart(other)


@pytest.mark.slow
def test_a_request_that_changes_a_later_answer_is_told_with_what_it_takes():
    one = next(one for one in BETWEEN if one.name == "RemembersRefusals")
    results = judge_server(
        one.server, profile="deep", only=("effect/seed/reproducible", "isolation/lora"), max_requests=one.requests
    )
    (result,) = results.with_verdict(Verdict.WARN)
    (group,) = result.groups
    assert group.finding.confirmed
    assert group.finding.observed.endswith("(to be refused)")
    assert group.finding.observed.count(";") <= 1


def test_sequences_are_made_shorter():
    found, steps = [], []

    def take(kind, indexes):
        steps.append((kind, *indexes))
        left = [index for index, step in enumerate(steps) if step[0] == "leave"]
        is_wrong = bool(left) and ("ask", 2) in steps[left[0] :]
        if is_wrong:
            found.append(list(steps))
        return not is_wrong

    sequences({"ask": 4, "leave": 2, "wrong": 3}, 1, steps.clear, take)
    assert len(min(found, key=len)) == 2
    assert min(found, key=len)[1] == ("ask", 2)
    kinds = {step[0] for one in found for step in one}
    assert {"ask", "leave"} <= kinds <= {"ask", "leave", "wrong", "together"}


def test_names_tell_messages_apart():
    assert told_apart('"top_k" must be an integer') != told_apart('"seed" must be an integer')
    assert told_apart("'messages[0].role' is missing") != told_apart("'messages[0].content' is missing")


def test_what_makes_no_difference_is_left_out_from_the_outside_in():
    said = [{"role": "user", "content": "x" * 40 + "\u2028" + "y" * 30}, *[{"role": "user", "content": "no"}] * 9]
    sketch = sketch_with(messages=said, top_k=3, seed=4)
    asked = []

    async def alike(other):
        asked.append(other.body)
        return "\u2028" in other.body.decode()

    best = asyncio.run(bare(sketch, CONTRACT.oracle.is_valid, alike))
    body = json.loads(best.body)
    assert body.keys() == {"messages"}
    assert len(body["messages"]) == 1
    assert len(body["messages"][0]["content"]) <= 2
    assert len(asked) <= 60
    assert all(CONTRACT.oracle.is_valid(json.loads(one)) for one in asked)


def test_what_is_wrong_with_a_request_is_not_left_out():
    breaks = (("input/prompt/top_k/maximum", "just outside"),)
    wrong = replace(sketch_with(prompt="some text", top_k=99, seed=4), breaks=breaks)

    async def always(other):
        return True

    best = asyncio.run(bare(wrong, CONTRACT.oracle.is_valid, always))
    assert json.loads(best.body)["top_k"] == 99
    assert "seed" not in json.loads(best.body)


class Small(Conforming):
    """Has a window for 6,000 bytes of a request."""

    def validate(self, body):
        super().validate(body)
        if len(json.dumps(body)) > 6_000:
            raise Refusal(413, 5021, "AiError: tokens exceeded this model context window limit")


@pytest.mark.slow
def test_a_drawn_text_that_a_small_window_does_not_take_leaves_nothing_open():
    results = judge_server(Small, profile="deep", max_requests=1_800)
    assert broken(results) == set()
    found = {
        finding.case.partition("/")[0] for one in results.with_verdict(Verdict.NOTE) for finding in one.findings
    }
    assert not found & {"fuzz", "twins"}


@pytest.mark.slow
def test_what_a_child_fails_of_is_said():
    async def one():
        async with contextlib.aclosing(drawn(Task(contract="no-such-contract"))) as sketches:
            return await anext(sketches)

    with pytest.raises(InfercheckError, match=r"has failed: .*no-such-contract"):
        asyncio.run(one())
