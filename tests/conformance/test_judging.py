"""What the suite says of targets that keep all promises but one; every verdict of the run is looked at."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from fakes import CONTRACT, SSE, Failure, Target, answer, events, no_answer, refusal, stream, success
from harness import RELATED, broken, ids, ill_formed, judge

from infercheck import conclusions
from infercheck.cases import Expectation
from infercheck.errors import TargetError
from infercheck.findings import Verdict
from infercheck.learnt import SURE

OK = {"response": "Hello there"}
DONE = b"data: [DONE]\n\n"
END = {"response": ""}
ENVELOPE = {"result": OK, "success": True, "errors": [], "messages": []}
PIECES = ({"response": "Hello"}, {"response": " there"})
CANNED = {"stream/equivalence", "effect/prompt", "tools/names"}
"""What a target is rightly blamed for that says the same words, or calls the same tool, whatever it is asked."""

ADAPTED = {"lora/effect", "lora/unknown", "isolation/lora"}


def streams(body):
    return isinstance(body, dict) and body.get("stream") is True


def of_success(change):
    """A target whose unstreamed answers are changed."""
    return Target(changes=lambda body, usual: change() if usual.status == 200 and not streams(body) else None)


def of_stream(data, headers=SSE):
    return Target(
        changes=lambda body, usual: answer(200, data, headers) if usual.status == 200 and streams(body) else None
    )


def of_error(change):
    return Target(changes=lambda body, usual: change() if usual.status == 400 else None)


def of_json(change):
    """A target whose unstreamed answers say what they always do, in another form."""
    return Target(
        changes=lambda body, usual: (
            change(json.loads(usual.body)) if usual.status == 200 and not streams(body) else None
        )
    )


def of_bytes(change):
    """A target whose streams say what they always do, in other bytes."""
    return Target(
        changes=lambda body, usual: stream(change(usual.body)) if usual.status == 200 and streams(body) else None
    )


def without(name):
    return {key: value for key, value in ENVELOPE.items() if key != name}


def test_a_conforming_target_passes_and_nothing_is_undecided():
    results = judge(Target())
    assert broken(results) == set()
    assert ids(results, Verdict.INCONCLUSIVE, Verdict.ERROR) == set()
    assert results.verdict == "pass"
    assert results.exit_status(fail_on_should=True) == 0
    assert results.keywords == (106, 106)
    left_open = {
        id_ for id_, one in CONTRACT.requirements.items() if id_.startswith("http/") and one.level == "INFO"
    }
    assert ids(results, Verdict.NOTE) == {question.id for question in CONTRACT.open} | left_open
    skipped = ids(results, Verdict.SKIP)
    assert skipped == {
        "output/null-response", "stream/unknown-field", "stream/named",
        "http/persistent", "http/missing-token", "http/wrong-token", "http/unknown-model",
        *ADAPTED,
    }  # fmt: skip
    for result in results.results:
        if result.requirement.id in ADAPTED:
            assert result.reason == "no adapter is named (--lora NAME)"


@pytest.mark.slow
def test_with_an_adapter_nothing_of_adapters_is_left_open():
    def knows_poet(body, usual):
        unknown = isinstance(body, dict) and "prompt" in body and body.get("lora", "poet") != "poet"
        return refusal(400, "AiError: LoRA not found") if unknown and usual.status == 200 else None

    results = judge(Target(changes=knows_poet), adapters=("poet",))
    assert broken(results) == set()
    assert results.exit_status(fail_on_should=True) == 0
    assert ids(results, Verdict.PASS) >= RELATED | ADAPTED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (of_success(lambda: answer(200, without("result"))), {"envelope/result"}),
        (of_success(lambda: answer(200, without("success"))), {"envelope/success"}),
        (of_success(lambda: answer(200, without("errors"))), {"envelope/errors"}),
        (of_success(lambda: answer(200, without("messages"))), {"envelope/messages"}),
        (of_success(lambda: answer(200, OK)), {"envelope/result"}),
        (of_success(lambda: answer(200, [])), {"envelope/result", "output/type"}),
        (of_success(lambda: answer(200, {"choices": []})), {"envelope/result", "output/present"}),
        (of_success(lambda: answer(200, ENVELOPE | {"errors": [{"code": 1}]})), {"envelope/errors"}),
        (of_success(lambda: success("Hello")), {"output/type"}),
        (of_success(lambda: success({"response": 6})), {"output/response/type"}),
        (of_success(lambda: success({"response": None})), {"output/response/type"}),
        (of_success(lambda: success({"response": None, "tool_calls": []})), {"output/response/type"}),
        (of_success(lambda: success({"text": "Hello"})), {"output/present"}),
        (of_success(lambda: success(OK | {"tool_calls": {}})), {"output/tool_calls/type"}),
        (of_success(lambda: success(OK | {"tool_calls": ["f"]})), {"output/tool_calls/items/type"}),
        (
            of_success(lambda: success(OK | {"tool_calls": [{"name": "f", "arguments": "{}"}]})),
            {"output/tool_calls/items/arguments/type"},
        ),
        (
            of_success(lambda: success(OK | {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]})),
            {"output/whole-tool-calls"},
        ),
        (of_stream(events({"response": "", "tool_calls": [{"name": "f"}]})), {"stream/whole-tool-calls"}),
        (
            of_success(lambda: success(OK | {"tool_calls": [{"name": 5, "arguments": {}}]})),
            {"output/tool_calls/items/name/type"},
        ),
        (of_success(lambda: answer(200, b'{"result":{"response":NaN}}')), {"output/json"}),
        (of_success(lambda: answer(200, b"\xef\xbb\xbf" + json.dumps(ENVELOPE).encode())), {"output/json"}),
        (of_success(lambda: answer(200, json.dumps(ENVELOPE).encode() + b"x")), {"output/json"}),
        (of_success(lambda: answer(200, b'{"result":{"response":"\xff"}}')), {"output/json"}),
        (of_success(lambda: answer(200, b"")), {"output/json"}),
        (
            of_success(lambda: answer(200, json.dumps(ENVELOPE).replace("{", '{"a":1,"a":2,', 1).encode())),
            {"output/unique-keys"},
        ),
        (of_success(lambda: answer(200, ENVELOPE, (("content-type", "text/plain"),))), {"output/media-type"}),
        (of_success(lambda: answer(200, ENVELOPE, ())), {"output/media-type"}),
        (of_success(lambda: answer(201, ENVELOPE)), {"http/status"}),
        (of_success(lambda: stream(events(*PIECES))), {"default/stream"}),
        (of_stream(json.dumps(ENVELOPE).encode(), (("content-type", "application/json"),)), {"stream/media-type"}),
        (of_stream(events(*PIECES), (("content-type", "text/plain"),)), {"stream/media-type"}),
        (of_stream(events(*PIECES, done=False)), {"stream/done"}),
        (of_stream(events(*PIECES) + b"data: [DONE]\n\n"), {"stream/done"}),
        (of_stream(events(*PIECES) + events(*PIECES, done=False)), {"stream/done"}),
        (of_stream(events(*PIECES).removesuffix(b"\n")), {"stream/done"}),
        (of_stream(events(*PIECES, done=False).removesuffix(b"\n")), {"stream/complete", "stream/done"}),
        (of_stream(events({"response": 6})), {"stream/event/response/type"}),
        (of_stream(events({"response": None})), {"stream/event/response/type"}),
        (of_stream(events(["Hello"])), {"stream/event/type"}),
        (of_stream(b"data: Hello\n\ndata: [DONE]\n\n"), {"stream/payload"}),
        (of_stream(b'data: {"response":"\xff"}\n\ndata: [DONE]\n\n'), {"stream/utf-8"}),
        (of_stream(b""), {"stream/payload", "stream/done"}),
        (of_stream(events({"text": "Hello"})), {"stream/present"}),
        (of_stream(events(PIECES[0], {"error": "out of memory"})), {"stream/error"}),
        (of_stream(events(PIECES[0], {"response": "", "error": "out of memory"})), {"stream/error"}),
        (
            of_stream(events(PIECES[0], done=False) + b"event: error\ndata: no\n\ndata: [DONE]\n\n"),
            {"stream/error"},
        ),
        (of_stream(events(*PIECES, done=False) + b"data:[DONE]\n"), {"stream/done"}),
        (of_stream(b'data: {"response":"a","response":"b"}\n\ndata: [DONE]\n\n'), {"stream/unique-keys"}),
    ],
)  # fmt: skip
def test_one_broken_promise_is_shown_by_its_requirement_and_no_other(target, expected):
    results = judge(target)
    assert ill_formed(results) == expected
    assert broken(results) <= expected | CANNED
    look_through(results)


@pytest.mark.parametrize(
    ("second", "requirement"),
    [
        (b"data: {\n\n", "stream/payload"),
        (b'data: {"response": "a", "response": "b"}\n\n', "stream/unique-keys"),
        (b'data: {"error": "no"}\n\n', "stream/error"),
        (b'data: {"response": 7}\n\n', "stream/event/response/type"),
    ],
)
def test_a_finding_about_one_event_of_a_stream_says_where_that_begins(second, requirement):
    first = b'data: {"response": "Hi"}\n\n'
    results = judge(of_stream(first + second + b"data: [DONE]\n\n"), only=(requirement,), profile="quick")
    (result,) = [
        result
        for result in results.with_verdict(Verdict.FAIL, Verdict.WARN)
        if result.requirement.id == requirement
    ]
    assert {finding.at for finding in result.findings} == {len(first)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (of_error(lambda: refusal(200)), {"error/status"}),
        (of_error(lambda: refusal(302)), {"error/client-error"}),
        (of_error(lambda: answer(400, {"detail": "no"})), {"error/envelope"}),
        (of_error(lambda: answer(400, [])), {"error/envelope"}),
        (of_error(lambda: answer(400, {"success": False, "errors": []})), {"error/envelope"}),
        (of_error(lambda: answer(400, {"success": False, "errors": ["no"]})), {"error/envelope"}),
        (of_error(lambda: answer(400, {"success": False, "errors": [{"code": "5006", "message": "no"}]})),
         {"error/envelope"}),
        (of_error(lambda: answer(400, {"success": False, "errors": [{"code": 5006}]})), {"error/envelope"}),
        (of_error(lambda: answer(400, b"<p>no", (("content-type", "text/html"),))),
         {"error/envelope", "error/media-type"}),
    ],
)  # fmt: skip
def test_one_broken_promise_of_refusals_is_shown_by_its_requirement_and_no_other(target, expected):
    results = judge(target)
    assert broken(results) == expected
    look_through(results)


def look_through(results):
    for result in results.with_verdict(Verdict.FAIL, Verdict.WARN):
        assert (result.verdict is Verdict.FAIL) == (result.requirement.level == "MUST")
        shown = [group for group in result.groups if group.finding.verdict is result.verdict]
        assert shown
        assert all(group.request_number >= 1 and group.finding.expected for group in shown)


@pytest.mark.slow
@pytest.mark.parametrize(
    "target",
    [
        of_json(lambda value: success(value["result"] | {"usage": {"total_tokens": 3}, "extra": [1]})),
        of_json(lambda value: success({"tool_calls": []} | value["result"])),
        of_json(lambda value: answer(200, value | {"messages": [{"code": 1}], "more": 1})),
        of_json(lambda value: answer(200, value, (("Content-Type", "Application/JSON; charset=UTF-8"),))),
        of_bytes(lambda data: data.replace(b"\n", b"\r\n")),
        of_bytes(lambda data: data.replace(b"\n", b"\r")),
        of_bytes(lambda data: b": ping\n\nid: 1\nretry: 5\nevent: message\n" + data.replace(b"data: ", b"data:")),
        of_bytes(lambda data: data.removesuffix(DONE) + events({"tool_calls": []}, {"usage": {}, "p": "abc"}, END)),
        of_error(lambda: refusal(422)),
        of_error(lambda: answer(400, {"result": None, "success": False, "errors": [{"code": 1, "message": ""}]},
                                (("content-type", "application/problem+json"),))),
    ],
)  # fmt: skip
def test_what_is_legal_is_never_blamed(target):
    results = judge(target)
    assert broken(results) == set()
    assert results.exit_status(fail_on_should=True) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "result",
    [
        OK | {"usage": {"total_tokens": 3}, "tool_calls": [], "extra": [1]},
        {"response": None, "tool_calls": [{"name": "f", "arguments": {}}]},
        {"tool_calls": [{"name": "f", "arguments": {"a": 1}}]},
        {"response": ""},
    ],
)
def test_results_of_a_legal_form_are_blamed_for_their_words_at_most(result):
    results = judge(of_success(lambda: success(result)))
    assert ill_formed(results) == set()
    assert broken(results) <= CANNED
    assert ids(results, Verdict.INCONCLUSIVE, Verdict.ERROR) <= RELATED
    assert results.record.complete


@pytest.mark.slow
def test_a_server_error_is_found_and_the_keyword_stays_undecided():
    results = judge(Target(changes=crash_on_fraction))
    assert broken(results) == {"http/server-error"}
    assert ids(results, Verdict.INCONCLUSIVE) == {"input/prompt/top_k/type", "input/messages/top_k/type"}
    assert results.exit_status() == 1


def crash_on_fraction(body, usual):
    return refusal(500) if isinstance(body, dict) and body.get("top_k") == 1.5 else None


@pytest.mark.slow
def test_a_valid_value_that_crashes_is_blamed_on_its_keyword_too():
    target = Target(changes=lambda body, usual: refusal(500) if "9999999999" in json.dumps(body) else None)
    results = judge(target)
    assert broken(results) == {
        "http/server-error", "input/prompt/seed/maximum", "input/messages/seed/maximum",
    }  # fmt: skip


def test_a_pair_that_does_not_go_together_is_a_finding_of_its_own():
    def no_greedy_with_heat(body, usual):
        return (
            refusal()
            if isinstance(body, dict) and body.get("top_k") == 1 and body.get("temperature") == 5
            else None
        )

    results = judge(Target(changes=no_greedy_with_heat))
    assert broken(results) == {"input/combinations"}
    (result,) = results.with_verdict(Verdict.FAIL)
    assert any("temperature=5" in g.finding.expected and "top_k=1" in g.finding.expected for g in result.groups)


def test_a_refusal_for_the_context_windows_sake_is_a_note_and_settles_the_rest():
    def short(body, usual):
        return refusal(413) if len(json.dumps(body, ensure_ascii=False)) > 50_000 else None

    target = Target(changes=short)
    results = judge(target)
    assert broken(results) == set()
    assert {"input/prompt/prompt/maxLength", "input/messages/messages/items/content/maxLength"} <= ids(
        results, Verdict.NOTE
    )
    assert results.exit_status() == 0
    # The shorter text, one character inside the limit, is not settled by the refusal of a longer one.
    assert sum(len(request.body) > 50_000 and b"x-deep" not in request.body for request in target.sent) == 2


@pytest.mark.slow
def test_a_window_that_is_declared_excuses_no_text_that_fits_into_it():
    def bytes_not_characters(body, usual):
        long = isinstance(body, dict) and len(str(body.get("prompt", "")).encode()) > 131072
        return refusal(413, "the prompt is too long") if long and usual.status == 200 else None

    only = {"only": ("input/prompt/prompt/maxLength",)}
    for window, verdict in ((None, Verdict.NOTE), (15_000, Verdict.NOTE), (600_000, Verdict.FAIL)):
        results = judge(Target(changes=bytes_not_characters), context_window=window, **only)
        assert ids(results, verdict) == {"input/prompt/prompt/maxLength"}, window
    # What is larger than the window may still be refused for its sake.
    results = judge(Target(changes=bytes_not_characters), context_window=300_000, **only)
    (result,) = results.with_verdict(Verdict.FAIL)
    failed = {case for group in result.groups for case in group.cases if group.finding.verdict is Verdict.FAIL}
    assert not [case for case in failed if "emoji" in case or "cjk" in case]


@pytest.mark.slow
def test_a_limit_that_long_texts_alone_meet_leaves_shorter_ones_to_be_asked():
    def small(body, usual):
        return refusal(413) if len(json.dumps(body, ensure_ascii=False).encode()) > 200_000 else None

    results = judge(Target(changes=small))
    assert broken(results) == set()
    sent = {exchange.case for exchange in results.record.exchanges.values()}
    assert "boundary/input/messages/messages/items/content/maxLength/131072-ascii" in sent
    assert "boundary/input/messages/messages/items/content/maxLength/131072-emoji" not in sent


@pytest.mark.slow
def test_what_an_unread_body_left_behind_is_not_blamed_on_the_request():
    class Careless(Target):
        async def send(self, request, *, alone=False):
            reply = await super().send(request)
            if b"5.01" in request.body and not alone:
                return replace(
                    answer(400, b"<h1>Bad request syntax", (("content-type", "text/html"),)), reused=True
                )
            return reply

    results = judge(Careless())
    assert broken(results) == {"http/persistent"}
    assert "input/prompt/temperature/maximum" in ids(results, Verdict.PASS)


@pytest.mark.slow
def test_a_value_that_makes_the_target_drop_the_connection_is_found():
    def dies_of_cold(body, usual):
        return no_answer() if isinstance(body, dict) and body.get("temperature") == 0 else None

    results = judge(Target(changes=dies_of_cold))
    assert {"http/answer", "input/prompt/temperature/minimum"} <= broken(results)
    assert "input/prompt/top_k/maximum" in ids(results, Verdict.PASS)


def test_where_little_is_asked_for_nothing_else_is_chased():
    refuses_top_k = Target(
        changes=lambda body, usual: refusal() if isinstance(body, dict) and "top_k" in body else None
    )
    results = judge(refuses_top_k, only=("input/prompt/temperature",))
    assert broken(results) == set()
    assert results.exit_status() == 0
    assert len(results.record.exchanges) < 20


def test_where_nothing_could_be_seen_nothing_passes():
    results = judge(Target(changes=lambda body, usual: refusal()), only=("stream",))
    assert results.verdict == "incomplete"
    assert results.exit_status() == 4


@pytest.mark.slow
def test_a_limit_in_bytes_is_no_context_window():
    def bytes_not_characters(body, usual):
        prompt = body.get("prompt", "") if isinstance(body, dict) else ""
        if isinstance(prompt, str) and len(prompt.encode()) > 131072:
            return refusal(400, "prompt: String should have at most 131072 characters")
        return None

    assert broken(judge(Target(changes=bytes_not_characters))) == {"input/prompt/prompt/maxLength"}


@pytest.mark.slow
def test_a_target_that_refuses_one_branch_is_blamed_once():
    results = judge(Target(accepts=lambda body: CONTRACT.oracle.is_valid(body) and "messages" not in body))
    assert "input/messages/required" in broken(results)
    # Nothing is said of limits in a branch that accepts nothing.
    assert not {id_ for id_ in broken(results) if id_.startswith("input/messages/")} - {"input/messages/required"}
    assert "input/messages/top_k/maximum" in ids(results, Verdict.INCONCLUSIVE)


def test_what_was_found_before_the_budget_was_spent_stands_and_shows_the_defect_alone():
    def minds(body, usual):
        options = body if isinstance(body, dict) else {}
        return refusal() if options.get("top_k") == 50 or options.get("top_p") == 2 else None

    results = judge(Target(changes=minds), concurrency=4, max_requests=160)
    found = {result.requirement.id: result.groups[0] for result in results.with_verdict(Verdict.FAIL)}
    assert "input/prompt/top_k/maximum" in found
    for group in found.values():
        request = results.record.exchanges[group.finding.exchanges[-1]].request
        assert len(json.loads(request.body)) == 3


@pytest.mark.slow
def test_a_mood_of_the_target_is_nobodys_value():
    asked = Counter()

    def moody(body, usual):
        if not (isinstance(body, dict) and body.get("top_k") == 50):
            return None
        text = json.dumps(body, sort_keys=True)
        asked[text] += 1
        # Whole requests are refused when they are asked again, smaller ones are not.
        return refusal() if asked[text] <= (2 if len(body) > 6 else 1) else None

    results = judge(Target(changes=moody))
    assert broken(results) == set()
    assert results.exit_status() == 4


def test_a_target_that_refuses_everything_shows_nothing_by_refusing_what_is_invalid():
    results = judge(Target(changes=lambda body, usual: refusal()))
    assert broken(results) >= {"input/prompt/required", "input/messages/required"}
    for result in results.results:
        if result.requirement.keyword and result.requirement.area == "input":
            assert "invalid" not in result.sides, result.requirement.id


@pytest.mark.slow
@pytest.mark.parametrize(
    "reply",
    [
        stream(b""),
        stream(b"data: [DONE]\n\n"),
        stream(b'data: {"errors":[{"code":5006,"message":"no"}],"success":false}\n\n'),
        stream(b"event: error\ndata: no\n\n"),
        answer(400, b"no", (("content-type", "text/plain"),)),
        answer(200, b"no", (("content-type", "text/plain"),)),
    ],
)
def test_no_answer_to_an_open_question_is_blamed(reply):
    def unsure(body, usual):
        return reply if isinstance(body, dict) and body.get("max_tokens") in (0, -1, 10**30) else None

    results = judge(Target(changes=unsure))
    assert broken(results) == set()
    assert results.exit_status() == 0


@pytest.mark.slow
def test_a_server_error_to_an_open_question_is_blamed():
    def falls_over(body, usual):
        return refusal(500) if isinstance(body, dict) and body.get("max_tokens") == 0 else None

    assert broken(judge(Target(changes=falls_over))) == {"http/server-error"}


@pytest.mark.parametrize("kind", ["timeout", "too-large"])
def test_where_our_own_patience_ended_nothing_is_blamed(kind):
    cut = Failure(kind=kind, message="enough")
    slow = Target(changes=lambda body, usual: replace(usual, failure=cut) if usual.status == 200 else None)
    results = judge(slow)
    assert broken(results) == set()
    assert results.exit_status() == 4


@pytest.mark.slow
def test_half_a_character_is_no_fault_where_our_own_patience_ended():
    half = "data: 한".encode()[:-1]
    slow = replace(stream(half), failure=Failure(kind="timeout", message="enough"))
    results = judge(Target(changes=lambda body, usual: slow if usual.status == 200 and streams(body) else None))
    assert broken(results) == set()
    assert broken(judge(of_stream(half))) >= {"stream/utf-8"}


@pytest.mark.slow
def test_streams_that_say_nothing_are_shown_where_answers_that_are_not_streamed_do():
    results = judge(of_stream(DONE))
    assert ill_formed(results) == {"stream/present"}
    assert broken(results) == {"stream/present", "stream/equivalence"}
    sometimes = Target(
        changes=lambda body, usual: stream(b"data: [DONE]\n\n") if streams(body) and "seed" in body else None
    )
    assert ill_formed(judge(sometimes)) == {"stream/present"}
    # A model that has nothing to say now and then has nothing to say unstreamed, too.
    laconic = Target(
        changes=lambda body, usual: (
            (stream(b"data: [DONE]\n\n") if streams(body) else success({"response": ""}))
            if usual.status == 200 and "seed" in body
            else None
        )
    )
    assert broken(judge(laconic)) == set()


@pytest.mark.slow
def test_a_style_of_refusing_is_not_asked_about_again_and_again():
    class Plain(Target):
        async def send(self, request, *, alone=False):
            reply = await super().send(request)
            if reply.status == 400:
                return replace(answer(400, b"no", (("content-type", "text/plain"),)), reused=not alone)
            return replace(reply, reused=not alone)

    results = judge(Plain())
    assert results.record.complete
    assert broken(results) == {"error/media-type", "error/envelope"}

    def again(results):
        return sum(exchange.ordinal > 0 for exchange in results.record.exchanges.values())

    # What relations ask again, and whether the target is still there at the end, is asked of every target.
    assert again(results) - again(judge(Target())) == SURE


@pytest.mark.slow
def test_heartbeats_and_events_that_clients_of_messages_do_not_see_are_legal():
    beats = b"event: ping\ndata: 12:00\n\ndata:\n\n"
    assert broken(judge(of_bytes(lambda data: beats + data.replace(b"data: ", b"data:")))) == set()


@pytest.mark.slow
def test_an_answer_that_nests_beyond_what_we_can_read_is_no_fault_of_the_target():
    deep = b'{"result":{"response":"a","x":' + b"[" * 100_000 + b"]" * 100_000 + b'},"success":true}'
    results = judge(of_success(lambda: answer(200, deep)))
    assert "output/json" in ids(results, Verdict.INCONCLUSIVE)


@pytest.mark.slow
def test_what_is_refused_once_and_accepted_when_asked_again_is_undecided():
    seen = set()

    def moody(body, usual):
        text = json.dumps(body)
        if usual.status == 200 and '"top_k": 50' in text and text not in seen:
            seen.add(text)
            return refusal()
        return None

    results = judge(Target(changes=moody))
    assert broken(results) == set()
    assert results.exit_status() == 4
    assert results.exit_status(allow_undecided=True) == 0


@pytest.mark.parametrize(
    ("reply", "word"),
    [(refusal(401), "token"), (refusal(403), "token"), (refusal(404), "address"), (refusal(405), "address"),
     (answer(307, b"", (("location", "http://other/"),)), "address"), (no_answer(), "does not answer")],
)  # fmt: skip
def test_a_target_that_turns_everybody_away_is_no_finding(reply, word):
    with pytest.raises(TargetError, match=word) as raised:
        judge(Target(changes=lambda body, usual: reply))
    assert raised.value.hint


@pytest.mark.slow
def test_a_request_that_is_never_answered_is_found_and_the_rest_goes_on():
    def drop(body, usual):
        return no_answer() if isinstance(body, dict) and body.get("seed") == 10000000000 else None

    results = judge(Target(changes=drop))
    assert broken(results) == {"http/answer"}
    assert {"input/prompt/seed/maximum", "input/messages/seed/maximum"} <= ids(results, Verdict.INCONCLUSIVE)
    assert results.record.complete


@pytest.mark.slow
def test_what_was_refused_beside_other_values_and_never_alone_does_not_pass():
    names = ("temperature", "top_p", "frequency_penalty", "presence_penalty", "repetition_penalty", "top_k", "seed")

    def minds(body, usual):
        edges = [CONTRACT.input["oneOf"][0]["properties"][name]["maximum"] for name in names]
        at_edge = isinstance(body, dict) and any(
            body.get(name) == edge for name, edge in zip(names, edges, strict=True)
        )
        return refusal() if at_edge else None

    patterns = tuple(f"input/*/{name}/maximum" for name in names)
    wanted = {f"input/{branch}/{name}/maximum" for branch in ("prompt", "messages") for name in names}
    whole = judge(Target(changes=minds), only=patterns)
    assert broken(whole) == wanted
    # With too little room to ask for each of them, what is left over is undecided.
    short = judge(Target(changes=minds), only=patterns, max_requests=len(whole.record.exchanges) - 20)
    assert broken(short) < wanted
    assert not wanted & ids(short, Verdict.PASS)


def test_a_profile_that_is_quick_decides_less_and_says_so():
    results = judge(Target(), profile="quick")
    assert results.exit_status() == 0
    assert broken(results) == set()
    skipped = {result.requirement.id: result.reason for result in results.with_verdict(Verdict.SKIP)}
    assert skipped["input/prompt/prompt/maxLength"] == "not part of this run (quick)"
    assert "its invalid side is not part of this run (quick)" in skipped.values()
    total, both = results.keywords
    assert total == 106
    assert 5 < both < 106


def test_events_that_all_have_a_name_are_noted():
    named = of_bytes(lambda data: data.replace(b"data: {", b"event: token\ndata: {"))
    results = judge(named, only=("stream",))
    assert broken(results) == set()
    assert "stream/named" in ids(results, Verdict.NOTE)


@pytest.mark.parametrize(
    "ping", [b"event: ping\ndata: 17\n\n", b"event: ping\ndata: [1]\n\n", b"event: ping\ndata: x\n\n"]
)
def test_a_ping_may_carry_anything(ping):
    results = judge(of_bytes(lambda data: ping + data), only=("stream",))
    assert broken(results) == set()
    assert "stream/named" not in ids(results, Verdict.NOTE)


def test_a_request_that_is_throttled_for_ever_ends_no_run_where_others_are_answered(monkeypatch):
    monkeypatch.setattr("infercheck.door.BACKOFF", (0.0, 0.0))

    def busy(body, usual):
        return answer(429, b"") if isinstance(body, dict) and body.get("top_k") == 51 else None

    results = judge(Target(changes=busy), only=("input/prompt/top_k", "input/messages/top_k"))
    assert broken(results) == set()
    assert ids(results, Verdict.INCONCLUSIVE) == {"input/prompt/top_k/maximum", "input/messages/top_k/maximum"}
    assert results.record.complete


@pytest.mark.slow
def test_an_answer_that_is_broken_off_once_is_asked_for_again():
    once = []

    def hiccup(body, usual):
        if usual.status != 200 or len(once) >= 2 or streams(body) in once:
            return None
        once.append(streams(body))
        return replace(usual, failure=Failure(kind="protocol", message="incomplete"))

    results = judge(Target(changes=hiccup))
    assert sorted(once) == [False, True]
    assert broken(results) == set()
    assert "http/answer" in ids(results, Verdict.NOTE)


@pytest.mark.slow
def test_answers_that_are_always_broken_off_are_broken():
    results = judge(
        of_success(lambda: replace(success(OK), failure=Failure(kind="protocol", message="incomplete")))
    )
    assert broken(results) == {"http/answer"}


def test_a_mistake_of_ours_is_an_error_of_its_case_and_the_rest_goes_on(monkeypatch, caplog):
    id_ = "input/prompt/top_k/maximum"

    def judged(seen):
        if id_ in seen.case.requirements and seen.case.expectation is Expectation.INVALID:
            raise ZeroDivisionError("by what came")
        return judge_one(seen)

    judge_one = conclusions.judge
    monkeypatch.setattr(conclusions, "judge", judged)
    results = judge(Target(), only=("input/prompt/top_k",))
    (result,) = results.with_verdict(Verdict.ERROR)
    assert (result.requirement.id, result.reason) == (
        id_,
        "infercheck failed at it: ZeroDivisionError: by what came",
    )
    assert results.record.complete
    assert (results.verdict, results.exit_status()) == ("incomplete", 4)
    assert "input/prompt/top_k/minimum" in ids(results, Verdict.PASS)
    assert "could not be judged" in caplog.text
