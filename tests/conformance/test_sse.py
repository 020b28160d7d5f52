import dataclasses
import itertools
import random
import re

import pytest

from infercheck import sse
from infercheck.sse import Event, Fault, FaultKind, Parser, Stream, parse

BOM = b"\xef\xbb\xbf"

# name: (bytes, what comes of them: data alone, or (type, data, id); faults as (kind, offset, detail)).
# The names `format-*` follow web-platform-tests `eventsource/`, with the blank line that their server adds at
# the end; `html-*` are the examples of WHATWG HTML 9.2.6.
VECTORS: dict[str, tuple[bytes, list[str | tuple[str, str, str]], list[tuple[str, int, str]]]] = {
    "html-stocks": (b"data: YHOO\ndata: +2\ndata: 10\n\n", ["YHOO\n+2\n10"], []),
    "html-four-blocks": (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
        [("message", "first event", "1"), ("message", "second event", "")],
        [("unterminated-event", 62, "data:  third event\n")],
    ),
    "html-empty-data": (b"data\n\ndata\ndata\n\ndata:", ["", "\n"], [("unterminated-event", 17, "data:")]),
    "html-space-after-colon": (b"data:test\n\ndata: test\n\n", ["test", "test"], []),
    "html-types": (
        b"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n",
        [("add", "73857293", ""), ("remove", "2153", ""), ("add", "113411", "")],
        [],
    ),
    "format-bom": (
        BOM + b"data:1\n\n" + BOM + b"data:2\n\ndata:3\n\n",
        ["1", "3"],
        [("byte-order-mark", 0, ""), ("unknown-field", 11, "\ufeffdata")],
    ),
    "format-bom-2": (
        BOM + BOM + b"data:1\n\ndata:2\n\ndata:3\n\n",
        ["2", "3"],
        [("byte-order-mark", 0, ""), ("unknown-field", 3, "\ufeffdata")],
    ),
    "format-comments": (
        b"data:1\r:\0\n:\r\ndata:2\n:" + b"x" * 40 + b"\rdata:3\n:data:fail\r:" + b"x" * 40 + b"\ndata:4\n\n",
        ["1\n2\n3\n4"],
        [],
    ),
    "format-data-before-final-empty-line": (
        b"retry:1000\ndata:test1\n\nid:test\ndata:test2",
        ["test1"],
        [("unterminated-event", 23, "id:test\ndata:test2")],
    ),
    "format-field-data": (b"data:\n\ndata\ndata\n\ndata:test\n\n", ["", "\n", "test"], []),
    "format-field-event": (
        b"event:test\ndata:x\n\ndata:x\n\n",
        [("test", "x", ""), ("message", "x", "")],
        [],
    ),
    "format-field-event-empty": (b"event: \ndata:data\n\n", ["data"], []),
    "format-field-id": (
        b"data:hello\nid:\xe2\x80\xa6\n\ndata\n\n",
        [("message", "hello", "…"), ("message", "", "…")],
        [],
    ),
    "format-field-id-2": (
        b"id: 1\ndata: 1\n\ndata: 2\n\nid: 2\ndata: 3\n\nid\ndata: 4\n\n",
        [("message", "1", "1"), ("message", "2", "1"), ("message", "3", "2"), ("message", "4", "")],
        [],
    ),
    "format-field-id-null": (
        b"id: 1\nid: 2\0 3\ndata:hello\n\n",
        [("message", "hello", "1")],
        [("nul-in-id", 6, "2\0 3")],
    ),
    "format-field-parsing": (
        (
            b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n"
            b" data:32\ndata:4\n\n"
        ),
        ["\0\n 2\n1\n3\n\n4"],
        [
            ("unknown-field", 16, "Data"),
            ("unknown-field", 23, "data\0"),
            ("unknown-field", 38, "\0data"),
            ("unknown-field", 46, "da-ta"),
            ("unknown-field", 54, "data_5"),
            ("unknown-field", 75, " data"),
        ],
    ),
    "format-field-retry": (b"retry:03000\ndata:x\n\n", ["x"], []),
    "format-field-retry-bogus": (
        b"retry:3000\nretry:1000x\ndata:x\n\n",
        ["x"],
        [("invalid-retry", 11, "1000x")],
    ),
    "format-field-retry-empty": (b"retry\ndata:test\n\n", ["test"], [("invalid-retry", 0, "")]),
    "format-field-unknown": (
        b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n",
        ["test\n\ntest"],
        [
            ("unknown-field", 10, " data"),
            ("unknown-field", 21, "foobar"),
            ("unknown-field", 32, "justsometext"),
        ],
    ),
    "format-leading-space": (b"data:\ttest\rdata: \ndata:test\n\n", ["\ttest\n\ntest"], []),
    # format-mime-* are about the header: a parser of bytes cannot be told another encoding.
    "format-utf-8": (b"data:ok\xe2\x80\xa6\n\n", ["ok…"], []),
    "format-newlines": (b"data:test\r\ndata\ndata:test\r\n\r\n", ["test\n\ntest"], []),
    "format-null-character": (b"data:\0\n\n\n\n", ["\0"], []),
    "empty": (b"", [], []),
    "blank-lines": (b"\n\r\r\n\n", [], []),
    "bom-alone": (BOM, [], [("byte-order-mark", 0, "")]),
    "bom-blank-line": (BOM + b"\r\n", [], [("byte-order-mark", 0, "")]),
    "bom-half": (b"\xef\xbb", [], [("invalid-utf-8", 0, "ef bb"), ("unterminated-event", 0, "\ufffd")]),
    "bom-after-blank-line": (b"\n" + BOM + b"data:1\n\n", [], [("unknown-field", 1, "\ufeffdata")]),
    "bom-in-value": (b"data:" + BOM + b"1\n\n", ["\ufeff1"], []),
    "bom-unterminated": (
        BOM + b"data:1",
        [],
        [("byte-order-mark", 0, ""), ("unterminated-event", 3, "data:1")],
    ),
    "cr": (b"data:1\r\rdata:2\r\r", ["1", "2"], []),
    "crlf": (b"data:1\r\n\r\ndata:2\r\n\r\n", ["1", "2"], []),
    "crlf-cut-at-end": (b"data:1\r\n\r", ["1"], []),
    "lf-cr": (b"data:1\n\rdata:2\n\r\n", ["1", "2"], []),
    "other-line-ends": (b"data:a\x0b\x0c\x1c\xc2\x85\xe2\x80\xa8b\n\n", ["a\x0b\x0c\x1c\x85\u2028b"], []),
    "space-before-blank-line": (b"data:1\n \ndata:2\n\n", ["1\n2"], [("unknown-field", 7, " ")]),
    "colon-in-value": (b"data: a: b\n\n", ["a: b"], []),
    "event-without-data": (b"event:x\n\ndata:1\n\n", ["1"], []),
    "id-without-data": (b"id:7\n\ndata:1\n\n", [("message", "1", "7")], []),
    "retry-other-digits": (
        "retry:\u0663\nretry:-1\nretry:1 \n\n".encode(),
        [],
        [("invalid-retry", 0, "\u0663"), ("invalid-retry", 9, "-1"), ("invalid-retry", 18, "1 ")],
    ),
    # The replacement characters are those of the WHATWG decoder: one for each maximal subpart.
    "utf-8-truncated": (b"data:a\xe2\x82b\n\n", ["a\ufffdb"], [("invalid-utf-8", 6, "e2 82")]),
    "utf-8-truncated-by-line-end": (
        b"data:\xf0\x9f\x98\r\ndata:\xf0\n\n",
        ["\ufffd\n\ufffd"],
        [("invalid-utf-8", 5, "f0 9f 98"), ("invalid-utf-8", 15, "f0")],
    ),
    "utf-8-surrogate": (b"data:\xed\xa0\xbd\n\n", ["\ufffd" * 3], [("invalid-utf-8", 5, "ed a0 bd")]),
    "utf-8-overlong": (b"data:\xc0\xaf\n\n", ["\ufffd" * 2], [("invalid-utf-8", 5, "c0 af")]),
    "utf-8-two-runs": (
        b"data:\xff\xc3\xa9\xe2\x80\xa6\xff\xfe\xf0\x9f\x98\x80\x80\n\n",
        ["\ufffdé…\ufffd\ufffd😀\ufffd"],
        [("invalid-utf-8", 5, "ff"), ("invalid-utf-8", 11, "ff fe"), ("invalid-utf-8", 17, "80")],
    ),
    "utf-8-sent-replacement": (b"data:\xef\xbf\xbd\n\n", ["\ufffd"], []),
    "utf-8-in-comment": (b":\xff\n\n", [], [("invalid-utf-8", 1, "ff")]),
    "utf-8-in-name": (
        b"dat\xe1:1\n\n",
        [],
        [("invalid-utf-8", 3, "e1"), ("unknown-field", 0, "dat\ufffd")],
    ),
    "utf-8-behind-bom": (
        BOM + b"data:\xff\n\n",
        ["\ufffd"],
        [("byte-order-mark", 0, ""), ("invalid-utf-8", 8, "ff")],
    ),
    "utf-8-cut-by-end": (
        b"data:1\n\ndata:\xe2\x80",
        ["1"],
        [("invalid-utf-8", 13, "e2 80"), ("unterminated-event", 8, "data:\ufffd")],
    ),
    "unterminated-quotes-all-lines": (
        b"data:0\n\n:c\r\nevent:x\rdata:1\n",
        ["0"],
        [("unterminated-event", 8, ":c\r\nevent:x\rdata:1\n")],
    ),
    "unterminated-cr": (b"data:1\r", [], [("unterminated-event", 0, "data:1\r")]),
    "unterminated-name": (b"\n\nda", [], [("unterminated-event", 2, "da")]),
    "unterminated-event-field": (b"event:x\n", [], [("unterminated-event", 0, "event:x\n")]),
    "unterminated-comment": (b"data:1\n\n: bye", ["1"], []),
    "unterminated-nothing-lost": (b":c\nretry:5\nx:y\n", [], [("unknown-field", 11, "x")]),
    "unterminated-half-retry": (b"retry:5", [], [("unterminated-event", 0, "retry:5")]),
    "workers-ai": (
        b'data: {"response":"Hi","p":"ab"}\n\ndata: [DONE]\n\n',
        ['{"response":"Hi","p":"ab"}', "[DONE]"],
        [],
    ),
    "not-sse-at-all": (b'{"a":1}\n', [], [("unknown-field", 0, '{"a"')]),
}


def run(*chunks: bytes) -> Stream:
    return parse((chunk, 0.0) for chunk in chunks)


def timeless(stream: Stream) -> Stream:
    """The part of a result that must not depend on how the bytes were cut."""
    return dataclasses.replace(stream, events=tuple(dataclasses.replace(event, chunk=0) for event in stream.events))


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *places, len(raw)]
    return [raw[start:end] for start, end in itertools.pairwise(edges)]


def by_the_book(raw: bytes) -> list[tuple[str, str, str]]:
    """9.2.6 read literally over the whole decoded text: slow, offsets unknown, nothing incremental."""
    text = raw.decode(errors="replace")
    events, kind, data, last_id = [], "", "", ""
    for line in re.split("\r\n|\r|\n", text.removeprefix("\ufeff"))[:-1]:
        if not line:
            if data:
                events.append((kind or "message", data[:-1], last_id))
            kind = data = ""
            continue
        name, value = line.split(":", 1) if ":" in line else (line, "")
        value = value[1:] if value[:1] == " " else value
        if name == "event":
            kind = value
        elif name == "data":
            data += value + "\n"
        elif name == "id" and "\0" not in value:
            last_id = value
    return events


def generated(rng: random.Random) -> bytes:
    """Bytes in which every branch of the parser is likely to be met many times."""
    words = [
        b"data",
        b"event",
        b"id",
        b"retry",
        b":",
        b": ",
        b" ",
        b"\n",
        b"\n\n",
        b"\r",
        b"\r\n",
        b"\r\n\r\n",
    ]
    words += [b"\r\r", b"data:x\n", b"12", b"\0", BOM, "é".encode(), "😀".encode(), "\ufffd".encode()]
    words += [b"\xff", b"\xe2\x82", b"\xf0\x9f", b"\x80", b"\xed\xa0\x80", b"word", b"\xc2\x85"]
    words += [b"\ndata:", b"\rdata: x", b"\r\nid:", b"\n\r\ndata", b"\r\ndata:y\r\n\r\n"] * 2
    return rng.choice([b"", BOM, b""]) + b"".join(rng.choices(words, k=rng.randrange(10, 60)))


@pytest.mark.parametrize("name", VECTORS)
def test_vector(name):
    raw, events, faults = VECTORS[name]
    stream = run(raw)
    expected = [("message", event, "") if isinstance(event, str) else event for event in events]
    assert [(event.type, event.data, event.id) for event in stream.events] == expected
    assert [(fault.kind, fault.offset, fault.detail) for fault in stream.faults] == faults
    assert by_the_book(raw) == expected


@pytest.mark.parametrize("name", VECTORS)
def test_every_cut_in_two_gives_the_same(name):
    raw, _, _ = VECTORS[name]
    whole = timeless(run(raw))
    for place in range(len(raw) + 1):
        assert timeless(run(raw[:place], raw[place:])) == whole, place


@pytest.mark.parametrize("name", VECTORS)
def test_single_bytes_with_empty_chunks_between_give_the_same(name):
    raw, _, _ = VECTORS[name]
    chunks = [chunk for index in range(len(raw)) for chunk in (raw[index : index + 1], b"")]
    assert timeless(run(*chunks)) == timeless(run(raw))


def test_random_cuts_give_the_same_and_the_standard_s_events():
    rng = random.Random(20240917)
    seen = set()
    for _ in range(1000):
        raw = generated(rng)
        whole = timeless(run(raw))
        seen |= {fault.kind for fault in whole.faults}
        assert [(event.type, event.data, event.id) for event in whole.events] == by_the_book(raw), raw
        for _ in range(10):
            places = sorted(rng.choices(range(len(raw) + 1), k=rng.randrange(2, 12)))
            assert timeless(run(*cut(raw, places))) == whole, (raw, places)
    assert seen == set(FaultKind)  # else the generator tests less than it says


def test_random_event_extents_are_the_bytes_of_the_event():
    rng = random.Random(7)
    events = 0
    for _ in range(1000):
        raw = generated(rng)
        end = 0
        for event in run(raw).events:
            assert end <= event.offset < event.end <= len(raw)
            # Behind a line end, where U+FEFF is no byte order mark.
            (alone,) = run(b"\n", raw[event.offset : event.end]).events
            assert (alone.data, alone.type) == (event.data, event.type)
            assert (alone.offset, alone.end) == (1, 1 + event.end - event.offset)
            # Nothing but blank lines and blocks without data lies between two events.
            assert not run(b"\n" if end else b"", raw[end : event.offset]).events
            # The whole line end belongs to the event.
            assert raw[event.end - 1 : event.end + 1] != b"\r\n"
            end = event.end
            events += 1
    assert events > 1000


def test_random_invalid_runs_are_where_the_fault_says():
    rng = random.Random(11)
    runs = 0
    for _ in range(1000):
        raw = generated(rng)
        repaired = bytearray(raw)
        for fault in run(raw).faults:
            if fault.kind is FaultKind.INVALID_UTF_8:
                bad = bytes.fromhex(fault.detail)
                assert raw[fault.offset : fault.offset + len(bad)] == bad
                repaired[fault.offset : fault.offset + len(bad)] = b"?" * len(bad)
                runs += 1
        repaired.decode()  # so every bad byte was in one of the runs
    assert runs > 1000


@pytest.mark.parametrize(
    ("raw", "extents"),
    [
        (b"data:1\n\ndata:2\n\n", [(0, 8), (8, 16)]),
        (b"data:1\r\n\r\ndata:2\r\n\r\n", [(0, 10), (10, 20)]),
        (b"data:1\r\rdata:2\r\r", [(0, 8), (8, 16)]),
        (b"data:1\n\n\n\ndata:2\n\n", [(0, 8), (10, 18)]),
        (BOM + b"data:1\n\n", [(3, 11)]),
        (b":c\n\n:c\ndata:1\n\n", [(4, 15)]),
        (b"event:x\n\ndata:1\n\n", [(9, 17)]),
        ("data:é\n\ndata:2\n\n".encode(), [(0, 9), (9, 17)]),
        (b"data:\xff\n\ndata:2\n\n", [(0, 8), (8, 16)]),
    ],
)
def test_event_extents(raw, extents):
    assert [(event.offset, event.end) for event in run(raw).events] == extents


def test_line_endings_and_comments_are_counted():
    stream = run(b": a\n:\r\n::b\rdata:1\n\n: cut off")
    assert stream.line_endings == {"LF", "CRLF", "CR"}
    assert stream.comments == 3
    assert run(b"data:1\r", b"\n\r", b"\n").line_endings == {"CRLF"}
    assert run(b"data:1\r", b"\r").line_endings == {"CR"}
    assert run(b"data:1\n\n").line_endings == {"LF"}
    assert run(b"data:1").line_endings == frozenset()
    assert run(b"data:1").comments == 0


def test_events_carry_the_time_and_index_of_the_chunk_that_completed_them():
    chunks = [(b"data:1\n", 0.5), (b"", 0.75), (b"\ndata:2\n\ndata:3\n", 1.0), (b"\n", 2.0)]
    assert parse(chunks).events == (
        Event(type="message", data="1", id="", offset=0, end=8, chunk=2, time=1.0),
        Event(type="message", data="2", id="", offset=8, end=16, chunk=2, time=1.0),
        Event(type="message", data="3", id="", offset=16, end=24, chunk=3, time=2.0),
    )


def test_an_event_ended_by_cr_is_late_but_keeps_its_time():
    parser = Parser()
    assert parser.feed(b"data:1\r\n\r", 1.0) == []
    (event,) = parser.feed(b"\ndata:2\r\r", 2.0)
    assert (event.data, event.end, event.time, event.chunk) == ("1", 10, 1.0, 0)
    (event,) = parser.close(3.0)
    assert (event.data, event.end, event.time, event.chunk) == ("2", 18, 2.0, 1)
    assert [event.data for event in parser.stream.events] == ["1", "2"]


def test_feed_returns_each_event_once():
    parser = Parser()
    assert [event.data for event in parser.feed(b"data:1\n\ndata:2\n\nda")] == ["1", "2"]
    assert parser.feed(b"ta:3\n") == []
    assert [event.data for event in parser.feed(b"\n")] == ["3"]
    assert parser.close() == []


def test_faults_carry_the_time_of_their_line_or_of_the_end():
    parser = Parser()
    parser.feed(BOM, 1.0)
    assert parser.faults == ()
    parser.feed(b"foo\ndata:", 2.0)
    mark = Fault(kind=FaultKind.BYTE_ORDER_MARK, offset=0, time=2.0, detail="")
    unknown = Fault(kind=FaultKind.UNKNOWN_FIELD, offset=3, time=2.0, detail="foo")
    assert parser.faults == (mark, unknown)
    parser.close(3.0)
    lost = Fault(kind=FaultKind.UNTERMINATED_EVENT, offset=3, time=3.0, detail="foo\ndata:")
    assert parser.faults == parser.stream.faults == (mark, unknown, lost)


def test_parse_takes_the_last_chunk_s_time_for_the_end():
    (fault,) = parse([(b"da", 1.0), (b"ta", 2.5)]).faults
    assert fault.time == 2.5


def test_closing_ends_it():
    parser = Parser()
    parser.feed(b"data:1")
    parser.close()
    before = parser.stream
    assert parser.close() == []
    assert parser.stream == before
    with pytest.raises(ValueError, match="after close"):
        parser.feed(b"\n\n")


@pytest.mark.parametrize("size", [1, 64, 1 << 16])
def test_a_long_line_is_searched_once_and_joined_once(size, monkeypatch):
    """Linear by count: each byte is searched for a line end once, and no piece is copied while it waits."""
    searched = 0
    pattern = sse._LINE_END

    class Counting:
        def finditer(self, chunk, begin):
            nonlocal searched
            searched += len(chunk) - begin
            return pattern.finditer(chunk, begin)

    monkeypatch.setattr(sse, "_LINE_END", Counting())
    pieces = [b"data:", *(bytes([65 + index % 26]) * size for index in range(200))]
    parser = Parser()
    for piece in pieces:
        parser.feed(piece)
    assert searched == sum(map(len, pieces))
    assert all(held is piece for held, piece in zip(parser._line_parts, pieces, strict=True))
    (event,) = parser.feed(b"\n\n")
    assert event.data.encode() == b"".join(pieces[1:])
    assert parser._line_parts == []


def test_every_run_of_a_long_undecodable_line_is_reported():
    # Decoding the rest of the line again behind each run would copy 10 GB here.
    raw = b"data:" + b"\xffa" * 100_000 + b"\n\n"
    stream = run(raw)
    assert stream.events[0].data == "\ufffda" * 100_000
    assert [fault.offset for fault in stream.faults] == list(range(5, len(raw) - 2, 2))


def test_results_are_frozen_and_made_by_keyword():
    event = Event(type="message", data="", id="", offset=0, end=0, chunk=0, time=0.0)
    fault = Fault(kind=FaultKind.INVALID_RETRY, offset=0, time=0.0, detail="x")
    for value in (event, fault, run(b"")):
        assert not hasattr(value, "__dict__")
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, None)
        with pytest.raises(TypeError):
            type(value)(*dataclasses.astuple(value))
