"""A comparison in every form: the same said, whatever a target sends, and nothing of it obeyed."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from importlib.resources import files

import jsonschema
import pytest
from markup import BREAKS, Page, tokens
from records import EVIL, FOOTER, hostile, many, of_verdicts, record
from rich.console import Console

from infercheck.findings import Verdict
from infercheck.reports import compare_html, compare_json, compare_markdown, compare_text
from infercheck.reports.changes import Change
from infercheck.reports.comparison import compare
from infercheck.reports.markdown import LIMIT
from infercheck.results import results_of

BEFORE = {"a/broken": "pass", "a/mended": "fail", "a/still": "fail", "a/same": "pass", "a/gone": "pass"}
AFTER = {"a/broken": "fail", "a/mended": "pass", "a/still": "fail", "a/same": "pass", "a/new": "skip"}
SCHEMA = json.loads((files("infercheck.schemas") / "comparison.schema.json").read_text("utf-8"))


def text(comparison):
    console = Console(file=io.StringIO(), width=80, markup=False, emoji=False, highlight=False)
    compare_text.summary(console, comparison)
    return console.file.getvalue()


FORMS = {
    "text": text,
    "html": compare_html.render,
    "markdown": compare_markdown.render,
    "json": compare_json.render,
}


def compared(*records):
    return compare([results_of(one) for one in records])


def usual(**more):
    return compared(of_verdicts(BEFORE), of_verdicts(AFTER, **more))


@pytest.fixture(params=FORMS)
def form(request):
    return FORMS[request.param]


def test_every_form_tells_runs_changes_and_what_shows_them(form):
    shown = form(usual(footer={**FOOTER, "complete": False, "reason": "interrupted"}))
    shown = Page(shown).whole if shown.startswith("<!doctype") else shown
    for part in (
        "http://target (2026-01-02 03:04:05 UTC), run 1",
        "interrupted",
        "newly broken",
        "a/broken",
        "expected of a/broken",
        "observed of a/broken",
        "curl -sS -i -X POST http://127.0.0.1:1/run",
        "still broken",
        "expected of a/mended",
        "a/gone",
        "a/new",
    ):
        assert part in shown, part
    # Nothing changed there, so nothing shows a change.
    assert "observed of a/still" not in shown


def test_what_limits_the_comparison_stands_above_the_table(form):
    shown = form(usual(footer=None))
    table = shown.index("expected of a/broken")
    assert shown.index("what an incomplete run did not send is undecided") < table
    assert shown.index("the run was cut off before its end") < table


def test_every_form_is_a_pure_function(form):
    assert form(usual()) == form(usual())


def test_the_worst_stands_first_in_every_form(form):
    shown = form(usual())
    rows = shown[shown.index("requirements") :] if shown.startswith("{") else shown
    places = [rows.index(id_) for id_ in ("a/broken", "a/still", "a/mended")]
    assert places == sorted(places)


# JSON


def test_the_form_for_programs_is_what_its_schema_says():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    third = of_verdicts(dict.fromkeys(AFTER, "error"), footer=None)
    for it in (usual(), compared(of_verdicts(BEFORE), of_verdicts(AFTER), third), compared(record(), record())):
        validator.validate(json.loads(compare_json.render(it)))
    assert set(SCHEMA["$defs"]["change"]["enum"]) == {str(one) for one in Change if one is not Change.NONE}
    assert set(SCHEMA["$defs"]["verdict"]["enum"]) == {str(one) for one in Verdict}


def test_programs_are_told_what_people_are():
    document = json.loads(compare_json.render(usual()))
    assert (document["worse"], document["worse_with_should"], document["cut_off"]) == (True, True, [])
    assert document["agreed"] == {"pass": 1}
    assert document["only_in"] == [
        {"runs": [1], "requirements": ["a/gone"]},
        {"runs": [2], "requirements": ["a/new"]},
    ]
    first = document["requirements"][0]
    assert {key: first[key] for key in ("id", "level", "change", "verdicts", "worse_in")} == {
        "id": "a/broken",
        "level": "MUST",
        "change": "newly broken",
        "verdicts": ["pass", "fail"],
        "worse_in": [2],
    }
    assert first["shown"]["run"] == 2
    assert first["shown"]["finding"]["observed"] == "observed of a/broken"
    assert document["requirements"][1]["shown"] is None
    assert document["changes"]["newly broken"] == document["changes"]["mended"] == 1


# HTML


def test_nothing_of_the_page_is_loaded_and_nothing_runs():
    source = compare_html.render(usual())
    shown = Page(source)
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & set(shown.tags)
    assert not [name for _, name, _ in shown.attributes if name in ("src", "style") or name.startswith("on")]
    (policy,) = [value for _, _, value in shown.attributes if value and value.startswith("default-src 'none'")]
    css = source[source.index("<style>") + 7 : source.index("</style>")]
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert shown.misnested == []
    assert shown._open == []


def test_the_page_fits_a_phone_both_shades_and_paper():
    source = compare_html.render(usual())
    assert '<meta name="viewport" content="width=device-width' in source
    assert source.index('class="scroll"') < source.index('<table class="compare">')
    for rule in ("prefers-color-scheme: dark", "@media print", ".scroll { overflow-x: auto; }"):
        assert rule in source


def test_the_tone_of_the_page_says_whether_something_is_worse():
    assert ("header", "class", "verdict fail") in Page(compare_html.render(usual())).attributes
    same = compared(of_verdicts(BEFORE), of_verdicts(BEFORE))
    assert ("header", "class", "verdict incomplete") in Page(compare_html.render(same)).attributes
    fine = [dict.fromkeys(BEFORE, Verdict.PASS)] * 2
    passing = compared(*(of_verdicts(one) for one in fine))
    assert ("header", "class", "verdict pass") in Page(compare_html.render(passing)).attributes


def test_links_of_the_page_lead_somewhere_and_ids_stand_once():
    shown = Page(compare_html.render(compared(hostile(), of_verdicts(BEFORE), of_verdicts(AFTER))))
    links = [value for tag, name, value in shown.attributes if (tag, name) == ("a", "href")]
    assert len(links) == 4
    assert all(link[1:] in shown.ids for link in links)
    assert len(set(shown.ids)) == len(shown.ids)


def test_hostile_text_is_text_everywhere_in_the_page():
    for it in (compared(hostile(), record()), compared(record(), hostile())):
        source = compare_html.render(it)
        shown, plain = Page(source), Page(compare_html.render(usual(footer=None)))
        assert set(shown.tags) <= set(plain.tags) | {"b"}
        assert {name for _, name, _ in shown.attributes} <= {name for _, name, _ in plain.attributes}
        assert shown.misnested == []
        assert shown.whole.count("<script>alert(1)</script>") > 8
        assert all(character.isprintable() or character == "\n" for character in source)
        assert "<b class=x>\\u202e\\x00\\x1b</b>[31m" in source


def test_a_page_of_many_changes_stays_small():
    broken = many(400, body=b"B" * 1_900, text="<" * 3_000)
    fine = of_verdicts({one.requirement.id: "pass" for one in broken.rows})
    assert len(compare_html.render(compared(fine, broken))) < 6_000_000


# Markdown


@pytest.mark.parametrize("evil", BREAKS)
def test_whatever_is_compared_no_markup_comes_of_it(evil):
    for records in ((hostile(evil), record()), (record(), hostile(evil))):
        found = tokens(compare_markdown.render(compared(*records)))
        html = "".join(token.content for token in found if token.type.startswith("html"))
        assert set(re.findall("<.*?>", html)) <= {"<details>", "</details>", "<summary>", "</summary>"}
        said = "\n".join(token.content for token in found if token.type == "text")
        for sign in ("@", "#1", "GH-", "://", "www.", "evil.example", "deadbee", "alert", ":smile:", "$"):
            assert sign not in said
        assert not {token.type for token in found} & {"link_open", "image", "em_open", "s_open", "hr", "code_block"}
        cells = [token for token in found if token.type == "td_open"]
        assert len(cells) == 5 * len([token for token in found if token.type == "tr_open"][1:])


def test_a_summary_never_passes_its_limit():
    broken = many(300, body=b"`" * 1_900, text="`" * 3_000)
    fine = of_verdicts({one.requirement.id: "pass" for one in broken.rows})
    shown = compare_markdown.render(compared(fine, broken))
    assert len(shown) <= LIMIT
    assert "and 260 more requirements, in the HTML" in shown
    assert shown.endswith("The runs agree on 0 other requirements.\n")
    wide = of_verdicts({f"a/{'x' * 200}{n}": "pass" for n in range(90)})
    assert "Parts are left out" in compare_markdown.render(compare([results_of(wide), results_of(broken)] * 60))


# Text


def test_the_terminal_obeys_nothing():
    for it in (compared(hostile(), record()), compared(record(), hostile())):
        shown = text(it)
        assert all(character.isprintable() or character == "\n" for character in shown)
        assert "\\x1b[31m" in shown
        assert EVIL not in shown


def test_the_terminal_tells_most_of_the_worst_and_lists_the_rest():
    broken = many(130)
    fine = of_verdicts({one.requirement.id: "pass" for one in broken.rows})
    shown = text(compared(fine, broken))
    assert shown.count("\n      try       curl ") == 20
    assert shown.count("newly broken     MUST") == 100
    assert "  and 30 more; --format json has them all\n" in shown


def test_a_line_of_the_terminal_has_a_column_for_each_run():
    third = of_verdicts({"a/broken": "inconclusive"})
    shown = text(compared(of_verdicts(BEFORE), of_verdicts(AFTER), third))
    (line,) = [line for line in shown.splitlines() if line.endswith("MUST    a/broken")]
    assert line.split() == ["pass", "fail", "inconclusive", "newly", "broken", "MUST", "a/broken"]
    (line,) = [line for line in shown.splitlines() if line.endswith("MUST    a/still")]
    assert line.split()[:3] == ["fail", "fail", "-"]


def test_two_answers_that_are_compared_are_both_shown():
    from records import compared as two

    fine = of_verdicts({"area/fail": "pass"})
    shown = text(compared(fine, replace(two(), footer=FOOTER)))
    assert "try       curl " in shown
    assert "versus    curl " in shown
