"""The expectations that come with the contract: the hosted API's known deviations, all of them and no others."""

from __future__ import annotations

import pytest
from fakes import CONTRACT, Target
from harness import ids, judge

from infercheck.expectation_files import read_expectations
from infercheck.findings import Verdict


def units(text):
    return len(text.encode("utf-16-le")) // 2


def texts(body):
    yield body.get("prompt")
    for message in body.get("messages") or ():
        if isinstance(message, dict):
            yield message.get("content")


def hosted(body):
    """What the hosted validator takes, as it was seen to: a stand-in for npm @cloudflare/cabidela 0.2.4."""
    if not isinstance(body, dict):
        return False
    seen = {key: value for key, value in body.items() if key != "image"}
    for key in ("functions", "tools"):
        if isinstance(seen.get(key), bool | int | float | None) or seen.get(key) == {}:
            seen.pop(key, None)
    if isinstance(seen.get("tools"), dict | list):
        del seen["tools"]
    for key in ("functions", "messages"):
        if isinstance(seen.get(key), list):
            seen[key] = [item for item in seen[key] if isinstance(item, dict)]
    return CONTRACT.oracle.is_valid(seen) and not any(
        units(text) > 131072 for text in texts(body) if isinstance(text, str)
    )


@pytest.mark.slow
def test_the_hosted_api_deviates_as_expected_and_in_nothing_else():
    entries = read_expectations(["cloudflare-hosted"], CONTRACT)
    results = judge(Target(accepts=hosted), expected=entries)
    assert not ids(results, Verdict.FAIL, Verdict.WARN, Verdict.INCONCLUSIVE)
    assert [str(stale) for stale in results.stale] == []
    assert results.totals[Verdict.EXPECTED] == 45
    assert results.exit_status() == 0


def test_another_defect_of_it_is_not_expected():
    entries = read_expectations(["cloudflare-hosted"], CONTRACT)

    def takes_any_top_k(body):
        return hosted({**body, "top_k": 5} if isinstance(body, dict) and "top_k" in body else body)

    results = judge(
        Target(accepts=takes_any_top_k), expected=entries, only=("input/prompt/top_k", "input/prompt/image")
    )
    assert ids(results, Verdict.FAIL) == {f"input/prompt/top_k/{word}" for word in ("type", "minimum", "maximum")}


def test_one_that_keeps_the_page_makes_them_stale():
    entries = read_expectations(["cloudflare-hosted"], CONTRACT)
    results = judge(Target(), expected=entries, only=("input/prompt/image",))
    assert [stale.entry.requirement for stale in results.stale] == ["input/prompt/image"]
