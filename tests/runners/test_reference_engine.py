import json
from importlib.resources import files

import jsonschema_rs
import pytest

from infercheck.runners.engine import Engine, Refusal
from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.reference.model import LanguageModel
from infercheck.runners.reference.template import is_prompt, render

CONTRACT = files("infercheck.schemas") / "mistral-7b-instruct-v0.2-lora"
VALIDATOR = jsonschema_rs.Draft202012Validator(json.loads((CONTRACT / "input.schema.json").read_text("utf-8")))
ENGINE: Engine = ReferenceEngine()
MESSAGES = [
    {"role": "system", "content": "You are terse."},
    {"role": "user", "content": "Why is the sky blue?"},
]
PARAMETERS = {
    "type": "object",
    "required": ["city", "undeclared"],
    "properties": {
        "city": {"type": "string", "description": "c"},
        "days": {"type": "integer", "description": "d"},
        "height": {"type": "number", "description": "h"},
        "exact": {"type": "boolean", "description": "e"},
        "tags": {"type": "array", "description": "t"},
        "more": {"type": "object", "description": "m"},
        "unit": {"type": "string", "description": "u", "enum": ["C", "F"]},
    },
}
DEFINITION = {"name": "get_weather", "description": "Tells the weather.", "parameters": PARAMETERS}
FLAT, FUNCTION = DEFINITION, {"type": "function", "function": DEFINITION}
TEMPTING = {**DEFINITION, "type": "function", "function": {"name": "nothing more"}}
ASKED = [{"role": "user", "content": "What is the weather in Paris?"}]

BOUNDARIES = [
    *({"temperature": value} for value in (0, 5, 0.0, 5.0, 0.1)),
    *({"top_p": value} for value in (0, 2, 0.0, 1, 0.5)),
    *({"top_k": value} for value in (1, 2, 49, 50, 50.0)),
    *({"seed": value} for value in (1, 2**31, 2**32, 9999999999, 9999999999.0)),
    *(
        {f"{name}_penalty": value}
        for name in ("repetition", "frequency", "presence")
        for value in (0, 1e-9, 1, 2, 2.0)
    ),
    *({"max_tokens": value} for value in (0, 1, 256, 257, 10**30, 1e30)),
    *({"image": value} for value in ([], [0, 255, 1.5, -1], "", "\0")),
]


def answer(request, engine=ENGINE):
    assert VALIDATOR.is_valid(request)
    return engine.answer(request)


def text(**request):
    return answer({"max_tokens": 24, "seed": 1, **request})["response"]


def joined(request):
    events = list(answer({**request, "stream": True}))
    *parts, last = events
    assert last["response"] == ""
    calls = [call for event in parts for call in event.get("tool_calls", ())]
    whole = {"response": "".join(event["response"] for event in parts), "usage": last["usage"]}
    return whole | ({"tool_calls": calls} if calls else {})


@pytest.mark.parametrize("option", BOUNDARIES, ids=str)
@pytest.mark.parametrize("branch", [{"prompt": "hi"}, {"messages": MESSAGES}], ids=["prompt", "messages"])
def test_every_boundary_is_answered_and_streams_alike(branch, option):
    request = {"seed": 7, "max_tokens": 16, **branch, **option}
    whole = answer(request)
    usage = whole["usage"]
    assert usage["completion_tokens"] <= request["max_tokens"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert joined(request) == whole == answer(request)


def test_defaults():
    plain = answer({"prompt": "x", "seed": 5})
    assert plain == answer({"prompt": "x", "seed": 5, "max_tokens": 256, "temperature": 0.6, "raw": False})
    assert plain["usage"]["completion_tokens"] == 256
    assert answer({"prompt": "x", "seed": 5, "max_tokens": 257})["usage"]["completion_tokens"] == 257
    assert text(prompt="x", max_tokens=256, temperature=0.7) != plain["response"]


def test_max_tokens():
    short, longer = (answer({"prompt": "x", "seed": 5, "max_tokens": limit}) for limit in (20, 40))
    assert longer["response"].startswith(short["response"])
    assert len(longer["response"]) > len(short["response"])
    assert short["usage"]["completion_tokens"] == 20
    assert answer({"prompt": "x", "max_tokens": 0})["response"] == ""
    endless = answer({"prompt": "x", "seed": 5, "max_tokens": 10**30})
    assert 300 <= endless["usage"]["completion_tokens"] <= 900
    with pytest.raises(Refusal) as refused:
        answer({"prompt": "x", "max_tokens": -1, "stream": True})
    assert (refused.value.status, refused.value.code) == (400, 5006)


def test_length_setting():
    engine = ReferenceEngine(model=LanguageModel(length=(3, 3)))
    assert answer({"prompt": "x"}, engine)["usage"]["completion_tokens"] == 3


def test_template():
    assert render({"prompt": "hi"}) == "<s>[INST] hi [/INST]"
    assert render({"prompt": "hi", "raw": True}) == "hi"
    assert text(prompt="hi") == text(messages=[{"role": "user", "content": "hi"}])
    assert text(prompt="hi") != text(prompt="hi", raw=True)
    assert text(prompt="hi") == text(prompt="<s>[INST] hi [/INST]", raw=True)


def test_every_message_counts():
    system, user = MESSAGES
    said = {"role": "assistant", "content": "Scattering."}
    odd = {"role": "Ω\0", "content": ""}
    conversations = [
        [],
        [user],
        [system, user],
        [user, system],
        [user, said, user],
        [user, user],
        [user, odd],
        [odd],
        [{**user, "role": "system"}],
    ]
    assert len({text(messages=messages) for messages in conversations}) == len(conversations)


def test_start_middle_and_end_of_a_long_prompt_count():
    long = ["é"] * 131072
    texts = {text(prompt="".join(long))}
    for place in (0, 65536, 131071):
        texts.add(text(prompt="".join([*long[:place], "e", *long[place + 1 :]])))
    assert len(texts) == 4


def test_images_and_functions_change_nothing():
    assert text(prompt="hi", image=[1, 2]) == text(prompt="hi", image="bytes") == text(prompt="hi")
    assert text(messages=MESSAGES, functions=[{"name": "f", "code": "g"}]) == text(messages=MESSAGES)


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ({"prompt": "x", "messages": None}, True),
        ({"prompt": "x", "messages": MESSAGES, "tools": 5}, True),
        ({"prompt": "x", "tools": 5}, True),
        ({"prompt": 5, "messages": MESSAGES}, False),
        ({"prompt": "", "messages": MESSAGES}, False),
        ({"prompt": "x" * 131073, "messages": MESSAGES}, False),
        ({"prompt": "x", "messages": MESSAGES, "lora": 5}, False),
        ({"prompt": "x", "messages": MESSAGES, "raw": "true"}, False),
        ({"messages": MESSAGES, "lora": 5, "raw": "true"}, False),
    ],
    ids=range(9),
)
def test_what_only_one_branch_allows_is_read_as_that_branch(request_, prompt):
    assert is_prompt(request_) is prompt
    assert text(**request_) == (text(prompt="x") if prompt else text(messages=MESSAGES))


def test_adapters():
    base = text(prompt="hi")
    assert len({base, *(text(prompt="hi", lora=name) for name in ENGINE.adapters)}) == 3
    assert text(prompt="hi") == base
    assert text(messages=MESSAGES, lora="nobody") == text(messages=MESSAGES)
    for name in ("nobody", "", "Poet"):
        with pytest.raises(Refusal) as refused:
            answer({"prompt": "hi", "lora": name, "stream": True})
        assert (refused.value.status, refused.value.code) == (400, 3037)


@pytest.mark.parametrize("tool", [FLAT, FUNCTION, TEMPTING], ids=["flat", "function", "both in part"])
def test_a_tool_that_is_asked_for_is_called(tool):
    request = {"messages": ASKED, "tools": [tool], "seed": 1}
    whole = answer(request)
    (call,) = whole["tool_calls"]
    assert whole["response"] == ""
    assert call["name"] == "get_weather"
    assert set(call["arguments"]) == {*PARAMETERS["properties"], "undeclared"}
    assert jsonschema_rs.Draft202012Validator(PARAMETERS).is_valid(call["arguments"])
    assert joined(request) == whole == answer(request)
    assert whole["usage"]["completion_tokens"] == 1


def test_tools_that_nobody_asks_for_are_sometimes_called():
    called = 0
    for number in range(40):
        request = {"messages": [{"role": "user", "content": f"{number}"}], "tools": [FLAT, FUNCTION]}
        whole = answer({**request, "seed": 1, "max_tokens": 4})
        assert joined({**request, "seed": 1, "max_tokens": 4}) == whole
        assert bool(whole["response"]) is ("tool_calls" not in whole)
        called += "tool_calls" in whole
    assert 5 < called < 35


def test_no_tools_no_room_no_messages():
    assert "tool_calls" not in answer({"messages": ASKED, "tools": []})
    assert answer({"messages": ASKED, "tools": [FLAT], "max_tokens": 0})["response"] == ""
    assert VALIDATOR.is_valid({"messages": [], "tools": [FLAT]})
    answer({"messages": [], "tools": [FLAT]})
    nameless = {"name": "", "description": "", "parameters": {"type": "", "properties": {}}}
    answer({"messages": ASKED, "tools": [nameless]})


def test_answers_have_no_memory():
    before = text(prompt="hi", seed=9)
    events = answer({"prompt": "hi", "seed": 9, "stream": True})
    first = [next(events)["response"] for _ in range(3)]
    text(prompt="other", lora="poet")
    first += [next(events)["response"] for _ in range(21)]
    assert "".join(first) == before == text(prompt="hi", seed=9)
