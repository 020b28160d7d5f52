"""Settings that many rows share, so that their requests are shared as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infercheck.cases import Case
from infercheck.checks.relations.language import Pair
from infercheck.generate.asks import Form
from infercheck.generate.texts import TEXTS

SEEDS = (42, 7, 1001, 65537, 123456, 31, 5003, 888)
"""Ordinary seeds."""

FIRSTS = 8
"""Seeds for which the first token is asked."""

LENGTH = 32
"""Tokens of an answer that is compared."""

COMBINED = ("top_k", "top_p", "repetition_penalty", "frequency_penalty", "presence_penalty")
"""The roles of the parameters that `combined` requests carry, where a form has them, beside those of all."""

LONG_WINDED: Sequence[Mapping[str, Any]] = (
    {"seed": SEEDS[0]},
    {"seed": SEEDS[1], "text": TEXTS[1], "temperature": 5},
    {"seed": SEEDS[2], "text": TEXTS[2], "temperature": 1.2},
)
"""Requests for answers that are longer than the default limit: where one ends early, another may not."""

FAR, FARTHEST, ROOM = 520, 1030, 300
"""Limits that are over those that targets are given most often, the greater one for streams, which nobody has to
wait for the end of; and tokens that a request may have beside its answer."""

LONGEST = 1000
"""The default limit, in tokens, up to which answers without a limit are compared: longer ones take more than a run
may spend, and few models write them."""

LIVELY = 1.9
"""The temperature at which most models take chances, and say something all the same."""

HOT = 5
"""The temperature at which even a model that is sure of itself takes chances."""


def has_room(form: Form, limit: int) -> bool:
    """Whether the context window has room for an answer of so many tokens."""
    return form.pricing.window >= limit + ROOM


def is_told_from_longer(form: Form, limit: Any) -> bool:
    """Whether a limit, where it is one, can be told from one that is a token longer."""
    return isinstance(limit, int) and limit <= LONGEST and form.allows("output_limit", limit + 1)


def lively(form: Form, seed: int = SEEDS[0], text: str = TEXTS[0], **roles: Any) -> Case:
    """An answer in which chance plays a part at every token, though not the only one."""
    return form.ask(text, **{"output_limit": LENGTH, "seed": seed, "temperature": LIVELY, **roles})


def ordinary(form: Form, seed: int = SEEDS[0], text: str = TEXTS[0], **roles: Any) -> Case:
    """An answer at temperature 0.9, where what came before counts most."""
    return form.ask(text, **{"output_limit": LENGTH, "seed": seed, "temperature": 0.9, **roles})


def hot(form: Form, seed: int = SEEDS[0], text: str = TEXTS[0], **roles: Any) -> Case:
    """An answer at the highest temperature."""
    return form.ask(text, **{"output_limit": LENGTH, "seed": seed, "temperature": HOT, **roles})


def greedy(form: Form, seed: int = SEEDS[0], text: str = TEXTS[0], **roles: Any) -> Case:
    """An answer at temperature 0."""
    return form.ask(text, **{"output_limit": LENGTH, "seed": seed, "temperature": 0, **roles})


def free(form: Form) -> list[Case]:
    """Answers at temperature 0.9, no two of which are the same where chance plays a part in these."""
    return [ordinary(form, seed, output_limit=2 * LENGTH) for seed in SEEDS[:4]]


def coins(form: Form) -> list[Case]:
    """Answers each token of which is one of two that are about as likely, even in a model that is sure of itself.

    Where chance plays a part all along, and not in the first token alone, no two of them are the same.
    """
    return [coin(form, seed) for seed in SEEDS[:6]] if form.has("top_k") else []


def coin(form: Form, seed: int, text: str = TEXTS[0], **roles: Any) -> Case:
    """An answer each token of which is one of two."""
    return hot(form, seed, text, **{"output_limit": 2 * LENGTH, "top_k": 2, **roles})


def hot_by_chance(form: Form) -> Pair:
    """The same at the highest temperature."""
    return hot(form, SEEDS[0]), hot(form, SEEDS[1])


def by_chance(form: Form) -> Pair:
    """Two answers that differ where a seed is honoured, and chance plays any part at all."""
    return lively(form, SEEDS[0]), lively(form, SEEDS[1])


def combined(form: Form, **roles: Any) -> list[Case]:
    """Requests in which many parameters have an effect at once, so that one that is left out anywhere shows.

    Those of `COMBINED` that the form does not have are left out. Their lengths are primes: a stream that sends its
    tokens in groups, and loses what is no whole group, loses something of each.
    """
    one: dict[str, Any] = {
        "output_limit": LENGTH - 1,
        "seed": 9999999999,
        "temperature": 4.5,
        "top_k": 40,
        "top_p": 0.9,
        "repetition_penalty": 1.3,
        "frequency_penalty": 1.5,
        **roles,
    }
    other: dict[str, Any] = {
        "output_limit": 2 * LENGTH - 3,
        "seed": SEEDS[3],
        "temperature": 1.2,
        "top_p": 0.7,
        "presence_penalty": 1.5,
        **roles,
    }
    lacking = {role for role in COMBINED if not form.has(role)}
    one, other = ({role: value for role, value in each.items() if role not in lacking} for each in (one, other))
    return [form.ask(**one), form.ask(TEXTS[1], **other)]
