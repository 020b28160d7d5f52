"""Answers that break HTTP itself: no traceback, no innocent blamed, and an end."""

from __future__ import annotations

import json

import pytest

from hostile.running import run, run_apart
from hostile.servers import CHUNKED, LAST, SSE, Raw, chunk, length, reset, served
from hostile.test_patience import ORDINARY

pytestmark = pytest.mark.slow  # real sockets, real patience

QUICK = ("--profile", "quick", "--restart-wait", "0.5")
CUT = {"http/answer", "stream/complete", "stream/done"}


class Bytes(Raw):
    """Answers everything with the same bytes, and closes. The docstrings of its kinds say with which."""

    said = b""

    def answer(self, line, asked):
        line.sendall(self.said)
        return False


class SendsGarbage(Bytes):
    """A status line that is none."""

    said = b"\x16\x03\x01 nonsense \x1b[31m\r\n\r\n"


class SendsNoColon(Bytes):
    """A header without a colon."""

    said = b"HTTP/1.1 200 OK\r\nContent-Type application/json\r\n\r\n{}"


class SpeaksSsh(Bytes):
    """The banner of another protocol, at once, whatever is asked."""

    said = b"SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13\r\n"

    def greets(self, line, number):
        line.sendall(self.said)
        return True


class SpeaksHttp09(Bytes):
    """A body without a head."""

    said = b'{"result":{"response":"Hello"},"success":true,"errors":[],"messages":[]}'


class EndsInTheStatusLine(Bytes):
    """Half of a status line."""

    said = b"HTTP/1.1 20"


class EndsInAHeader(Bytes):
    """Half of a header."""

    said = b"HTTP/1.1 200 OK\r\nContent-Ty"


class ClosesAtOnce(Bytes):
    """Nothing at all."""


class Resets(Raw):
    """Answers everything with a reset of the connection."""

    def answer(self, line, asked):
        reset(line)
        return False


class SendsAHeaderWithoutEnd(Raw):
    """Sends one header of a hundred megabytes."""

    def answer(self, line, asked):
        line.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        for _ in range(100):
            line.sendall(b"a" * 2**20)
        return False


class SendsHeadersWithoutEnd(Raw):
    """Sends small headers, a hundred megabytes of them."""

    def answer(self, line, asked):
        line.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100):
            line.sendall(b"X-Small: a\r\n" * (2**20 // 12))
        return False


class SendsMoreHeadersThanAnyoneReads(Raw):
    """Sends three thousand headers with each answer, which is legal."""

    def usual(self, asked):
        reply = super().usual(asked)
        reply.headers = tuple((b"X-%d" % number, b"y") for number in range(3000))
        return reply


class PutsOffForEver(Raw):
    """Says that there is more to come, again and again, and nothing comes."""

    def answer(self, line, asked):
        while True:
            line.sendall(b"HTTP/1.1 102 Processing\r\n\r\n" * 1000)


class SendsTrailersWithoutEnd(Raw):
    """Ends each stream with trailers of a hundred megabytes."""

    def answer(self, line, asked):
        reply = self.usual(asked)
        if reply.media_type != SSE:
            return super().answer(line, asked)
        line.sendall(reply.head + CHUNKED + b"".join(map(chunk, reply.pieces)) + b"0\r\n")
        for _ in range(100):
            line.sendall(b"X-Small: a\r\n" * (2**20 // 12))
        return False


class Framed(Raw):
    """Sends right heads with bodies that are framed wrongly, and closes."""

    def answer(self, line, asked):
        reply = self.usual(asked)
        line.sendall(reply.head + self.framed(reply))
        return False

    def framed(self, reply):
        raise NotImplementedError


class ChunksWithoutSizes(Framed):
    """Says that a body comes in chunks, and sends it plain."""

    def framed(self, reply):
        return CHUNKED + reply.body


class ChunksWithWrongSizes(Framed):
    """Says that a chunk is shorter than it is."""

    def framed(self, reply):
        return CHUNKED + b"%x\r\n%b\r\n" % (len(reply.body) - 3, reply.body) + LAST


class EndsInAChunk(Framed):
    """Closes in the middle of the body."""

    def framed(self, reply):
        return CHUNKED + chunk(reply.body)[: len(reply.body) // 2]


class EndsBeforeTheLastChunk(Framed):
    """Sends the whole body, and not the chunk that says that this was all."""

    def framed(self, reply):
        return CHUNKED + chunk(reply.body)


class PromisesMore(Framed):
    """Says that a body is longer than it is."""

    def framed(self, reply):
        return length(len(reply.body) + 7) + reply.body


class PromisesMoreAndWaits(Raw):
    """Says that a body is longer than it is, and keeps the connection open."""

    def answer(self, line, asked):
        reply = self.usual(asked)
        line.sendall(reply.head + length(len(reply.body) + 7) + reply.body)
        return True


class EndsInAnEvent(Raw):
    """Ends each stream in the middle of an event, though well in HTTP's eyes."""

    def answer(self, line, asked):
        reply = self.usual(asked)
        if reply.media_type != SSE:
            return super().answer(line, asked)
        body = reply.body[: len(reply.body) * 2 // 3]
        line.sendall(reply.head + CHUNKED + chunk(body) + LAST)
        return True


class PromisesLess(Raw):
    """Says that a body is 7 bytes shorter than it is; the rest lies before the next answer."""

    def answer(self, line, asked):
        reply = self.usual(asked)
        line.sendall(reply.head + length(len(reply.body) - 7) + reply.body)
        return True


class PromisesLessOfRefusals(PromisesLess):
    """Miscounts refusals, and nothing else."""

    def answer(self, line, asked):
        if self.usual(asked).status == 400:
            return super().answer(line, asked)
        return Raw.answer(self, line, asked)


class AnswersTwice(Raw):
    """Sends every answer twice, so that the second is taken for that to the next request on the connection."""

    def answer(self, line, asked):
        line.sendall(self.usual(asked).encoded() * 2)
        return True


class AnswersRefusalsTwice(Raw):
    """Sends every refusal twice."""

    def answer(self, line, asked):
        reply = self.usual(asked)
        line.sendall(reply.encoded() * (2 if reply.status == 400 else 1))
        return True


class ClosesBehindEveryAnswer(Raw):
    """Closes the connection behind every answer, without saying so."""

    def answer(self, line, asked):
        super().answer(line, asked)
        return False


class ResetsBehindEveryAnswer(Raw):
    """Resets a kept connection when it is used again."""

    def answer(self, line, asked):
        if asked.turn > 1:
            reset(line)
            return False
        return super().answer(line, asked)


class RefusesLongBodiesUnread(Raw):
    """Refuses a long body by its length, ends its own side, and lets the rest of the body drain away."""

    def reads(self, line, head, size):
        if size <= 100_000:
            return True
        body = json.dumps({"result": {}, "success": False, "errors": [{"code": 3006, "message": "too large"}]})
        line.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Type: application/json\r\nConnection: close\r\n")
        line.sendall(length(len(body)) + body.encode())
        line.shutdown(1)
        while line.recv(1 << 16):
            pass
        return False


@pytest.mark.parametrize(
    "kind",
    [SendsGarbage, SendsNoColon, SpeaksSsh, SpeaksHttp09, EndsInTheStatusLine, EndsInAHeader, ClosesAtOnce, Resets],
)
def test_who_speaks_no_http_is_out_of_reach(kind, tmp_path):
    with served(kind()) as server:
        done = run(server.url, tmp_path, *QUICK, seconds=20)
    assert done.status == 3
    assert "does not answer" in done.stderr
    assert len(server.asked) < 10


@pytest.mark.parametrize("kind", [SendsAHeaderWithoutEnd, SendsHeadersWithoutEnd, PutsOffForEver])
def test_a_head_without_end_is_out_of_reach_and_fills_no_memory(kind, tmp_path):
    with served(kind()) as server:
        done = run_apart(server.url, tmp_path / "out", *QUICK, "--timeout", "1", token=None, seconds=30)
    assert done.status == 3
    assert "does not answer" in done.stderr
    assert done.peak < ORDINARY + 100 * 2**20


def test_many_headers_are_no_sin(tmp_path):
    with served(SendsMoreHeadersThanAnyoneReads()) as server:
        done = run(server.url, tmp_path, *QUICK)
    assert done.broken == set(), done.told()
    assert done.status == 0
    assert (tmp_path / "report.html").stat().st_size < 2**20


def test_trailers_without_end_are_a_stream_that_does_not_end(tmp_path):
    with served(SendsTrailersWithoutEnd()) as server:
        done = run_apart(server.url, tmp_path / "out", *QUICK, token=None)
    assert done.status == 1, done.told()
    assert done.broken == {"stream/complete"}, done.told()
    assert done.peak < ORDINARY + 100 * 2**20


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        (ChunksWithoutSizes, CUT | {"stream/payload"}),
        (ChunksWithWrongSizes, CUT),
        (EndsInAChunk, CUT),
        (EndsBeforeTheLastChunk, {"http/answer", "stream/complete"}),
        (PromisesMore, {"http/answer", "stream/complete"}),
    ],
)
def test_a_body_that_does_not_come_whole_is_one_defect(kind, broken, tmp_path):
    with served(kind()) as server:
        done = run(server.url, tmp_path, *QUICK)
    assert done.status == 1, done.told()
    assert {"http/answer", "stream/complete"} <= done.failed
    assert done.broken <= broken, done.told()


def test_a_body_that_is_waited_for_in_vain_blames_nobody(tmp_path):
    with served(PromisesMoreAndWaits()) as server:
        done = run(server.url, tmp_path, *QUICK, "--timeout", "0.2")
    assert done.status == 4, done.told()
    assert done.broken == set(), done.told()
    assert {"http/answer", "stream/complete"} <= done.undecided


def test_a_stream_that_ends_in_an_event_is_not_whole(tmp_path):
    with served(EndsInAnEvent()) as server:
        done = run(server.url, tmp_path, *QUICK)
    assert done.status == 1
    # What the event held is lost, so the stream does not say what the answer without one does: for this reason.
    assert done.broken == {"stream/complete", "stream/done"}, done.told()
    assert "stream/equivalence" in done.undecided


def test_a_body_that_is_longer_than_its_header_says_is_judged_as_what_the_header_says(tmp_path):
    with served(PromisesLess()) as server:
        done = run(server.url, tmp_path)
    assert done.status == 1
    assert {"output/json", "error/envelope"} <= done.broken
    assert done.broken <= {"output/json", "error/envelope", "http/persistent", "http/answer", "stream/done",
                           "stream/complete"}, done.told()  # fmt: skip


def test_what_is_left_of_a_refusal_is_not_taken_for_the_next_answer(tmp_path):
    with served(PromisesLessOfRefusals()) as server:
        done = run(server.url, tmp_path)
    assert "error/envelope" in done.warned
    assert done.broken <= {"error/envelope", "http/persistent"}, done.told()


@pytest.mark.parametrize("kind", [AnswersTwice, AnswersRefusalsTwice])
def test_an_answer_that_nobody_asked_for_is_laid_to_no_request(kind, tmp_path):
    with served(kind()) as server:
        done = run(server.url, tmp_path)
    assert done.broken <= {"http/persistent", "http/answer"}, done.told()


@pytest.mark.parametrize("kind", [ClosesBehindEveryAnswer, ResetsBehindEveryAnswer])
def test_a_kept_connection_that_is_closed_is_nobodys_fault(kind, tmp_path):
    with served(kind()) as server:
        done = run(server.url, tmp_path)
    assert done.status == 0, done.told()
    assert done.broken == set(), done.told()
    assert done.undecided == set()
    assert "http/answer" not in done.noted


def test_a_long_body_that_is_refused_unread_is_a_limit_of_the_target(tmp_path):
    with served(RefusesLongBodiesUnread()) as server:
        done = run(server.url, tmp_path)
    assert done.status == 0, done.told()
    assert done.broken == set(), done.told()
    assert "input/prompt/prompt/maxLength" in done.noted
