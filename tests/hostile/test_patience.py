"""Targets that never answer, never end, or send too much: each run ends, in little memory, and blames no more than
it saw."""

from __future__ import annotations

import json

import pytest
from mutants.conforming import dump, envelope, frame

from hostile.running import run, run_apart
from hostile.servers import CHUNKED, SSE, Raw, chunk, length, served
from infercheck.findings import Verdict
from infercheck.runners.http import BODY_CAP

pytestmark = pytest.mark.slow  # real sockets, real patience

ORDINARY = 100 * 2**20
"""About what a run of this suite needs, in bytes."""

QUICK = ("--profile", "quick")
HASTE = ("--timeout", "0.6", "--restart-wait", "0.5")
STREAMS = {"stream/complete", "stream/done", "stream/payload", "stream/media-type", "stream/utf-8"}


class NeverAnswers(Raw):
    """Takes every connection and every request, and says nothing."""

    def answer(self, line, asked):
        self.wait()


class NeverAnswersStreams(Raw):
    """Says nothing where a stream is asked for."""

    def answer(self, line, asked):
        return self.wait() if asked.streams else super().answer(line, asked)


class DripsItsHeaders(Raw):
    """Sends a byte each 50 ms from the status line on."""

    def answer(self, line, asked):
        for byte in self.usual(asked).encoded():
            line.sendall(bytes([byte]))
            self.wait(0.05)
        return True


class DripsItsBodies(Raw):
    """Sends the head at once, and then a byte each 50 ms."""

    def answer(self, line, asked):
        reply = self.usual(asked)
        line.sendall(reply.head + length(len(reply.body)))
        for byte in reply.body:
            line.sendall(bytes([byte]))
            self.wait(0.05)
        return True


class StreamsForEver(Raw):
    """Sends events as fast as they are read, whatever max_tokens says."""

    pause = 0.0

    def answer(self, line, asked):
        reply = self.usual(asked)
        if reply.media_type != SSE:
            return super().answer(line, asked)
        line.sendall(reply.head + CHUNKED)
        while True:
            if self.pause:
                self.wait(self.pause)
                line.sendall(chunk(frame({"response": "and"})))
            else:
                line.sendall(chunk(frame({"response": "and so on" * 300})) * 10)


class StreamsForEverSlowly(StreamsForEver):
    """Sends an event each 20 ms, for ever."""

    pause = 0.02


class StreamsCommentsForEver(Raw):
    """Keeps every stream alive with comments, and never comes to the point."""

    def answer(self, line, asked):
        reply = self.usual(asked)
        if reply.media_type != SSE:
            return super().answer(line, asked)
        line.sendall(reply.head + CHUNKED)
        while True:
            self.wait(0.02)
            line.sendall(chunk(b": still here\n\n"))


class StreamsByteByByteForEver(Raw):
    """Sends events without end, each byte a chunk of its own."""

    def answer(self, line, asked):
        reply = self.usual(asked)
        if reply.media_type != SSE:
            return super().answer(line, asked)
        line.sendall(reply.head + CHUNKED)
        data = b"".join(chunk(bytes([byte])) for byte in frame({"response": "and so on"} | {"p": "x" * 2000}))
        while True:
            line.sendall(data)


class StreamsALineWithoutEnd(Raw):
    """Begins a line in each stream, and never ends it."""

    def answer(self, line, asked):
        reply = self.usual(asked)
        if reply.media_type != SSE:
            return super().answer(line, asked)
        line.sendall(reply.head + CHUNKED + chunk(b'data: {"response":"'))
        while True:
            line.sendall(chunk(b"and so on " * 5000))


class WritesATextWithoutEnd(Raw):
    """Begins a JSON string in each answer that is not streamed, and never ends it."""

    def answer(self, line, asked):
        reply = self.usual(asked)
        if reply.media_type == SSE or reply.status != 200:
            return super().answer(line, asked)
        line.sendall(reply.head + CHUNKED + chunk(b'{"result":{"response":"'))
        while True:
            line.sendall(chunk(b"and so on " * 5000))


class WritesTooMuch(Raw):
    """Answers everything that is not streamed with a whole, valid answer of more than we read."""

    surplus = 1

    def usual(self, asked):
        reply = super().usual(asked)
        if reply.media_type == SSE or reply.status != 200:
            return reply
        empty = dump(envelope({"response": ""}))
        reply.body = dump(envelope({"response": "a" * (BODY_CAP - len(empty) + self.surplus)}))
        return reply


class WritesAsMuchAsIsRead(WritesTooMuch):
    """Answers the first few requests with exactly as many bytes as we read."""

    surplus = 0

    def __init__(self):
        super().__init__()
        self.left = 4

    def usual(self, asked):
        self.left -= 1
        return super().usual(asked) if self.left >= 0 else Raw.usual(self, asked)


class RefusesTooMuch(Raw):
    """Explains each refusal in more than we read."""

    def usual(self, asked):
        reply = super().usual(asked)
        if reply.status == 400:
            value = json.loads(reply.body)
            value["errors"][0]["message"] = "no " * (BODY_CAP // 2)
            reply.body = dump(value)
        return reply


class StreamsForEverNowAndThen(Raw):
    """Floods every second stream, each flood another, and ends the others as it should."""

    def answer(self, line, asked):
        reply = self.usual(asked)
        if reply.media_type != SSE or asked.number % 2:
            return super().answer(line, asked)
        line.sendall(reply.head + CHUNKED)
        while True:
            line.sendall(chunk(frame({"response": f"and so on {asked.number} {'x' * 2000}"})) * 20)


@pytest.mark.parametrize("kind", [NeverAnswers, DripsItsHeaders])
def test_a_target_that_never_comes_to_a_status_is_out_of_reach(kind, tmp_path):
    with served(kind()) as server:
        done = run(server.url, tmp_path, *HASTE, seconds=20)
    assert done.status == 3
    assert "does not answer" in done.stderr
    assert len(server.asked) < 10


def test_streams_that_are_never_answered_where_all_else_is_are_a_broken_promise(tmp_path):
    with served(NeverAnswersStreams()) as server:
        done = run(server.url, tmp_path, *QUICK, *HASTE, seconds=40)
    assert done.status == 1, done.told()
    assert done.broken - {"input/prompt/stream/type", "input/messages/stream/type"} == {"http/answer"}, done.told()
    assert done.undecided >= STREAMS


def test_a_byte_now_and_then_is_no_answer_and_no_broken_promise(tmp_path):
    with served(DripsItsBodies()) as server:
        done = run(server.url, tmp_path, "--timeout", "0.4", "--restart-wait", "0.5", seconds=40)
    assert done.status == 4, done.told()
    assert done.broken == set(), done.told()
    assert {"http/answer", "output/json", "stream/complete"} <= done.undecided
    assert "read to their end" in done.stdout


def test_a_flood_of_events_is_a_stream_that_does_not_end(tmp_path):
    with served(StreamsForEver()) as server:
        done = run_apart(server.url, tmp_path / "out", *HASTE, token=None, seconds=90)
    assert done.status == 1, done.told()
    assert done.broken == {"stream/complete"}, done.told()
    assert {"stream/done", "http/answer"} <= done.undecided
    assert done.peak < ORDINARY + 400 * 2**20


def test_a_flood_now_and_then_does_not_fill_the_memory(tmp_path):
    with served(StreamsForEverNowAndThen()) as server:
        done = run_apart(server.url, tmp_path / "out", *HASTE, token=None, seconds=90)
    assert done.status in (1, 4), done.told()
    assert done.broken <= {"stream/complete"}, done.told()
    assert done.peak < ORDINARY + 400 * 2**20


@pytest.mark.parametrize(
    "kind", [StreamsForEverSlowly, StreamsByteByByteForEver, StreamsCommentsForEver, StreamsALineWithoutEnd]
)
def test_a_stream_that_our_patience_ended_blames_nobody(kind, tmp_path):
    with served(kind()) as server:
        done = run_apart(server.url, tmp_path / "out", *QUICK, "--timeout", "0.4", token=None, seconds=60)
    assert done.status == 4, done.told()
    assert done.broken == set(), done.told()
    assert {"stream/complete", "stream/done", "http/answer"} <= done.undecided
    assert done.peak < ORDINARY + 400 * 2**20


@pytest.mark.parametrize("kind", [WritesATextWithoutEnd, WritesTooMuch])
def test_an_answer_over_the_cap_blames_nobody(kind, tmp_path):
    with served(kind()) as server:
        done = run_apart(server.url, tmp_path / "out", *HASTE, token=None, seconds=60)
    assert done.status == 4, done.told()
    assert done.broken == set(), done.told()
    assert {"http/answer", "output/json"} <= done.undecided
    assert not done.undecided & {"stream/complete", "stream/done"}
    assert done.peak < ORDINARY + 400 * 2**20


def test_refusals_over_the_cap_blame_nobody_and_fill_no_memory(tmp_path):
    with served(RefusesTooMuch()) as server:
        done = run_apart(server.url, tmp_path / "out", *HASTE, token=None, seconds=90)
    assert done.status == 4, done.told()
    assert done.broken == set(), done.told()
    assert "http/answer" in done.undecided
    assert "error/envelope" not in done.ids(Verdict.PASS)
    assert done.peak < ORDINARY + 400 * 2**20


def test_an_answer_of_just_what_is_read_is_judged(tmp_path):
    with served(WritesAsMuchAsIsRead()) as server:
        done = run(server.url, tmp_path, "--only", "http/answer", "--only", "output", token=None)
    assert done.status == 0, done.told()
    assert done.broken == set()
