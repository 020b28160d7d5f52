import re
import secrets
from dataclasses import replace

import pytest
from records import EVIL, FOOTER, exchange, hostile, many, record, requirement, row, stale

from infercheck.expectations import Expectations, Expected
from infercheck.findings import Finding, Verdict
from infercheck.reports.github import annotations, resume_commands, stop_commands
from infercheck.requirements import Clause, Level
from infercheck.results import results_of

# A command as the runner reads it: properties end at the first `::`, and each at the first comma.
COMMAND = re.compile(r"::(?P<kind>error|warning|notice)(?: (?P<properties>.*?))?::(?P<data>.*)")
UNESCAPED = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}


CURL = (
    'curl -sS -i -X POST http://127.0.0.1:1/run -H "Authorization: Bearer $MY_TOKEN" '
    "-H 'Content-Type: application/json' --data-binary '{\"prompt\": \"hi\"}'"
)


def unescaped(text):
    assert set(re.findall("%..", text)) <= set(UNESCAPED)
    return re.sub("%..", lambda match: UNESCAPED[match[0]], text)


def read(text):
    """The commands of a log: kind, properties and message."""
    found = []
    for line in text.splitlines():
        match = COMMAND.fullmatch(line)
        assert match, line
        pairs = [pair.split("=", 1) for pair in (match["properties"] or "").split(",") if pair]
        found.append((match["kind"], {name: unescaped(value) for name, value in pairs}, unescaped(match["data"])))
    return found


def shown(it, **more):
    return read(annotations(results_of(it), **more))


def test_a_run_that_passes_says_nothing():
    assert annotations(results_of(record(rows=(row(requirement("area/pass")),), findings=[]))) == ""


def test_a_broken_must_is_an_error_with_all_that_shows_it():
    it = requirement("area/fail", title="is it", clause=Clause(pointer="/x", quote='"a": 1', source="input schema"))
    ((kind, properties, message),) = shown(record(rows=(row(it),)))
    assert (kind, properties) == ("error", {"title": "infercheck: area/fail"})
    assert message.split("\n") == [
        "is it",
        'clause: MUST input schema /x  "a": 1',
        "expected: expected 1",
        "observed: observed 1",
        f"try: {CURL}",
    ]


def test_the_worst_stand_first():
    it = stale(Expected(requirement="area/pass"), footer={**FOOTER, "complete": False, "reason": "interrupted"})
    assert [(kind, properties["title"]) for kind, properties, _ in shown(it)] == [
        ("error", "infercheck: the run is INCOMPLETE"),
        ("error", "infercheck: an expectation is out of date"),
        ("error", "infercheck: area/fail"),
        ("warning", "infercheck: area/warn"),
    ]
    assert shown(it)[0][2] == "interrupted\n2 MUST requirements could not be decided"
    assert shown(it)[1][2].startswith("area/pass: it expired on 2025-12-31\n")


def test_a_run_that_was_cut_off_is_an_error():
    kind, _, message = shown(record(footer=None))[0]
    assert kind == "error"
    assert message.startswith("the run was cut off before its end\n")


def test_what_a_whole_run_could_not_decide_is_a_warning():
    kind, properties, message = shown(record())[0]
    assert kind == "warning"
    assert properties["title"] == "infercheck: 2 MUST requirements could not be decided"
    assert message == "area/unsure: no power\narea/error: the suite tripped"


def test_what_is_expected_or_open_is_not_shown():
    known = Expectations(entries=(Expected(requirement="area/*"),))
    titles = [properties["title"] for _, properties, _ in shown(record(expectations=known))]
    assert titles == ["infercheck: 2 MUST requirements could not be decided"]


def test_ten_are_shown_and_the_rest_counted():
    found = shown(many(12))
    assert [kind for kind, _, _ in found] == ["error"] * 10 + ["notice"]
    assert [properties["title"] for _, properties, _ in found[:10]] == [
        f"infercheck: area/{n}" for n in range(1, 11)
    ]
    assert found[-1][2].startswith("2 more problems")
    assert [kind for kind, _, _ in shown(many(10))] == ["error"] * 10
    assert shown(many(11))[-1][2].startswith("1 more problem:")
    assert [kind for kind, _, _ in shown(many(12), limit=3)] == ["error"] * 3 + ["notice"]
    assert [message[:15] for _, _, message in shown(many(12), limit=0)] == ["12 more problem"]


def test_failures_are_shown_before_warnings_whatever_their_area():
    levels = {"http/a": Level.SHOULD, "input/b": Level.MUST}
    verdicts = {Level.SHOULD: Verdict.WARN, Level.MUST: Verdict.FAIL}
    it = record(
        rows=tuple(row(requirement(id_, level)) for id_, level in levels.items()),
        findings=[Finding(requirement=id_, verdict=verdicts[level]) for id_, level in levels.items()],
        passed=[],
    )
    assert [(kind, of["title"]) for kind, of, _ in shown(it)] == [
        ("error", "infercheck: input/b"),
        ("warning", "infercheck: http/a"),
    ]


@pytest.mark.parametrize(
    ("place", "file", "expected"),
    [
        ("infercheck.yaml:12", None, {"file": "infercheck.yaml", "line": "12"}),
        ("infercheck.yaml:12", "ci/infercheck.yaml", {"file": "ci/infercheck.yaml", "line": "12"}),
        ("other.yaml:12", "ci/infercheck.yaml", {"file": "other.yaml", "line": "12"}),
        ("C:\\a:b,c.yaml:3", None, {"file": "C:\\a:b,c.yaml", "line": "3"}),
        ("my_test.py", "ci/infercheck.yaml", {"file": "ci/infercheck.yaml"}),
        ("tests/my_test.py::test_it", None, {}),
        (":7", None, {}),
        ("", None, {}),
    ],
)
def test_an_expectation_is_shown_where_it_stands(place, file, expected):
    it = stale(Expected(requirement="area/pass", place=place), findings=[])
    ((_, properties, _),) = [one for one in shown(it, file=file) if "expectation" in one[1]["title"]]
    del properties["title"]
    assert properties == expected


def test_the_others_are_shown_at_the_file_that_is_given():
    found = shown(record(footer=None), file="ci/infercheck.yaml")
    assert {properties["file"] for _, properties, _ in found} == {"ci/infercheck.yaml"}
    assert not any("line" in properties for _, properties, _ in found)


def test_escapes_are_those_of_githubs_toolkit():
    it = requirement("a/b:c,d%e", title="50% :: a,b", clause=Clause(quote="q", source="s"))
    finding = Finding(requirement=it.id, verdict=Verdict.FAIL, expected="e", observed="100%0A")
    assert annotations(results_of(record(rows=(row(it),), findings=[finding], passed=[]))) == (
        "::error title=infercheck%3A a/b%3Ac%2Cd%25e::"
        '50%25 :: a,b%0Aclause: MUST s  "q"%0Aexpected: e%0Aobserved: 100%250A'
    )


@pytest.mark.parametrize(
    "text", [EVIL, "\n::error::x", "\r\n::stop-commands::x", "::x::,file=y%0A\u2028\x85\ud800"]
)
def test_hostile_text_makes_no_command_and_no_property(text):
    found = shown(hostile(text), file="f")
    assert [kind for kind, _, _ in found] == ["error", "error"]
    assert all(set(properties) == {"title", "file"} for _, properties, _ in found)
    for _, properties, message in found:
        assert all(part.isprintable() for part in (*properties.values(), *message.split("\n")))
    # The curl line alone has lines of its own.
    assert len(found[1][2].split(" -H ")[0].split("\n")) == 5 + text.count("\n")


@pytest.mark.parametrize("text", ["x", "%", "\x00", "\U0010ffff", "'"])
def test_messages_and_titles_are_short(text):
    long = text * 5_000
    it = many(3, body=f"a{long}".replace("\x00", "").encode(), text=long)
    rows = [
        requirement(id_, title=long, clause=Clause(quote=long, source=long)) for id_ in ("area/1", "area/2", long)
    ]
    it = replace(
        it,
        rows=tuple(map(row, rows)),
        judged=record(findings=[*it.findings, replace(it.findings[0], requirement=long)]).judged,
        expectations=stale(Expected(requirement=long, place=f"{long}:1")).expectations,
        footer={**FOOTER, "complete": False, "reason": long},
    )
    found = shown(it)
    assert len(found) == 5
    for _, properties, message in found:
        assert len(message) <= 1_000
        assert len(properties["title"]) <= 200
        assert len(properties.get("file", "")) <= 200
    for _, _, message in found[2:5]:
        assert len(message) > 850
        assert "\ntry: curl -sS" in message
        assert message.endswith("characters is in report.json)") == (text != "\x00")


def test_commands_stop_and_go_on_with_a_token_that_nobody_guesses():
    token = secrets.token_hex(16)
    assert stop_commands(token) == f"::stop-commands::{token}"
    assert resume_commands(token) == f"::{token}::"


@pytest.mark.parametrize("token", ["", "abc", "a" * 31, "a" * 32 + "\n", "::" + "a" * 32, "a" * 32 + " "])
def test_a_token_that_is_none_is_refused(token):
    for command in (stop_commands, resume_commands):
        with pytest.raises(ValueError, match="32 or more"):
            command(token)


def test_a_run_without_a_request_has_no_curl_line():
    finding = Finding(requirement="area/fail", verdict=Verdict.FAIL, expected="e", observed="o")
    assert all("try:" not in message for _, _, message in shown(record(findings=[finding])))


def test_a_hundred_and_sixty_failures_with_large_bodies_stay_small():
    assert len(annotations(results_of(many(160, body=b"%" * 99_000, text="%" * 10**5)))) < 40_000


def test_a_body_over_lines_is_one_command():
    it = record(exchanges={1: exchange(1, body=b'{\n "prompt": "hi"\n}')})
    message = next(message for kind, _, message in shown(it) if kind == "error")
    assert message.endswith('\'{\n "prompt": "hi"\n}\'')
