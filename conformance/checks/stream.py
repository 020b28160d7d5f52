"""Checks of a streamed answer: label, framing, what every event carries, and its end."""

from __future__ import annotations

from collections.abc import Iterator

from infercheck import jsontext
from infercheck.cases import Expectation
from infercheck.checks.output import judge_schema, judge_tool_calls
from infercheck.checks.rules import Said, kept, not_kept, of_event, say, undecided
from infercheck.observation import DONE, Observation, Outcome, excerpt, is_error
from infercheck.spoken import said_in
from infercheck.sse import Event, FaultKind

MANY, MORE = 100, 1000
"""Events that no stream needs: so many for each token that was asked for, and so many more."""


def check(seen: Observation) -> Iterator[Said]:
    """Everything about the stream of an accepted request."""
    if seen.outcome is not Outcome.ACCEPTED or seen.case.expectation is Expectation.INVALID:
        return
    if not seen.case.request.stream:
        return
    yield say("stream/media-type", seen.labelled_stream, "media type text/event-stream", seen.summary())
    if not seen.is_stream:
        return  # one JSON document instead of a stream: that is the one defect
    yield from _encoding(seen)
    yield from _payloads(seen)
    if not seen.exchange.answer.cut:
        yield from _end(seen)


def _encoding(seen: Observation) -> Iterator[Said]:
    bad = [fault for fault in seen.stream.faults if fault.kind is FaultKind.INVALID_UTF_8]
    if seen.exchange.answer.cut or seen.exchange.answer.failure:
        # Where it was not read to its end, the last bytes may be half a character.
        bad = [fault for fault in bad if fault.offset + len(fault.detail.split()) < len(seen.body)]
    where = f"bytes {bad[0].detail[:60]} at offset {bad[0].offset}" if bad else ""
    yield say("stream/utf-8", not bad, "valid UTF-8", where)
    unknown = [fault for fault in seen.stream.faults if fault.kind is FaultKind.UNKNOWN_FIELD]
    if unknown:
        where = f"{excerpt(unknown[0].detail)!r} at offset {unknown[0].offset}"
        yield not_kept("stream/unknown-field", "data, event, id, retry or a comment", where)


def _payloads(seen: Observation) -> Iterator[Said]:
    whole = not seen.exchange.answer.cut
    if not seen.stream.events and whole:
        if seen.cut_off:
            return  # the only event was cut off: stream/complete says so
        if failure := seen.exchange.answer.failure:
            # Where the target broke it off, stream/complete says so.
            yield undecided("stream/payload", f"not read to its end: {failure.message}", seen.summary())
            return
        yield not_kept("stream/payload", "events that carry JSON", f"no event: {seen.summary()}")
        return
    names = {event.type for event, _ in seen.payloads}
    if names and "message" not in names:
        yield not_kept("stream/named", "events without a name, which are messages", ", ".join(sorted(names))[:200])
    present = False
    # What is no object has no members to miss: that it is none is the one defect.
    objects = False
    failed = False
    judged: set[str] = set()  # what says the same again and again is judged once
    for event, payload in seen.payloads:
        if isinstance(payload, jsontext.NotJSON):
            yield from of_event(event.offset, [_unread(seen, event, payload)])
            if isinstance(payload, jsontext.TooDeep):
                continue
            return
        if event.data in judged:
            continue
        judged.add(event.data)
        yield from of_event(event.offset, _event(seen, payload))
        value = payload.value
        if is_error(value):
            failed = True
        elif isinstance(value, dict):
            objects = True
            present = present or "response" in value or bool(value.get("tool_calls"))
            present = present or (seen.contract.has_choices and "choices" in value)
    # The first objection to a requirement stands, whatever else is said of it.
    yield kept("stream/payload")
    yield kept("stream/unique-keys")
    yield kept("stream/error")
    if whole and objects and not failed and seen.wants_text and seen.case.expectation is Expectation.VALID:
        yield say("stream/present", present, "a response or tool_calls", f"neither: {seen.summary()}")


def _unread(seen: Observation, event: Event, why: jsontext.NotJSON) -> Said:
    observed = f"the event at byte {event.offset} {why}"
    if isinstance(why, jsontext.TooDeep):
        return undecided("stream/payload", observed, seen.summary())
    return not_kept("stream/payload", "a strict JSON object in every event", f"{observed}: {excerpt(event.data)}")


def _event(seen: Observation, payload: jsontext.Document) -> Iterator[Said]:
    if twice := ", ".join(payload.duplicate_keys[:5]):
        yield not_kept("stream/unique-keys", "each key once in its object", f"{twice} stands twice")
    if is_error(payload.value):
        yield not_kept("stream/error", "no error inside the stream", excerpt(jsontext.show(payload.value)))
        return
    yield from judge_schema(payload.value, seen.contract.events, seen.contract.event_ids)
    yield from judge_tool_calls("stream/whole-tool-calls", payload.value)


def _speaks(payload: jsontext.Document | jsontext.NotJSON, *, choices: bool) -> bool:
    value = None if isinstance(payload, jsontext.NotJSON) else payload.value
    return isinstance(value, dict) and bool(said_in(value, choices=choices)[0])


def _end(seen: Observation) -> Iterator[Said]:
    failure = seen.exchange.answer.failure
    lost = seen.cut_off
    if failure and failure.is_ours:
        reason = f"we stopped reading: {failure.message}"
        most = MANY * seen.case.price + MORE
        spoken = sum(1 for _, payload in seen.payloads if _speaks(payload, choices=seen.contract.has_choices))
        if spoken > most:
            observed = f"{spoken} events with text, and no end in sight"
            yield not_kept("stream/complete", f"an end after at most {seen.case.price} tokens", observed)
        else:
            if any(event.data.strip() == DONE for event in seen.stream.events):
                reason = f"{DONE} came, and the stream did not end: {failure.message}"
            yield undecided("stream/complete", reason, seen.summary())
        yield undecided("stream/done", reason, seen.summary())
        return
    if failure:
        yield not_kept("stream/complete", "a stream that ends by itself", failure.message)
        yield undecided("stream/done", "the stream was broken off", seen.summary())
        return
    if lost and not seen.is_marker_cut_off:
        observed = f"an event without its blank line at byte {lost.offset}: {excerpt(lost.detail)}"
        yield not_kept("stream/complete", "a blank line after the last event", observed)
    else:
        yield kept("stream/complete")
    marks = [index for index, event in enumerate(seen.stream.events) if event.data.strip() == DONE]
    last = len(seen.stream.events) - 1
    if seen.is_marker_cut_off:
        observed = f"{DONE} without the blank line that ends its event"
    elif not marks:
        observed = f"no {DONE}"
    else:
        after = last - marks[0]
        times = "once" if len(marks) == 1 else f"{len(marks)} times"
        observed = f"{DONE} {times}, and {after} {'event' if after == 1 else 'events'} after the first"
    yield say("stream/done", marks == [last] and last >= 0, f"{DONE} once, at the end", observed)
