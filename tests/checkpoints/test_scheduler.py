"""Whose turn it is, and that nothing is left of who has gone."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time

import httpx
import pytest
from fakes import CONTRACT
from harness import served
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from checkpoints.asking import asked, opened, streamed, together
from infercheck.runners.server import Api
from infercheck.runners.transformers import engine as module
from infercheck.runners.transformers import lanes
from infercheck.runners.transformers.sampler import Sampler

KINDS = pytest.mark.parametrize("kind", ["engine", "batching"])


def live_caches():
    gc.collect()
    return sum(type(one) is DynamicCache for one in gc.get_objects())


def wait_until(condition, seconds=3):
    """Far less than 7,500 tokens take."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@KINDS
def test_who_comes_at_token_50_of_500_has_its_first_before_token_60(kind, request, monkeypatch):
    engine = request.getfixturevalue(kind)
    drawn = []
    late = []

    class Told(Sampler):
        def pick(self, logits):
            drawn.append(self)
            if len(drawn) == 50:
                late.append(engine.answer({"prompt": "y", "max_tokens": 3, "stream": True}))
            return super().pick(logits)

    monkeypatch.setattr(module, "Sampler", Told)
    streamed(engine, prompt="x", max_tokens=500)
    list(late[0])
    first = drawn[0]
    second = next(number for number, one in enumerate(drawn) if one is not first)
    assert 50 <= second < 60
    assert drawn.count(first) == 500


@KINDS
def test_those_under_way_take_turns(kind, request, monkeypatch):
    engine = request.getfixturevalue(kind)
    drawn = []

    class Told(Sampler):
        def pick(self, logits):
            drawn.append(self)
            return super().pick(logits)

    monkeypatch.setattr(module, "Sampler", Told)
    together(engine, [{"prompt": f"{number}", "max_tokens": 60} for number in range(4)])
    everybody = set(drawn)
    assert len(everybody) == 4
    joined = max(drawn.index(one) for one in everybody)
    ended = min(len(drawn) - drawn[::-1].index(one) for one in everybody)
    counts = [drawn[joined:ended].count(one) for one in everybody]
    assert max(counts) - min(counts) <= 1
    assert min(counts) > 20


@KINDS
def test_a_stream_that_is_left_frees_its_memory(kind, request):
    engine = request.getfixturevalue(kind)
    wait_until(lambda: engine.scheduler.under_way == 0)
    before = live_caches()
    streams = [engine.answer({"prompt": f"{one}", "max_tokens": 7500, "stream": True}) for one in range(3)]
    for stream in streams:
        next(stream)
    assert live_caches() > before
    streams.pop(1).close()
    wait_until(lambda: engine.scheduler.under_way == 2)
    assert all(next(stream) for stream in streams)
    for stream in streams:
        stream.close()
    wait_until(lambda: engine.scheduler.under_way == 0)
    assert live_caches() == before


@KINDS
def test_an_answer_that_is_made_keeps_its_tokens_and_no_cache(kind, request):
    engine = request.getfixturevalue(kind)
    wait_until(lambda: engine.scheduler.under_way == 0)
    before = live_caches()
    stream = engine.answer({"prompt": "x", "temperature": 0, "max_tokens": 20, "stream": True})
    next(stream)
    wait_until(lambda: engine.scheduler.under_way == 0)
    assert live_caches() == before
    assert len(list(stream)) > 10


@KINDS
def test_a_whole_answer_that_is_left_frees_its_memory(kind, request):
    engine = request.getfixturevalue(kind)
    before = live_caches()

    async def leave():
        answer = asyncio.ensure_future(engine.answer({"prompt": "x", "max_tokens": 7500}))
        while engine.scheduler.under_way != 1:
            await asyncio.sleep(0.01)
        answer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answer

    asyncio.run(leave())
    wait_until(lambda: engine.scheduler.under_way == 0)
    assert live_caches() == before


@KINDS
@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_ends_the_generation(kind, request, stream):
    engine = request.getfixturevalue(kind)
    api = Api(engine, input_schema=dict(CONTRACT.input), model=CONTRACT.model)
    with served(api.app()) as url:
        asked = {"prompt": "x", "max_tokens": 7500, "stream": stream}
        with (
            httpx.Client(timeout=0.5) as client,
            contextlib.suppress(httpx.ReadTimeout),
            client.stream("POST", url, json=asked) as response,
        ):
            next(response.iter_raw())
            assert engine.scheduler.under_way == 1
        wait_until(lambda: engine.scheduler.under_way == 0)


@KINDS
def test_a_fault_is_its_own_requests_and_nobody_elses(kind, request, monkeypatch):
    engine = request.getfixturevalue(kind)

    class Faulty(Sampler):
        def pick(self, logits):
            if self._settings.seed == 666:
                raise ZeroDivisionError("by this seed")
            return super().pick(logits)

    monkeypatch.setattr(module, "Sampler", Faulty)
    other = engine.answer({"prompt": "x", "max_tokens": 40, "stream": True})
    next(other)
    with pytest.raises(ZeroDivisionError, match="by this seed"):
        asked(engine, prompt="x", seed=666)
    with pytest.raises(ZeroDivisionError, match="by this seed"):
        streamed(engine, prompt="x", seed=666)
    assert len(list(other)) > 20
    assert asked(engine, prompt="x", max_tokens=3)


REQUESTS = [{"prompt": "x " * length, "temperature": 0, "max_tokens": 30} for length in (3, 40, 9)]
LONGEST = 1


def together_or_not(engine, requests=REQUESTS):
    """What each is answered, or the error that it ends with."""

    async def all_of_them():
        return await asyncio.gather(*(engine.answer(request) for request in requests), return_exceptions=True)

    return asyncio.run(all_of_them())


def test_a_fault_in_a_shared_step_is_its_own_requests_alone(batching, monkeypatch):
    expected = [asked(batching, **request) for request in REQUESTS]

    class Faulty(Sampler):
        picks = 0

        def pick(self, logits):
            self.picks += 1
            if self.picks == 5 and self._settings.seed == 666:
                raise ZeroDivisionError("by this seed")
            return super().pick(logits)

    monkeypatch.setattr(module, "Sampler", Faulty)
    *others, faulty = together_or_not(batching, [*REQUESTS, {**REQUESTS[0], "seed": 666}])
    assert isinstance(faulty, ZeroDivisionError)
    assert others == expected


def test_a_model_that_says_no_numbers_is_a_fault(engine, monkeypatch):
    logits = engine.model.logits
    monkeypatch.setattr(engine.model, "logits", lambda *a, **k: logits(*a, **k) * float("nan"))
    with pytest.raises(ArithmeticError, match="no numbers"):
        asked(engine, prompt="x")


def test_where_a_shared_step_fails_the_longest_ends_and_the_others_go_on(batching, monkeypatch):
    expected = [asked(batching, **request) for request in REQUESTS]
    layer_update = DynamicLayer.update
    failed = []

    def update(self, keys, *rest, **named):
        # In the second layer, when the first has its keys already.
        if keys.shape[0] == 3 and not failed and self.get_seq_length() > 50:
            if failed_in_this_step:
                failed.append(True)
                raise MemoryError("no more")
            failed_in_this_step.append(True)
        return layer_update(self, keys, *rest, **named)

    failed_in_this_step = []
    monkeypatch.setattr(DynamicLayer, "update", update)
    found = together_or_not(batching)
    assert failed
    assert isinstance(found.pop(LONGEST), MemoryError)
    assert found == [one for number, one in enumerate(expected) if number != LONGEST]


def test_who_cannot_join_ends_and_the_others_go_on(batching, monkeypatch):
    expected = [asked(batching, **request) for request in REQUESTS]

    def stacked(caches):
        if caches[-1].get_seq_length() > 30 and len(caches) > 1:
            raise MemoryError("no room")
        return lanes_stacked(caches)

    lanes_stacked = lanes._stacked
    monkeypatch.setattr(lanes, "_stacked", stacked)
    found = together_or_not(batching)
    assert isinstance(found.pop(LONGEST), MemoryError)
    assert found == [one for number, one in enumerate(expected) if number != LONGEST]
    assert asked(batching, **REQUESTS[0]) == expected[0]


@KINDS
def test_whatever_goes_wrong_nobody_waits_for_ever(kind, request, monkeypatch):
    engine = request.getfixturevalue(kind)
    with monkeypatch.context() as patch:
        patch.setattr(engine.scheduler, "_advance", lambda sequence: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            asked(engine, prompt="x")
    assert asked(engine, prompt="x", max_tokens=2)


@KINDS
@pytest.mark.parametrize("stream", [True, False])
def test_who_leaves_before_anything_is_to_be_seen_ends_it_at_once(kind, request, stream, monkeypatch):
    engine = request.getfixturevalue(kind)
    logits = engine.model.logits

    def slow(*rest, **named):
        time.sleep(0.1)
        return logits(*rest, **named)

    monkeypatch.setattr(engine.model, "logits", slow)
    monkeypatch.setattr(engine.model, "chunk", 10)
    api = Api(engine, input_schema=dict(CONTRACT.input), model=CONTRACT.model)
    with served(api.app()) as url, httpx.Client(timeout=0.5) as client:
        with pytest.raises(httpx.ReadTimeout):  # it has a thousand tokens to be read
            client.post(url, json={"prompt": "x " * 1000, "stream": stream})
        wait_until(lambda: engine.scheduler.under_way == 0, seconds=3)


@KINDS
def test_a_stream_that_says_nothing_for_long_can_be_left(kind, request, monkeypatch):
    engine = request.getfixturevalue(kind)

    class Mute(Sampler):
        def pick(self, logits):
            return 3  # special, and so not shown

    monkeypatch.setattr(module, "Sampler", Mute)
    stream = engine.answer({"prompt": "x", "max_tokens": 7500, "stream": True})
    waiting = threading.Thread(target=lambda: next(stream, None))
    waiting.start()
    wait_until(lambda: engine.scheduler.under_way == 1)
    stream.leave()
    waiting.join(3)
    assert not waiting.is_alive()
    wait_until(lambda: engine.scheduler.under_way == 0)


def test_what_is_never_waited_for_is_never_made(engine):
    engine.answer({"prompt": "x", "max_tokens": 7500}).close()
    engine.answer({"prompt": "x", "max_tokens": 7500, "stream": True}).close()
    wait_until(lambda: engine.scheduler.under_way == 0, seconds=1)


def test_no_more_are_under_way_than_may_be(tiny, monkeypatch):
    with opened(tiny, batch=2) as engine:
        most = []

        class Told(Sampler):
            def pick(self, logits):
                most.append(engine.scheduler.under_way)
                return super().pick(logits)

        monkeypatch.setattr(module, "Sampler", Told)
        together(engine, [{"prompt": f"{number}", "max_tokens": 30} for number in range(5)])
        assert max(most) == 2 == engine.concurrency


def test_a_closed_engine_answers_nobody_and_leaves_no_thread(tiny):
    before = threading.active_count()
    with opened(tiny) as engine:
        stream = engine.answer({"prompt": "x", "max_tokens": 7500, "stream": True})
        next(stream)
    with pytest.raises(RuntimeError, match="closed"):
        list(stream)
    with pytest.raises(RuntimeError, match="closed"):
        asked(engine, prompt="x")
    assert threading.active_count() == before
