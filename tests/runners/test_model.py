import math
import random
import statistics

import pytest

from infercheck.runners.reference.model import (
    EOS,
    PEAKED,
    ROWS,
    VOCABULARY,
    LanguageModel,
    decode,
    encode,
)


def top_share(logits, temperature):
    top = max(logits)
    return 1 / sum(math.exp((logit - top) / temperature) for logit in logits)


def shares(model, temperature):
    rows = [model.row(index << 32) for index in range(ROWS)]
    return [top_share(row.logits, temperature) for row in rows]


def test_the_vocabulary_has_what_exposes_careless_encoders():
    assert len(VOCABULARY) == len(set(VOCABULARY)) == EOS == 256
    assert all(VOCABULARY)
    assert {"\n", '"', "\\", "7", "中文", "🙂", "é"} <= set(VOCABULARY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the quick brown fox, and 12 words.\n",
        "\0",
        ", , ,",
        "\ud800 \U0010ffff",
        "😀" * 131072,
        "supercalifragilistic" * 6000,
        "".join(map(chr, random.Random(1).sample(range(0x110000), 131072))),
    ],
)
def test_every_text_is_encoded_without_loss(text):
    assert decode(encode(text)) == text


def test_the_longest_piece_is_taken():
    assert [decode([token]) for token in encode(" they're")] == [" they", "'", "r", "e"]


def test_the_end_has_no_text():
    assert decode([*encode("a"), EOS]) == "a"


def test_order_runs_from_the_likeliest_and_ties_go_to_the_lowest_id():
    row = LanguageModel().row(LanguageModel().start("hi"))
    assert sorted(row.order) == list(range(len(VOCABULARY)))
    assert [row.logits[token] for token in row.order] == sorted(row.logits, reverse=True)


def test_the_whole_context_counts():
    model = LanguageModel()
    start = model.start("hello")
    contexts = {start, model.start("hello "), model.start("hello", "poet"), model.start("hello", "pirate")}
    for first in range(40):
        for second in range(40):
            contexts.add(model.advance(model.advance(start, first), second))
    assert len(contexts) == 4 + 40 * 40
    assert len({model.row(context).index for context in contexts}) > ROWS / 2


def test_two_models_are_alike():
    one, other = LanguageModel(), LanguageModel()
    assert one.start("x", "poet") == other.start("x", "poet")
    assert one.row(one.start("x")).logits == other.row(other.start("x")).logits
    assert one.row(one.start("x")).logits != LanguageModel(peak=PEAKED).row(one.start("x")).logits


def test_the_default_leaves_the_next_token_open():
    assert 0.2 < statistics.median(shares(LanguageModel(), 0.6)) < 0.4
    assert 0.05 < statistics.median(shares(LanguageModel(), 1)) < 0.2


def test_peaked_all_but_decides_it():
    assert 0.88 < statistics.median(shares(LanguageModel(peak=PEAKED), 0.6)) < 0.92


def test_lengths_keep_their_bounds_and_depend_on_the_prompt():
    model = LanguageModel(length=(300, 900))
    lengths = {model.length(model.start(f"prompt {number}")) for number in range(500)}
    assert min(lengths) >= 300
    assert max(lengths) <= 900
    assert len(lengths) > 200
    assert LanguageModel(length=(7, 7)).length(model.start("x")) == 7


@pytest.mark.parametrize("wrong", [{"length": (5, 4)}, {"length": (-1, 4)}, {"peak": 0}, {"peak": math.nan}])
def test_nonsense_is_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        LanguageModel(**wrong)
