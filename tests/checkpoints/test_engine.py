"""The engine's answers: the page's whole range, streams, adapters, limits, and what `generate` says."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema_rs
import pytest
import torch

from checkpoints.asking import asked, joined, opened, streamed, together
from checkpoints.tiny import WINDOW, make
from infercheck.runners.engine import Engine, Refusal
from infercheck.runners.transformers import engine as module
from infercheck.runners.transformers.sampler import Sampler

CONTRACT = files("infercheck.schemas") / "mistral-7b-instruct-v0.2-lora"
VALIDATOR = jsonschema_rs.Draft202012Validator(json.loads((CONTRACT / "input.schema.json").read_text("utf-8")))
MESSAGES = [
    {"role": "system", "content": "You are terse."},
    {"role": "user", "content": "Why is the sky blue?"},
]
BOUNDARIES = [
    *({"temperature": value} for value in (0, 5, 0.0, 5.0, 0.1, 1e-9)),
    *({"top_p": value} for value in (0, 2, 0.0, 1, 0.5)),
    *({"top_k": value} for value in (1, 2, 49, 50, 50.0)),
    *({"seed": value} for value in (1, 2**31, 2**32, 9999999999, 9999999999.0)),
    *(
        {f"{name}_penalty": value}
        for name in ("repetition", "frequency", "presence")
        for value in (0, 1e-9, 1, 2, 2.0)
    ),
    *({"max_tokens": value} for value in (0, 1, 15)),
    *({"image": value} for value in ([], [0, 255, 1.5, -1], "", "\0")),
    {"temperature": 0, "repetition_penalty": 0, "frequency_penalty": 2, "top_p": 0, "top_k": 1},
]
PROMPTS = ["Hello", "Tell me of 你好 and 🙂.", "x " * 300]


def test_it_is_an_engine(engine):
    assert isinstance(engine, Engine)
    assert engine.adapters == ("poet", "pirate")


@pytest.mark.parametrize("option", BOUNDARIES, ids=str)
@pytest.mark.parametrize("branch", [{"prompt": "hi"}, {"messages": MESSAGES}], ids=["prompt", "messages"])
def test_every_boundary_is_answered_and_streams_alike(engine, branch, option):
    request = {"seed": 7, "max_tokens": 16, **branch, **option}
    assert VALIDATOR.is_valid(request)
    whole = asked(engine, **request)
    usage = whole["usage"]
    assert usage["completion_tokens"] == request["max_tokens"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert joined(streamed(engine, **request)) == whole == asked(engine, **request)


def test_defaults(engine):
    plain = asked(engine, prompt="x", seed=5)
    assert plain == asked(engine, prompt="x", seed=5, max_tokens=256, temperature=0.6, top_p=1)
    assert plain["usage"]["completion_tokens"] == 256
    assert plain != asked(engine, prompt="x", seed=5, temperature=0.7)


@pytest.fixture(scope="module")
def sliding(tmp_path_factory):
    """As `tiny`, with layers that look back over 32 tokens alone."""
    return make(tmp_path_factory.mktemp("sliding"), sliding_window=32)


@pytest.mark.parametrize("prompt", PROMPTS, ids=[0, 1, 2])
@pytest.mark.parametrize(("kind", "adapter"), [("tiny", None), ("tiny", "poet"), ("sliding", None)])
def test_greedy_answers_are_those_of_generate(kind, prompt, adapter, request):
    tiny = request.getfixturevalue(kind)
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words = AutoTokenizer.from_pretrained(tiny / "base")
    model = AutoModelForCausalLM.from_pretrained(tiny / "base", dtype=torch.float32)
    if adapter is not None:
        model = PeftModel.from_pretrained(model, tiny / adapter)
    given = words.apply_chat_template(
        [{"role": "user", "content": prompt}], return_tensors="pt", return_dict=True, add_generation_prompt=True
    )
    found = model.generate(**given, do_sample=False, max_new_tokens=100)[0, given["input_ids"].shape[1] :]
    lora = {} if adapter is None else {"lora": adapter}
    for batch in (1, 8):
        with opened(tiny, device="cpu", batch=batch) as engine:
            asking = {"prompt": prompt, "temperature": 0, "max_tokens": 100, **lora}
            # Beside one that is shorter and one that is longer.
            others = [{"prompt": "y" * length, "max_tokens": 20} for length in (1, 500)]
            answer = together(engine, [asking, *others])[0]
        assert answer["response"] == words.decode(found, skip_special_tokens=True)
        assert answer["usage"]["completion_tokens"] == 100
        assert answer["usage"]["prompt_tokens"] == given["input_ids"].shape[1]


def test_a_prompt_is_the_same_read_whole_and_in_chunks(engine, monkeypatch):
    request = {"prompt": "x " * 300, "temperature": 0, "max_tokens": 30}
    whole = asked(engine, **request)
    read = []

    def told(tokens, *rest, **named):
        read.append(len(tokens[0]))
        return logits(tokens, *rest, **named)

    logits = engine.model.logits
    monkeypatch.setattr(engine.model, "logits", told)
    assert engine.model.chunk == 1024
    monkeypatch.setattr(engine.model, "chunk", 100)
    assert asked(engine, **request) == whole
    rest = whole["usage"]["prompt_tokens"] - 600
    assert (read[:7], read[7:9]) == ([*[100] * 6, rest], [1, 1])


def test_an_answer_ends_where_the_model_ends_it(engine, monkeypatch):
    request = {"prompt": "x", "temperature": 0, "max_tokens": 30}
    drawn = []

    class Told(Sampler):
        def pick(self, logits):
            drawn.append(super().pick(logits))
            return drawn[-1]

    monkeypatch.setattr(module, "Sampler", Told)
    whole = asked(engine, **request)
    end = drawn[20]
    monkeypatch.setattr(engine.model, "ends", frozenset([end]))
    short = asked(engine, **request)
    assert whole["response"].startswith(short["response"])
    assert short["usage"]["completion_tokens"] == drawn.index(end)
    assert joined(streamed(engine, **request)) == short


def test_limits(engine):
    for limit in (10**30, 1e30):
        window = asked(engine, prompt="x " * (WINDOW // 2 - 20), temperature=0, max_tokens=limit)
        assert window["usage"]["total_tokens"] == WINDOW
    assert asked(engine, prompt="x", max_tokens=0)["response"] == ""
    assert joined(streamed(engine, prompt="x", max_tokens=0))["usage"]["completion_tokens"] == 0
    for stream in (True, False):
        with pytest.raises(Refusal) as negative:
            engine.answer({"prompt": "x", "max_tokens": -1, "stream": stream})
        assert (negative.value.status, negative.value.code) == (400, 5006)
        with pytest.raises(Refusal) as long:
            engine.answer({"prompt": "x " * WINDOW, "stream": stream})
        assert (long.value.status, long.value.code) == (413, 5021)


def test_a_declared_window_is_heeded(tiny):
    with opened(tiny, context_window=40) as engine:
        assert asked(engine, prompt="x", temperature=0)["usage"]["total_tokens"] == 40
        with pytest.raises(Refusal) as long:
            engine.answer({"prompt": "x " * 40})
        assert "40" in long.value.message
        whole = asked(engine, prompt="x", raw=True)["usage"]
        room = next(n for n in range(1, 60) if len(engine._template.tokens({"prompt": "x" * n, "raw": True})) == 39)
        assert whole["total_tokens"] == 40
        assert asked(engine, prompt="x" * room, raw=True)["usage"]["completion_tokens"] == 1
        full = next(n for n in range(1, 60) if len(engine._template.tokens({"prompt": "x" * n, "raw": True})) == 40)
        with pytest.raises(Refusal):
            engine.answer({"prompt": "x" * full, "raw": True})


def test_adapters_change_answers_and_leave_others_alone(engine):
    request = {"prompt": "Hello", "temperature": 0, "max_tokens": 40}
    plain = asked(engine, **request)
    found = [asked(engine, **request, lora=name) for name in ("poet", "pirate")]
    assert len({one["response"] for one in (plain, *found)}) == 3
    assert asked(engine, **request) == plain
    for name, one in zip(("poet", "pirate"), found, strict=True):
        assert asked(engine, **request, lora=name) == one


def test_unknown_adapters_are_refused_beside_a_prompt(engine):
    with pytest.raises(Refusal) as unknown:
        engine.answer({"prompt": "x", "lora": "nobody"})
    assert (unknown.value.status, unknown.value.code) == (400, 3037)
    assert asked(engine, messages=MESSAGES, lora="nobody", max_tokens=1)


def test_streams_come_token_by_token_and_cut_no_character(engine):
    for seed in range(1, 6):
        events = streamed(engine, prompt="x", temperature=5, seed=seed, max_tokens=120)
        pieces = [event["response"] for event in events]
        assert pieces[-1] == ""
        assert "usage" in events[-1]
        whole = "".join(pieces)
        assert whole == asked(engine, prompt="x", temperature=5, seed=seed, max_tokens=120)["response"]
        assert not whole.endswith("\ufffd")
    plain = streamed(engine, prompt="x", temperature=0, max_tokens=60)
    assert len(plain) > 50


def scripted(monkeypatch, engine, text):
    """Have the model say a text, token by token, and then whatever it says."""
    tokens = [*engine.model.tokenizer(text, add_special_tokens=False)["input_ids"]]

    class Scripted(Sampler):
        def __init__(self, settings, prompt=()):
            super().__init__(settings, prompt)
            self.said = iter([*tokens, 2])

        def pick(self, logits):
            return next(self.said)

    monkeypatch.setattr(module, "Sampler", Scripted)


def test_special_tokens_are_no_text_and_a_mark_within_an_answer_begins_no_calls(engine, monkeypatch):
    said = f"Hi[INST] there [TOOL_CALLS]{json.dumps([CALL])}"
    scripted(monkeypatch, engine, said)
    whole = asked(engine, messages=MESSAGES, tools=[TOOL])
    assert "tool_calls" not in whole
    assert whole["response"] == said.replace("[INST]", "").replace("[TOOL_CALLS]", "")


TOOL = {
    "name": "get_weather",
    "description": "Tells it.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "c"}}},
}
CALL = {"name": "get_weather", "arguments": {"city": "Köln"}}


def test_tool_calls_in_mistrals_form(engine, monkeypatch):
    scripted(monkeypatch, engine, f"[TOOL_CALLS]{json.dumps([CALL, CALL], ensure_ascii=False)}")
    request = {"messages": MESSAGES, "tools": [TOOL]}
    whole = asked(engine, **request)
    assert (whole["response"], whole["tool_calls"]) == ("", [CALL, CALL])
    assert joined(streamed(engine, **request)) == whole
    assert "tool_calls" not in asked(engine, messages=MESSAGES)


@pytest.mark.parametrize("said", ["[1]", "[]", '{"name": "x"}', '[{"name": "x", "arguments": "y"}]', "no JSON"])
def test_what_is_no_call_is_text(engine, monkeypatch, said):
    scripted(monkeypatch, engine, f"[TOOL_CALLS]{said}")
    whole = asked(engine, messages=MESSAGES, tools=[TOOL])
    assert whole["response"] == said
    assert "tool_calls" not in whole


@pytest.mark.parametrize("kind", ["engine", "batching"])
def test_answers_are_the_same_beside_others_whatever_their_adapters(kind, request):
    engine = request.getfixturevalue(kind)
    requests = [
        {
            "prompt": "x " * (1 + 17 * number % 60),
            "seed": number + 1,
            "max_tokens": 20 + 9 * number,
            "temperature": (0, 0.6)[number % 2],
            "repetition_penalty": (1, 1.2)[number % 3 == 0],
            **({}, {"lora": "poet"}, {"lora": "pirate"})[number % 3],
        }
        for number in range(12)
    ]
    alone = [asked(engine, **one) for one in requests]
    assert len({answer["response"] for answer in alone}) == len(alone)
    assert together(engine, requests) == alone
    assert together(engine, requests[::-1]) == alone[::-1]
