"""Expectations: what is known to be broken does not fail a run, and what is out of date does."""

import asyncio
import copy
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import CONTRACT, Target, accepting, answer, refusal
from harness import ids, judge, plan_of

from infercheck import jsontext
from infercheck.conduct import Settings, conduct
from infercheck.dialect import Dialect
from infercheck.errors import ConfigError, UsageError
from infercheck.expectation_files import of_baseline, read_expectations, to_yaml
from infercheck.expectations import Expectations, Expected
from infercheck.findings import Finding, Verdict
from infercheck.plan import Options
from infercheck.record import read
from infercheck.results import results_of

TOP_K = "input/prompt/top_k/maximum"
CASE = f"boundary/{TOP_K}/51"


def without_maximum():
    """A server that lost the maximum of top_k beside a prompt."""
    schema = copy.deepcopy(dict(CONTRACT.input))
    del schema["oneOf"][0]["properties"]["top_k"]["maximum"]
    return Target(accepts=accepting(schema))


def envelope_without_errors(body, usual):
    """A warning: an answer whose envelope lacks `messages`."""
    if usual.header("content-type") == "application/json" and usual.status == 200:
        value = jsontext.parse(usual.body).value
        del value["messages"]
        return answer(200, value)
    return None


def expected(requirement=TOP_K, **more):
    return Expected(requirement=requirement, reason="we like it so", **more)


def broken_run(*entries, only=("input/prompt/top_k",), **options):
    return judge(without_maximum(), expected=entries, only=only, **options)


def test_an_expected_failure_does_not_fail_the_run():
    results = broken_run(expected())
    assert ids(results, Verdict.EXPECTED) == {TOP_K}
    (result,) = results.with_verdict(Verdict.EXPECTED)
    assert result.reason == "we like it so"
    assert result.groups[0].finding.exchanges
    assert (results.verdict, results.exit_status(), results.stale) == ("pass", 0, ())


def test_without_the_expectation_it_does():
    results = broken_run()
    assert (results.verdict, results.exit_status()) == ("fail", 1)


@pytest.mark.parametrize("pattern", ["input/prompt/top_k", "input/*/maximum", "input/prompt/top_k/maximu?"])
def test_a_pattern_will_do(pattern):
    assert broken_run(expected(pattern)).exit_status() == 0


@pytest.mark.slow
def test_an_expected_warning_does_not_count_where_warnings_do():
    def run(*entries):
        return judge(Target(changes=envelope_without_errors), expected=entries, only=("envelope",))

    assert run().exit_status(fail_on_should=True) == 1
    results = run(expected("envelope/messages"))
    assert ids(results, Verdict.EXPECTED) == {"envelope/messages"}
    assert results.exit_status(fail_on_should=True) == 0


def test_a_case_is_expected_and_others_of_the_requirement_are_not():
    assert broken_run(Expected(case=CASE, reason="r")).exit_status() == 0
    results = broken_run(expected(case="boundary/elsewhere"))
    assert ids(results, Verdict.FAIL) == {TOP_K}
    # Of two cases that break it one is expected: the other one fails it.
    cases = {one for group in broken_run().results[2].groups for one in group.cases}
    assert CASE in cases


def test_one_unexpected_case_fails_a_requirement_whose_other_case_is_expected():
    target = Target(
        changes=lambda body, usual: refusal(500) if isinstance(body, dict) and "top_k" in body else None
    )
    first = judge(target, only=("http/server-error",), profile="quick")
    (result,) = first.with_verdict(Verdict.FAIL)
    cases = [case for group in result.groups for case in group.cases]
    assert len(cases) > 1
    entry = Expected(requirement="http/server-error", case=cases[0], reason="r")
    again = judge(target, expected=(entry,), only=("http/server-error",), profile="quick")
    (result,) = again.with_verdict(Verdict.FAIL)
    assert [group.finding.verdict for group in result.groups] == [Verdict.FAIL, Verdict.EXPECTED]
    assert not again.stale


# Out of date


def why(*entries, target=None, **options):
    results = judge(target or Target(), expected=entries, **options)
    assert (results.exit_status() == 1) is bool(results.stale)
    return [stale.why for stale in results.stale]


def test_what_is_kept_makes_its_expectation_stale():
    results = judge(Target(), expected=(expected(),), only=(TOP_K,))
    (stale,) = results.stale
    assert stale.why == "what it expects to be broken is kept"
    assert stale.requirements == (TOP_K,)
    assert (results.verdict, results.exit_status(allow_undecided=True)) == ("fail", 1)


def test_what_may_be_kept_sometimes_does_not():
    assert why(expected(sometimes=True), only=(TOP_K,)) == []


def test_an_expired_expectation_is_stale_and_expects_nothing_any_more():
    results = broken_run(expected(expires="2020-01-31"))
    assert [stale.why for stale in results.stale] == ["it expired on 2020-01-31"]
    assert ids(results, Verdict.FAIL) == {TOP_K}
    assert not broken_run(expected(expires="2999-01-31")).stale
    today = results.record.expectations.date
    assert not broken_run(expected(expires=today)).stale, "its last day is one on which it holds"


def test_a_pattern_is_stale_only_where_nothing_that_it_means_is_broken():
    assert broken_run(expected("input/prompt/top_k/*")).exit_status() == 0
    assert why(expected("input/prompt/top_k/*"), only=("input/prompt/top_k",)) == [
        "what it expects to be broken is kept"
    ]


def test_what_was_not_asked_about_is_not_stale():
    assert why(expected(), only=("input/prompt/seed",)) == []


def test_what_a_profile_asks_in_part_is_not_stale():
    # quick sends ASCII texts alone, and a server may count UTF-16 units.
    assert why(expected("input/prompt/prompt/maxLength"), profile="quick") == []
    assert why(expected("http/server-error"), profile="quick") == []


def test_what_the_target_does_not_have_is_not_stale():
    assert why(expected("input/messages/tools/type"), only=("input/messages/tools",), declare=("no-tools",)) == []


def test_what_could_not_be_decided_is_not_stale():
    def silent_about_top_k(body, usual):
        return refusal(503) if isinstance(body, dict) and body.get("top_k") == 51 else None

    results = judge(Target(changes=silent_about_top_k), expected=(expected(),), only=(TOP_K,))
    assert ids(results, Verdict.INCONCLUSIVE) == {TOP_K}
    assert not results.stale


def test_what_a_context_window_hides_is_not_stale():
    def window(body, usual):
        long = isinstance(body, dict) and len(str(body.get("prompt"))) > 20_000
        return refusal(413, "input is too long for the context window") if long else None

    target = Target(changes=window)
    only = ("input/prompt/prompt/maxLength",)
    assert why(expected(*only), target=target, only=only) == []
    emoji = expected(*only, case=f"boundary/{only[0]}/131072-emoji")
    assert why(emoji, target=target, only=only) == []
    assert why(emoji, only=only) == ["what it expects to be broken is kept"]


def test_an_incomplete_run_makes_nothing_stale():
    assert why(expected(), only=(TOP_K,), max_requests=4) == []
    record = judge(Target(), expected=(expected(),), only=(TOP_K,)).record
    assert results_of(record).stale
    record.footer = {**record.footer, "complete": False, "reason": "interrupted"}
    assert not results_of(record).stale


def test_what_was_not_confirmed_is_not_called_expected():
    finding = Finding(requirement=TOP_K, verdict=Verdict.FAIL, case=CASE, confirmed=False)
    expectations = Expectations(entries=(expected(),), date="2026-01-01")
    assert expectations.apply([finding]) == [finding]
    (sure,) = expectations.apply([replace(finding, confirmed=True)])
    assert (sure.verdict, sure.reason) == (Verdict.EXPECTED, "we like it so")


@pytest.mark.slow
def test_a_case_is_stale_where_it_is_kept_or_unknown():
    entry = expected(case=CASE)
    assert why(entry, only=(TOP_K,)) == ["what it expects to be broken is kept"]
    everything = len(CONTRACT.requirements)
    for case, said in (
        (CASE, "what it expects to be broken is kept"),
        ("boundary/no/such", "no case has such an id"),
    ):
        alone = Expected(case=case, reason="r", meant=everything)
        assert why(alone) == [said]
        assert why(alone, only=(TOP_K,)) == [], "it may be about what was not asked"


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"only": ("stream",)},
        {"only": ("http",)},
        {"only": ("input/prompt/top_k/minimum",)},
        {"exclude": (TOP_K,)},
        {"profile": "quick"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "row",
    [
        "case: boundary/input/prompt/top_k",
        "case: boundary/input",
        "requirement: input/prompt/top_k",
        "requirement: input/prompt/top_k\n    case: boundary/input/prompt/top_k",
    ],
)
def test_what_is_still_broken_is_not_stale_because_the_run_is_narrow(tmp_path, row, options):
    entries = read_expectations([file(tmp_path, f"expect:\n  - {row}\n    reason: r\n")], CONTRACT)
    assert not judge(without_maximum(), expected=entries, **options).stale


# Files


def file(tmp_path, text, name="expect.yaml"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return str(path)


def test_a_file_is_read_with_the_place_of_every_entry(tmp_path):
    path = file(
        tmp_path,
        "expect:\n"
        f"  - requirement: {TOP_K}\n    reason: so it is\n    expires: 2027-01-31\n"
        f"  - case: {CASE}\n    reason: and so\n    sometimes: true\n"
        "  - requirement: input/prompt/no-such-thing\n    reason: gone\n",
    )
    first, second, third = read_expectations([path], CONTRACT)
    assert first == Expected(requirement=TOP_K, reason="so it is", expires="2027-01-31", place="expect.yaml:2")
    assert second == Expected(
        case=CASE, reason="and so", sometimes=True, place="expect.yaml:5", meant=len(CONTRACT.requirements)
    )
    assert (third.meant, third.place) == (0, "expect.yaml:8")
    results = judge(Target(), expected=(third,), only=(TOP_K,))
    assert [stale.why for stale in results.stale] == ["no requirement of the contract has such an id"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("expect:\n  - requirement: a\n", "expect.yaml:2: `reason` is missing in"),
        ("expect:\n  - reason: a\n", "expect.yaml:2: `requirement` or `case` is missing in"),
        ("expect:\n  - requirement: a\n    reason: b\n    expirs: 2027-01-01\n", "expect.yaml:4: there is no key"),
        ("expect:\n  - requirement: a\n    reason: b\n    expires: soon\n", "expect.yaml:4: "),
        ("expect:\n  - requirement: a\n    reason: b\n    expires: 2027-02-30\n", "expect.yaml:4: "),
        ("expected: []\n", "expect.yaml:1: there is no key"),
        ("", "expect.yaml:1: `expect` is missing"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(tmp_path, text, said):
    with pytest.raises(ConfigError) as caught:
        read_expectations([file(tmp_path, text)], CONTRACT)
    assert str(caught.value).startswith(str(tmp_path / said))


def test_a_name_that_is_neither_a_file_nor_known_says_what_is_known():
    with pytest.raises(UsageError) as caught:
        read_expectations(["cloudflare"], CONTRACT)
    assert "cloudflare-hosted" in caught.value.hint


# Written from a run


def test_expectations_written_from_a_run_make_it_pass(tmp_path):
    first = broken_run()
    path = file(tmp_path, to_yaml(first, []))
    (entry,) = read_expectations([path], CONTRACT)
    assert (entry.requirement, entry.case) == (TOP_K, "")
    again = broken_run(entry)
    assert (again.exit_status(), again.stale) == (0, ())
    # What was in use keeps its reason and date.
    kept = expected(expires="2999-12-31")
    text = to_yaml(broken_run(kept), [kept])
    assert "we like it so" in text
    assert "2999-12-31" in text
    assert text.count("requirement:") == 1


def test_a_few_cases_of_what_every_answer_may_break_are_written_one_by_one(tmp_path):
    def once(body, usual):
        return refusal(500) if isinstance(body, dict) and body.get("top_k") == 51 else None

    results = judge(Target(changes=once), only=("http/server-error",))
    entries = read_expectations([file(tmp_path, to_yaml(results, []))], CONTRACT)
    assert {entry.requirement for entry in entries} == {"http/server-error"}
    assert CASE in {entry.case for entry in entries}
    assert all("~" not in entry.case for entry in entries)


def test_nothing_broken_is_an_empty_file(tmp_path):
    assert read_expectations([file(tmp_path, to_yaml(judge(Target(), only=(TOP_K,)), []))], CONTRACT) == ()


# Baselines


def test_a_baseline_hides_what_was_broken_then_and_nothing_else():
    before = broken_run().record
    entries = of_baseline(before, "before", before.header["plan"])
    assert broken_run(*entries).exit_status() == 0
    # Mended meanwhile: a baseline is no list to keep in order.
    assert judge(Target(), expected=entries, only=("input/prompt/top_k",)).exit_status() == 0

    schema = copy.deepcopy(dict(CONTRACT.input))
    del schema["oneOf"][0]["properties"]["top_k"]["maximum"]
    del schema["oneOf"][0]["properties"]["top_k"]["minimum"]
    worse = judge(Target(accepts=accepting(schema)), expected=entries, only=("input/prompt/top_k",))
    assert ids(worse, Verdict.FAIL) == {"input/prompt/top_k/minimum"}


@pytest.mark.slow
def test_a_refused_value_is_known_whichever_request_shows_it():
    def refuses(*labels):
        def changes(body, usual):
            refused = isinstance(body, dict) and any(body.get(key) == value for key, value in labels)
            return refusal() if refused and usual.status == 200 else None

        return Target(changes=changes)

    two = judge(refuses(("top_k", 50), ("temperature", 5)))
    one = refuses(("temperature", 5))
    assert ids(judge(one), Verdict.FAIL)
    entries = of_baseline(two.record, "before", two.record.header["plan"])
    assert not ids(judge(one, expected=entries), Verdict.FAIL)
    # Requests of relations carry the values too, the same ones in every plan.
    assert {case for case in (entry.case for entry in entries) if not case.startswith("relation/")} == {
        "boundary/valid", "pairwise",
    }  # fmt: skip


@pytest.mark.slow
def test_a_baseline_of_another_seed_knows_the_requests_by_their_kind():
    def mislabelled(body, usual):
        return replace(usual, headers=(("content-type", "text/plain"),)) if usual.status == 200 else None

    target = Target(changes=mislabelled)
    before = judge(target).record
    plan = plan_of(CONTRACT, Options(seed=2)).digest
    assert not ids(judge(target, seed=2, expected=of_baseline(before, "before", plan)), Verdict.FAIL, Verdict.WARN)
    # With the same plan a request that was answered as it should be is known to be new.
    few = before.header["plan"]
    one = {case for case in before.judged if case.startswith("pairwise/")}.pop()
    before.judged = {case: said for case, said in before.judged.items() if case != one}
    assert ids(judge(target, expected=of_baseline(before, "before", few)), Verdict.FAIL, Verdict.WARN)


# In the journal


def test_expectations_stand_in_the_journal_and_can_be_changed_without_a_request(tmp_path):
    target, options = without_maximum(), Options(only=(TOP_K,))
    settings = Settings(address="fake", url="http://fake/", dialect=Dialect.REST)
    path = Path(tmp_path) / "journal.ndjson"
    plan = plan_of(CONTRACT, options)
    asyncio.run(conduct(CONTRACT, plan, options, target, path, settings))
    assert results_of(read(path)).exit_status() == 1
    sent = len(target.sent)
    known = Settings(
        address="fake", url="http://fake/", dialect=Dialect.REST, concurrency=1, expected=(expected(),)
    )
    asyncio.run(conduct(CONTRACT, plan, options, target, path, known, earlier=read(path)))
    assert len(target.sent) == sent
    assert results_of(read(path)).exit_status() == 0
    asyncio.run(conduct(CONTRACT, plan, options, target, path, settings, earlier=read(path)))
    assert results_of(read(path)).exit_status() == 1
