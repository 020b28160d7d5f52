from dataclasses import replace

import pytest
from records import compared, exchange, many, record

from infercheck.findings import Finding, Verdict
from infercheck.reports.words import commands, fitted, kept, line, message, worst
from infercheck.requirements import Level
from infercheck.results import results_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("abcde", "abcde"),
        ("abcdef", "abcd…"),
        ("a\nb", "a\\nb"),
        ("a\x00", "a\\x00"),
        ("ab\x00", "ab\\x…"),
        ("\ud800", "\\ud8…"),
        (12, "12"),
    ],
)
def test_a_line_is_short_and_prints(text, shown):
    assert line(text, 5) == shown


def test_a_message_has_both_sides_or_the_reason():
    finding = Finding(requirement="a", verdict=Verdict.FAIL, expected="e", observed="o", reason="r")
    assert message(finding, 99) == "expected e, observed o"
    assert message(Finding(requirement="a", verdict=Verdict.FAIL, observed="o", reason="r"), 99) == "observed o"
    assert message(Finding(requirement="a", verdict=Verdict.FAIL, reason="r" * 200), 99) == f"{'r' * 98}…"


def test_a_long_side_leaves_room_for_the_other():
    finding = Finding(requirement="a", verdict=Verdict.FAIL, expected="e" * 1_000, observed="o" * 1_000)
    assert message(finding, 40) == "expected eeeeeeeee…, observed ooooooooo…"


def test_a_command_is_whole_or_says_what_it_lacks():
    it = record(exchanges={1: exchange(1, body=b"12345")})
    ((name, whole),) = commands(it, it.findings[0])
    assert name == "try"
    assert whole.endswith(" --data-binary 12345")
    assert fitted(whole, 1_000) == (whole, "")
    assert fitted(whole, len(whole)) == (whole, "")
    assert fitted(whole, len(whole) - 1) == (
        f"{whole[:-2]}…",
        f"cut; the whole line of {len(whole)} characters is in report.json",
    )
    assert list(commands(it, Finding(requirement="a", verdict=Verdict.FAIL))) == []


def test_two_answers_that_are_compared_have_two_commands_the_findings_own_first():
    it = compared()
    shown = list(commands(it, it.findings[0]))
    assert [(name, line[-1]) for name, line in shown] == [("try", "2"), ("versus", "5")]


def test_what_a_command_hides_is_shown_and_remarked_on():
    one = exchange(1)
    it = record(exchanges={1: replace(one, request=replace(one.request, content_type="a/b\u202e"))})
    ((_, whole),) = commands(it, it.findings[0])
    line, remark = fitted(whole, 1_000)
    assert "a/b\\u202e" in line
    assert remark.startswith("some of its characters are shown as escapes")


def test_only_what_was_decided_is_kept():
    assert kept(results_of(record())) == (2, 6)
    assert kept(results_of(many(3))) == (0, 3)


def test_the_worst_are_those_that_nobody_expected():
    assert [result.requirement.id for result in worst(results_of(record()))] == ["area/fail", "area/warn"]
    assert worst(results_of(many(2, level=Level.INFO, verdict=Verdict.NOTE))) == []
