"""Targets with noise: it is never blamed for anything but itself, and does not hide what it need not."""

import random
from dataclasses import dataclass, replace

import harness
import pytest
from direct import URL
from harness import broken, ids
from mutants.conforming import Conforming
from mutants.registry import MUTANTS
from mutants.table import MODULES
from noise.kinds import KINDS, noisy
from noise.simulation import Drawn, alarms, blamed, declared, false_differences, power, told_apart, zipf

from infercheck.checks.relations import samples
from infercheck.checks.relations.support import ALARM, ALPHA, DECLARED, NOISE, TRIALS, Support, tail
from infercheck.findings import Verdict

SEED = "effect/seed/reproducible"
assert MODULES


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_blamed_for_itself_alone(kind):
    for seed in (1, 2):
        results = harness.judge(noisy(Conforming, kind, seed), url=URL, concurrency=4, adapters=("poet", "pirate"))
        assert broken(results) <= {SEED}
        assert not ids(results, Verdict.ERROR)
        assert results.record.complete


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ignores the seed", "ignores the seed behind a cache"])
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ignores_temperature", "effect/temperature/zero"),
        ("ignores_top_k", "effect/top_k"),
        ("ignores_top_p", "effect/top_p/zero"),
        ("ignores_max_tokens", "effect/max_tokens"),
        ("answers_streams_as_json", "stream/media-type"),
        ("writes128_tokens_by_default", "default/max_tokens"),
        ("sends_the_text_so_far", "stream/equivalence"),
    ],
)
def test_what_no_seed_is_needed_for_is_shown_all_the_same(name, shown, kind):
    mutant = next(one for one in MUTANTS if one.name == name)
    results = harness.judge(noisy(mutant.server, kind, 1), url=URL, concurrency=4, **mutant.options)
    assert shown in broken(results)
    assert not mutant.surplus(broken(results)) - {SEED, shown}


def test_the_chance_of_a_false_alarm_is_what_is_promised():
    assert tail(TRIALS, 0, NOISE) == pytest.approx(1)
    assert tail(2, 1, 0.5) == 0.75
    assert tail(TRIALS, ALARM, NOISE) < ALPHA < tail(TRIALS, ALARM - 1, NOISE)


@pytest.mark.slow
def test_simulated_noise_is_not_blamed():
    assert alarms(NOISE, runs=300) == 0
    assert [false_differences(share, runs=300) for share in (0.005, 0.025, 0.1, 0.3, 0.5)] == [0] * 5


def test_what_is_ignored_is_seen_in_simulated_runs():
    for name, claim in declared().items():
        if isinstance(claim, Support):
            assert power(name, 0.0, runs=20) == 1
            assert power(name, 0.9, runs=20) == 0
    # Where free answers begin alike as well, nothing can be told.
    sure = Drawn(noise=0.0, honoured=0.0, tokens=2, chance=random.Random(1))
    assert blamed(sure, [*declared().values()], 30) == 0


def test_the_tests_are_as_many_as_the_chance_is_divided_among():
    assert {claim.what for claim in declared().values() if isinstance(claim, samples.SameSpread)} == {
        "temperature left out, and 0.6",
        "streamed, and not",
    }
    assert 10 < len(declared()) <= DECLARED


def test_the_least_difference_that_is_told_is_one_that_shows():
    for exponent in (1.5, 2, 4):
        shares = zipf(exponent)
        tokens = random.Random(1).choices([f"t{n}" for n in range(len(shares))], shares, k=2 * samples.TRIALS)
        seen = samples.least_seen(tokens, 0.6)
        assert 0.8 < (seen or 0) < 1.5
        assert told_apart(shares, 0.6, seen, runs=60) >= 0.9
        assert told_apart(shares, 0.6, 0.7, runs=60) <= 0.1
    assert samples.least_seen(["t1"] * 400, 0.6) is None  # nothing there can be warmer
    assert samples.least_seen([f"t{n}" for n in range(400)], 0.6) is None


@pytest.mark.parametrize(
    ("freedom", "alpha", "value"), [(10, 0.05, 18.307), (49, 0.001, 85.351), (3, 0.01, 11.345)]
)
def test_critical_values_are_those_of_the_tables(freedom, alpha, value):
    assert samples.critical(freedom, alpha) == pytest.approx(value, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("samples_at_one_by_default", "default/temperature"),
        ("ignores_temperature_of_streams", "stream/equivalence"),
    ],
)
def test_large_samples_tell_two_distributions_apart(name, shown, monkeypatch):
    # A chance of 1 in 400,000 takes half a minute, and a difference larger than this one.
    monkeypatch.setattr(samples, "ALPHA", 0.01)
    mutant = next(one for one in MUTANTS if one.name == name)
    results = harness.judge(
        noisy(mutant.server, "ignores the seed"), url=URL, concurrency=4, profile="deep", only=(shown,)
    )
    assert broken(results) == {shown}


@pytest.mark.slow
def test_large_samples_of_noise_are_alike():
    results = harness.judge(noisy(Conforming, "ignores the seed"), url=URL, concurrency=4, profile="deep")
    assert broken(results) == {SEED}
    reasons = {result.requirement.id: result.reason for result in results.results}
    assert "instead of 0.6 would show, a smaller one may not" in reasons["default/temperature"]
    assert "stream/equivalence" in ids(results, Verdict.PASS)  # at temperature 0


@pytest.mark.parametrize(
    ("ones", "others", "apart"),
    [("ab" * 100, "ab" * 100, False), ("ab" * 100, "ba" * 100, False), ("ab" * 100, "ac" * 100, True)],
)
def test_a_permutation_test_tells_samples_apart(ones, others, apart):
    assert samples.differ(ones, others, 0.001, random.Random(1)) is apart


def test_a_permutation_test_is_wrong_as_seldom_as_it_says():
    chance = random.Random(1)
    wrong = 0
    for _ in range(400):
        ones, others = ([chance.choice("aabbccdefg") for _ in range(60)] for _ in range(2))
        wrong += samples.differ(ones, others, 0.05, chance)
    assert 5 <= wrong <= 40  # 20 of 400 are expected; far fewer would mean that it sees nothing


@dataclass
class Machines(Drawn):
    """A few machines, whose likeliest tokens are not the same."""

    async def ask(self, case):
        reply = await super().ask(case)
        return replace(reply, text=f"m{self.chance.randrange(3)}") if reply.text == "t00" else reply


def test_machines_that_do_not_calculate_alike_are_no_setting_that_is_ignored():
    assert blamed(Machines(noise=0.0, chance=random.Random(1)), [declared()["temperature 0"]], 200) == 0
