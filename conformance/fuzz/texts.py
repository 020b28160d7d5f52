"""Texts to draw: of all lengths, of all characters, long ones from a short piece and how often it is repeated."""

from __future__ import annotations

import math
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from infercheck.generate.values import UNUSUAL_TEXTS

Drawn = TypeVar("Drawn")

WORDS = (
    "say", "what", "is", "the", "weather", "in", "Paris", "a", "lighthouse", "and", "why", "not", "count", "to",
    "ten", "naïve", "straße", "Ωmega", "привет", "мир", "你好", "世界", "こんにちは", "안녕", "שלום", "مرحبا",
    "नमस्ते", "🙂", "👩‍👩‍👧", "e\u0301", "\u2028", "\u2029", "\ufeff", "\ufffd", "\uffff", "\u200b",
    "\x85", "\x7f", "\r\n", "\r", "\x1b[1m", "\x00", "\u00a0", "x=1;", "<b>", "&amp;", "%s", "{}", "null",
    "\\n", "\"", "'", "`", "--",
)  # fmt: skip
"""Words and signs of ordinary prompts, and of careless code's nightmares."""

SURROGATES = range(0xD800, 0xE000)
"""Code points that are no characters by themselves."""

BLOCK = 256
"""Code points in a row, of which a piece may be made: so that some hundred texts touch every script."""

ORDINARY = 400
"""Characters of most texts at most."""

POWERS = tuple(sorted({2**power + more for power in range(5, 14) for more in (-1, 0, 1)} | {100, 1000, 10_000}))
"""Lengths at which buffers end, and those next to them."""

WIDE, STEPS = 16_000, 64
"""Characters of almost all others at most, and lengths within each doubling."""

EDGES = st.sampled_from(["", "\n", "\n", " ", "\r\n", "\t", "\n\n", "\u00a0"])
"""White space that a text may begin or end with."""


def weighted(*alternatives: tuple[int, SearchStrategy[Drawn]]) -> SearchStrategy[Drawn]:
    """One of some strategies, each as often as its weight says; Hypothesis's own choice knows no weights."""
    strategies = [strategy for _, strategy in alternatives]
    indexes = [index for index, (weight, _) in enumerate(alternatives) for _ in range(weight)]
    return st.sampled_from(indexes).flatmap(strategies.__getitem__)


def texts(least: int, most: int) -> SearchStrategy[str]:
    """Texts of `least` to `most` characters."""
    text = st.builds(_fitted, _pieces(), _lengths(least, most))
    edged = st.builds(lambda before, text, after: (before + text + after)[:most], EDGES, text, EDGES)
    return weighted((4, text), (1, edged))


def names() -> SearchStrategy[str]:
    """Names of things: mostly as they are in code."""
    return weighted((3, st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)), (1, short(1, 30)))


def short(least: int = 0, most: int = 40) -> SearchStrategy[str]:
    """Short texts of any characters."""
    return st.one_of(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join).map(lambda text: text[:most]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=min(most, 12)),
    ).map(lambda text: text.ljust(least, "x"))


def _pieces() -> SearchStrategy[str]:
    words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
    first = weighted((2, st.integers(0, 0x33FF)), (1, st.integers(0, 0xFFFF)), (1, st.integers(0x10000, 0x10FFFF)))
    block = st.builds(_block, first, st.integers(1, BLOCK))
    plain = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
    piece = st.one_of(words, block, plain, st.sampled_from(tuple(UNUSUAL_TEXTS.values())))
    return st.lists(piece, min_size=1, max_size=4).map(" ".join)


def _block(first: int, count: int) -> str:
    points = range(first, min(first + count, 0x110000))
    return "".join(chr(point) for point in points if point not in SURROGATES) or "x"


def _lengths(least: int, most: int) -> SearchStrategy[int | None]:
    # None leaves a text as it came. As many texts of 500 to 1,000 characters as of 5,000 to 10,000.
    usual = st.integers(least, min(most, ORDINARY))
    powers = st.sampled_from([power for power in POWERS if least <= power <= most] or [most])
    steps = round(STEPS * math.log2(max(2, min(most, WIDE) / ORDINARY)))
    wide = st.integers(0, steps).map(lambda step: min(most, round(ORDINARY * 2 ** (step / STEPS))))
    any_ = st.integers(least, most)
    return weighted((25, st.none()), (20, usual), (5, powers), (10, wide), (1, any_))


def _fitted(piece: str, length: int | None) -> str:
    if length is None:
        return piece
    return (piece * (length // len(piece) + 1))[:length]
