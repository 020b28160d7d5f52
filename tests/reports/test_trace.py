"""Traces of streams: what came when, and what of it is wrong."""

import time

import pytest

from infercheck.exchange import Answer, Chunk, Failure
from infercheck.reports.trace import HEAD, TAIL, Piece, trace_of


def traced(*data, step=0.1, **more):
    chunks = tuple(Chunk(data=one, time=step * (number + 1)) for number, one in enumerate(data))
    return trace_of(Answer(status=200, chunks=chunks, seconds=step * (len(data) + 1), **more))


GOOD = b'data: {"response": "a"}\n\n'
DONE = b"data: [DONE]\n\n"


def test_a_stream_is_told_chunk_by_chunk():
    trace = traced(GOOD, GOOD + GOOD, DONE)
    assert (trace.chunks, trace.events, trace.end) == (3, 4, "ended by the target")
    assert [piece.events for piece in trace.pieces] == [(1,), (2, 3), (4,)]
    assert [round(piece.gap, 3) for piece in trace.pieces] == [0.1, 0.1, 0.1]
    assert trace.pieces[0].parts == ('data: {"response": "a"}↵\n↵', "", "")
    assert not trace.is_faulty
    assert [tick.at for tick in trace.ticks] == [250, 500, 750]


@pytest.mark.parametrize(
    ("data", "marked", "said"),
    [
        (b'data: {"response": "\xff\xfe"}\n\n', "ff fe", "no UTF-8 (ff fe)"),
        (b"data: {no json\n\n", "data: {no json", "its data is no strict JSON"),
        (b"date: 1\n" + GOOD, "date: 1", "a field that event streams do not have (date)"),
        (b"retry: x\n" + GOOD, "retry: x", "a retry that is no number (x)"),
        (b"\xef\xbb\xbf" + GOOD, "\ufeff" + 'data: {"response": "a"}', "a byte order mark"),
    ],
)
def test_the_offending_place_is_marked(data, marked, said):
    trace = traced(GOOD, data, DONE)
    if data.startswith(b"\xef"):
        trace = traced(data, DONE)
    (piece,) = (piece for piece in trace.pieces if piece.remarks)
    assert (piece.parts[1], piece.remarks) == (marked, (said,))
    assert trace.is_faulty == piece.is_faulty == said.startswith(("no UTF-8", "its data"))
    assert sum(tick.is_faulty for tick in trace.ticks) == trace.is_faulty


def test_bytes_that_are_no_utf8_are_hexadecimal():
    (piece,) = traced(b"data: \xff\n\n").pieces
    assert piece.is_hex
    assert piece.parts[0] == "64 61 74 61 3a 20"
    assert piece.parts[2].startswith("0a 0a")


def test_a_character_that_is_split_between_chunks_is_no_fault():
    data = 'data: "é"\n\n'.encode()
    at = data.index(b"\xa9")
    trace = traced(data[:at], data[at:])
    assert not trace.is_faulty
    assert [piece.is_hex for piece in trace.pieces] == [True, True]


def test_what_is_legal_is_not_marked():
    long = 'data: {"response": "' + "灯" * 700 + '"}\n\n'
    trace = traced(b"event: ping\ndata: pong\n\n", long.encode(), b": comment\n\n", GOOD, DONE)
    assert not trace.is_faulty
    assert not any(piece.parts[1] or piece.remarks or piece.is_hex for piece in trace.pieces)


def test_the_event_that_a_finding_is_about_is_marked():
    seven = b'data: {"response": 7}\n\n'
    chunks = tuple(Chunk(data=one, time=0.1) for one in (GOOD, seven, GOOD, DONE))
    trace = trace_of(Answer(status=200, chunks=chunks, seconds=0.1), len(GOOD))
    (piece,) = (piece for piece in trace.pieces if piece.is_faulty)
    assert (piece.number, piece.parts[1]) == (2, 'data: {"response": 7}')


def test_many_faults_take_no_time_and_no_room():
    data = [b"date: 1\ndata: {\n\n"] * 20_000
    began = time.process_time()
    trace = traced(*data)
    assert time.process_time() - began < 10
    assert len(trace.ticks) < 1300
    assert len(trace.pieces) < 400


def test_an_event_that_is_never_ended_is_marked_where_it_begins():
    trace = traced(GOOD, b"data: [DONE]", b"\n")
    faulty = [piece for piece in trace.pieces if piece.remarks]
    assert [piece.number for piece in faulty] == [2]
    assert faulty[0].remarks == ("the stream ended inside an event, which nobody gets",)


def test_an_event_after_the_last_is_marked():
    trace = traced(GOOD, DONE, GOOD)
    assert [piece.remarks for piece in trace.pieces] == [(), (), ("an event after [DONE]",)]


def test_of_a_long_stream_the_ends_and_what_is_wrong_are_shown():
    data = [GOOD] * 900
    data[450] = b"data: {\n\n"
    trace = traced(*data)
    shown = [piece.number for piece in trace.pieces if isinstance(piece, Piece)]
    assert shown == [*range(1, HEAD + 1), 451, *range(901 - TAIL, 901)]
    left = sum(piece for piece in trace.pieces if isinstance(piece, int))
    assert left + len(shown) == 900
    assert len(trace.ticks) < 1000


def test_what_is_one_json_document_is_no_stream():
    assert traced(b'{"success": false}') is None


def test_what_we_did_not_wait_for_is_no_fault():
    half = (GOOD, 'data: "é'.encode()[:-1])
    assert traced(*half).is_faulty
    assert not traced(*half, cut=True).is_faulty
    assert traced(b"data: \xff\n\n", b"data: ", cut=True).is_faulty


def test_a_chunk_of_a_megabyte_is_shown_about_its_fault():
    (piece,) = traced(b"data: " + b"x" * 1_000_000 + b"\n\ndate: 1\n\n").pieces
    assert len("".join(piece.parts)) < 1000
    assert piece.left_out > 900_000


def test_how_a_stream_ended_is_said():
    assert traced(GOOD, cut=True).end == "closed by infercheck on purpose"
    assert traced(GOOD, failure=Failure(kind="closed", message="it went away")).end == "it went away"
    assert trace_of(Answer(status=200)) is None
