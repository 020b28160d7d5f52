"""Server-sent events from raw bytes: what was said, and every fault in how it was framed.

Follows the WHATWG HTML standard, "Server-sent events", sections 9.2.5 (Parsing an event stream) and 9.2.6
(Interpreting an event stream). A browser repairs silently what a conformance suite has to report, so whatever
is dropped, replaced or ignored on the way is kept as a `Fault`: a fact with its byte offset. Many faults are
perfectly legal; which of them matter is judged elsewhere.

Events, faults and their offsets depend only on the bytes, never on how the network cut them into chunks.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

_BOM = b"\xef\xbb\xbf"
_LF = 0x0A
_LINE_END = re.compile(rb"\r\n|\r|\n")
_ENDING_NAMES = {b"\n": "LF", b"\r": "CR", b"\r\n": "CRLF"}
# What the error handler "surrogateescape" makes of undecodable bytes: one code unit a byte. Well-formed UTF-8
# never decodes to a surrogate, so nothing else can look like this.
_ESCAPED = re.compile("[\udc80-\udcff]+")


class FaultKind(StrEnum):
    """What was noticed about the framing; `Fault.offset` and `Fault.detail` mean this for each kind.

    | kind | offset | detail |
    |---|---|---|
    | byte-order-mark | 0 | empty |
    | invalid-utf-8 | first byte of a run of undecodable bytes | the run in hexadecimal: `"ff fe"` |
    | unterminated-event | first line of the event that the end of the stream cut off | its text, as sent |
    | unknown-field | the line | the field's name |
    | invalid-retry | the line | the value, which is not all ASCII digits (or is empty) |
    | nul-in-id | the line | the value, which contains U+0000 and so was ignored |
    """

    BYTE_ORDER_MARK = "byte-order-mark"
    INVALID_UTF_8 = "invalid-utf-8"
    UNTERMINATED_EVENT = "unterminated-event"
    UNKNOWN_FIELD = "unknown-field"
    INVALID_RETRY = "invalid-retry"
    NUL_IN_ID = "nul-in-id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One dispatched event (WHATWG HTML 9.2.6).

    `type` is "message" unless a field named one. `id` is the last event id at that moment, which outlives
    the event that set it. `raw[offset:end]` is the event as sent, in bytes: from the first line after the
    previous blank line (a comment counts, as in the grammar of 9.2.5; a leading byte order mark does not) to
    just past the line end of the blank line that dispatched it. `chunk` (from 0, empty chunks counted) is the
    chunk that completed the event, and `time` its arrival in seconds on the caller's clock.
    """

    type: str
    data: str
    id: str
    offset: int
    end: int
    chunk: int
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fact about the framing; see `FaultKind` for `offset` (bytes) and `detail`.

    `time`, in seconds on the caller's clock, is the arrival of the chunk that completed the line in question,
    or the end of the stream if nothing did.
    """

    kind: FaultKind
    offset: int
    time: float
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What a stream came to: events and faults in the order in which they were found, and how it was written.

    `line_endings` is a subset of `{"LF", "CR", "CRLF"}`; `comments` counts complete comment lines.
    """

    events: tuple[Event, ...]
    faults: tuple[Fault, ...]
    line_endings: frozenset[str]
    comments: int


class Parser:
    """Incremental parser of one stream: `feed` every chunk, then `close`. Any bytes are accepted.

    A chunk that ends in CR leaves its last line open until the next byte, for that may be the LF of the same
    line end. An event completed by such a CR is returned one call late, by the next `feed` or by `close`, but
    carries the time and index of the chunk that held the CR.
    """

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._faults: list[Fault] = []
        self._line_endings: set[str] = set()
        self._comments = 0

        self._received = 0  # bytes before the current chunk
        self._chunks = 0
        self._closed = False

        self._line_parts: list[bytes] = []  # joined once, when the line ends: a long line costs linear time
        self._line_offset = 0
        self._trailing_cr: tuple[float, int] | None = None  # time and index of the chunk that ended in CR

        self._block: list[str] = []  # text since the last blank line, to quote should the stream end here
        self._block_offset = 0
        self._event_begun = False
        self._data: list[str] = []
        self._type = ""
        self._id = ""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Faults found so far, in order."""
        return tuple(self._faults)

    @property
    def stream(self) -> Stream:
        """All that was found so far; final after `close`."""
        return Stream(
            events=tuple(self._events),
            faults=tuple(self._faults),
            line_endings=frozenset(self._line_endings),
            comments=self._comments,
        )

    def feed(self, chunk: bytes, time: float = 0.0) -> list[Event]:
        """Take the next bytes, which arrived at `time` (seconds); return the events that they completed.

        Raises ValueError after `close`.
        """
        if self._closed:
            raise ValueError("feed() after close()")
        index = self._chunks
        self._chunks += 1
        if not chunk:
            return []
        known = len(self._events)
        base = self._received
        self._received += len(chunk)
        begin = 0
        if self._trailing_cr is not None:
            begin = 1 if chunk[0] == _LF else 0
            self._end_line(b"\r\n" if begin else b"\r", base + begin, *self._trailing_cr)
            self._trailing_cr = None
        for match in _LINE_END.finditer(chunk, begin):
            self._line_parts.append(chunk[begin : match.start()])
            begin = match.end()
            if begin == len(chunk) and match[0] == b"\r":
                self._trailing_cr = (time, index)
            else:
                self._end_line(match[0], base + begin, time, index)
        if begin < len(chunk):
            self._line_parts.append(chunk[begin:])
        return self._events[known:]

    def close(self, time: float = 0.0) -> list[Event]:
        """Note the end of the stream at `time` (seconds); return the event that waited for it, if one did.

        Only a CR as the very last byte makes an event wait. An event without its blank line, or a last line
        without its line end, is dropped as 9.2.6 demands and becomes a fault, unless nothing is lost by it:
        comments, whole `retry` lines (effective at once) and whole unknown fields (never effective). A second
        call does nothing.
        """
        if self._closed:
            return []
        self._closed = True
        known = len(self._events)
        if self._trailing_cr is not None:
            self._end_line(b"\r", self._received, *self._trailing_cr)
        rest = self._take_line(time)
        if not self._block:
            self._block_offset = self._line_offset
        if self._event_begun or (rest and not rest.startswith(":")):
            lost = "".join([*self._block, rest])
            self._note(FaultKind.UNTERMINATED_EVENT, self._block_offset, time, lost)
        return self._events[known:]

    def _end_line(self, ending: bytes, end: int, time: float, chunk: int) -> None:
        """Act on the line gathered so far, whose line end stops just before offset `end`."""
        self._line_endings.add(_ENDING_NAMES[ending])
        line = self._take_line(time)
        if line:
            if not self._block:
                self._block_offset = self._line_offset
            self._block += (line, ending.decode())
            self._interpret(line, time)
        else:
            self._dispatch(end, time, chunk)
        self._line_offset = end

    def _take_line(self, time: float) -> str:
        """Decode the line gathered so far and note what its bytes had wrong.

        Decoded a whole line at a time, never a chunk at a time: CR and LF bytes are no part of any longer
        UTF-8 sequence, so the outcome is that of decoding the whole stream, however it was cut.
        """
        raw = b"".join(self._line_parts)
        self._line_parts.clear()
        if self._line_offset == 0 and raw.startswith(_BOM):
            self._note(FaultKind.BYTE_ORDER_MARK, 0, time, "")
            raw = raw.removeprefix(_BOM)
            self._line_offset = len(_BOM)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            for start, run in _undecodable(raw):
                self._note(FaultKind.INVALID_UTF_8, self._line_offset + start, time, run.hex(" "))
            # Like the WHATWG decoder: one U+FFFD for each maximal subpart of a sequence.
            return raw.decode(errors="replace")

    def _interpret(self, line: str, time: float) -> None:
        """Process a line that is not blank (9.2.6)."""
        if line.startswith(":"):
            self._comments += 1
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data.append(value)
            case "event":
                self._type = value
            case "id":
                if "\0" in value:
                    self._note(FaultKind.NUL_IN_ID, self._line_offset, time, value)
                else:
                    self._id = value
            case "retry":
                # str.isdigit alone would let in other scripts' digits. Reconnecting is no business of ours.
                if not (value.isascii() and value.isdigit()):
                    self._note(FaultKind.INVALID_RETRY, self._line_offset, time, value)
            case _:
                self._note(FaultKind.UNKNOWN_FIELD, self._line_offset, time, name)
        if name in {"data", "event", "id"}:
            self._event_begun = True

    def _dispatch(self, end: int, time: float, chunk: int) -> None:
        """Dispatch at a blank line, unless there was no `data` field (one with an empty value is enough)."""
        if self._data:
            self._events.append(
                Event(
                    type=self._type or "message",
                    data="\n".join(self._data),
                    id=self._id,
                    offset=self._block_offset,
                    end=end,
                    chunk=chunk,
                    time=time,
                )
            )
        self._data.clear()
        self._type = ""
        self._block.clear()
        self._event_begun = False

    def _note(self, kind: FaultKind, offset: int, time: float, detail: str) -> None:
        self._faults.append(Fault(kind=kind, offset=offset, time=time, detail=detail))


def parse(chunks: Iterable[tuple[bytes, float]]) -> Stream:
    """Parse a whole stream from its chunks, each with its arrival time in seconds (WHATWG HTML 9.2.5, 9.2.6).

    Never raises on any bytes. The end of the stream is taken to have come with the last chunk, at time 0.0 if
    there was none; use `Parser` where it is known better.
    """
    parser = Parser()
    time = 0.0
    for chunk, time in chunks:
        parser.feed(chunk, time)
    parser.close(time)
    return parser.stream


def _undecodable(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each run of bytes that are not UTF-8, with its offset in `raw`.

    One pass: asking the strict decoder again behind each error would copy the rest of the line every time.
    """
    text = raw.decode(errors="surrogateescape")
    offset = seen = 0
    for match in _ESCAPED.finditer(text):
        offset += len(text[seen : match.start()].encode())
        run = match[0].encode(errors="surrogateescape")
        yield offset, run
        offset += len(run)
        seen = match.end()
