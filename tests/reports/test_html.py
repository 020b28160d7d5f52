import base64
import hashlib
import re
import time
from dataclasses import replace

import pytest
from markup import Page
from records import EVIL, FOOTER, URL, exchange, hostile, record, requirement, row

from infercheck.findings import Finding, Verdict
from infercheck.reports import curl, exhibits
from infercheck.reports.exhibits import excerpt_of
from infercheck.reports.html import render
from infercheck.reports.page import anchor
from infercheck.requirements import Clause
from infercheck.results import results_of


def page(**more):
    return Page(render(results_of(record(**more))))


def test_sections_stand_in_order_and_hold_their_requirements():
    source = render(results_of(record()))
    shown = Page(source)
    assert shown.headings == [
        "The run",
        "Failures",
        "Expected failures",
        "Warnings",
        "Notes",
        "Inconclusive and errors",
        "Areas",
        "Skipped",
        "Passed",
    ]
    places = [
        source.index(f'id="{id_}"')
        for id_ in (
            "section-failures",
            "area/fail",
            "section-warnings",
            "area/warn",
            "section-notes",
            "open/note",
            "section-undecided",
            "area/unsure",
            "area/error",
            "section-skipped",
            "area/skip",
            "section-passed",
            "area/pass",
            "else/pass",
        )
    ]
    assert places == sorted(places)


def test_a_budget_that_left_something_open_is_told_at_the_top():
    short = {**FOOTER, "unasked": "the 41 requests kept for looking closer are spent; give more"}
    assert "looked at closer: the 41 requests kept" in render(results_of(record(footer=short)))
    assert "looked at closer" not in render(results_of(record(footer={**FOOTER, "unasked": ""})))


def test_every_requirement_is_an_id_once_and_every_link_leads_somewhere():
    shown = page()
    for it in record().rows:
        assert shown.ids.count(it.requirement.id) == 1
    assert len(set(shown.ids)) == len(shown.ids)
    links = [value for tag, name, value in shown.attributes if (tag, name) == ("a", "href")]
    assert links
    assert all(link.startswith("#") and link[1:] in shown.ids for link in links)


def test_nothing_is_loaded_and_nothing_runs_but_the_one_script():
    source = render(results_of(hostile()))
    shown = Page(source)
    assert not {"link", "img", "iframe", "object", "base"} & set(shown.tags)
    assert shown.tags.count("script") == 1
    assert not [
        name for tag, name, _ in shown.attributes if tag in ("script", "form") and name in ("src", "action")
    ]
    assert not [name for _, name, _ in shown.attributes if name in ("src", "style") or name.startswith("on")]
    policies = [value for tag, name, value in shown.attributes if value and value.startswith("default-src 'none'")]
    assert len(policies) == 1
    css = source[source.index("<style>") + 7 : source.index("</style>")]
    assert "url(" not in css
    assert "@import" not in css
    script = source[source.index("<script>") + 8 : source.index("</script>")]
    for kind, text in (("style", css), ("script", script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policies[0]


def test_the_page_is_well_formed():
    shown = page()
    assert shown.misnested == []
    assert shown._open == []


def test_the_run_is_told():
    shown = page().whole
    for fact in (
        "http://target",
        URL,
        "some-model: Some model, 2026-01-02",
        "ab" * 32,
        "infercheck run 'a b'",
        "2026-01-02 03:04:05 UTC",
        "5.2 s",
        "7 (9 planned)",
        "1,234",
        "0 of 0 decided",
    ):
        assert fact in shown


def test_a_failure_shows_clause_sides_number_curl_request_and_answer():
    it = requirement(
        "area/fail", clause=Clause(pointer="/oneOf/0/minLength", quote='"minLength": 1', source="input")
    )
    shown = page(rows=(row(it),), exchanges={1: exchange(1, headers=(("x-one", "two"),), answer=b"answered")})
    for part in (
        '"minLength": 1',
        "/oneOf/0/minLength",
        "(7 cases)",
        "1 finding, known at request 1, confirmed",
        "expected 1",
        "observed 1",
        f'curl -sS -i -X POST {URL} -H "Authorization: Bearer $MY_TOKEN"',
        '{"prompt": "hi"}',
        "500 Internal Server Error",
        "x-one: two",
        "answered",
        "Request 2: no answer was recorded.",
    ):
        assert part in shown.whole, part


def test_other_cases_of_a_finding_are_named():
    findings = [
        Finding(requirement="area/fail", verdict=Verdict.FAIL, case=f"case/{n}", expected="e", exchanges=(n,))
        for n in range(1, 7)
    ]
    shown = page(rows=(row(requirement("area/fail")),), findings=findings).whole
    assert "The same was seen in case/2, case/3, case/4 and 2 more; that need not have the same cause." in shown


def test_groups_beyond_five_are_folded():
    source = render(results_of(record()))
    folded = source[source.index('<details class="more">') :]
    assert "2 more groups of findings" in folded
    assert folded.index("observed 6") < folded.index("</article>")
    assert source.index("observed 5") < source.index('<details class="more">')


def test_an_exchange_is_shown_once_and_linked_after_that():
    source = render(results_of(record()))
    assert source.count('id="request-1"') == 1
    assert source.count('<a href="#request-1">its request and answer</a>') == 1


@pytest.mark.parametrize(
    ("footer", "why"),
    [
        (None, "cut off before its end"),
        ({**FOOTER, "complete": False, "reason": "interrupted by the user"}, "interrupted by the user"),
    ],
)
def test_an_incomplete_run_says_so(footer, why):
    rows = (row(requirement("area/pass")),)
    shown = page(footer=footer, rows=rows, findings=[])
    assert ("header", "class", "verdict incomplete") in shown.attributes
    assert why in shown.whole
    failed = page(footer=footer)
    assert ("header", "class", "verdict fail") in failed.attributes
    assert why in failed.whole


def test_undecided_musts_are_named_by_the_verdict():
    findings = [Finding(requirement="a/b", verdict=Verdict.INCONCLUSIVE, reason="no power")]
    source = render(results_of(record(rows=(row(requirement("a/b")),), findings=findings)))
    verdict = source[source.index("<header") : source.index("</header>")]
    assert "1 MUST requirement could not be decided." in verdict
    assert 'href="#a/b"' in verdict


def failing(cases, requirements, text):
    ids = [f"area/{number}" for number in range(requirements)]
    findings = [
        Finding(
            requirement=ids[number % requirements],
            verdict=Verdict.FAIL,
            case=f"case/{number}",
            expected=f"something else than {number}",
            observed=f"{number} {text}",
            exchanges=(number + 1,),
        )
        for number in range(cases)
    ]
    exchanges = {number + 1: exchange(number + 1, answer=b"no" * 500) for number in range(cases)}
    return results_of(
        record(rows=tuple(row(requirement(id_)) for id_ in ids), findings=findings, exchanges=exchanges, passed=[])
    )


@pytest.mark.slow
@pytest.mark.parametrize("text", ["a" * 300, "\u202e" * 5000], ids=["plain", "hidden"])
def test_ten_thousand_failures_that_all_differ_are_a_page_that_opens(text):
    source = render(failing(10_000, 400, text))
    assert len(source.encode()) < 8e6
    assert all(f'<article id="area/{number}"' in source for number in range(400))
    assert "more groups of findings are in report.json" in source


@pytest.mark.parametrize(("number", "folds"), [(2, 0), (3, 1)])
def test_what_is_open_for_one_reason_is_told_of_once(number, folds):
    ids = [f"a/{letter}" for letter in "xyz"[:number]]
    open_ = [Finding(requirement=id_, verdict=Verdict.INCONCLUSIVE, reason="it was gone") for id_ in ids]
    other = Finding(requirement="a/other", verdict=Verdict.INCONCLUSIVE, reason="no power")
    rows = tuple(row(requirement(id_)) for id_ in [*ids, "a/other"])
    source = render(results_of(record(rows=rows, findings=[*open_, other])))
    assert source.count('<details class="cause">') == source.count("<b>3 requirements</b>: it was gone") == folds
    assert all(f'<article id="{id_}"' in source for id_ in [*ids, "a/other"])
    assert f'<span class="count">{number + 1}</span>' in source


def test_a_pass_is_said_with_its_count():
    shown = page(rows=(row(requirement("area/pass")), row(requirement("area/skip"))), findings=[])
    assert ("header", "class", "verdict pass") in shown.attributes
    assert "1 of 2 MUST requirements decided and kept; 1 skipped." in shown.whole


FIGURES = ("br", "mark", "line", "svg", "del", "ins", "code", "caption")
"""Elements of what only some runs have to show."""


def test_hostile_text_is_text_everywhere():
    source = render(results_of(hostile()))
    shown = Page(source)
    plain = page()
    assert set(shown.tags) <= set(plain.tags) | {"b", *FIGURES}
    names = {name for _, name, _ in shown.attributes} - {"x1", "x2", "y1", "y2", "viewbox", "preserveaspectratio"}
    assert names <= {name for _, name, _ in plain.attributes}
    assert shown.misnested == []
    assert shown.whole.count("<script>alert(1)</script>") > 30
    assert "{{ 7*7 }}" in shown.whole
    assert "&amp;" in shown.whole


def test_what_hides_is_made_visible():
    source = render(results_of(hostile()))
    assert all(character.isprintable() or character == "\n" for character in source)
    assert "<b class=x>\\u202e\\x00\\x1b</b>[31m" in source
    assert "<b class=x>\\u061c</b>" in source
    title = source[source.index("<title>") : source.index("</title>")]
    assert "\\u202e\\x00\\x1b[31m" in title
    assert "class=x" not in title


def test_lone_surrogates_do_not_break_the_page():
    finding = Finding(requirement="a/b", verdict=Verdict.FAIL, observed="\ud800 \U0001f600 é \U000e0001")
    source = render(results_of(record(rows=(row(requirement("a/b")),), findings=[finding])))
    assert "<b class=x>\\ud800</b> \U0001f600 é <b class=x>\\U000e0001</b>" in source
    source.encode("utf-8")


def test_odd_ids_make_sound_anchors():
    assert anchor("input/messages/tools/items/function/parameters/required") == (
        "input/messages/tools/items/function/parameters/required"
    )
    assert re.fullmatch(r"[!-~]+", anchor(EVIL))
    assert not re.search(r"[<>\"'\s&]", anchor(EVIL))


def test_long_lines_are_cut_and_counted(monkeypatch):
    monkeypatch.setattr(curl, "INLINE", 200_000)
    answer = b'{"response": "' + b"A" * 1_000_000
    exchanges = {1: exchange(1, body=b"B" * 160_000, answer=answer)}
    source = render(results_of(record(exchanges=exchanges)))
    assert len(source) < 400_000
    assert f"{len(answer) - 150_000:,} more bytes left out" in source
    assert "10,000 more bytes left out" in source
    assert "the whole line is in report.json" in source


def test_bodies_are_whole_where_a_promise_is_broken_and_nowhere_else():
    exchanges = {1: exchange(1, body=b"B" * 131_100, answer=b"A" * 9_000)}
    broken = Finding(requirement="area/fail", verdict=Verdict.FAIL, observed="o", exchanges=(1,))
    rows = (row(requirement("area/fail")),)
    whole = render(results_of(record(rows=rows, exchanges=exchanges, findings=[broken])))
    assert "B" * 131_100 in whole
    assert "A" * 9_000 in whole
    note = replace(broken, verdict=Verdict.NOTE)
    cut = render(results_of(record(rows=rows, exchanges=exchanges, findings=[note])))
    assert "7,000 more bytes left out" in cut


def test_a_body_that_is_no_utf8_is_dumped_where_it_breaks():
    excerpt = excerpt_of(b"x" * 1_000 + b"\xff" + b"y" * 1_000)
    assert excerpt.remark.startswith("not UTF-8 (byte 1,000 is 0xff)")
    assert excerpt.text.startswith("000003d0  78 78")
    assert "ff 79" in excerpt.text
    assert excerpt.left_out == "1,489 more bytes left out"
    assert excerpt.dump


def test_a_text_is_cut_between_characters():
    excerpt = excerpt_of("é".encode() * 2_001)
    assert excerpt.text == "é" * 2_000
    assert excerpt.left_out == "2 more bytes left out"


def test_the_same_results_give_the_same_page():
    results = results_of(record())
    assert render(results) == render(results) == render(results_of(record()))


@pytest.mark.slow
def test_a_report_of_four_hundred_bad_cases_is_small_and_fast(monkeypatch):
    numbers = range(1, 401)
    evil = ("<\u202e" * 2_000).encode()
    results = results_of(
        record(
            rows=tuple(row(requirement(f"area/{n}")) for n in numbers),
            exchanges={
                n: exchange(n, body=evil + b"%d" % n, answer=evil, headers=(("x", "y" * 900),) * 20)
                for n in numbers
            },
            findings=[
                Finding(
                    requirement=f"area/{n}",
                    verdict=Verdict.FAIL,
                    expected="e" * 100,
                    observed="<" * 160,
                    exchanges=(n,),
                )
                for n in numbers
            ],
        )
    )
    render(results)
    began = time.process_time()
    source = render(results)
    assert time.process_time() - began < 1
    assert len(source) < 8 * 2**20
    monkeypatch.setattr(exhibits, "ENOUGH", 350_000)
    source = render(results)
    assert len(source) < 1_300_000
    assert source.count("left out to keep this page small") > 100
