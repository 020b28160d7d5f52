import re
from dataclasses import replace

import pytest
from markup import BREAKS, tokens
from records import FOOTER, exchange, header, hostile, many, record, requirement, row, stale

from infercheck.expectations import Expectations, Expected
from infercheck.findings import Finding, Verdict
from infercheck.reports import curl
from infercheck.reports.markdown import LIMIT, code, render
from infercheck.requirements import Clause, Level
from infercheck.results import results_of

HTML = {"<details>", "</details>", "<summary>", "</summary>"}


def shape(text):
    """The markup of a text: its elements and their nesting, without what is in them."""
    return [(token.type, token.tag, token.level) for token in tokens(text) if token.type != "text"]


def rows(text):
    """The table, its cells as text."""
    table = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def page(**more):
    return render(results_of(record(**more)))


@pytest.mark.parametrize(
    ("more", "headline"),
    [
        ({}, "## ❌ infercheck failed\n"),
        ({"findings": []}, "## ✅ infercheck passed\n"),
        ({"findings": [], "footer": None}, "## ⚠️ infercheck incomplete\n"),
    ],
)
def test_the_headline_is_the_verdict(more, headline):
    passing = (row(requirement("area/pass")), row(requirement("area/skip")))
    assert page(**({"rows": passing} | more if more else more)).startswith(headline)


def test_totals_and_the_run_are_told():
    shown = page()
    assert "**2 of 6 MUST kept, 1 broken, 1 warning, 2 undecided, 1 not judged; 7 requests in 5.2 s**" in shown
    assert "`http://target` (`rest`) against `some-model`, profile `standard`, seed `1`" in shown


@pytest.mark.parametrize(
    ("footer", "why"),
    [(None, "the run was cut off"), ({**FOOTER, "complete": False, "reason": "interrupted"}, "interrupted")],
)
def test_an_incomplete_run_says_so_loudly(footer, why):
    assert f"**⚠️ INCOMPLETE: `{why}" in page(footer=footer)
    assert "INCOMPLETE" not in page()


def test_expectations_out_of_date_are_listed():
    it = stale(Expected(requirement="area/pass", place="infercheck.yaml:12"), Expected(case="a/*"))
    shown = render(results_of(it))
    assert shown.startswith("## ❌")
    assert (
        "### ❌ Expectations out of date\n\n- `area/pass: it expired on 2025-12-31` (`infercheck.yaml:12`)" in shown
    )
    assert "\n- `case a/*: it expired on 2025-12-31`\n" in shown
    assert "out of date" not in page()


def test_the_table_counts_verdicts_by_area():
    assert rows(page()) == [
        ["area", "pass", "fail", "warn", "note", "skip", "inconclusive", "error"],
        ["---"] + ["--:"] * 7,
        ["`area`", "1", "1", "1", "", "1", "1", "1"],
        ["`open`", "", "", "", "1", "", "", ""],
        ["`else`", "1", "", "", "", "", "", ""],
    ]


def test_a_broken_requirement_is_shown_whole():
    it = requirement(
        "area/fail",
        title="top_k[] is at most 5*",
        clause=Clause(pointer="/oneOf/0/minLength", quote='"minLength": 1', source="input schema"),
    )
    shown = page(rows=(row(it),))
    block = shown[shown.index("### ❌ 1.") : shown.index("### Look")]
    assert block == (
        "### ❌ 1. MUST `area/fail`: top\\_k\\[\\] is at most 5\\*\n\n"
        '- clause: `input schema /oneOf/0/minLength  "minLength": 1`\n'
        "- case: `case/1`\n- expected: `expected 1`\n- observed: `observed 1`\n\n"
        '```sh\ncurl -sS -i -X POST http://127.0.0.1:1/run -H "Authorization: Bearer $MY_TOKEN" '
        "-H 'Content-Type: application/json' --data-binary '{\"prompt\": \"hi\"}'\n```\n\n"
        "and 6 other findings of this requirement, in report.html\n\n"
    )
    assert ": top_k[] is at most 5*" in "".join(token.content for token in tokens(block) if token.type == "text")


def test_a_long_curl_line_is_cut_and_says_where_the_whole_is(monkeypatch):
    monkeypatch.setattr(curl, "INLINE", 100_000)
    shown = page(exchanges={1: exchange(1, body=b"A" * 90_000)})
    assert "(cut; the whole line of 90,1" in shown
    assert "is in report.json)" in shown
    assert max(map(len, shown.splitlines())) == 2_000


def test_failures_stand_before_warnings_and_ten_are_shown():
    levels = [Level.SHOULD] * 8 + [Level.MUST] * 9
    verdicts = {Level.SHOULD: Verdict.WARN, Level.MUST: Verdict.FAIL}
    shown = page(
        rows=tuple(row(requirement(f"area/{n}", level)) for n, level in enumerate(levels)),
        findings=[Finding(requirement=f"area/{n}", verdict=verdicts[level]) for n, level in enumerate(levels)],
        passed=[],
    )
    heads = re.findall(r"^### (\S+) (\d+)\. (\w+) `(.*?)`", shown, re.MULTILINE)
    assert heads == [
        *(("❌", str(n), "MUST", f"area/{n + 7}") for n in range(1, 10)),
        ("⚠️", "10", "SHOULD", "area/0"),
    ]
    folded = shown[shown.index("<details>") : shown.index("</details>")]
    assert "<summary>and 7 more broken</summary>" in folded
    assert re.findall(r"^- (.*)$", folded, re.MULTILINE) == [f"⚠️ `area/{n}`" for n in range(1, 8)]


def test_forty_more_are_listed_and_the_rest_counted():
    shown = render(results_of(many(60)))
    assert len(re.findall(r"^- ❌ `", shown, re.MULTILINE)) == 40
    assert "<summary>and 50 more broken</summary>" in shown
    assert "\n- and 10 more, in report.html\n" in shown
    assert "more broken" not in render(results_of(many(10)))


def test_undecided_musts_are_listed_with_reasons():
    ids = [f"a/{n}" for n in range(12)]
    shown = page(
        rows=(*(row(requirement(id_)) for id_ in ids), row(requirement("a/should", Level.SHOULD))),
        findings=[Finding(requirement=id_, verdict=Verdict.INCONCLUSIVE, reason=f"why {id_}") for id_ in ids]
        + [Finding(requirement="a/should", verdict=Verdict.INCONCLUSIVE, reason="no matter")],
        passed=[],
    )
    assert "### ⚠️ 12 MUST requirements undecided\n\n- `a/0`: `why a/0`\n" in shown
    assert len(re.findall(r"^- `a/\d+`: `why", shown, re.MULTILINE)) == 10
    assert "\n- and 2 more, in report.html" in shown
    assert "no matter" not in shown


def test_undecided_musts_with_one_reason_are_told_of_once():
    ids = [f"a/{n}" for n in range(4)]
    findings = [Finding(requirement=id_, verdict=Verdict.INCONCLUSIVE, reason="it was gone") for id_ in ids[:3]]
    findings.append(Finding(requirement="a/3", verdict=Verdict.INCONCLUSIVE, reason="no power"))
    shown = page(rows=tuple(row(requirement(id_)) for id_ in ids), findings=findings, passed=[])
    assert "4 MUST requirements undecided\n\n- 3 requirements: `it was gone`\n- `a/3`: `no power`\n" in shown


def test_expected_failures_are_folded_with_reasons():
    known = Expectations(entries=(Expected(requirement="area/fail", reason="mended in June"),))
    shown = page(expectations=known)
    assert "<summary>1 requirement broken as expected</summary>\n\n- `area/fail`: `mended in June`\n\n" in shown
    assert "### ❌" not in shown
    assert "0 broken, 1 more as expected" in shown


@pytest.mark.parametrize(
    ("command", "run"),
    [
        (
            ["infercheck", "run", "http://t", "--output", "a b"],
            "infercheck run http://t --output 'a b' --only 'a/*'",
        ),
        (["infercheck", "run"], "infercheck run --only 'a/*'"),
        (["infercheck", "run", "http://t", "--only", "a"], "infercheck run … --only 'a/*'"),
        (["infercheck", "run", "x" * 500], "infercheck run … --only 'a/*'"),
        (["infercheck", "run", "x\n```"], "infercheck run … --only 'a/*'"),
        (["pytest"], "infercheck run … --only 'a/*'"),
    ],
)
def test_it_says_how_to_look_into_the_worst(command, run):
    findings = [Finding(requirement="a/*", verdict=Verdict.FAIL)]
    it = {"rows": (row(requirement("a/*")),), "findings": findings, "passed": []}
    shown = page(header=header(command=command), **it)
    assert shown.endswith(f"### Look into it\n\n```sh\ninfercheck explain 'a/*'\n{run}\n```\n")


def test_without_a_broken_requirement_it_says_how_all_the_same():
    assert "infercheck explain ID\n" in page(findings=[])


@pytest.mark.parametrize("text", BREAKS)
def test_a_code_span_holds_any_text(text):
    (paragraph,) = [token for token in tokens(f"a {code(text)} b") if token.type == "inline"]
    kinds = [token.type for token in paragraph.children]
    assert kinds == ["text", "code_inline", "text"]
    assert text.replace("\n", "\\n")[:20] in paragraph.children[1].content or not text.isprintable()


@pytest.mark.parametrize("text", BREAKS[:-1])
def test_whatever_a_target_or_a_contract_says_no_markup_comes_of_it(text):
    entries = (Expected(requirement="evil/*", reason=text), Expected(case=text, place=text, expires="2026-01-01"))
    known = replace(hostile(text), expectations=Expectations(entries=entries, date="2026-01-02"))
    for it in (hostile(text), known):
        shown = render(results_of(it))
        found = tokens(shown)
        html = "".join(token.content for token in found if token.type.startswith("html"))
        assert set(re.findall("<.*?>", html)) <= HTML
        assert html.count("<") == html.count(">") == len(re.findall("<.*?>", html))
        said = "\n".join(token.content for token in found if token.type == "text")
        for sign in ("@", "#1", "GH-", "://", "www.", "evil.example", "deadbee", "alert", ":smile:", "$"):
            assert sign not in said
        assert not {token.type for token in found} & {"link_open", "image", "em_open", "s_open", "hr", "code_block"}
        assert len([token for token in found if token.type == "td_open"]) == 3 * (1 + shown.count("--:"))
    # What does not print is remarked on.
    calm = "~\x00" if "\x00" in text else "~"
    assert shape(render(results_of(hostile(text)))) == shape(render(results_of(hostile(calm))))


@pytest.mark.parametrize("text", BREAKS)
def test_a_fence_holds_any_body(text):
    body = "x" + text.translate(dict.fromkeys(map(ord, "'\x00\x1b\u202e\u061c")))
    shown = render(results_of(record(exchanges={1: exchange(1, body=body.encode())})))
    found = [token for token in tokens(shown) if token.type == "fence"]
    assert len(found) == 3
    assert found[0].content.startswith("curl ")
    assert found[0].content.endswith(f" '{body}'\n")


@pytest.mark.parametrize(
    "title",
    [
        "@user",
        "see #1",
        "as GH-1 says",
        "www.evil.example",
        "http://x",
        "at deadbeef",
        "<b>",
        "a`b",
        "a | b\nc",
        ":x:",
    ],
)
def test_a_title_that_could_be_more_is_code(title):
    shown = page(rows=(row(requirement("area/fail", title=title)),))
    assert f": {code(title)}\n" in shown


def test_an_area_with_a_bar_stays_one_cell():
    found = tokens(page(rows=(row(requirement("a|b\\|`c\n/x")),), findings=[]))
    cells = [found[n + 2] for n, token in enumerate(found) if token.type == "td_open"]
    assert [cell.content for cell in cells] == ["a|b\\|`c\\n", "1"]


@pytest.mark.parametrize("text", ["`" * 10**5, "`x" * 10**5, "\U0010ffff" * 10**5, "|<" * 10**5, "A" * 10**5])
def test_a_summary_never_passes_its_limit(text):
    numbers = range(100)
    rows = tuple(row(requirement(f"{n}{text}/x{n}", title=text)) for n in numbers)
    findings = [
        Finding(
            requirement=it.requirement.id,
            verdict=(Verdict.FAIL, Verdict.INCONCLUSIVE)[n % 2],
            case=text,
            expected=text,
            observed=text,
            reason=text,
            exchanges=(1,),
        )
        for n, it in enumerate(rows)
    ]
    it = replace(
        hostile(text[:2_000]),
        rows=rows,
        judged=record(findings=findings).judged,
        exchanges={1: exchange(1, body=text[:9_000].encode())},
        expectations=stale(*(Expected(requirement=text, place=text) for _ in range(50))).expectations,
    )
    shown = render(results_of(it))
    assert len(shown) <= LIMIT
    assert shown.count("### Look into it") == 1
    assert tokens(shown)[-1].type == "fence"
    assert shown.startswith("## ❌ infercheck failed\n\n**")


def test_what_does_not_fit_is_said_to_be_left_out():
    text = "`" * 3_000
    it = replace(many(40, body=b"`" * 1_900, text=text), footer={**FOOTER, "complete": False, "reason": text})
    shown = render(results_of(it))
    assert LIMIT * 0.8 < len(shown) <= LIMIT
    assert (
        "**Parts are left out to keep this summary small; report.html has them all.**\n\n### Look into it" in shown
    )
    assert "Parts are left out" not in page()


def test_a_hundred_and_sixty_failures_with_large_bodies_stay_small():
    assert len(render(results_of(many(160, body=b"x" * 99_000, text="y" * 10**5)))) < LIMIT


def test_the_same_results_give_the_same_text():
    assert page() == page()
