"""Traces: a stream as it came, chunk by chunk, with the events that each chunk ended and what is wrong in it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from infercheck import sse
from infercheck.exchange import Answer, Chunk

HEAD, TAIL = 24, 8
"""Chunks at a stream's beginning and end that are shown, beside those with faults."""
FAULTY = 12
"""Chunks with faults that are shown."""
BYTES = 400
"""Bytes of a chunk that are shown."""
TICKS = 240
"""Chunks that a timeline shows."""
DONE = "[DONE]"

WORDS: Mapping[sse.FaultKind, str] = {
    sse.FaultKind.BYTE_ORDER_MARK: "a byte order mark",
    sse.FaultKind.INVALID_UTF_8: "no UTF-8",
    sse.FaultKind.UNTERMINATED_EVENT: "the stream ended inside an event, which nobody gets",
    sse.FaultKind.UNKNOWN_FIELD: "a field that event streams do not have",
    sse.FaultKind.INVALID_RETRY: "a retry that is no number",
    sse.FaultKind.NUL_IN_ID: "an id with U+0000, which is ignored",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One chunk: when it came, how long after the one before, in seconds, and its bytes.

    The text stands in three parts, the middle one the offending place; `is_hex` tells that they are hexadecimal.
    """

    number: int
    time: float
    gap: float
    size: int
    parts: tuple[str, str, str]
    is_hex: bool
    left_out: int
    events: tuple[int, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on the timeline: `at` thousandths of its length."""

    at: int
    is_faulty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A stream. `pieces` are chunks, or numbers of chunks that are left out between them."""

    chunks: int
    events: int
    seconds: float
    pieces: tuple[Piece | int, ...]
    ticks: tuple[Tick, ...]
    end: str

    @property
    def is_faulty(self) -> bool:
        """Whether something in it is wrong."""
        return any(isinstance(piece, Piece) and piece.remarks for piece in self.pieces)


def trace_of(answer: Answer) -> Trace | None:
    """The trace of an answer that came as an event stream; None where it holds no event and no chunk."""
    chunks = answer.chunks
    if not chunks:
        return None
    stream = sse.parse((chunk.data, chunk.time) for chunk in chunks)
    faults = _faults(chunks, stream)
    ended = defaultdict(list)
    for number, event in enumerate(stream.events, start=1):
        ended[event.chunk].append(number)
    shown = _shown(len(chunks), sorted(faults))
    pieces: list[Piece | int] = []
    last = -1
    for index in shown:
        if index > last + 1:
            pieces.append(index - last - 1)
        before = chunks[index - 1].time if index else 0.0
        pieces.append(_piece(index, chunks[index], before, tuple(ended[index]), faults.get(index, [])))
        last = index
    if last + 1 < len(chunks):
        pieces.append(len(chunks) - last - 1)
    seconds = max(answer.seconds, chunks[-1].time)
    return Trace(
        chunks=len(chunks),
        events=len(stream.events),
        seconds=seconds,
        pieces=tuple(pieces),
        ticks=tuple(_ticks(chunks, seconds, faults)),
        end=_end(answer),
    )


Fault = tuple[int, str]
"""Where in its chunk, in bytes, and what it is."""


def _faults(chunks: Sequence[Chunk], stream: sse.Stream) -> dict[int, list[Fault]]:
    starts, position = [], 0
    for chunk in chunks:
        starts.append(position)
        position += len(chunk.data)
    found: dict[int, list[Fault]] = defaultdict(list)

    def note(offset: int, words: str) -> None:
        index = max((i for i, start in enumerate(starts) if start <= offset), default=0)
        while index + 1 < len(chunks) and not chunks[index].data:
            index += 1
        found[index].append((offset - starts[index], words))

    for fault in stream.faults:
        detail = fault.detail[:60] if fault.kind is not sse.FaultKind.UNTERMINATED_EVENT else ""
        note(fault.offset, f"{WORDS[fault.kind]}{f' ({detail})' if detail else ''}")
    done = False
    for event in stream.events:
        if done and event.data != DONE:
            note(event.offset, f"an event after {DONE}")
        done = done or event.data == DONE
        if event.data not in ("", DONE) and not _is_json(event.data):
            note(event.offset, "its data is no JSON")
    return found


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _shown(count: int, faulty: Sequence[int]) -> list[int]:
    wanted = {*range(min(HEAD, count)), *range(max(0, count - TAIL), count), *faulty[:FAULTY]}
    return sorted(wanted)


def _piece(index: int, chunk: Chunk, before: float, events: tuple[int, ...], faults: Sequence[Fault]) -> Piece:
    place = min((offset for offset, _ in faults), default=None)
    start = max(0, place - BYTES // 2) if place is not None and place > BYTES else 0
    data = chunk.data[start : start + BYTES]
    parts, is_hex = _parts(data, None if place is None else place - start)
    return Piece(
        number=index + 1,
        time=chunk.time,
        gap=max(0.0, chunk.time - before),
        size=len(chunk.data),
        parts=parts,
        is_hex=is_hex,
        left_out=len(chunk.data) - len(data),
        events=events,
        remarks=tuple(dict.fromkeys(words for _, words in faults)),
    )


def _parts(data: bytes, place: int | None) -> tuple[tuple[str, str, str], bool]:
    # The offending place goes to the end of its line in a text; else it is the first wrong byte.
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        at = error.start
        return (_hex(data[:at]), _hex(data[at : at + 1]), _hex(data[at + 1 :])), True
    if place is None:
        return (_lines(data), "", ""), False
    end = data.find(b"\n", place)
    cut = (data[:place], data[place : None if end < 0 else end], b"" if end < 0 else data[end:])
    before, marked, after = map(_lines, cut)
    return (before, marked, after), False


def _lines(data: bytes) -> str:
    # Where lines end is what framing is made of: it is shown, and no empty line for it.
    return data.decode("utf-8", "replace").replace("\n", "↵\n").removesuffix("\n")


def _hex(data: bytes) -> str:
    return data.hex(" ")


def _ticks(chunks: Sequence[Chunk], seconds: float, faults: Mapping[int, Sequence[Fault]]) -> Iterator[Tick]:
    step = max(1, len(chunks) // TICKS)
    for index, chunk in enumerate(chunks):
        if index % step == 0 or index in faults:
            at = round(1000 * chunk.time / seconds) if seconds > 0 else 0
            yield Tick(at=min(1000, max(0, at)), is_faulty=index in faults)


def _end(answer: Answer) -> str:
    if answer.failure is not None:
        return answer.failure.message
    return "closed by infercheck on purpose" if answer.cut else "ended by the target"
