from dataclasses import replace
from xml.dom import minidom
from xml.etree import ElementTree

import pytest
from records import FOOTER, exchange, header, hostile, many, record, requirement, row, stale

from infercheck.expectations import Expectations, Expected
from infercheck.findings import Finding, Verdict
from infercheck.reports import curl
from infercheck.reports.files import to_bytes
from infercheck.reports.junit import GENEROUS, render
from infercheck.requirements import Clause, Level
from infercheck.results import results_of

# All that XML 1.0 forbids has a member here, and what ends a CDATA section, an attribute or a comment.
FORBIDDEN = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF]))
NASTY = f"]]> --> <![CDATA[ <x a='\"&amp;&#0; \x1b[31m{FORBIDDEN} \u2028\u202e é 😀"
OUTCOMES = {"failure", "error", "skipped"}


def suite(it, **more):
    """The testsuite of a run, read from the bytes of its file."""
    root = ElementTree.fromstring(to_bytes(render(results_of(it), **more)))
    assert root.tag == "testsuites"
    (only,) = root
    return only


def cases(it, **more):
    return {case.get("name"): case for case in suite(it, **more).iter("testcase")}


def outcome(case):
    """What a testcase ended with: the tag of it and its element."""
    found = [child for child in case if child.tag in OUTCOMES]
    assert len(found) <= 1
    return (found[0].tag, found[0]) if found else ("", None)


def properties(element):
    return {child.get("name"): child.get("value") for child in element.findall("properties/property")}


def test_the_file_is_utf8_and_says_so():
    data = to_bytes(render(results_of(record())))
    assert data.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites')
    assert minidom.parseString(data).encoding == "UTF-8"
    assert data.endswith(b"  </testsuite>\n</testsuites>\n")


def test_there_is_a_testcase_for_each_requirement_in_the_order_of_the_contract():
    shown = suite(record())
    assert shown.get("name") == "infercheck"
    assert [(case.get("classname"), case.get("name")) for case in shown.iter("testcase")] == [
        ("infercheck.area", "area/fail"),
        ("infercheck.area", "area/warn"),
        ("infercheck.area", "area/unsure"),
        ("infercheck.area", "area/error"),
        ("infercheck.open", "open/note"),
        ("infercheck.area", "area/skip"),
        ("infercheck.area", "area/pass"),
        ("infercheck.else", "else/pass"),
    ]


@pytest.mark.parametrize("fail_on_should", [False, True])
def test_the_counts_are_what_is_there(fail_on_should):
    it = stale(Expected(requirement="nothing/*"), footer=None)
    root = ElementTree.fromstring(render(results_of(it), fail_on_should=fail_on_should))
    counted = {tag: len(list(root.iter(tag))) for tag in ("testcase", *OUTCOMES)}
    assert counted == {"testcase": 10, "failure": 3 if fail_on_should else 2, "error": 2, "skipped": 2}
    for element in (root, *root):
        assert element.get("time") == "0"
        assert element.get("tests") == str(counted["testcase"])
        assert element.get("failures") == str(counted["failure"])
        assert element.get("errors") == str(counted["error"])
        assert element.get("skipped") == str(counted["skipped"])


def test_each_verdict_has_its_outcome():
    shown = {name: outcome(case) for name, case in cases(record()).items()}
    assert {name: tag for name, (tag, _) in shown.items()} == {
        "area/fail": "failure",
        "area/warn": "",
        "area/unsure": "skipped",
        "area/error": "error",
        "open/note": "",
        "area/skip": "skipped",
        "area/pass": "",
        "else/pass": "",
    }
    assert {name: element.get("message") for name, (_, element) in shown.items() if element is not None} == {
        "area/fail": "expected expected 1, observed observed 1",
        "area/unsure": "no power",
        "area/error": "the suite tripped",
        "area/skip": "no answer showed it",
    }


def test_what_passes_with_a_remark_tells_it():
    shown = cases(record())
    assert "expected  w\nobserved  o\n" in shown["area/warn"].findtext("system-out")
    assert "observed  it did" in shown["open/note"].findtext("system-out")
    assert shown["area/fail"].find("system-out") is None
    assert [child.tag for child in shown["area/pass"]] == ["properties"]


def test_a_promise_that_could_not_be_judged_has_not_passed():
    note = Finding(requirement="area/must", verdict=Verdict.NOTE, observed="413", reason="over the window")
    it = record(rows=(row(requirement("area/must")),), findings=[note], passed=[])
    tag, skipped = outcome(cases(it)["area/must"])
    assert (tag, skipped.get("message")) == ("skipped", "not decided: over the window")
    assert "observed  413" in skipped.text


def test_a_should_fails_where_that_is_asked_for():
    shown = cases(record(), fail_on_should=True)
    tag, failure = outcome(shown["area/warn"])
    assert (tag, failure.get("message")) == ("failure", "expected w, observed o")
    assert failure.get("type") == "SHOULD"
    assert "observed  o" in failure.text
    assert shown["area/warn"].find("system-out") is None
    assert outcome(shown["open/note"])[0] == ""


def test_an_expected_failure_is_skipped_with_the_reason_for_it():
    known = Expectations(entries=(Expected(requirement="area/fail", reason="mended in June"),))
    tag, skipped = outcome(cases(record(expectations=known))["area/fail"])
    assert (tag, skipped.get("message")) == ("skipped", "expected: mended in June")
    assert "observed  observed 1" in skipped.text


def test_a_failure_tells_clause_case_sides_curl_and_the_other_findings():
    it = requirement(
        "area/fail",
        title="is long enough",
        clause=Clause(pointer="/oneOf/0/minLength", quote='"minLength": 1', source="input schema"),
    )
    lines = outcome(cases(record(rows=(row(it),)))["area/fail"])[1].text.split("\n")
    curl = (
        'curl -sS -i -X POST http://127.0.0.1:1/run -H "Authorization: Bearer $MY_TOKEN" '
        "-H 'Content-Type: application/json' --data-binary '{\"prompt\": \"hi\"}'"
    )
    assert lines[:7] == [
        "is long enough",
        'clause    MUST  input schema /oneOf/0/minLength  "minLength": 1',
        "",
        "case      case/1",
        "expected  expected 1",
        "observed  observed 1",
        f"try       {curl}",
    ]
    assert "observed  observed 3" in lines
    assert "observed  observed 4" not in lines
    assert lines[-1] == "and 4 other findings of this requirement, in report.json"


def test_findings_of_another_verdict_than_their_requirement_say_so():
    unsure = Finding(requirement="area/fail", verdict=Verdict.INCONCLUSIVE, reason="no answer", exchanges=(1,))
    failed = Finding(requirement="area/fail", verdict=Verdict.FAIL, expected="e", observed="o", exchanges=(2,))
    text = outcome(cases(record(findings=[failed, unsure]))["area/fail"])[1].text
    assert text.count("verdict   ") == 1
    assert "verdict   inconclusive\nreason    no answer" in text


def test_equal_findings_are_counted():
    finding = Finding(requirement="area/fail", verdict=Verdict.FAIL, expected="e", observed="o", exchanges=(1,))
    text = outcome(cases(record(findings=[finding, replace(finding, exchanges=(2,))]))["area/fail"])[1].text
    assert "observed  o  (2 times)\n" in text


def test_a_curl_line_keeps_the_lines_of_its_body():
    it = record(exchanges={1: exchange(1, body=b'{\n "prompt": "hi"}')})
    text = outcome(cases(it)["area/fail"])[1].text
    assert '--data-binary \'{\n "prompt": "hi"}\'' in text


def test_properties_tell_the_requirement():
    shown = {name: properties(case) for name, case in cases(record()).items()}
    assert shown["area/fail"] == {
        "level": "MUST",
        "clause": 'page  "It is so."',
        "request_number": "1",
        "verdict": "fail",
        "cases": "7",
    }
    assert "request_number" not in shown["area/unsure"]
    assert "request_number" not in shown["area/pass"]
    assert shown["open/note"]["level"] == "INFO"
    assert {name: of["verdict"] for name, of in shown.items() if name.startswith("area")} == {
        f"area/{name}": verdict
        for name, verdict in {
            "fail": "fail",
            "warn": "warn",
            "unsure": "inconclusive",
            "error": "error",
            "skip": "skip",
            "pass": "pass",
        }.items()
    }


def test_the_suite_tells_the_run():
    it = record(dialect="worker", saw="a bare answer", header=header(profile="quick", seed=7))
    shown = suite(it)
    assert shown.get("time") == "5.25"
    assert ElementTree.fromstring(render(results_of(it))).get("time") == "5.25"
    assert shown.get("timestamp") == "2026-01-02T03:04:05+00:00"
    assert shown[0].tag == "properties"
    assert properties(shown) == {
        "target": "http://target",
        "contract": "some-model",
        "profile": "quick",
        "dialect": "worker, by rest: a bare answer",
        "seed": "7",
        "infercheck": "0.1.0",
    }


def test_expectations_out_of_date_fail():
    it = stale(Expected(requirement="area/pass", place="infercheck.yaml:12"), Expected(case="a/*"))
    found = [case for case in suite(it).iter("testcase") if case.get("classname") == "infercheck.expectations"]
    assert [case.get("name") for case in found] == ["area/pass (infercheck.yaml:12)", "case a/*"]
    for case in found:
        tag, failure = outcome(case)
        assert (tag, failure.get("message")) == ("failure", "out of date: it expired on 2025-12-31")


@pytest.mark.parametrize(
    ("footer", "why"),
    [(None, "cut off before its end"), ({**FOOTER, "complete": False, "reason": "interrupted"}, "interrupted")],
)
def test_an_incomplete_run_is_an_error(footer, why):
    shown = cases(record(footer=footer))
    assert shown["run/complete"].get("classname") == "infercheck.run"
    tag, error = outcome(shown["run/complete"])
    assert tag == "error"
    assert why in error.get("message")
    assert "2 MUSTs undecided" in error.text
    assert "run/complete" not in cases(record())


def test_whatever_a_target_sends_it_is_well_formed():
    it = hostile(NASTY)
    data = to_bytes(render(results_of(it)))
    root = ElementTree.fromstring(data)
    minidom.parseString(data)
    assert [case.get("name")[:5] for case in root.iter("testcase")] == ["evil/", "skip/", "pass/", "run/c"]
    texts = [text for element in root.iter() for text in (element.text or "", *element.attrib.values())]
    assert sum("]]> --> <![CDATA[ <x a='\"&amp;&#0; \\x1b[31m" in text for text in texts) >= 14
    for text in texts:
        assert all(character.isprintable() or character == "\n" for character in text)
    whole = "".join(texts)
    for written in ("\\x00", "\\ud800", "\\udfff", "\\ufffe", "\\uffff", "\\U0001fffe", "é 😀"):
        assert written in whole, written


def test_a_line_of_a_megabyte_is_cut(monkeypatch):
    monkeypatch.setattr(curl, "INLINE", 100_000)
    finding = Finding(
        requirement="area/fail", verdict=Verdict.FAIL, case="&" * 10**6, expected="\x00" * 10**6, exchanges=(1,)
    )
    finding = replace(finding, observed="\U0010ffff" * 10**6, reason="<" * 10**6)
    it = record(findings=[finding], exchanges={1: exchange(1, body=b"A" * 90_000)})
    shown = render(results_of(it))
    assert len(shown) < 20_000
    failure = outcome(cases(it)["area/fail"])[1]
    assert len(failure.get("message")) <= 300
    assert "\n" not in failure.get("message")
    assert "expected \\x00" in failure.get("message")
    assert "observed \\U" in failure.get("message")
    assert "(cut; the whole line of 90,1" in failure.text


def test_a_hundred_and_sixty_failures_with_large_bodies_stay_small():
    whole = render(results_of(many(160, body=b"&" * 99_000, text="&" * 10**5)))
    assert len(whole) < 4_000_000
    ElementTree.fromstring(whole)


def test_the_last_of_very_many_failures_are_told_in_brief():
    it = many(1_000, text="x" * 10_000)
    other = Finding(requirement="area/1000", verdict=Verdict.FAIL, expected="y", exchanges=(1_000,))
    shown = cases(replace(it, judged=record(findings=[*it.findings, other]).judged))
    first, last = outcome(shown["area/1"])[1].text, outcome(shown["area/1000"])[1].text
    assert "try       curl" in first
    assert "try       left out to keep this file small; it is in report.json" in last
    assert "observed  x" in last
    assert last.endswith("and 1 other finding of this requirement, in report.json")
    whole = sum(len(outcome(case)[1].text) for case in shown.values() if "curl" in outcome(case)[1].text)
    assert GENEROUS < whole < GENEROUS + 5_000


def test_levels_stand_with_what_broke():
    it = many(1, level=Level.SHOULD, verdict=Verdict.WARN)
    assert properties(cases(it)["area/1"])["level"] == "SHOULD"
    assert outcome(cases(it)["area/1"])[0] == ""


def test_the_same_results_give_the_same_text():
    assert render(results_of(record())) == render(results_of(record()))
