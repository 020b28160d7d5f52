"""Tokens as text: nothing is cut within a character, and nothing is lost."""

from __future__ import annotations

import random

import pytest

from checkpoints.tiny import tokenizer
from infercheck.runners.transformers.text import CUT, Text

WORDS = tokenizer()
TEXTS = ["Grüße aus Köln", "🙂🚀 👩‍🚀!", "你好,世界", "  two  spaces\n\n\tand a tab ", "½ € naïve", "a" * 50]


def spelled(tokens):
    text = Text(lambda some: WORDS.decode(some, skip_special_tokens=True))
    pieces = [text.piece(token) for token in tokens]
    return pieces, text.rest()


@pytest.mark.parametrize("text", TEXTS)
def test_the_pieces_are_the_text(text):
    pieces, rest = spelled(WORDS(text, add_special_tokens=False)["input_ids"])
    assert "".join(pieces) == text
    assert rest == ""
    assert not any(CUT in piece for piece in pieces)


def test_a_character_of_several_tokens_comes_whole():
    tokens = WORDS("𓀀", add_special_tokens=False)["input_ids"]
    assert len(tokens) == 4
    assert spelled(tokens) == (["", "", "", "𓀀"], "")
    for cut in (1, 2, 3):
        assert spelled(tokens[:cut]) == ([""] * cut, "")


def test_what_any_tokens_spell_grows_by_what_follows():
    noise = random.Random(3)
    for _ in range(40):
        tokens = [noise.randrange(len(WORDS)) for _ in range(40)]
        whole = "".join(spelled(tokens)[0]) + spelled(tokens)[1]
        assert whole == WORDS.decode(tokens, skip_special_tokens=True).rstrip(CUT)
        for cut in (1, 7, 20, 39):
            pieces, rest = spelled(tokens[:cut])
            assert whole.startswith("".join(pieces) + rest)


def test_special_tokens_have_no_text():
    hello = WORDS("Hello", add_special_tokens=False)["input_ids"]
    pieces, rest = spelled([1, *hello, 3, 2])
    assert "".join(pieces) + rest == "Hello"
