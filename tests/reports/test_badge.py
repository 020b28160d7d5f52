import json
import re
from xml.etree import ElementTree

import pytest
from records import FOOTER, many, record, requirement, row, stale

from infercheck.expectations import Expectations, Expected
from infercheck.findings import Finding, Verdict
from infercheck.reports.badge import render_json, render_svg
from infercheck.requirements import Level
from infercheck.results import results_of

SVG = "{http://www.w3.org/2000/svg}"
KEPT = (row(requirement("area/pass")), row(requirement("else/pass")))
UNSURE = Finding(requirement="area/fail", verdict=Verdict.INCONCLUSIVE, reason="no power")

RUNS = {
    "pass": (record(rows=KEPT, findings=[]), "2 of 2 MUST"),
    "skipped": (record(rows=(*KEPT, row(requirement("area/skip"))), findings=[]), "2 of 3 MUST"),
    "warned": (
        record(
            rows=(*KEPT, row(requirement("area/warn", Level.SHOULD))),
            findings=[Finding(requirement="area/warn", verdict=Verdict.WARN)],
        ),
        "2 of 2 MUST",
    ),
    "expected": (
        record(rows=record().rows[:1], expectations=Expectations(entries=(Expected(requirement="area/fail"),))),
        "0 of 1 MUST",
    ),
    "fail": (many(2), "2 broken"),
    "cut off": (many(3), "3 broken"),
    "stale": (stale(Expected(case="a"), Expected(case="b"), rows=KEPT, findings=[]), "2 expectations out of date"),
    "incomplete": (
        record(rows=KEPT, findings=[], footer={**FOOTER, "complete": False, "reason": "x"}),
        "incomplete",
    ),
    "undecided": (record(rows=record().rows[:1], findings=[UNSURE]), "incomplete"),
}
RUNS["cut off"][0].footer = None


@pytest.fixture(params=RUNS)
def run(request):
    it, message = RUNS[request.param]
    return results_of(it), message


def luminance(color):
    parts = [int(color[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_json_is_what_shields_reads(run):
    results, message = run
    badge = json.loads(render_json(results))
    assert badge["schemaVersion"] == 1
    assert badge["label"] == "infercheck"
    assert badge["message"] == message
    assert re.fullmatch("[0-9a-f]{6}", badge["color"])
    assert badge.get("isError", False) == (results.verdict == "fail")
    assert set(badge) <= {"schemaVersion", "label", "message", "color", "isError"}


def test_each_verdict_has_a_colour_of_its_own():
    colors = {
        results.verdict: json.loads(render_json(results))["color"]
        for results in (results_of(it) for it, _ in RUNS.values())
    }
    assert set(colors) == {"pass", "fail", "incomplete"}
    assert len(set(colors.values())) == 3


def test_the_image_is_whole_xml_and_says_what_it_shows(run):
    results, message = run
    root = ElementTree.fromstring(render_svg(results))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == root.findtext(f"{SVG}title") == f"infercheck: {message}"
    assert [text.text for text in root.iter(f"{SVG}text")] == ["infercheck", message]


def test_the_image_needs_nothing_else(run):
    source = render_svg(run[0])
    assert source.count("http") == 1  # its own namespace
    assert not re.search(r"href|url\(|<style|<script|<image|<use|@import", source)


def test_texts_stay_within_their_boxes(run):
    root = ElementTree.fromstring(render_svg(run[0]))
    whole = int(root.get("width"))
    box, label = root.find(f"{SVG}rect"), root.find(f"{SVG}path")
    assert int(box.get("width")) == whole
    split = int(re.match(r"M3 0H(\d+)V20H3A", label.get("d"))[1])
    first, second = root.iter(f"{SVG}text")
    assert int(first.get("x")) + int(first.get("textLength")) + 5 == split
    assert int(second.get("x")) == split + 5
    assert int(second.get("x")) + int(second.get("textLength")) + 5 == whole
    for text in (first, second):
        assert 5.5 <= int(text.get("textLength")) / len(text.text) <= 8


def test_texts_can_be_read(run):
    root = ElementTree.fromstring(render_svg(run[0]))
    ink = root.find(f"{SVG}g").get("fill").removeprefix("#")
    for shape in (root.find(f"{SVG}rect"), root.find(f"{SVG}path")):
        assert contrast(ink, shape.get("fill").removeprefix("#")) >= 4.5
    assert root.find(f"{SVG}rect").get("fill") == f"#{json.loads(render_json(run[0]))['color']}"
