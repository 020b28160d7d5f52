"""Clients of the API that other people wrote, as they come from their registries, at their default addresses."""

from __future__ import annotations

import json

from fakes import CONTRACT

from interop.cloud import PATH
from interop.programs import CLIENTS, PYTHON, run
from interop.recording import Received, text_of
from interop.tunnel import CLOUD

MODEL = CONTRACT.model
SKY = {"role": "user", "content": "Why is the sky blue?"}
BRIEF = {"role": "system", "content": "Be brief."}
WEATHER = {"role": "user", "content": "What is the weather in Paris?"}
PARAMETERS = {
    "type": "object",
    "required": ["city"],
    "properties": {"city": {"type": "string", "description": "Name of the city."}},
}
TOOL = {"name": "get_weather", "description": "Tells the weather of a city.", "parameters": PARAMETERS}


def asked(received: Received) -> dict:
    """The body of a request that says in all else what every client has to say."""
    assert received == Received(host=CLOUD, path=PATH, content_type="application/json", body=received.body)
    return json.loads(received.body)


def usage_of(answer: bytes) -> int:
    return json.loads(answer)["result"]["usage"]["total_tokens"]


def test_the_official_sdk(sky):
    """It sends the slashes of the model as %2F.

    Fails for a server that looks for the model in the path as it came.
    """
    said = json.loads(run(PYTHON, CLIENTS / "sdk.py", MODEL, environment=sky.environment))
    (plain, answer), (streamed, stream) = sky.exchanges()
    path = PATH.removesuffix(MODEL) + MODEL.replace("/", "%2F")
    assert [plain.path, streamed.path] == [path, path]
    assert plain.content_type == streamed.content_type == "application/json"
    body = {"messages": [SKY], "max_tokens": 12, "seed": 7, "temperature": 0.5}
    assert plain.json == body
    assert streamed.json == {**body, "stream": True}
    assert said["answer"] == json.loads(answer)["result"]
    assert text_of(stream) == text_of(answer)
    assert "\n".join([*said["lines"], ""]).encode() == stream


def test_langchain(sky):
    """It sends a `stop` that is null where there is none, and adds to a tool's schema.

    Fails for a server that refuses what the page does not name, and for events that do not begin with "data: ".
    """
    said = json.loads(run(PYTHON, CLIENTS / "langchain.py", MODEL, environment=sky.environment))
    (plain, answer), (streamed, stream), (called, _) = sky.exchanges()
    options = {"max_tokens": 12, "temperature": 0.5, "stop": None}
    assert asked(plain) == {"messages": [BRIEF, SKY], **options}
    assert asked(streamed) == {"messages": [BRIEF, SKY], **options, "stream": True}
    added = {"$schema": "http://json-schema.org/draft-07/schema#", "additionalProperties": False}
    tool = {"type": "function", "function": {**TOOL, "parameters": {**PARAMETERS, **added}}}
    assert asked(called) == {"messages": [WEATHER], **options, "tools": [tool]}
    assert said["at once"] == text_of(answer)
    assert "".join(said["pieces"]) == text_of(stream)
    assert len([piece for piece in said["pieces"] if piece]) > 1
    assert [call["name"] for call in said["called"]] == ["get_weather"]
    assert set(said["called"][0]["args"]) == {"city"}


def test_the_vercel_sdk(sky):
    """It leaves out the seed that it was given, and sends a `tool_choice` beside tools.

    Fails for a server that refuses that, or whose streams end without `[DONE]`, which it takes for cut off.
    """
    said = json.loads(run("node", CLIENTS / "provider.mjs", MODEL, environment=sky.environment))
    (plain, answer), (streamed, stream), (called, _) = sky.exchanges()
    options = {"max_tokens": 12, "temperature": 0.5}
    assert asked(plain) == {"messages": [BRIEF, SKY], **options}
    assert asked(streamed) == {"messages": [BRIEF, SKY], **options, "stream": True}
    tool = {"type": "function", "function": TOOL}
    assert asked(called) == {"messages": [BRIEF, WEATHER], **options, "tools": [tool], "tool_choice": "auto"}
    assert said["at once"] == text_of(answer)
    assert said["usage"] == usage_of(answer)
    assert "".join(said["pieces"]) == text_of(stream)
    assert len(said["pieces"]) > 1
    assert said["finish"] == "stop"
    assert [call["name"] for call in said["called"]] == ["get_weather"]
    assert set(said["called"][0]["input"]) == {"city"}
