"""Two answers that are compared: every report shows both requests, the finding's own first."""

import io
import json
from dataclasses import replace
from importlib.resources import files
from xml.etree import ElementTree

import jsonschema
from records import compared, exchange
from rich.console import Console

from infercheck.reports import curl, github, html, json_report, junit, markdown, terminal
from infercheck.reports.exhibits import Exhibits
from infercheck.reports.plain import told
from infercheck.results import results_of

RESULTS = results_of(compared())
OWN, OTHER = "--data-binary 2", "--data-binary 5"


def in_order(text, *parts):
    """Whether a text has these parts, once each, one after the other."""
    places = [text.index(part) for part in parts]
    return places == sorted(places) and all(text.count(part) == 1 for part in parts)


def test_the_report_for_programs_has_both_as_its_schema_says():
    document = json.loads(json_report.render(RESULTS))
    (finding,) = document["requirements"][0]["findings"]
    assert finding["curl"].endswith(OWN)
    assert finding["versus"]["exchange"] == "5"
    assert finding["versus"]["curl"].endswith(OTHER)
    schema = json.loads((files("infercheck.schemas") / "report.schema.json").read_text("utf-8"))
    place = schema["properties"]["requirements"]["items"]["properties"]["findings"]["items"]
    jsonschema.Draft202012Validator({**place, "$defs": schema["$defs"]}).validate(finding)


def test_an_answer_that_was_never_recorded_has_no_command():
    it = compared(exchanges={2: exchange(2, body=b"2")})
    (finding,) = json.loads(json_report.render(results_of(it)))["requirements"][0]["findings"]
    assert finding["versus"] == {"exchange": "5", "curl": None}
    assert "Compare with" not in html.render(results_of(it))


def test_what_only_a_test_can_ask_has_no_command_to_replay_it():
    assert "infercheck replay" in html.render(RESULTS)
    it = compared()
    it.header["target"] = {**it.header["target"], "address": "live:module.Class"}
    assert "infercheck replay" not in html.render(results_of(it))


def test_the_terminal_and_plain_text_have_a_line_for_each():
    shown = Console(file=io.StringIO(), width=80, markup=False, emoji=False)
    terminal.summary(shown, RESULTS, "")
    text = shown.file.getvalue()
    assert in_order(text, "   try       curl ", f"{OWN}\n", "   versus    curl ", f"{OTHER}\n")
    assert in_order(told(RESULTS, RESULTS.results[0]), "  try       curl ", OWN, "  versus    curl ", OTHER)


def test_the_summary_of_a_job_and_junit_have_both():
    text = markdown.render(RESULTS)
    assert in_order(text, f"{OWN}\n```", "compared with the answer to\n\n```sh\ncurl ", f"{OTHER}\n```")
    (failure,) = ElementTree.fromstring(junit.render(RESULTS)).iter("failure")
    assert in_order(failure.text, "\ntry       curl ", OWN, "\nversus    curl ", OTHER)


def test_long_requests_are_cut_in_both(monkeypatch):
    monkeypatch.setattr(curl, "INLINE", 100_000)
    exchanges = {n: exchange(n, body=b"x" * 9_000) for n in range(1, 8)}
    results = results_of(compared(exchanges=exchanges))
    for text in (markdown.render(results), junit.render(results)):
        assert text.count("(cut; the whole line of") == 2
        assert len(text) < 7_000


def test_an_annotation_has_room_for_the_findings_own():
    text = github.annotations(RESULTS)
    assert OWN in text
    assert OTHER not in text


def test_the_page_has_both_and_shows_both_answers_before_the_last_others():
    page = html.render(RESULTS)
    assert in_order(page, "<h5>Try it</h5>", f"{OWN}</pre>", "<h5>Compare with</h5>", f"{OTHER}</pre>")
    assert in_order(
        page,
        '<details class="evidence" id="request-2" open>',
        '<details class="evidence" id="request-5" open>\n<summary>Request 5, compared with it, and its answer',
        '<details class="evidence" id="request-6">',
        '<details class="evidence" id="request-7">',
    )
    assert 'id="request-3"' not in page


def test_without_a_comparison_its_own_exchange_and_the_last_ones_are_shown():
    it = compared()
    (finding,) = it.findings
    assert [number for number, _ in Exhibits(it).of(finding)] == [2, 5, 6, 7]
    assert [number for number, _ in Exhibits(it).of(replace(finding, versus=None))] == [2, 5, 6, 7]
    other = replace(finding, versus=None, case="of none of these")
    assert [number for number, _ in Exhibits(it).of(other)] == [4, 5, 6, 7]
    assert (it.own(replace(finding, versus=None)).number, it.own(other).number) == (2, 7)
