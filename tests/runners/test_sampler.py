import math
import random
import statistics
from collections import Counter

import pytest

from infercheck.runners.reference.model import VOCABULARY, LanguageModel, Row
from infercheck.runners.reference.sampler import DistributionCache, Sampler, Settings, distribution

SIZE = len(VOCABULARY)
MODEL = LanguageModel()
ROW = MODEL.row(MODEL.start("once upon a time"))


def row_of(**logits_by_id):
    logits = [-50.0] * SIZE
    for name, logit in logits_by_id.items():
        logits[int(name[1:])] = logit
    return Row(0, logits)


def draws(row, count=2000, **options):
    """First tokens over as many seeds."""
    cache = DistributionCache()
    return Counter(Sampler(Settings(seed=seed, **options), cache).pick(row) for seed in range(1, count + 1))


def written(count=100, prompt="hello", **options):
    """The tokens of one answer."""
    sampler, context, tokens = Sampler(Settings(**options), DistributionCache()), MODEL.start(prompt), []
    for _ in range(count):
        tokens.append(sampler.pick(MODEL.row(context)))
        context = MODEL.advance(context, tokens[-1])
    return tokens


def test_defaults_are_the_pages():
    assert Settings.of({"prompt": "x"}) == Settings()
    assert Settings().temperature == 0.6
    assert not Settings().penalised


def test_numbers_are_read_in_either_form():
    settings = Settings.of({"top_k": 50.0, "seed": 5.0, "temperature": 1, "top_p": 1})
    assert (settings.top_k, settings.seed, settings.temperature) == (50, 5, 1.0)
    assert isinstance(settings.top_k, int)


@pytest.mark.parametrize("temperature", [0.6, 1.0, 5.0])
@pytest.mark.parametrize("penalty", [{}, {"frequency_penalty": 1.0}])
def test_shares_are_the_softmax(temperature, penalty):
    row = row_of(t1=2.0, t2=1.0, t3=0.0)
    weights = {token: math.exp(logit / temperature) for token, logit in enumerate(row.logits)}
    counts = draws(row, 4000, temperature=temperature, **penalty)
    for token in (1, 2, 3):
        assert counts[token] / 4000 == pytest.approx(weights[token] / sum(weights.values()), abs=0.035)


def test_temperature_0_is_greedy_and_the_lowest_id_breaks_ties():
    row = row_of(t9=3.0, t4=3.0, t200=3.0)
    assert set(draws(row, 20, temperature=0.0)) == {4}
    assert set(draws(row, 20, temperature=0.0, presence_penalty=1.0)) == {4}
    assert written(temperature=0.0, seed=1) == written(temperature=0.0, seed=2)


@pytest.mark.parametrize("temperature", [5e-324, 1e-9])
def test_the_smallest_temperatures_are_no_trouble(temperature):
    assert set(draws(ROW, 20, temperature=temperature)) == {ROW.order[0]}
    assert set(draws(ROW, 20, temperature=temperature, frequency_penalty=2.0)) == {ROW.order[0]}


@pytest.mark.parametrize("option", [{"top_k": 1}, {"top_p": 0.0}])
def test_one_candidate_is_the_greedy_answer(option):
    greedy = written(temperature=0.0)
    assert all(written(seed=seed, temperature=5.0, **option) == greedy for seed in range(1, 6))


@pytest.mark.parametrize("top_k", [2, 3, 50])
@pytest.mark.parametrize("penalty", [{}, {"frequency_penalty": 1.0}])
def test_top_k_draws_from_the_likeliest_k(top_k, penalty):
    assert set(draws(ROW, temperature=5.0, top_k=top_k, **penalty)) == set(ROW.order[:top_k])


def test_top_p_keeps_the_smallest_set_that_reaches_it():
    row = row_of(t1=math.log(0.5), t2=math.log(0.3), t3=math.log(0.15), t4=math.log(0.05))
    for top_p, kept in [(0.0, 1), (0.4999, 1), (0.5001, 2), (0.7999, 2), (0.8001, 3), (0.96, 4)]:
        assert set(draws(row, 500, temperature=1.0, top_p=top_p)) == set(range(1, kept + 1))


@pytest.mark.parametrize("top_p", [1.0, 1.5, 2.0])
def test_top_p_from_1_on_is_no_limit(top_p):
    assert written(seed=3, top_p=top_p) == written(seed=3)


def test_top_p_counts_within_top_k():
    row = row_of(t1=math.log(0.4), t2=math.log(0.3), t3=math.log(0.3))
    assert set(draws(row, 500, temperature=1.0, top_k=2, top_p=0.5)) == {1}


def test_a_seed_gives_the_same_draws_and_each_other_ones():
    seeds = [1, 2, 2**31, 2**31 + 1, 2**32, 2**32 + 1, 2**33 + 1, 9999999998, 9999999999]
    assert all(written(seed=seed) == written(seed=seed) for seed in seeds)
    assert len({tuple(written(seed=seed)) for seed in seeds}) == len(seeds)


def test_no_seed_is_fresh_entropy():
    assert written() != written()


@pytest.mark.parametrize("temperature", [0.0, 0.6])
@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("repetition_penalty", (0.0, 0.5, 1.0, 1.3, 2.0)),
        ("frequency_penalty", (0.0, 0.5, 2.0)),
        ("presence_penalty", (0.0, 0.5, 2.0)),
    ],
)
def test_higher_penalties_make_fewer_repeats(temperature, option, values):
    variety = [
        statistics.mean(
            len(set(written(prompt=str(prompt), seed=1, temperature=temperature, **{option: value})))
            for prompt in range(16)
        )
        for value in values
    ]
    assert variety == sorted(set(variety))


def test_repetition_is_that_of_ctrl_over_prompt_and_answer():
    row = row_of(t1=2.0, t2=1.1, t3=-1.0)
    options = Settings(temperature=0.0, repetition_penalty=2.0)
    assert Sampler(options, DistributionCache(), prompt=[]).pick(row) == 1
    assert Sampler(options, DistributionCache(), prompt=[1, 10**6]).pick(row) == 2
    negative = Row(0, [-1.0, -1.5] + [-50.0] * (SIZE - 2))
    assert Sampler(options, DistributionCache(), prompt=[0]).pick(negative) == 1


def test_frequency_counts_and_presence_does_not_and_the_prompt_is_free():
    row = row_of(t1=3.0, t2=1.0)
    frequency = Sampler(Settings(temperature=0.0, frequency_penalty=0.7), DistributionCache(), prompt=[1])
    assert [frequency.pick(row) for _ in range(4)] == [1, 1, 1, 2]
    presence = Sampler(Settings(temperature=0.0, presence_penalty=0.7), DistributionCache(), prompt=[1])
    assert [presence.pick(row) for _ in range(4)] == [1, 1, 1, 1]


def test_all_extremes_together():
    for temperature in (0.0, 1e-300, 5.0):
        for penalty in (0.0, 2.0):
            for top_k in (None, 1, 50):
                for top_p in (0.0, 2.0):
                    options = Settings(
                        temperature=temperature,
                        top_k=top_k,
                        top_p=top_p,
                        repetition_penalty=penalty,
                        frequency_penalty=penalty,
                        presence_penalty=penalty,
                    )
                    sampler = Sampler(options, DistributionCache(), prompt=range(SIZE))
                    assert all(0 <= sampler.pick(ROW) < SIZE for _ in range(20))


def test_a_draw_never_falls_off_the_end():
    last = math.nextafter(1.0, 0.0)
    candidates = distribution(ROW.logits, ROW.order, Settings(temperature=5.0))
    assert candidates.pick(last) == ROW.order[-1]
    assert candidates.pick(0.0) == ROW.order[0]


def test_the_cache_is_bounded_and_forgets_the_least_recent():
    cache = DistributionCache(limit=2)
    first = cache.table(Settings(temperature=1.0))
    second = cache.table(Settings(temperature=2.0))
    assert cache.table(Settings(temperature=1.0)) is first
    cache.table(Settings(temperature=3.0))
    assert cache.table(Settings(temperature=1.0)) is first
    assert cache.table(Settings(temperature=2.0)) is not second


def test_the_cache_changes_no_answer():
    cache = DistributionCache()
    chance = random.Random(4)
    for _ in range(50):
        options = Settings(
            seed=chance.randint(1, 9), temperature=chance.choice([0.3, 0.6]), top_k=chance.choice([2, None])
        )
        assert Sampler(options, cache).pick(ROW) == Sampler(options, DistributionCache()).pick(ROW)
