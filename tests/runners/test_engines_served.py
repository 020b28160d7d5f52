"""Engines behind our server, over a real socket: asynchronous ones, refusals, slow readers, those who leave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
import time

import httpx
import pytest
from fakes import CONTRACT

from infercheck.runners.hosting import in_thread, socket_in
from infercheck.runners.server import Api
from infercheck.runners.worker import WorkerApi

URL = "http://engine/client/v4/accounts/local/ai/run/@cf/mistral/mistral-7b-instruct-v0.2-lora"
HELLO = {"prompt": "hi"}
STREAMED = {"prompt": "hi", "stream": True}


@contextlib.contextmanager
def served(engine, tmp_path, kind=Api, **options):
    """A client for an engine's URL."""
    socket = socket_in(tmp_path)
    api = kind(engine, input_schema=dict(CONTRACT.input), **options)
    with (
        in_thread(api.app(), socket, lifespan=False),
        httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), timeout=20) as client,
    ):
        yield client


def until(condition, seconds=20):
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.005)


class Function:
    """An engine of one method."""

    def __init__(self, answer):
        self.answer = answer


async def later(request):
    await asyncio.sleep(0)
    if not request.get("stream"):
        return {"response": "abc"}

    async def pieces():
        for letter in "abc":
            await asyncio.sleep(0)
            yield {"response": letter}

    return pieces()


async def streams(request):
    for letter in "abc":
        yield {"response": letter}


def test_an_asynchronous_engine_answers_as_any_other(tmp_path):
    with served(Function(later), tmp_path) as client:
        assert client.post(URL, json=HELLO).json()["result"] == {"response": "abc"}
        lines = client.post(URL, json=STREAMED).text.split("\n\n")
    assert lines == [*(f'data: {{"response":"{letter}"}}' for letter in "abc"), "data: [DONE]", ""]


def test_an_asynchronous_generator_is_an_engine(tmp_path):
    with served(Function(streams), tmp_path) as client:
        assert client.post(URL, json=STREAMED).text.count("data: ") == 4


class Full(Exception):
    code, message, status = 7, "no room", 422


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_error_with_a_code_is_the_refusal_that_the_client_sees(tmp_path, asynchronous, streamed):
    def answer(request):
        raise Full
        yield {}

    async def answer_later(request):
        raise Full

    engine = Function(answer_later if asynchronous else answer)
    with served(engine, tmp_path) as client:
        refused = client.post(URL, json=STREAMED if streamed else HELLO)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"code": 7, "message": "no room"}]


@pytest.mark.parametrize("answer", [lambda request: None, lambda request: "text", lambda request: 1 / 0])
def test_a_fault_is_a_500_that_hides_its_words(tmp_path, answer, caplog):
    caplog.set_level(logging.CRITICAL + 1)
    with served(Function(answer), tmp_path) as client:
        failed = client.post(URL, json=HELLO)
    assert failed.status_code == 500
    assert failed.json()["errors"] == [{"code": 5000, "message": "AiError: Internal error"}]


class Endless:
    """Streams for ever, and tells how far it has come and whether it was ended."""

    def __init__(self, pause=0.0, size=1):
        self.pause = pause
        self.size = size
        self.made = self.running = 0

    def answer(self, request):
        return self.events()

    def events(self):
        self.running += 1
        try:
            while True:
                self.made += 1
                time.sleep(self.pause)
                yield {"response": "x" * self.size}
        finally:
            self.running -= 1


class EndlessLater(Endless):
    """The same, asynchronous."""

    async def events(self):
        self.running += 1
        try:
            while True:
                self.made += 1
                await asyncio.sleep(self.pause)
                yield {"response": "x" * self.size}
        finally:
            self.running -= 1


@pytest.mark.parametrize("kind", [Endless, EndlessLater])
def test_a_client_that_leaves_ends_the_generation(tmp_path, kind):
    engine = kind(pause=0.001)
    with served(engine, tmp_path) as client:
        for _ in range(5):
            with client.stream("POST", URL, json=STREAMED) as response:
                next(response.iter_raw())
        until(lambda: engine.running == 0)
        made = engine.made
        time.sleep(0.05)
        assert engine.made == made


@pytest.mark.parametrize("request_", [HELLO, STREAMED])
def test_a_client_that_leaves_cancels_what_an_asynchronous_engine_awaits(tmp_path, request_):
    begun, cancelled = threading.Event(), threading.Event()

    async def wait():
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def stream():
        await wait()
        yield {"response": ""}

    def answer(request):
        return stream() if request.get("stream") else wait()

    with served(Function(answer), tmp_path) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post(URL, json=request_, timeout=httpx.Timeout(10, read=0.2))
        assert begun.is_set()
        assert cancelled.wait(20)


@pytest.mark.parametrize("kind", [Endless, EndlessLater])
def test_a_slow_reader_holds_up_the_engine(tmp_path, kind):
    engine = kind(size=10_000)
    with served(engine, tmp_path) as client, client.stream("POST", URL, json=STREAMED) as response:
        chunks = response.iter_raw()
        next(chunks)
        until(lambda: _stands(engine))
        # What fills the buffers of two sockets and of one server, and no more: 10 kB each.
        assert engine.made < 1000
        made = engine.made
        until(lambda: next(chunks) and engine.made > made)


def _stands(engine):
    made = engine.made
    time.sleep(0.1)
    return engine.made == made


class Counts:
    """Tells how many answers it made at once at most; each waits until it may end."""

    def __init__(self):
        self.lock = threading.Lock()
        self.now = self.most = self.asked = 0
        self.go = threading.Event()

    def answer(self, request):
        with self.lock:
            self.asked += 1
            self.now += 1
            self.most = max(self.most, self.now)
        self.go.wait(20)
        with self.lock:
            self.now -= 1
        return {"response": ""}


def test_so_many_answers_are_made_at_once_so_many_wait_and_the_rest_is_refused(tmp_path):
    engine, statuses = Counts(), []
    with served(engine, tmp_path, concurrency=2) as client:
        asking = [
            threading.Thread(target=lambda: statuses.append(client.post(URL, json=HELLO).status_code))
            for _ in range(12)
        ]
        for thread in asking:
            thread.start()
        until(lambda: len(statuses) == 2)
        assert statuses == [429, 429]
        assert (engine.asked, engine.most) == (2, 2)
        engine.go.set()
        for thread in asking:
            thread.join(20)
        assert sorted(statuses) == [200] * 10 + [429] * 2
        assert engine.most == 2


class Waits:
    """Events of a stream: so many at once, and the next one never, unless it is left."""

    def __init__(self, count):
        self.count = count
        self.gone = threading.Event()
        self.waiting = threading.Event()

    def __iter__(self):
        return self

    def __next__(self):
        if self.count:
            self.count -= 1
            return {"response": "a"}
        self.waiting.set()
        assert self.gone.wait(20)
        raise StopIteration

    def leave(self):
        self.gone.set()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_stream_is_told_that_its_client_has_left_while_it_is_at_its_next_event(tmp_path, count):
    events = Waits(count)
    with served(Function(lambda request: events), tmp_path) as client:
        with (
            contextlib.suppress(httpx.ReadTimeout),
            client.stream("POST", URL, json=STREAMED, timeout=0.3) as answer,
        ):
            for _ in answer.iter_raw():
                if events.waiting.is_set():
                    break
        assert events.gone.wait(3)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_an_asynchronous_stream_is_cancelled_at_its_next_event(tmp_path, count):
    ended = threading.Event()

    async def pieces():
        try:
            for _ in range(count):
                yield {"response": "a"}
            await asyncio.sleep(60)
        finally:
            ended.set()

    with served(Function(lambda request: pieces()), tmp_path) as client:
        with (
            contextlib.suppress(httpx.ReadTimeout),
            client.stream("POST", URL, json=STREAMED, timeout=0.3) as answer,
        ):
            for _ in answer.iter_raw():
                pass
        assert ended.wait(3)


def test_the_first_event_does_not_wait_for_the_second(tmp_path):
    events = Waits(1)
    with served(Function(lambda request: events), tmp_path) as client:
        with client.stream("POST", URL, json=STREAMED, timeout=5) as answer:
            assert b'"a"' in next(answer.iter_raw())
        events.leave()


def test_who_leaves_while_others_have_their_turn_is_not_answered(tmp_path):
    engine = Counts()
    with served(engine, tmp_path, concurrency=1) as client:
        first = threading.Thread(target=lambda: client.post(URL, json=HELLO))
        first.start()
        until(lambda: engine.asked == 1)
        for _ in range(3):
            with pytest.raises(httpx.ReadTimeout):
                client.post(URL, json=HELLO, timeout=0.2)
        engine.go.set()
        first.join(20)
        assert client.post(URL, json=HELLO).status_code == 200
    assert engine.asked == 2


def test_more_answers_are_made_at_once_than_there_are_threads_by_default(tmp_path):
    engine = Counts()
    with served(engine, tmp_path, concurrency=60) as client:
        asking = [threading.Thread(target=lambda: client.post(URL, json=HELLO)) for _ in range(60)]
        for thread in asking:
            thread.start()
        until(lambda: engine.most == 60)
        engine.go.set()
        for thread in asking:
            thread.join(20)


def test_a_turn_ends_where_the_client_leaves(tmp_path):
    engine = Endless(pause=0.001)
    with served(engine, tmp_path, concurrency=1) as client:
        for _ in range(3):
            with client.stream("POST", URL, json=STREAMED) as response:
                assert response.status_code == 200
                next(response.iter_raw())


def test_an_adapter_that_is_not_named_is_refused_beside_a_prompt_alone(tmp_path):
    with served(Function(later), tmp_path, adapters=["poet"]) as client:
        assert client.post(URL, json={"prompt": "hi", "lora": "poet"}).status_code == 200
        refused = client.post(URL, json={"prompt": "hi", "lora": "bard"})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, 3037)
        messages = [{"role": "user", "content": "hi"}]
        assert client.post(URL, json={"messages": messages, "lora": "bard"}).status_code == 200


def test_a_worker_answers_bare_at_any_path_and_says_what_the_binding_throws(tmp_path):
    with served(Function(later), tmp_path, WorkerApi) as client:
        assert client.post("http://engine/", json=HELLO).json() == {"response": "abc"}
        assert client.post("http://engine/any/path", json=STREAMED).text.endswith("data: [DONE]\n\n")
        refused = client.post("http://engine/", json={})
        assert refused.status_code == 400
        assert json.loads(refused.content)["error"].startswith("5006: AiError: Bad input")


def test_a_server_in_a_thread_leaves_the_log_of_the_users_own_as_it_was(tmp_path):
    log = logging.getLogger("uvicorn.error")
    level = log.level
    with served(Function(lambda request: {"response": "a"}), tmp_path) as client:
        assert client.post(URL, json=HELLO).status_code == 200
    assert log.level == level
