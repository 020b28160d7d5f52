"""Traces: a stream as it came, chunk by chunk, with the events that each chunk ended and what is wrong in it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from infercheck import jsontext, sse
from infercheck.exchange import Answer, Chunk

HEAD, TAIL = 300, 8
"""Chunks at a stream's beginning and end that are shown, beside those with faults: 256 tokens have room."""
FAULTY = 12
"""Chunks with faults that are shown."""
BYTES = 400
"""Bytes of a chunk that are shown."""
TICKS = 600
"""Chunks that a timeline shows."""
DONE = "[DONE]"

BLAMED = (sse.FaultKind.INVALID_UTF_8, sse.FaultKind.UNTERMINATED_EVENT)
"""Faults that break a promise; the others are told, and no more."""

ABOUT = "the finding is about this event"

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
    is_faulty: bool = False


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
        return any(isinstance(piece, Piece) and piece.is_faulty for piece in self.pieces)


def trace_of(answer: Answer, at: int | None = None) -> Trace | None:
    """The trace of an answer that came as an event stream; None where no byte came, or one JSON document.

    The event that begins `at` a byte of the answer, the one that a finding is about, is marked as well.
    """
    chunks = answer.chunks
    if not chunks or _is_json(answer.body):
        return None
    stream = sse.parse((chunk.data, chunk.time) for chunk in chunks)
    faults = _faults(chunks, stream, at, cut=answer.cut)
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


@dataclass(frozen=True, slots=True)
class Fault:
    """Where in its chunk, in bytes, how many bytes of it are meant (0: to the end of the line), what it is, and
    whether it breaks a promise.
    """

    place: int
    length: int
    words: str
    is_blamed: bool


def _faults(chunks: Sequence[Chunk], stream: sse.Stream, at: int | None, *, cut: bool) -> dict[int, list[Fault]]:
    *starts, end = [0, *accumulate(len(chunk.data) for chunk in chunks)]
    found: dict[int, list[Fault]] = defaultdict(list)

    def note(offset: int, words: str, length: int = 0, *, blamed: bool = True) -> None:
        index = max(0, bisect_right(starts, offset) - 1)
        found[index].append(Fault(offset - starts[index], length, words, blamed))

    for fault in stream.faults:
        length = len(fault.detail.split()) if fault.kind is sse.FaultKind.INVALID_UTF_8 else 0
        unfinished = fault.kind is sse.FaultKind.UNTERMINATED_EVENT or (length and fault.offset + length >= end)
        if cut and unfinished:
            continue  # we did not wait for the rest of it
        detail = fault.detail[:60] if fault.kind is not sse.FaultKind.UNTERMINATED_EVENT else ""
        words = f"{WORDS[fault.kind]}{f' ({detail})' if detail else ''}"
        note(fault.offset, words, length, blamed=fault.kind in BLAMED)
    done = False
    for event in stream.events:
        if done and event.data != DONE:
            note(event.offset, f"an event after {DONE}", blamed=False)
        done = done or event.data == DONE
        if (
            event.type == "message"
            and event.data not in ("", DONE)
            and not _is_json(event.data.encode("utf-8", "surrogatepass"))
        ):
            note(event.offset, "its data is no strict JSON")
    if at is not None:
        note(at, ABOUT)
    return found


def _is_json(data: bytes) -> bool:
    try:
        jsontext.parse(data)
    except jsontext.NotJSON:
        return False
    return True


def _shown(count: int, faulty: Sequence[int]) -> list[int]:
    wanted = {*range(min(HEAD, count)), *range(max(0, count - TAIL), count), *faulty[:FAULTY]}
    return sorted(wanted)


def _piece(index: int, chunk: Chunk, before: float, events: tuple[int, ...], faults: Sequence[Fault]) -> Piece:
    worst = min(faults, key=lambda fault: (not fault.is_blamed, not fault.length, fault.place), default=None)
    start = max(0, worst.place - BYTES // 2) if worst is not None and worst.place > BYTES else 0
    start = _at_character(chunk.data, start) if start else 0
    end = _at_character(chunk.data, start + BYTES)
    data = chunk.data[start:end]
    parts, is_hex = _parts(data, worst and replace(worst, place=worst.place - start))
    return Piece(
        number=index + 1,
        time=chunk.time,
        gap=max(0.0, chunk.time - before),
        size=len(chunk.data),
        parts=parts,
        is_hex=is_hex,
        left_out=len(chunk.data) - len(data),
        events=events,
        remarks=tuple(dict.fromkeys(fault.words for fault in faults)),
        is_faulty=any(fault.is_blamed for fault in faults),
    )


def _at_character(data: bytes, place: int) -> int:
    # The next place at which no character of UTF-8 is cut; no character has more than three bytes after its first.
    for at in range(place, min(place + 4, len(data))):
        if data[at] & 0xC0 != 0x80:
            return at
    return min(place, len(data))


def _parts(data: bytes, fault: Fault | None) -> tuple[tuple[str, str, str], bool]:
    place = len(data) if fault is None else fault.place
    end = data.find(b"\n", place)
    end = place + fault.length if fault and fault.length else len(data) if end < 0 else end
    cut = data[:place], data[place:end], data[end:]
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        before, marked, after = (part.hex(" ") for part in cut)
        return (before, marked, after), True
    before, marked, after = map(_lines, cut)
    return (before, marked, after), False


def _lines(data: bytes) -> str:
    # Where lines end is what framing is made of: it is shown, and no empty line for it.
    return data.decode("utf-8", "replace").replace("\n", "↵\n").removesuffix("\n")


def _ticks(chunks: Sequence[Chunk], seconds: float, faults: Mapping[int, Sequence[Fault]]) -> Iterator[Tick]:
    step = max(1, len(chunks) // TICKS)
    faulty = {index for index in sorted(faults) if any(fault.is_blamed for fault in faults[index])}
    told = set(sorted(faulty)[:TICKS])
    for index, chunk in enumerate(chunks):
        if index % step == 0 or index in told:
            at = round(1000 * chunk.time / seconds) if seconds > 0 else 0
            yield Tick(at=min(1000, max(0, at)), is_faulty=index in faulty)


def _end(answer: Answer) -> str:
    if answer.failure is not None:
        return answer.failure.message
    return "closed by infercheck on purpose" if answer.cut else "ended by the target"
