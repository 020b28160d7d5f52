import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from importlib.resources import files
from types import SimpleNamespace

import httpx
import pytest

from infercheck.runners.engine import Refusal
from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.server import DEFAULT_MODEL, Api
from infercheck.runners.serving import LocalServer, ServerStartError

CONTRACT = files("infercheck.schemas") / "mistral-7b-instruct-v0.2-lora"
SCHEMA = json.loads((CONTRACT / "input.schema.json").read_text("utf-8"))
BASE = "http://server/client/v4/accounts/a"
URL = f"{BASE}/ai/run/{DEFAULT_MODEL}"
TOKEN = {"authorization": "Bearer sesame"}


def api(engine=None, **options):
    return Api(engine or ReferenceEngine(), input_schema=SCHEMA, **options)


SERVER = api()


def send(body=b"{}", *, to=None, url=URL, method="POST", headers=None):
    async def exchange():
        transport = httpx.ASGITransport((to or SERVER).app(), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport) as client:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            return await client.request(method, url, content=content, headers=headers)

    return asyncio.run(exchange())


def refusal(response, status, code, *, result):
    """Assert the envelope of an error, and return its message."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    envelope = response.json()
    message = envelope["errors"][0]["message"]
    assert envelope == {
        "result": result,
        "success": False,
        "errors": [{"code": code, "message": message}],
        "messages": [],
    }
    assert isinstance(message, str)
    return message


def events(content):
    assert content.endswith(b"\n\n")
    return [event.removeprefix("data: ") for event in content.decode().split("\n\n")[:-1]]


def test_success_envelope():
    response = send({"prompt": "hi", "max_tokens": 5})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert list(response.json()) == ["result", "success", "errors", "messages"]
    assert response.json()["result"]["usage"]["completion_tokens"] == 5


def test_text_is_sent_as_utf_8():
    response = send({"prompt": "hi", "seed": 1, "temperature": 5, "max_tokens": 600})
    assert re.search("[é中🙂]", response.content.decode("utf-8"))
    assert response.json()["result"]["response"].isprintable() is False  # it has line ends


@pytest.mark.parametrize("content_type", [None, "application/x-www-form-urlencoded", "text/plain", "nonsense"])
def test_any_content_type_will_do(content_type):
    headers = {} if content_type is None else {"content-type": content_type}
    assert send({"prompt": "hi", "max_tokens": 1}, headers=headers).status_code == 200


def test_model_may_come_escaped():
    escaped = DEFAULT_MODEL.replace("/", "%2F").replace("@", "%40")
    assert send({"prompt": "hi", "max_tokens": 1}, url=f"{BASE}/ai/run/{escaped}").status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b'{"prompt":"x"} x', b'{"prompt":"\xff"}', b"\xff\xfe{\x00}\x00"])
def test_what_is_no_json_is_refused(body):
    assert "not JSON" in refusal(send(body), 400, 5006, result={})


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e400", "1" * 5000, "0" * 5000, "0x1", "1."])
def test_what_is_no_number_of_ours_is_refused(literal):
    body = f'{{"prompt":"x","temperature":{literal}}}'.encode()
    assert "not JSON" in refusal(send(body), 400, 5006, result={})


@pytest.mark.parametrize("depth", [2000, 200_000])
@pytest.mark.parametrize("shape", ['{"prompt":"x","z":%s%s}', "%s%s"])
def test_deep_nesting_is_refused(shape, depth):
    body = shape % ("[" * depth, "]" * depth)
    refusal(send(body.encode()), 400, 5006, result={})


def test_moderate_nesting_is_none_of_our_business():
    assert send(b'{"prompt":"x","max_tokens":1,"z":%s%s}' % (b"[" * 100, b"]" * 100)).status_code == 200


@pytest.mark.parametrize("body", [rb'{"prompt":"\ud800"}', rb'{"\udfff":1}', rb'{"prompt":"x","z":"\ud83d"}'])
def test_lone_surrogates_are_refused(body):
    refusal(send(body), 400, 5006, result={})


def test_lone_surrogates_never_become_invalid_utf_8():
    engine = SimpleNamespace(adapters=(), answer=lambda request: {"response": "a\ud800b"})
    answer = send({"prompt": "x"}, to=api(engine))
    assert "\\ud800" in answer.content.decode("utf-8")
    assert answer.json()["result"] == {"response": "a\ud800b"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "oneOf at '/' not met, 0 matches: required properties at '/' are 'prompt'"),
        ([], "Type mismatch of '/', 'object' not in 'array'"),
        (None, "Type mismatch of '/', 'object' not in 'null'"),
        ({"prompt": "x", "messages": []}, "oneOf at '/' not met, 2 matches"),
        ({"prompt": ""}, "Length of '/prompt' must be >= 1"),
        ({"prompt": "x" * 131073}, "Length of '/prompt' must be <= 131072"),
        ({"prompt": "x", "top_k": 51}, "'/top_k' must be <= 50"),
        ({"prompt": "x", "seed": 0}, "'/seed' must be >= 1"),
        ({"prompt": "x", "top_k": 1.5}, "Type mismatch of '/top_k', 'integer' not in 'number'"),
        ({"prompt": "x", "stream": "true"}, "Type mismatch of '/stream', 'boolean' not in 'string'"),
        (
            {"messages": [{"role": "user", "content": []}]},
            "Type mismatch of '/messages/0/content', 'string' not in 'array'",
        ),
        ({"prompt": "x", "image": [None] * 100_000}, "oneOf at '/' not met"),
        ({"prompt": "x", "image": [None] * 900}, "oneOf at '/' not met"),
    ],
    ids=range(13),
)
def test_schema_failures_are_explained(body, words):
    message = refusal(send(body), 400, 5006, result={})
    assert message.startswith("AiError: Bad input: Error: ")
    assert words in message
    assert len(message) < 1500


def test_engine_refusals():
    assert "nobody" in refusal(send({"prompt": "x", "lora": "nobody"}), 400, 3037, result={})
    refusal(send({"prompt": "x", "max_tokens": -1}), 400, 5006, result={})


@pytest.mark.parametrize("body", [{"stream": True}, {"prompt": "x", "lora": "nobody", "stream": True}])
def test_a_refused_stream_is_plain_json(body):
    refusal(send(body), 400, send(body).json()["errors"][0]["code"], result={})


def test_a_stream_refused_at_its_first_event_is_plain_json():
    def answer(request):
        raise Refusal(400, 3030, "late")
        yield

    engine = SimpleNamespace(adapters=(), answer=answer)
    assert refusal(send({"prompt": "x", "stream": True}, to=api(engine)), 400, 3030, result={}) == "late"


def test_unknown_model_and_route():
    assert "@cf/none" in refusal(send(url=f"{BASE}/ai/run/@cf/none"), 400, 5007, result={})
    for url in (
        "http://server/",
        f"{BASE}/ai/run",
        f"{BASE}/nothing",
        "http://server/client/v4/accounts//ai/run/x",
    ):
        refusal(send(url=url), 404, 7000, result=None)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_wrong_method(method):
    response = send(method=method)
    refusal(response, 405, 7001, result=None)
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "given", [None, "", "sesame", "Bearer", "Bearer ", "Bearer sesam", "Bearer sesame!", "Basic sesame"]
)
def test_missing_or_wrong_token(given):
    response = send(to=api(token="sesame"), headers={} if given is None else {"authorization": given})
    refusal(response, 401, 10000, result=None)
    assert response.headers["www-authenticate"] == "Bearer"


def test_right_token():
    body = {"prompt": "x", "max_tokens": 0}
    assert send(body, to=api(token="sesame"), headers=TOKEN).status_code == 200
    assert send(body, to=api(token="sesame"), headers={"authorization": "bearer sesame"}).status_code == 200


def test_a_body_too_large():
    server = api()
    server.body_limit = 100
    assert send(b'{"prompt":"x","max_tokens":0}'.ljust(100), to=server).status_code == 200
    refusal(send(b'{"prompt":"x","max_tokens":0}'.ljust(101), to=server), 413, 3006, result={})


@pytest.mark.parametrize("answer", [{"response": float("nan")}, None])
def test_a_fault_of_the_engine_is_a_500_that_tells_nothing(answer):
    engine = SimpleNamespace(adapters=(), answer=lambda request: answer)
    assert refusal(send({"prompt": "x"}, to=api(engine)), 500, 5000, result={}) == "AiError: Internal error"


@pytest.mark.parametrize("count", [0, 1, 40, 256])
def test_streamed_is_unstreamed(count):
    body = {"prompt": "hi", "seed": 3, "max_tokens": count, "temperature": 1}
    response = send({**body, "stream": True})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream"
    *payloads, last, done = events(response.content)
    assert done == "[DONE]"
    assert len(payloads) == count
    whole = send(body).json()["result"]
    assert "".join(json.loads(payload)["response"] for payload in payloads) == whole["response"]
    assert json.loads(last) == {"response": "", "usage": whole["usage"]}


def stream(answer, note):
    """Call the application without a transport; `note` gets each message, and the event of leaving."""
    path = URL.removeprefix("http://server")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "server": ("server", 80),
    }

    async def call():
        left = asyncio.Event()
        requests = [{"type": "http.request", "body": b'{"prompt":"x","stream":true}', "more_body": False}]

        async def receive():
            if requests:
                return requests.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        async def take(message):
            note(message, left)
            await asyncio.sleep(0)

        app = api(SimpleNamespace(adapters=(), answer=answer)).app()
        await asyncio.wait_for(app(scope, receive, take), 20)

    asyncio.run(call())


def test_a_stream_that_fails_breaks_off():
    def answer(request):
        yield {"response": "a"}
        raise RuntimeError("broken")

    sent = []
    with pytest.raises((RuntimeError, ExceptionGroup)) as raised:  # a group from older Starlettes
        stream(answer, lambda message, left: sent.append(message))
    assert "broken" in str([raised.value, *getattr(raised.value, "exceptions", ())])
    assert [message.get("body") for message in sent] == [None, b'data: {"response":"a"}\n\n']
    assert sent[-1]["more_body"]


def test_a_client_that_leaves_ends_the_generation():
    ended = threading.Event()

    def answer(request):
        try:
            while True:
                yield {"response": "a"}
        finally:
            ended.set()

    stream(answer, lambda message, left: left.set() if message.get("body") else None)
    assert ended.wait(10)


def test_a_slow_answer_holds_up_nobody():
    release = threading.Event()

    def answer(request):
        if request["prompt"] == "slow":
            assert release.wait(10)
        else:
            release.set()
        return {"response": request["prompt"]}

    async def both():
        transport = httpx.ASGITransport(api(SimpleNamespace(adapters=(), answer=answer)).app())
        async with httpx.AsyncClient(transport=transport) as client:
            slow = asyncio.create_task(client.post(URL, json={"prompt": "slow"}))
            await asyncio.sleep(0)
            return await client.post(URL, json={"prompt": "quick"}), await slow

    quick, slow = asyncio.run(both())
    assert quick.json()["result"]["response"] == "quick"
    assert slow.json()["result"]["response"] == "slow"


@pytest.fixture(scope="module")
def local():
    with LocalServer(arguments=["--adapters", "bard", "--length", "9:9"]) as server:
        yield server


@pytest.fixture
def client(local):
    with httpx.Client(headers={"authorization": f"Bearer {local.token}"}, trust_env=False) as client:
        yield client


def test_local_server(local, client):
    assert re.fullmatch(rf"http://127\.0\.0\.1:\d+/client/v4/accounts/local/ai/run/{DEFAULT_MODEL}", local.url)
    assert client.post(local.url, json={"prompt": "x"}).json()["result"]["usage"]["completion_tokens"] == 9
    assert client.post(local.url, json={"prompt": "x", "lora": "bard"}).status_code == 200
    assert client.post(local.url, json={"prompt": "x", "lora": "poet"}).status_code == 400
    assert client.post(local.url, headers={"authorization": "Bearer no"}).status_code == 401


def test_each_event_is_a_chunk_of_its_own(local, client):
    with client.stream("POST", local.url, json={"prompt": "x", "stream": True}) as response:
        assert response.headers["transfer-encoding"] == "chunked"
        content = b"".join(response.iter_raw())
    assert len(events(content)) == 9 + 2


def test_longest_prompt_in_emoji(local, client):
    assert client.post(local.url, json={"prompt": "😀" * 131072, "max_tokens": 1}).status_code == 200
    assert client.post(local.url, json={"prompt": "😀" * 131073, "max_tokens": 1}).status_code == 400


def test_a_server_that_does_not_start_says_why():
    with pytest.raises(ServerStartError, match="LO <= HI"), LocalServer(arguments=["--length", "5:4"]):
        pass
    with pytest.raises(ServerStartError, match="not running"):
        LocalServer().url  # noqa: B018 - a property that raises


def reference(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "infercheck.runners.reference", "--length", "1000000:1000000", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={key: value for key, value in os.environ.items() if key != "NO_TOKEN"},
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_ctrl_c_ends_it_quietly_though_a_stream_is_open():
    with reference() as process:
        url = json.loads(process.stdout.readline())["url"]
        body = {"prompt": "x", "stream": True, "max_tokens": 10**6}
        with httpx.Client(trust_env=False) as client, client.stream("POST", url, json=body) as response:
            chunks = response.iter_raw()  # held, for the connection closes with it
            assert next(chunks).startswith(b"data: ")
            process.send_signal(signal.SIGINT)
            output, complaints = process.communicate(timeout=20)
    assert (process.returncode, output, complaints) == (0, b"", b"")


def test_it_ends_with_its_parent():
    with reference("--exit-with-parent") as process:
        process.stdout.readline()
        output, complaints = process.communicate(timeout=20)  # closes stdin
    assert (process.returncode, output, complaints) == (0, b"", b"")


def test_a_token_that_is_not_there_is_an_error():
    with reference("--token-env", "NO_TOKEN") as process:
        _, complaints = process.communicate(timeout=20)
    assert process.returncode == 2
    assert b"NO_TOKEN" in complaints
