"""Company: a parameter has its effect beside other ones, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from infercheck.checks.relations.claims import Differ
from infercheck.checks.relations.language import Claim, Row
from infercheck.checks.relations.penalties import repeats
from infercheck.checks.relations.settings import FIRSTS, SEEDS, coins, combined
from infercheck.generate.asks import COMPARING, Form
from infercheck.reply import Reply


def beside(
    form: Form, role: str, tried: Sequence[tuple[int, float]], speaks: Callable[[Sequence[Reply]], bool]
) -> Iterator[Claim]:
    """Has an effect beside others, too."""
    for index, value in tried:
        usual = combined(form)[index], combined(form, **{role: value})[index]
        if usual[0].request.digest == usual[1].request.digest:
            continue  # its bounds leave it no other value
        more = [
            (combined(form, seed=seed)[index], combined(form, seed=seed, **{role: value})[index])
            for seed in SEEDS[:5]
        ]
        yield Differ(
            pairs=[usual],
            more=more,
            telling=[(usual[0], other) for other, _ in more],
            free=coins(form),
            firsts=[combined(form, seed=seed, output_limit=1)[index] for seed in range(1, FIRSTS + 1)],
            tokens=2,
            speaks=speaks,
            otherwise="nothing in these answers is left to chance",
        )


ROWS = tuple(
    Row(
        requirements=(f"effect/{role}",),
        claims=partial(beside, role=role, tried=tried, speaks=speaks),
        roles=(*COMPARING, role),
        first_only=True,
    )
    for role, tried, speaks in (
        ("temperature", ((0, 1.2), (1, 4.5)), bool),
        ("top_p", ((0, 0.1),), bool),
        ("top_k", ((0, 2),), bool),
        ("frequency_penalty", ((0, 0),), repeats),
        ("repetition_penalty", ((0, 1),), repeats),
        ("presence_penalty", ((1, 0),), repeats),
    )
)
