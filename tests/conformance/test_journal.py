"""The journal is what its schema says, survives what targets send, and a broken one is refused with its place."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from fakes import CONTRACT, Target, answer
from harness import plan_of

from infercheck.conduct import Settings, conduct
from infercheck.dialect import Dialect
from infercheck.errors import JournalError
from infercheck.findings import Finding, Verdict
from infercheck.journal import JournalWriter, Written
from infercheck.keys import Keys
from infercheck.pages import Places
from infercheck.plan import Options, make_plan
from infercheck.record import read
from infercheck.reports.json_report import render
from infercheck.results import results_of

SCHEMAS = files("infercheck.schemas")
HOSTILE = b'{"result":{"response":"\\ud800 \\u0000 \x1b[2J <script>"}}\n\xff'


def schema(name):
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / name).read_text("utf-8")))


@pytest.fixture(scope="module", params=["conforming", "hostile"])
def recorded(tmp_path_factory, request):
    target = Target()
    if request.param == "hostile":
        target.changes = lambda body, usual: answer(usual.status, HOSTILE, (("content-type", "\x1b]0;x\x07"),))
    options = Options(only=("input/prompt/top_k", "output", "stream"))
    path = tmp_path_factory.mktemp("recorded") / "journal.ndjson"
    settings = Settings(address="fake", url="http://fake/", dialect=Dialect.REST)
    asyncio.run(conduct(CONTRACT, plan_of(CONTRACT, options), options, target, path, settings))
    return path


@pytest.fixture
def journal(tmp_path, recorded):
    return Path(shutil.copy(recorded, tmp_path))


def test_every_line_is_what_the_schema_says(journal):
    validator = schema("journal.schema.json")
    kinds = []
    for line in journal.read_bytes().splitlines():
        value = json.loads(line)
        validator.validate(value)
        kinds.append(value["type"])
    assert kinds[0] == "header"
    assert kinds[-1] == "footer"
    assert set(kinds) == {"header", "dialect", "case", "body", "sent", "exchange", "judged", "footer"}
    assert kinds.count("sent") == kinds.count("exchange")


def test_report_json_is_what_its_schema_says_and_a_pure_function(journal):
    text = render(results_of(read(journal)))
    schema("report.schema.json").validate(json.loads(text))
    assert text == render(results_of(read(journal)))


def test_bodies_come_back_byte_for_byte_and_stand_once(journal):
    record = read(journal)
    bodies = [
        json.loads(line)["sha256"] for line in journal.read_bytes().splitlines() if b'"type":"body"' in line[:20]
    ]
    assert len(bodies) == len(set(bodies))
    assert record.exchanges
    for exchange in record.exchanges.values():
        assert CONTRACT.oracle is not None
        json.loads(exchange.request.body)
        if exchange.answer.headers[0][1].startswith("\x1b"):
            assert exchange.answer.body == HOSTILE


def test_what_is_looked_up_survives_the_name_of_its_journal_and_not_another_text_in_it(journal):
    record, untouched = read(journal), read(journal)
    numbers = list(record.exchanges)
    assert numbers == sorted(numbers)
    assert 0 not in record.exchanges
    with pytest.raises(KeyError):
        record.exchanges[10**6]
    assert record.exchanges[numbers[-1]] == untouched.exchanges[numbers[-1]]
    journal.write_bytes(journal.read_bytes()[:-9] + b"\n")
    assert record.exchanges[numbers[0]].number == numbers[0]
    journal.write_bytes(b"{}\n" * 20_000)
    with pytest.raises(JournalError, match="written over"):
        record.exchanges[numbers[0]]
    journal.unlink()
    with pytest.raises(JournalError, match="cannot be read"):
        read(journal)


def test_places_are_found_in_whatever_order_they_come_and_the_later_one_holds():
    places = Places()
    for key in (5, 3, 9, 4):
        places.add(key, key * 10)
    places.add(3, 31)
    assert [*places] == [3, 4, 5, 9]
    assert [places.find(key) for key in (3, 4, 9, 7, 10)] == [31, 40, 90, None, None]
    places.add(7, 70)
    assert places.find(7) == 70
    assert len(places) == 5


def test_a_journal_without_footer_or_with_a_torn_last_line_is_incomplete(journal, tmp_path):
    lines = journal.read_bytes().splitlines(keepends=True)
    cut = tmp_path / "cut.ndjson"
    cut.write_bytes(b"".join(lines[:-1]) + b'{"type":"foo')
    record = read(cut)
    assert not record.complete
    assert "cut off before its end" in record.why_incomplete
    assert results_of(record).exit_status() in (1, 4)
    assert results_of(record).verdict in ("fail", "incomplete")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "line 1"),
        ("{}", "line 1"),
        ("not json\n{}\n", "line 1"),
        ('{"type":"header","version":99}\n', "version 99"),
        ('{"type":"header","version":1}\n', "no line of a journal"),
    ],
)
def test_what_is_no_journal_is_refused_with_its_place(tmp_path, text, expected):
    path = tmp_path / "journal.ndjson"
    path.write_text(text)
    with pytest.raises(JournalError) as raised:
        read(path)
    assert str(path) in str(raised.value)
    assert expected in str(raised.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be written"):
        JournalWriter(tmp_path / "file" / "journal.ndjson")
    with pytest.raises(JournalError, match="cannot be read"):
        read(tmp_path / "none.ndjson")


def test_what_an_answer_is_compared_with_comes_back_and_is_written_only_where_there_is_something(journal, tmp_path):
    header, *_ = journal.read_bytes().splitlines(keepends=True)
    path = tmp_path / "compared.ndjson"
    path.write_bytes(header)
    one = Finding(requirement="default/max_tokens", verdict=Verdict.FAIL, case="a", exchanges=(3, 9), versus=9)
    two = Finding(requirement="stream/done", verdict=Verdict.WARN, case="a", exchanges=(3,))
    case = make_plan(CONTRACT, Options(profile="quick")).cases[0]
    with JournalWriter(path, written=Written()) as writer:
        writer.judged(case, [one, two])
    assert read(path).findings == [one, two]
    line = json.loads(path.read_bytes().splitlines()[-1])
    schema("journal.schema.json").validate(line)
    assert [finding.get("versus", "not written") for finding in line["findings"]] == [9, "not written"]


def test_a_journal_has_one_writer_at_a_time(tmp_path):
    path = tmp_path / "journal.ndjson"
    with JournalWriter(path) as first:
        first.resumed({"url": "http://x/"})
        with pytest.raises(JournalError, match="another run is writing it"):
            JournalWriter(path)
        assert path.read_bytes()
    with JournalWriter(path):
        assert not path.read_bytes()


def test_keys_are_a_set():
    chance = random.Random(1)
    numbers = [chance.getrandbits(63) - 2**62 for _ in range(5_000)] + [0]
    keys = Keys(numbers[:3])
    assert [keys.add(number) for number in numbers] == [False] * 3 + [True] * 4_998
    assert set(keys) == {number or 1 for number in numbers}
    assert len(keys) == 5_001
    assert 0 in keys
    assert 12345 not in keys
