"""The reference server passes the suite that it is the reference of, whatever its model is like."""

from __future__ import annotations

import pytest
from harness import RELATED, broken, ids, judge_url

from infercheck.findings import Verdict
from infercheck.runners.reference.model import PEAKED
from infercheck.runners.serving import LocalServer


def judged(*arguments):
    """A run against the reference server: it breaks nothing and leaves no keyword open, whatever its model."""
    with LocalServer(arguments=list(arguments)) as server:
        results = judge_url(server.url, server.token, adapters=("poet", "pirate"))
    assert broken(results) == set()
    assert results.exit_status(fail_on_should=True, allow_undecided=True) == 0
    assert results.keywords == (106, 106)
    assert "input/prompt/lora/type" in ids(results, Verdict.PASS)
    return results


def test_the_reference_server_passes_its_own_suite():
    results = judged()
    assert ids(results, Verdict.INCONCLUSIVE, Verdict.ERROR) == set()
    assert results.exit_status(fail_on_should=True) == 0
    assert ids(results, Verdict.PASS) >= RELATED


@pytest.mark.slow
def test_where_answers_end_before_the_default_limit_nothing_of_it_can_be_told():
    results = judged("--peak", str(PEAKED), "--length", "20:60")
    assert ids(results, Verdict.INCONCLUSIVE, Verdict.ERROR) == {"default/max_tokens", "effect/max_tokens"}


@pytest.mark.slow
def test_where_answers_have_a_word_at_most_little_can_be_told_of_them_and_all_else_of_the_target():
    results = judged("--length", "0:1")
    undecided = ids(results, Verdict.INCONCLUSIVE, Verdict.ERROR)
    assert {"default/max_tokens", "effect/max_tokens", "stream/incremental", "effect/seed/distinct"} <= undecided
    assert undecided <= RELATED - {"stream/equivalence", "effect/seed/reproducible", "lora/unknown"}
