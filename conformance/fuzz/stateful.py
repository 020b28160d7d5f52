"""Stateful: sequences of requests, drawn by a state machine and made shorter where one changes a later answer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from hypothesis import seed
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from infercheck.fuzz.quietly import quietly, seed_of

STEPS = 12
"""Requests of a sequence, those that are under way at once counted as one."""

SEQUENCES = 20
"""Sequences that are drawn at a time."""


class Wrong(Exception):
    """An answer is not what it is without what was asked before."""


def sequences(
    counts: Mapping[str, int], number: int, begin: Callable[[], None], take: Callable[[str, list[int]], bool]
) -> None:
    """Draw sequences until one makes an answer wrong, and make that one shorter.

    `counts` are requests by the kind of step: those whose answer is known (`ask`), streams to leave (`leave`), and
    such as are to be refused (`wrong`). `take` says whether the answers to a step are what they should be.
    """
    for batch in count():
        machine = _machine(counts, begin, take)
        test = quietly(SEQUENCES, shrinks=True, stateful_step_count=STEPS)
        seed(seed_of(number, batch, "traffic"))(machine)
        # What came before a sequence may have been the reason: then Hypothesis finds it flaky, which is no matter.
        with contextlib.suppress(Wrong, HypothesisException):
            run_state_machine_as_test(machine, settings=test)
            continue
        return


def _machine(
    counts: Mapping[str, int], begin: Callable[[], None], take: Callable[[str, list[int]], bool]
) -> type[RuleBasedStateMachine]:
    class Traffic(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            begin()

    def step(kind: str) -> Callable[..., None]:
        def do(self: RuleBasedStateMachine, indexes: list[int]) -> None:
            if not take(kind, indexes):
                raise Wrong

        return do

    def one_of(kind: str) -> Any:
        return st.lists(st.integers(0, counts[kind] - 1), min_size=1, max_size=1)

    rules = {kind: rule(indexes=one_of(kind))(step(kind)) for kind in counts if counts[kind]}
    several = st.lists(st.integers(0, counts["ask"] - 1), min_size=2, max_size=3)
    rules["together"] = rule(indexes=several)(step("together"))
    rules["again"] = rule(indexes=one_of("ask"))(step("ask"))  # more often than anything else
    return type("Traffic", (Traffic,), rules)
