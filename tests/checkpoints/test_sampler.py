"""The sampler against a reference in NumPy, written another way: by sorting, and token by token."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch

from infercheck.runners.reference.sampler import Settings
from infercheck.runners.transformers.sampler import Sampler, drawn, penalised, weights

SIZE = 3000
LIMITS = {
    "temperature": (1e-300, 1e-9, 0.6, 1, 5),
    "top_p": (0, 1e-12, 0.5, 0.999999, 1, 2),
    "top_k": (1, 2, 49, 50, None),
    "repetition_penalty": (0, 1e-9, 0.5, 1, 2),
    "frequency_penalty": (0, 1e-9, 2),
    "presence_penalty": (0, 1e-9, 2),
}
PAIRS = [
    dict(zip(names, values, strict=True))
    for names in itertools.combinations(LIMITS, 2)
    for values in itertools.product(*(LIMITS[name] for name in names))
]
PROMPT = [3, 5, 5, 2999]
ANSWER = [5, 7, 7, 7, 11, 2998]


def test_what_weighs_is_in_float64_with_or_without_penalties():
    one = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float32)
    assert weights(one, Settings.of({})).dtype == torch.float64
    exact = np.exp(one.numpy().astype(np.float64) - 0.30000001192092896)
    assert np.abs(weights(one, Settings.of({"temperature": 1})).numpy() - exact).max() < 1e-15


def of(number):
    """Logits of a kind: smooth, with many equal ones, all alike, as half-precision gives them, far apart, huge."""
    noise = np.random.default_rng(number)
    plain = noise.normal(0, 3, SIZE)
    kinds = (plain, np.round(plain), np.zeros(SIZE), plain.astype(np.float16), 100 * plain, 1e30 * plain)
    return kinds[number % len(kinds)].astype(np.float32)


def reference(logits, settings, prompt=(), answer=()):
    """The probability of each token, as the fields are defined."""
    scores = [float(logit) for logit in logits]
    counts = Counter(answer)
    for token in {*prompt, *answer}:
        by = max(settings.repetition_penalty, 0.01)
        scores[token] = scores[token] / by if scores[token] > 0 else scores[token] * by
    for token, count in counts.items():
        scores[token] -= count * settings.frequency_penalty + settings.presence_penalty
    order = np.lexsort((np.arange(SIZE), -np.array(scores)))  # the likeliest first, of equals the lower id
    if settings.temperature == 0:
        order = order[:1]
    if settings.top_k is not None:
        order = order[: settings.top_k]
    best = scores[order[0]]
    with np.errstate(over="ignore", under="ignore"):
        exponents = (np.array([scores[token] for token in order], np.float64) - best) / (settings.temperature or 1)
        likely = np.exp(exponents)
    likely /= math.fsum(likely)
    if settings.top_p < 1:
        reached = np.cumsum(likely) >= settings.top_p
        kept = int(np.argmax(reached)) + 1 if reached.any() else len(likely)
        order, likely = order[:kept], likely[:kept] / math.fsum(likely[:kept])
    found = np.zeros(SIZE)
    found[order] = likely
    return found


def sampled(logits, settings, prompt=(), answer=()):
    """The same by the sampler."""
    seen = torch.zeros(SIZE, dtype=torch.bool)
    seen[[*prompt, *answer]] = True
    counts = torch.bincount(torch.tensor(answer, dtype=torch.long), minlength=SIZE).double()
    scores = penalised(torch.from_numpy(logits), settings, seen, counts)
    found = weights(scores, settings)
    return (found / found.sum()).numpy()


@pytest.mark.parametrize("given", PAIRS, ids=str)
def test_every_pair_of_limits_gives_the_distribution_of_the_reference(given):
    settings = Settings(**{"temperature": 0.6, **given})
    for number in range(6):
        expected = reference(of(number), settings, PROMPT, ANSWER)
        found = sampled(of(number), settings, PROMPT, ANSWER)
        assert np.array_equal(found > 0, expected > 0), number
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("given", PAIRS, ids=str)
def test_temperature_zero_takes_the_likeliest_whatever_else_is_asked(given):
    settings = Settings(**{**given, "temperature": 0.0})
    for number in range(6):
        sampler = Sampler(settings, PROMPT)
        # What it has drawn counts: it draws what the reference does, from the first token to the last.
        answer = []
        for step in range(4):
            logits = of(number + 6 * step)
            expected = int(np.argmax(reference(logits, settings, PROMPT, answer)))
            answer.append(sampler.pick(torch.from_numpy(logits)))
            assert answer[-1] == expected


def test_greedy_by_temperature_top_k_and_top_p_are_one():
    for number in range(6):
        tokens = {
            Sampler(Settings(**{"seed": seed, **given})).pick(torch.from_numpy(of(number)))
            for given in ({"temperature": 0.0}, {"top_k": 1}, {"top_p": 0.0})
            for seed in range(5)
        }
        assert len(tokens) == 1


def test_draws_have_the_frequencies_of_the_distribution():
    settings = Settings(temperature=1.0, top_k=4)
    logits = torch.tensor([0.0, math.log(2), math.log(3), math.log(4), -1.0])
    drawn_ones = Counter(
        Sampler(Settings(temperature=1.0, top_k=4, seed=seed)).pick(logits) for seed in range(1, 20_001)
    )
    assert set(drawn_ones) == {0, 1, 2, 3}
    for token in range(4):
        assert abs(drawn_ones[token] / 20_000 - (token + 1) / 10) < 0.015
    assert float(weights(logits, settings)[4]) == 0


@pytest.mark.parametrize("chance", [0.0, 5e-324, 0.5, 1 - 2**-53])
def test_no_chance_draws_what_weighs_nothing(chance):
    assert drawn(torch.tensor([0.0, 0.0, 0.3, 0.0, 0.1, 0.0], dtype=torch.float64), chance) in (2, 4)


def test_each_seed_is_a_stream_of_its_own():
    seeds = (1, 2, 2**31, 2**31 + 1, 2**32, 2**32 + 1, 2**33 + 1, 9999999999, 2**64 + 1)
    flat = torch.zeros(50_000)

    def stream(seed):
        sampler = Sampler(Settings(temperature=1.0, seed=seed))
        return tuple(sampler.pick(flat) for _ in range(4))

    assert len({stream(seed) for seed in seeds}) == len(seeds)
    assert all(stream(seed) == stream(seed) for seed in seeds)
    assert stream(None) != stream(None)


def test_samplers_side_by_side_do_not_disturb_each_other():
    flat = torch.zeros(50_000)
    alone = [Sampler(Settings(seed=5)).pick(flat)]
    one, other = Sampler(Settings(seed=5)), Sampler(Settings(seed=6))
    mixed = []
    for _ in range(3):
        mixed.append(one.pick(flat))
        other.pick(flat)
        torch.rand(3)
    again = Sampler(Settings(seed=5))
    assert mixed == [again.pick(flat) for _ in range(3)]
    assert mixed[:1] == alone


def test_a_token_of_the_prompt_beyond_the_vocabulary_is_no_harm():
    assert Sampler(Settings(temperature=0.0, repetition_penalty=2.0), [9]).pick(torch.tensor([1.0, 3.0])) == 1


def test_what_was_drawn_costs_more_each_time():
    logits = torch.tensor([10.0, 5.0, 4.5])
    frequent = Sampler(Settings(temperature=0.0, frequency_penalty=2.0))
    assert [frequent.pick(logits) for _ in range(6)] == [0, 0, 0, 1, 2, 0]
    present = Sampler(Settings(temperature=0.0, presence_penalty=2.0))
    assert [present.pick(logits) for _ in range(3)] == [0, 0, 0]
    repeated = Sampler(Settings(temperature=0.0, repetition_penalty=2.0))
    assert [repeated.pick(torch.tensor([8.0, 5.0, 4.5])) for _ in range(5)] == [0, 1, 2, 0, 0]
    prompted = Sampler(Settings(temperature=0.0, repetition_penalty=2.0), [0])
    assert prompted.pick(torch.tensor([8.0, 5.0, 4.5])) == 1
