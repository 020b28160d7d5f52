"""That nothing is skipped is not left to whoever writes the next test."""

from __future__ import annotations

import pytest

SKIPS = {
    "in a test": "import pytest\ndef test_it(): pytest.skip('no node here')",
    "by a mark": "import pytest\n@pytest.mark.skipif(True, reason='no node here')\ndef test_it(): pass",
    "in a module": "import pytest\npytest.skip('no node here', allow_module_level=True)",
    "for an import": "import pytest\npytest.importorskip('no_such_client')",
    "as expected": "import pytest\n@pytest.mark.xfail\ndef test_it(): assert 0",
}


@pytest.mark.parametrize("how", SKIPS)
def test_a_skipped_test_fails(how, pytester):
    pytester.makepyfile(SKIPS[how])
    result = pytester.runpytest("-p", "unskipped")
    assert result.ret in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)
    outcomes = result.parseoutcomes()
    assert not {"skipped", "xfailed", "passed"} & set(outcomes)
