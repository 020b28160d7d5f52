"""Codings are undone piece by piece, and never to more than there is room for."""

from __future__ import annotations

import gzip
import zlib

import pytest

from infercheck.runners.coding import CodingError, UnknownCoding, decoder_for

TEXT = b'{"response": "Hello there"}' * 50


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (None, TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        (" GZip ", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
    ],
    ids=["none", "identity", "gzip", "spelled otherwise", "x-gzip", "deflate"],  # a gzip holds the time of day
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_what_comes_in_pieces_comes_out_whole(header, data, size):
    decoder = decoder_for(header)
    pieces = [decoder.feed(data[start : start + size], 10_000) for start in range(0, len(data), size)]
    assert b"".join(pieces) == TEXT


@pytest.mark.parametrize("room", [0, 1, 1000])
def test_a_bomb_gives_one_byte_more_than_there_is_room_for(room):
    bomb = gzip.compress(bytes(50_000_000))
    assert len(decoder_for("gzip").feed(bomb, room)) == room + 1


@pytest.mark.parametrize("header", ["br", "zstd", "gzip, gzip", "compress", "nonsense" * 99])
def test_what_we_do_not_undo_is_said(header):
    with pytest.raises(UnknownCoding, match="though the request asks for identity") as raised:
        decoder_for(header)
    assert len(str(raised.value)) < 200


def test_what_is_not_of_the_coding_is_said():
    with pytest.raises(CodingError, match="not the gzip that its header says"):
        decoder_for("gzip").feed(TEXT, 10_000)


def test_what_is_cut_off_before_its_end_is_said_at_the_end():
    decoder = decoder_for("gzip")
    decoder.feed(gzip.compress(TEXT)[:-8], 10_000)
    with pytest.raises(CodingError, match="cut off before its end"):
        decoder.close()


def test_members_that_follow_each_other_are_one_body():
    decoder = decoder_for("gzip")
    assert decoder.feed(gzip.compress(TEXT) + gzip.compress(b"more"), 10_000) == TEXT + b"more"
    decoder.close()
