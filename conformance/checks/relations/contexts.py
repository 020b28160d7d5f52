"""Contexts: everything that is said to the model counts, whichever way it is said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from infercheck.cases import Case
from infercheck.checks.relations.claims import Differ, FirstDecided, Same, unlike_again
from infercheck.checks.relations.language import (
    Claim,
    Hearing,
    Pair,
    Row,
    Ruling,
    broken,
    kept,
    troubled,
    undecided,
)
from infercheck.checks.relations.settings import SEEDS, by_chance, combined, free, hot, lively, ordinary
from infercheck.generate.asks import COMPARING, Form
from infercheck.generate.texts import FOREIGN, PLACES, SIZES, TEXTS, long_text

CHANCELESS = "answers are alike whatever is drawn or asked, so nothing can be told of what they depend on"

SUM = "What is 2 and 3? Answer with a number."
"""A question that nobody answers with a story."""

SYSTEM = "You are a poet who writes about the sea."
LAST = "Write a long letter about all this to my sister."
"""What the system says, and the user at last, in the conversation that every message is changed in."""

_CONVERSATION = (
    ("system", SYSTEM, "You are an accountant who writes about taxes."),
    ("user", "I keep bees on a mountain in Wales.", "I repair clocks in a cellar in Prague."),
    ("assistant", "What a quiet life. Do the winters suit you?", "What a loud trade! Do the neighbours complain?"),
    ("user", "They do, with enough wood for the stove.", ""),
    ("assistant", "And in summer?", ""),
    ("user", "In summer I hardly sleep.", ""),
    ("assistant", "I see.", ""),
    ("user", LAST, "Write a loud song about all this for my brother."),
)
"""A role, a content, and another content in its place, where there is one."""


def _messages(changed: int | None = None) -> Sequence[Mapping[str, Any]]:
    return [
        {"role": role, "content": other if index == changed else content}
        for index, (role, content, other) in enumerate(_CONVERSATION)
    ]


def every_text(form: Form) -> Iterator[Claim]:
    """Another prompt, another answer."""
    pairs = [(lively(form, SEEDS[0], one), lively(form, SEEDS[0], other)) for one, other in pairwise(TEXTS)]
    hotter = [(hot(form, SEEDS[1], one), hot(form, SEEDS[1], other)) for one, other in pairwise(TEXTS)]
    # All answers may begin with the same sentence, and all stories be refused in the same words.
    last = [
        (form.ask(seed=SEEDS[0]), form.ask(SUM, seed=SEEDS[0])),
        (form.ask(seed=SEEDS[0]), form.ask(TEXTS[1], seed=SEEDS[0])),
    ]
    yield Differ(pairs=pairs[:1], more=[*pairs[1:2], *hotter[:2]], last=last, otherwise="no answer has a text")


def every_script(form: Form) -> Iterator[Claim]:
    """Another prompt, another answer, whatever script tells them apart."""
    for one, other in FOREIGN:
        foreign = [
            (lively(form, seed, f"{TEXTS[0]} {one}"), lively(form, seed, f"{TEXTS[0]} {other}"))
            for seed in SEEDS[:6]
        ]
        yield Differ(pairs=foreign[:1], more=foreign[1:], telling=[by_chance(form)], otherwise=CHANCELESS)


def every_message(form: Form) -> Iterator[Claim]:
    """Every message counts, system too."""
    for index in (index for index, (*_, other) in enumerate(_CONVERSATION) if other):
        pairs = [
            (talk(form, seed, limit), talk(form, seed, limit, index))
            for seed, limit in zip(SEEDS, (32, 64, 64, 64, 64, 64), strict=False)
        ]
        yield Differ(pairs=pairs[:1], more=pairs[1:], free=free(form), otherwise=CHANCELESS)


def talk(form: Form, seed: int, limit: int, changed: int | None = None) -> Case:
    """An answer to a conversation of eight messages; one of them may be another."""
    named = "talk" if changed is None else f"talk-{_CONVERSATION[changed][0]}-{changed + 1}-changed"
    return ordinary(form, seed, messages=_messages(changed), named=named, output_limit=limit)


def whole_text(form: Form) -> Iterator[Claim]:
    """Start and end of a long text count; its middle too."""
    kind = "messages" if form.is_conversation else "prompt"
    for place in PLACES:
        yield FirstDecided(
            [
                Differ(
                    pairs=pairs[:1],
                    more=pairs[1:],
                    free=[one for one, _ in pairs[1:5]],
                    otherwise=CHANCELESS,
                    requirement=f"effect/{kind}/middle" if place == "middle" else "",
                )
                for pairs in (_long_pairs(form, size, place) for size in SIZES)
            ]
        )


def _long_pairs(form: Form, size: int, place: str) -> list[Pair]:
    return [(long_one(form, seed, size), long_one(form, seed, size, changed=place)) for seed in SEEDS[:6]]


def long_one(form: Form, seed: int = SEEDS[0], size: int = SIZES[0], changed: str = "") -> Case:
    """An answer to a long text, one place of which may be changed."""
    text = long_text(size, changed=changed) if changed else long_text(size)
    named = f"long-{size}-{changed}-changed" if changed else f"long-{size}"
    return ordinary(form, seed, text, named=named, output_limit=16 if seed == SEEDS[0] else 64)


def same_template(form: Form) -> Iterator[Claim]:
    """prompt = messages[user prompt], whatever else is asked for."""
    other_form = form.other
    if other_form is None:
        return
    for one, other in zip(_alike(form), _alike(other_form), strict=True):
        # Forms may have bounds and defaults of their own: other settings are no reason for the same answer.
        if form.boundary.contract.set_alike(*(json.loads(case.request.body) for case in (one, other))):
            yield Same(pairs=[(other, one)], form=other_form.name)


def _alike(form: Form) -> list[Case]:
    return [
        lively(form),
        *combined(form),
        form.ask(output_limit=48, seed=SEEDS[0]),
        form.ask(seed=SEEDS[0]),
    ]


@dataclass(frozen=True, kw_only=True)
class Either(Claim):
    """The usual answer is given to one of several requests."""

    usual: Case
    cases: Sequence[Case]

    @property
    def asks(self) -> Sequence[Case]:
        return [self.usual, *self.cases]

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        usual, *replies = [await hearing.ask(case) for case in self.asks]
        if trouble := troubled(hearing, usual, *replies):
            return [undecided(trouble, usual, *replies)]
        if any(reply.said == usual.said for reply in replies):
            return [kept(usual, *replies)]
        if ruling := await unlike_again(hearing, (usual, *replies)):
            return [ruling]
        expected = f"the answer to {usual.case.title}: {usual.shown(replies[0])}"
        return [broken(*replies, usual, expected=expected, observed=replies[0].shown(usual))]


def by_hand(form: Form) -> Iterator[Claim]:
    """raw with a hand-made template = not raw; its first token may be a text, or the tokenizer's own."""
    template = form.boundary.contract.template
    if template:
        texts = [start + template.format(TEXTS[0]) for start in ("", "<s>")]
        yield Either(
            usual=lively(form),
            cases=[
                lively(form, text=text, named=f"by-hand-{number}", raw=True)
                for number, text in enumerate(texts, start=1)
            ],
        )


EVERY_TEXT, EVERY_SCRIPT = (
    Row(requirements=("effect/prompt",), claims=claims, roles=("text", *COMPARING), greedy=claims is every_text)
    for claims in (every_text, every_script)
)
EVERY_MESSAGE = Row(
    requirements=("effect/messages",),
    claims=every_message,
    roles=("conversation", *COMPARING),
    closely=True,
    greedy=True,
)
WHOLE_TEXT = Row(
    requirements=("effect/prompt", "effect/prompt/middle"),
    claims=whole_text,
    roles=("text", *COMPARING),
    greedy=True,
)
WHOLE_MESSAGE = Row(
    requirements=("effect/messages", "effect/messages/middle"),
    claims=whole_text,
    roles=("conversation", *COMPARING),
    greedy=True,
)
BY_HAND = Row(
    requirements=("template/raw",),
    claims=by_hand,
    roles=("text", "raw", *COMPARING),
    absent="no-template",
    greedy=True,
)
TEMPLATE = Row(
    requirements=("template/messages",),
    claims=same_template,
    greedy=True,
    roles=("text", *COMPARING),
)
