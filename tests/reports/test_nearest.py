"""Differences of requests: what a failing one has that others do not."""

import json
from dataclasses import replace

import pytest
from records import exchange, record

from infercheck.cases import Request
from infercheck.findings import Finding, Verdict
from infercheck.record import Judged
from infercheck.reports.nearest import Change, between, nearest
from infercheck.reports.survey import Passed, survey_of


def asked(number, body, **sent):
    one = exchange(number)
    return replace(one, request=Request(body=json.dumps(body).encode(), **sent))


def passed(number, body, branch="prompt", **sent):
    return Passed(exchange=asked(number, body, **sent), branch=branch, body=body)


SMALL = {"prompt": "hi", "max_tokens": 8}


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        ({**SMALL, "top_k": 51}, [("top_k", "", "51")]),
        ({"prompt": "hi"}, [("max_tokens", "8", "")]),
        ({**SMALL, "max_tokens": 8.0}, [("max_tokens", "8", "8.0")]),
        ({**SMALL, "max_tokens": True}, [("max_tokens", "8", "true")]),
        ({**SMALL, "prompt": "ho"}, [("prompt", '"hi"', '"ho"')]),
    ],
)
def test_a_request_is_told_as_its_difference(body, changes):
    found = nearest(asked(2, body), "prompt", [passed(1, SMALL)])
    assert [(change.place, change.there, change.here) for change in found.changes] == changes
    assert found.number == 1


def test_differences_are_told_where_they_lie():
    here = {"messages": [{"role": "user", "content": "a"}, {"role": "x", "content": "b"}]}
    there = {"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}
    found = nearest(asked(2, here), None, [passed(1, there, None)])
    assert found.changes == (Change(place="messages[1].role", there='"user"', here='"x"'),)


def test_the_nearest_is_the_one_with_the_fewest_differences_and_of_the_same_branch():
    far = passed(1, {"prompt": "other", "seed": 1})
    other = passed(3, {**SMALL, "seed": 2}, "messages")
    near = passed(4, {**SMALL, "seed": 1, "top_k": 50})
    found = nearest(asked(2, {**SMALL, "seed": 1, "top_k": 51}), "prompt", [far, other, near])
    assert (found.number, [change.place for change in found.changes]) == (4, ["top_k"])
    assert found.same == ("prompt", "max_tokens", "seed")


def test_how_it_was_sent_counts_too():
    found = nearest(asked(2, SMALL, content_type="text/plain"), "prompt", [passed(1, SMALL)])
    assert [(one.place, one.there, one.here) for one in found.changes] == [
        ("Content-Type", "application/json", "text/plain")
    ]


def test_what_is_no_object_or_like_nothing_has_no_neighbour():
    many = {f"x{n}": n for n in range(30)}
    assert nearest(asked(2, [1]), None, [passed(1, SMALL)]) is None
    assert nearest(asked(2, many), None, [passed(1, SMALL)]) is None
    assert nearest(asked(2, SMALL), None, [passed(1, SMALL)]) is None
    assert between(asked(1, SMALL), asked(2, [1])) is None
    assert between(asked(1, SMALL), asked(2, {**SMALL, "seed": 1})).changes[0].place == "seed"


def test_only_what_was_accepted_without_a_fault_passed():
    def answered(number, status):
        one = asked(number, {"prompt": str(number)})
        return replace(one, answer=replace(one.answer, status=status))

    bad = Finding(requirement="area/fail", verdict=Verdict.FAIL, exchanges=(3,))
    run = replace(
        record(exchanges={1: answered(1, 200), 2: answered(2, 400), 3: answered(3, 200), 4: answered(4, 200)}),
        judged={
            f"case/{number}": Judged(findings=(bad,) if number == 3 else (), kept=(("output/json", None),))
            for number in (1, 2, 3)
        },
        case=lambda id_: {"case": id_, "expectation": "valid"},
    )
    assert [one.exchange.number for one in survey_of(run).passed] == [1]
