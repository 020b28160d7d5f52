"""Compressed answers, though the request asks for none: read where they can be, not judged where they cannot."""

from __future__ import annotations

import functools
import gzip
import time
import zlib

import pytest

from hostile.running import run, run_apart
from hostile.servers import SSE, Raw, length, served
from hostile.test_patience import ORDINARY
from infercheck.findings import Verdict

pytestmark = pytest.mark.slow  # real sockets, real patience


@functools.cache
def bomb():
    """A quarter of a gigabyte of nothing, in a quarter of a megabyte."""
    squeezed = zlib.compressobj(9, wbits=31)
    return b"".join(squeezed.compress(bytes(1 << 20)) for _ in range(256)) + squeezed.flush()


QUICK = ("--profile", "quick")
CODING = "http/content-coding"


class Compresses(Raw):
    """Sends every answer whole and coded. `label` is what the header says, `code` does it."""

    label = b"gzip"

    def code(self, data):
        return gzip.compress(data)

    def answer(self, line, asked):
        reply = self.usual(asked)
        body = self.code(reply.body)
        line.sendall(reply.head + b"Content-Encoding: " + self.label + b"\r\n" + length(len(body)) + body)
        return True


class CompressesWithX(Compresses):
    """Calls gzip by its old name, in capitals."""

    label = b"X-GZIP"


class Deflates(Compresses):
    """Sends what HTTP calls deflate."""

    label = b"deflate"

    def code(self, data):
        return zlib.compress(data)


class CompressesInTwoMembers(Compresses):
    """Flushes by ending a gzip member and beginning another, as RFC 1952 (section 2.2) allows."""

    def code(self, data):
        return gzip.compress(data[:20]) + gzip.compress(data[20:])


class CompressesTwice(Compresses):
    """Names two codings, and means them."""

    label = b"gzip, gzip"

    def code(self, data):
        return gzip.compress(gzip.compress(data))


class CodesInAWayWeDoNotUndo(Compresses):
    """Sends what only Brotli reads."""

    label = b"br"

    def code(self, data):
        return b"\x0b\x02\x80" + data + b"\x03"


class SaysGzipAndSendsNone(Compresses):
    """Labels plain bytes as compressed."""

    def code(self, data):
        return data


class SendsHalfOfTheGzip(Compresses):
    """Loses the second half of every compressed body, and says that this is all."""

    def code(self, data):
        coded = gzip.compress(data, 0)
        return coded[: len(coded) // 2]


class DropsTheGzipTrailer(Compresses):
    """Loses the checksum at the end of every compressed body."""

    def code(self, data):
        return gzip.compress(data)[:-8]


class Explodes(Compresses):
    """Sends a few kilobytes that become 256 megabytes, for every answer."""

    def code(self, data):
        return bomb()


class ExplodesTwice(Explodes):
    """Sends a bomb in a bomb."""

    label = b"gzip, gzip"

    def code(self, data):
        return gzip.compress(bomb())


class CompressesNothingForEver(Raw):
    """Sends empty gzip blocks without end, of which nothing ever comes."""

    def answer(self, line, asked):
        reply = self.usual(asked)
        if reply.media_type == SSE:
            return super().answer(line, asked)
        line.sendall(reply.head + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10])
        while True:
            line.sendall(b"\x00\x00\x00\xff\xff" * 5000)
            time.sleep(0.01)  # the others here need the processor, too


@pytest.mark.parametrize("kind", [Compresses, CompressesWithX, Deflates, CompressesInTwoMembers])
def test_what_can_be_read_is_a_warning_and_no_more(kind, tmp_path):
    with served(kind()) as server:
        done = run(server.url, tmp_path, *QUICK)
    assert done.broken == {CODING}, done.told()
    assert done.status == 0, done.told()
    assert done.undecided == set()


@pytest.mark.parametrize("kind", [CompressesTwice, CodesInAWayWeDoNotUndo])
def test_what_cannot_be_read_is_not_judged(kind, tmp_path):
    with served(kind()) as server:
        done = run(server.url, tmp_path, *QUICK)
    assert done.broken == {CODING}, done.told()
    assert done.status == 4, done.told()
    assert {"http/answer", "output/json", "stream/payload", "stream/complete"} <= done.undecided
    assert "error/envelope" not in done.ids(Verdict.PASS)


def test_a_body_that_is_not_of_the_coding_that_it_names_is_no_whole_answer(tmp_path):
    with served(SaysGzipAndSendsNone()) as server:
        done = run(server.url, tmp_path, *QUICK)
    assert done.failed == {"http/answer", "stream/complete"}, done.told()
    assert done.status == 1
    assert "error/envelope" not in done.ids(Verdict.PASS)


@pytest.mark.parametrize("kind", [SendsHalfOfTheGzip, DropsTheGzipTrailer])
def test_a_compressed_body_that_is_cut_is_not_whole(kind, tmp_path):
    with served(kind()) as server:
        done = run(server.url, tmp_path, *QUICK)
    assert CODING in done.warned
    assert "http/answer" in done.failed | done.undecided, done.told()


@pytest.mark.parametrize("kind", [Explodes, ExplodesTwice])
def test_a_bomb_goes_off_outside(kind, tmp_path):
    with served(kind()) as server:
        done = run_apart(server.url, tmp_path / "out", *QUICK, token=None)
    assert done.broken == {CODING}, done.told()
    assert done.status == 4, done.told()
    assert {"http/answer", "output/json"} <= done.undecided
    assert done.peak < ORDINARY + 400 * 2**20


def test_a_compressed_body_of_nothing_ends_with_our_patience(tmp_path):
    with served(CompressesNothingForEver()) as server:
        done = run_apart(server.url, tmp_path / "out", *QUICK, "--timeout", "0.5", token=None)
    assert done.status == 4, done.told()
    assert done.broken == {CODING}, done.told()
    assert done.peak < ORDINARY + 400 * 2**20
