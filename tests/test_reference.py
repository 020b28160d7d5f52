"""The reference server passes the suite that it is the reference of, whatever its model is like."""

from __future__ import annotations

import pytest
from harness import broken, ids, judge_url

from infercheck.findings import Verdict
from infercheck.runners.reference.model import PEAKED
from infercheck.runners.serving import LocalServer


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="as it comes"),
        pytest.param(["--peak", str(PEAKED), "--length", "20:60"], id="peaked and brief", marks=pytest.mark.slow),
        pytest.param(["--length", "0:1"], id="silent", marks=pytest.mark.slow),
    ],
)
def test_the_reference_server_passes_its_own_suite(arguments):
    with LocalServer(arguments=arguments) as server:
        results = judge_url(server.url, server.token, adapters=("poet", "pirate"))
    assert broken(results) == set()
    assert ids(results, Verdict.INCONCLUSIVE, Verdict.ERROR) == set()
    assert results.exit_status(fail_on_should=True) == 0
    assert results.keywords == (106, 106)
    assert "input/prompt/lora/type" in ids(results, Verdict.PASS)
