"""Checks of an answer that is not streamed: JSON, envelope and the page's Output."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

from infercheck import jsontext
from infercheck.cases import Expectation
from infercheck.checks.rules import Said, not_kept, say, undecided
from infercheck.dialect import Dialect
from infercheck.observation import Observation, Outcome, excerpt
from infercheck.oracle import Oracle
from infercheck.schema import applied, resolve
from infercheck.spoken import speaks

_NONE = object()
_ENVELOPE = '{"result": {…}, "success": true, "errors": [], "messages": []}'


def check(seen: Observation) -> Iterator[Said]:
    """Everything about the body of an accepted request."""
    if seen.outcome is not Outcome.ACCEPTED or seen.case.expectation is Expectation.INVALID:
        return
    if seen.case.request.stream:
        return
    sent_stream = seen.labelled_stream or (not isinstance(seen.value, dict) and bool(seen.stream.events))
    yield say("default/stream", not sent_stream, "one JSON document, as no stream was asked for", seen.summary())
    if sent_stream or (seen.exchange.answer.failure is not None):
        return
    yield say("output/media-type", seen.labelled_json, "media type application/json", seen.summary())
    document = seen.document
    if isinstance(document, jsontext.TooDeep):
        yield undecided("output/json", f"the body {document}", seen.summary())
        return
    if isinstance(document, jsontext.NotJSON):
        yield not_kept("output/json", "a strict JSON text in UTF-8", f"the body {document}: {seen.summary()}")
        return
    yield say("output/json", True, "", "")
    names = ", ".join(document.duplicate_keys)
    yield say("output/unique-keys", not names, "each key once in its object", f"{names} stands twice")
    result = yield from _unwrap(seen, document.value)
    if result is not _NONE:
        yield from judge_answer(seen, result)


def _unwrap(seen: Observation, value: Any) -> Generator[Said, None, Any]:
    # Yields what the envelope says, and returns what it holds.
    if seen.dialect is Dialect.WORKER:
        return value
    if not isinstance(value, Mapping):
        yield not_kept("envelope/result", _ENVELOPE, seen.summary())
        return value
    if "result" not in value:
        yield not_kept("envelope/result", _ENVELOPE, f"no result: {seen.summary()}")
        # An answer without its envelope is still an answer; an envelope without an answer is one defect, not two.
        return _NONE if "success" in value else value
    yield say("envelope/result", True, "", "")
    success, errors = value.get("success"), value.get("errors")
    yield say("envelope/success", success is True, '"success": true', _member(value, "success"))
    yield say("envelope/errors", errors == [], '"errors": []', _member(value, "errors"))
    messages = value.get("messages")
    yield say("envelope/messages", isinstance(messages, list), '"messages": a list', _member(value, "messages"))
    return value["result"]


def _member(value: Mapping[str, Any], name: str) -> str:
    return f'"{name}": {excerpt(jsontext.show(value[name]))}' if name in value else f'no "{name}"'


def judge_answer(seen: Observation, result: Any) -> Iterator[Said]:
    """An answer against the page's Output."""
    yield from judge_schema(result, seen.contract.answers, seen.contract.output_ids)
    if isinstance(result, Mapping) and seen.case.expectation is Expectation.VALID:
        if seen.wants_text:
            yield say(
                "output/present",
                speaks(result, choices=seen.contract.has_choices),
                "a response or tool_calls",
                f"neither: {excerpt(jsontext.show(result))}",
            )
        yield from judge_tool_calls("output/whole-tool-calls", result)


def judge_tool_calls(requirement: str, answer: Any) -> Iterator[Said]:
    """Whether each tool call of an answer has what a client needs to make it; the schema requires neither."""
    calls = answer.get("tool_calls") if isinstance(answer, Mapping) else None
    if not isinstance(calls, list) or not calls:
        return
    bare = [call for call in calls if isinstance(call, Mapping) and not {"name", "arguments"} <= set(call)]
    wanted = '"name" and "arguments" in each tool call'
    yield say(requirement, not bare, wanted, excerpt(jsontext.show(bare)))


def judge_schema(value: Any, oracle: Oracle, ids: Mapping[str, str]) -> Iterator[Said]:
    """A value from the target against a schema: what it puts to the test, kept or broken."""
    broken = oracle.broken(value)
    if "/properties/response/type" in broken and is_null_beside_tools(value):
        broken.discard("/properties/response/type")
        yield not_kept("output/null-response", "a string", '"response": null beside tool calls')
    for pointer in sorted(set(applied(oracle.schema, value)) | broken):
        place, keyword = pointer.rsplit("/", 1)
        wanted = f'"{keyword}": {jsontext.show(resolve(oracle.schema, pointer))} at {place or "the root"}'
        yield say(ids[pointer], pointer not in broken, wanted, excerpt(jsontext.show(value)))


def is_null_beside_tools(value: Any) -> bool:
    """Whether an answer has no text because it calls tools, as the documented API sends it."""
    return isinstance(value, Mapping) and value.get("response") is None and bool(value.get("tool_calls"))
