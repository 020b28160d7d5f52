"""Comparisons: what counts as worse, what stands first, what limits them, and that they hang on nothing else."""

from __future__ import annotations

import pytest
from records import FOOTER, header, of_verdicts, record, requirement, row

from infercheck.findings import Finding, Verdict
from infercheck.reports.changes import FOOTINGS, MEANINGS, WORSE, Change, change, worse
from infercheck.reports.comparison import agreement, compare, regressions, tally, uncounted
from infercheck.requirements import Level
from infercheck.results import results_of

PASS, FAIL, WARN, NOTE, SKIP, UNSURE, ERROR, KNOWN = (
    Verdict.PASS, Verdict.FAIL, Verdict.WARN, Verdict.NOTE, Verdict.SKIP, Verdict.INCONCLUSIVE, Verdict.ERROR,
    Verdict.EXPECTED,
)  # fmt: skip
COLUMNS = (PASS, NOTE, KNOWN, FAIL, WARN, UNSURE, ERROR, SKIP, None)
B, U, F, S, f, s = (
    Change.NEWLY_BROKEN, Change.NEWLY_UNDECIDED, Change.FOUND_BROKEN, Change.STILL_BROKEN, Change.FOUND_UNDECIDED,
    Change.STILL_UNDECIDED,
)  # fmt: skip
M, E, D, L, J, T, N = (
    Change.MENDED, Change.EXPECTED, Change.DECIDED, Change.LEFT_OUT, Change.JUDGED, Change.OTHERWISE, Change.NONE,
)  # fmt: skip
TABLE = {
    # first    pass note known fail warn unsure error skip absent
    PASS:     (N,   T,   E,    B,   B,   U,     U,    L,   L),
    NOTE:     (T,   N,   E,    B,   B,   U,     U,    L,   L),
    KNOWN:    (M,   M,   N,    B,   B,   U,     U,    L,   L),
    FAIL:     (M,   M,   E,    S,   S,   U,     U,    L,   L),
    WARN:     (M,   M,   E,    S,   S,   U,     U,    L,   L),
    UNSURE:   (D,   D,   E,    F,   F,   s,     s,    L,   L),
    ERROR:    (D,   D,   E,    F,   F,   s,     s,    L,   L),
    SKIP:     (J,   J,   E,    F,   F,   f,     f,    N,   N),
    None:     (J,   J,   E,    F,   F,   f,     f,    N,   N),
}  # fmt: skip
"""What becomes of a requirement, by its verdict in the first run (rows) and in a later one (columns)."""


def runs(*verdicts, **more):
    return compare([results_of(of_verdicts(one, **more)) for one in verdicts])


def ids(comparison):
    return [row.requirement.id for row in comparison.rows]


@pytest.mark.parametrize("first", TABLE)
def test_every_change_has_its_name(first):
    assert tuple(change(first, later) for later in COLUMNS) == TABLE[first]


@pytest.mark.parametrize("first", TABLE)
def test_worse_is_newly_broken_or_newly_undecided(first):
    assert [worse(first, later) for later in COLUMNS] == [one in (B, U) for one in TABLE[first]]
    assert {B, U} == WORSE


def test_every_verdict_stands_somewhere_and_every_change_is_explained():
    assert set(FOOTINGS) == set(Verdict)
    assert set(MEANINGS) == set(Change)


def test_the_worst_stands_first():
    levels = {"a/should": Level.SHOULD, "a/still-should": Level.SHOULD}
    found = runs(
        {"a/mended": "fail", "a/still": "fail", "a/still-should": "warn", "a/unsure": "pass", "a/should": "pass",
         "a/broken": "pass", "a/found": "inconclusive", "a/decided": "error", "stream/broken": "note"},
        {"a/mended": "pass", "a/still": "fail", "a/still-should": "warn", "a/unsure": "error", "a/should": "warn",
         "a/broken": "fail", "a/found": "fail", "a/decided": "pass", "stream/broken": "fail"},
        levels=levels,
    )  # fmt: skip
    assert [(row.requirement.id, row.change) for row in found.rows] == [
        ("stream/broken", B),  # before single keywords, as everywhere
        ("a/broken", B),
        ("a/should", B),
        ("a/unsure", U),
        ("a/found", F),
        ("a/still", S),
        ("a/still-should", S),
        ("a/mended", M),
        ("a/decided", D),
    ]
    assert tally(found) == (
        "3 newly broken, 1 newly undecided, 1 found broken, 2 still broken, 1 mended, 1 decided now"
    )


def test_only_what_differs_or_is_not_kept_is_a_row_and_the_rest_is_counted():
    same = {"a/1": "pass", "a/2": "pass", "a/3": "skip", "a/4": "note", "a/5": "expected", "a/6": "fail"}
    found = runs(same | {"a/7": "pass"}, same | {"a/7": "note"})
    assert ids(found) == ["a/6", "a/7"]
    assert found.agreed == {PASS: 2, NOTE: 1, SKIP: 1, KNOWN: 1}
    assert agreement(found) == "The runs agree on 5 other requirements: 2 pass, 1 note, 1 skip, 1 expected."
    for bad in ("warn", "inconclusive", "error"):
        assert ids(runs({"a/1": bad}, {"a/1": bad})) == ["a/1"]


def test_of_three_runs_each_is_held_to_the_first():
    found = runs(
        {"a/back": "pass", "a/late": "pass", "a/mended": "fail", "a/some": "fail"},
        {"a/back": "fail", "a/late": "pass", "a/mended": "pass", "a/some": "pass"},
        {"a/back": "pass", "a/late": "error", "a/mended": "pass", "a/some": "fail"},
    )
    told = {row.requirement.id: (row.change, row.worse_in, row.shown.run.number) for row in found.rows}
    assert told == {
        "a/back": (B, (2,), 2),
        "a/late": (U, (3,), 3),
        "a/mended": (M, (), 1),
        "a/some": (S, (), 3),
    }


def test_a_change_is_shown_by_the_worse_run():
    found = runs(
        {"a/broken": "pass", "a/mended": "fail", "a/unsure": "fail", "a/known": "fail", "a/still": "fail",
         "a/judged": "skip", "a/left": "pass", "a/noted": "fail", "a/left-bad": "fail"},
        {"a/broken": "fail", "a/mended": "pass", "a/unsure": "error", "a/known": "expected", "a/still": "fail",
         "a/judged": "pass", "a/left": "skip", "a/noted": "note", "a/left-bad": "skip"},
    )  # fmt: skip
    shown = {row.requirement.id: row.shown for row in found.rows}
    told = {
        id_: one and (one.run.number, one.group.finding.verdict if one.group else one.reason)
        for id_, one in shown.items()
    }
    assert told == {
        "a/broken": (2, FAIL),
        "a/mended": (1, FAIL),
        "a/unsure": (2, ERROR),
        "a/known": (2, KNOWN),
        "a/still": None,
        "a/judged": None,
        "a/left": (2, "no answer showed it"),
        "a/noted": (1, FAIL),
        "a/left-bad": (1, FAIL),
    }


@pytest.mark.parametrize(
    ("level", "first", "later", "should", "lines"),
    [
        (Level.MUST, "pass", "fail", False, ["newly broken in run 2: MUST a/1"]),
        (Level.MUST, "note", "fail", False, ["newly broken in run 2: MUST a/1"]),
        (Level.MUST, "expected", "fail", False, ["newly broken in run 2: MUST a/1"]),
        (Level.MUST, "pass", "expected", False, []),
        (Level.MUST, "skip", "fail", False, []),
        (Level.MUST, "fail", "fail", False, []),
        (Level.MUST, "pass", "inconclusive", False, ["newly undecided in run 2: MUST a/1"]),
        (Level.MUST, "fail", "error", False, ["newly undecided in run 2: MUST a/1"]),
        (Level.MUST, "error", "inconclusive", False, []),
        (Level.MUST, "fail", "pass", False, []),
        (Level.SHOULD, "pass", "warn", False, []),
        (Level.SHOULD, "pass", "warn", True, ["newly broken in run 2: SHOULD a/1"]),
        (Level.SHOULD, "pass", "inconclusive", False, []),
        (Level.SHOULD, "pass", "inconclusive", True, ["newly undecided in run 2: SHOULD a/1"]),
        (Level.INFO, "note", "inconclusive", True, []),
    ],
)
def test_what_a_gate_fails_on(level, first, later, should, lines):
    found = runs({"a/1": first}, {"a/1": later}, levels={"a/1": level})
    assert regressions(found, fail_on_should=should) == lines


CUT = {"footer": {**FOOTER, "complete": False, "reason": "interrupted"}}


def test_a_run_that_was_cut_off_is_worse_than_a_complete_one():
    whole, cut = results_of(of_verdicts({"a/1": "pass"})), results_of(of_verdicts({"a/1": "pass"}, **CUT))
    worse_one = compare([whole, whole, cut])
    assert regressions(worse_one) == ["run 3 is incomplete, the first was not: interrupted"]
    assert tally(worse_one) == "1 run cut off"
    assert worse_one.differences[0].what == "incomplete"
    assert worse_one.differences[0].values == ("complete", "complete", "interrupted")
    for others in ([cut, whole], [cut, cut]):
        assert regressions(compare(others)) == []
        assert compare(others).differences[0].what == "incomplete"


def test_a_requirement_that_only_some_runs_have_is_named_unless_it_is_not_kept():
    found = runs(
        {"a/1": "pass", "a/gone": "pass", "a/gone-too": "skip", "a/bad": "fail"},
        {"a/1": "pass", "a/new": "note", "a/new-bad": "fail"},
        {"a/1": "pass", "a/new": "note"},
    )
    assert [(one.runs, one.requirements) for one in found.missing] == [
        ((1,), ("a/gone", "a/gone-too")),
        ((2, 3), ("a/new",)),
    ]
    assert [(row.requirement.id, row.change, row.verdicts) for row in found.rows] == [
        ("a/new-bad", F, (None, FAIL, None)),
        ("a/bad", L, (FAIL, None, None)),
    ]
    assert found.agreed == {PASS: 1}


@pytest.mark.parametrize(
    ("what", "more", "value"),
    [
        ("contract", {"contract": {**header()["contract"], "sha256": "cd"}}, "some-model, SHA-256 cd"),
        ("profile", {"profile": "quick"}, "quick"),
        ("seed", {"seed": 2}, "2"),
        ("declared", {"options": {**header()["options"], "declare": ["no-lora", "no-tools"]}}, "no-lora, no-tools"),
        ("selection", {"options": {**header()["options"], "only": ["a"], "exclude": ["b"]}}, "a, not b"),
        ("adapters", {"options": {**header()["options"], "adapters": ["poet"]}}, "poet"),
        ("dialect", {"target": {**header()["target"], "dialect": "worker"}}, "worker"),
        ("infercheck", {"infercheck": "9.9"}, "9.9"),
    ],
)  # fmt: skip
def test_what_limits_the_comparison_is_said(what, more, value):
    usual = results_of(of_verdicts({"a/1": "pass"}))
    (one,) = compare([usual, results_of(of_verdicts({"a/1": "pass"}, header=header(**more)))]).differences
    assert (one.what, one.values[1]) == (what, value)
    assert one.values[0] != value
    assert one.limits
    assert compare([usual, usual]).differences == ()


def test_runs_are_named_by_address_then_by_time_then_by_number():
    def run(address, started="2026-01-02T03:04:05+00:00"):
        head = header(started=started)
        head["target"] = {**head["target"], "address": address}
        return results_of(of_verdicts({"a/1": "pass"}, header=head))

    def names(*results):
        return [one.name for one in compare(results).runs]

    assert names(run("http://a"), run("http://b")) == ["http://a", "http://b"]
    later = "2026-01-03T00:00:00+00:00"
    assert names(run("http://a"), run("http://b"), run("http://a", later)) == [
        "http://a (2026-01-02 03:04:05 UTC)",
        "http://b",
        "http://a (2026-01-03 00:00:00 UTC)",
    ]
    assert names(run("http://a"), run("http://a", later), run("http://a")) == [
        "http://a (2026-01-02 03:04:05 UTC), run 1",
        "http://a (2026-01-03 00:00:00 UTC)",
        "http://a (2026-01-02 03:04:05 UTC), run 3",
    ]


def test_runs_of_one_target_are_told_by_where_they_were_read_from():
    one = results_of(of_verdicts({"a/1": "pass"}))
    names = [run.name for run in compare([one, one], ["main/out", "out"]).runs]
    assert [name.partition(" (")[2].partition(",")[0] for name in names] == ["main/out", "out"]


def test_what_one_of_two_runs_says_nothing_of_is_told_and_not_counted():
    first = {"a/found": SKIP, "a/open": SKIP, "a/left": PASS, "a/new": PASS}
    it = runs(first, {"a/found": FAIL, "a/open": UNSURE, "a/left": SKIP, "a/new": FAIL})
    assert regressions(it) == ["newly broken in run 2: MUST a/new"]
    assert uncounted(it) == [
        "1 requirement broken in a later run, not decided in the first: a/found",
        "1 requirement undecided in a later run, not judged in the first: a/open",
        "1 requirement judged in the first run, not in a later one: a/left",
    ]
    assert uncounted(runs({"a/1": PASS}, {"a/1": FAIL})) == []


def test_each_run_is_said_to_be_worse_in_its_own_way():
    it = runs({"a/1": PASS}, {"a/1": UNSURE}, {"a/1": FAIL}, {"a/1": PASS}, {"a/1": WARN})
    assert regressions(it) == ["newly undecided in run 2: MUST a/1", "newly broken in run 3, 5: MUST a/1"]


def test_why_something_is_still_open_is_told():
    open_ = [Finding(requirement="a/1", verdict=UNSURE, reason="no power")]
    one = results_of(record(rows=[row(requirement("a/1"))], findings=open_))
    (shown,) = [each.shown for each in compare([one, one]).rows]
    assert (shown.run.number, shown.group, shown.reason) == (2, None, "no power")


def test_where_a_contract_was_changed_the_later_level_holds():
    first = results_of(of_verdicts({"a/1": "pass"}, levels={"a/1": Level.SHOULD}))
    later = results_of(of_verdicts({"a/1": "fail"}))
    assert regressions(compare([first, later])) == ["newly broken in run 2: MUST a/1"]


def test_nothing_to_say_is_said():
    same = runs({"a/1": "pass"}, {"a/1": "pass"})
    assert tally(same) == "nothing changed, and nothing is broken"
    assert agreement(same) == "The runs agree on 1 other requirement: 1 pass."
    assert agreement(runs({"a/1": "fail"}, {"a/1": "fail"})) == "The runs agree on 0 other requirements."
