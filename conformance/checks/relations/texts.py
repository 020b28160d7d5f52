"""Texts: an answer is what the model wrote, and nothing that stands around it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infercheck.cases import Case, distinct
from infercheck.checks.relations.contexts import LAST, SYSTEM, talk
from infercheck.checks.relations.language import Claim, Hearing, Row, Ruling, broken, kept, undecided
from infercheck.checks.relations.settings import LENGTH, SEEDS, hot, lively
from infercheck.generate.asks import COMPARING, Form
from infercheck.generate.texts import TEXTS

AROUND = 80
"""Characters of a template that may stand before a prompt that is echoed."""

_WORDS = re.compile(r"<[^<>]*>|\[[^\[\]]*\]|\b(?:user|human|system|prompt|instruction|s)\b|[\W_]", re.IGNORECASE)
"""What templates put before a prompt."""

_QUOTES = ('"', "'", "“", "‘", "«", "„", "`")

ENDS = (
    "</s>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|end|>",
    "<end_of_turn>",
    "<eos>",
    "<｜end▁of▁sentence｜>",
    "<|return|>",
    "<|endofturn|>",
    "<|eom_id|>",
)
"""Texts of the tokens that end answers, in models that people serve."""


@dataclass(frozen=True, kw_only=True)
class NoEcho(Claim):
    """No answer begins with what was asked; `texts` are what each case asks."""

    cases: Sequence[Case]
    more: Sequence[Case]
    texts: Sequence[str]
    what: str = "prompt"

    @property
    def asks(self) -> Sequence[Case]:
        return distinct(self.cases)

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        echoes = []
        for case, text in zip((*self.cases, *self.more), self.texts, strict=True):
            reply = await hearing.ask(case)
            if reply.problem:
                return [undecided(reply.problem, reply)]
            if not _is_echo(reply.text, text):
                return [kept(reply)]
            echoes.append(reply)
        expected = f"an answer that does not begin with the {self.what} itself"
        observed = f"the {self.what} stands before each of {len(echoes)} answers: {echoes[0].shown()}"
        return [broken(*echoes, expected=expected, observed=observed)]


STARTS = ("<s>", "[INST]", "[/INST]", "<bos>", "<|begin_of_text|>", "<|start_header_id|>", "<|im_start|>")
"""Texts of the tokens that stand before an answer, and are none of it."""

SURE = 3
"""Answers with the same mark that are no accident."""


def _is_echo(answer: str, text: str) -> bool:
    # A model may repeat a question, and say that it does. What no model does is to begin, whatever is asked and
    # however hot it is, with nothing but the question word for word, in a template or without one.
    before, found, _ = answer[: len(text) + AROUND].partition(text)
    return bool(found) and not _WORDS.sub("", before).strip() and not before.rstrip().endswith(_QUOTES)


@dataclass(frozen=True, kw_only=True)
class NoMark(Claim):
    """No answer ends with the text of an end token, or begins with one that stands before it."""

    cases: Sequence[Case]

    @property
    def asks(self) -> Sequence[Case]:
        return distinct(self.cases)

    async def rule(self, hearing: Hearing) -> list[Ruling]:
        replies = [await hearing.ask(case) for case in self.cases]
        read = [reply for reply in replies if not reply.problem]
        if not read:
            return [undecided("no answer could be read", *replies)]
        found = Counter(mark for reply in read for mark in _marks(reply.text))
        if not found:
            return [kept(*read)]
        mark, times = found.most_common(1)[0]
        if times < SURE:
            return [undecided("too few answers end by themselves", *read)]
        marked = [reply for reply in read if mark in _marks(reply.text)]
        at_end = mark.startswith("…")
        shown = marked[0].text[-40:] if at_end else marked[0].text[:40]
        expected = f"an answer without the token that {'ends it' if at_end else 'stands before it'}"
        where = "at the end" if at_end else "at the beginning"
        observed = f"{mark.strip('…')} {where} of {times} answers: {shown!r}"
        return [broken(*marked, expected=expected, observed=observed)]


def _marks(text: str) -> Iterator[str]:
    yield from (f"{mark}…" for mark in STARTS if text.lstrip().startswith(mark))
    yield from (f"…{mark}" for mark in ENDS if text.rstrip().endswith(mark))


def no_echo(form: Form) -> Iterator[Claim]:
    """No prompt is echoed before its answer."""
    texts = (TEXTS[0], TEXTS[1], TEXTS[1], TEXTS[2], TEXTS[3])
    yield NoEcho(
        cases=[lively(form)],
        more=[lively(form, SEEDS[0], texts[1]), *(hot(form, SEEDS[1], text) for text in texts[2:])],
        texts=texts,
    )
    if form.is_conversation:
        settings = [(SEEDS[0], LENGTH), *((seed, 2 * LENGTH) for seed in SEEDS[1:5])]
        for text, what in ((SYSTEM, "message of the system"), (LAST, "last message of the user")):
            yield NoEcho(
                cases=[talk(form, *settings[0])],
                more=[talk(form, seed, limit) for seed, limit in settings[1:]],
                texts=[text] * len(settings),
                what=what,
            )
    elif form.has("raw"):
        yield NoEcho(
            cases=[lively(form, raw=True)],
            more=[
                lively(form, SEEDS[0], texts[1], raw=True),
                *(hot(form, SEEDS[1], text, raw=True) for text in texts[2:]),
            ],
            texts=texts,
        )


def no_mark(form: Form) -> Iterator[Claim]:
    """No answer ends with the text of its end token, or begins with that of its template."""
    cases = [
        form.ask(seed=SEEDS[0]),
        lively(form),
        lively(form, SEEDS[1]),
        form.ask(seed=SEEDS[0], output_limit=48),
    ]
    yield NoMark(cases=cases)


NO_ECHO = Row(requirements=("output/prompt-echo",), claims=no_echo, roles=COMPARING, without=True)
NO_MARK = Row(requirements=("output/special-tokens",), claims=no_mark, roles=COMPARING, without=True)
