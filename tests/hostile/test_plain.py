"""The raw server itself: with no sin at all it passes, so that what the others are blamed for is their sin."""

from __future__ import annotations

import pytest

from hostile.running import run
from hostile.servers import Raw, served


@pytest.mark.slow
def test_the_raw_server_keeps_every_promise(tmp_path):
    with served(Raw()) as server:
        done = run(server.url, tmp_path)
    assert done.status == 0, done.told()
    assert done.broken == set()
    assert done.undecided == set()
    assert not {"http/answer", "http/persistent"} & done.noted
