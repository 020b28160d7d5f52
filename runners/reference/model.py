"""A synthetic language model: logits that are a fixed function of the whole context.

There are no weights. The context (prompt, adapter and every token so far) is a 64-bit rolling hash; the
hash chooses one of `ROWS` rows of logits. So every message, every position and every earlier token counts,
one step costs O(1), and the model is the same in every process and on every machine.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b

ROWS = 1024
"""Rows of logits in a bank: a power of two."""

DEFAULT_PEAK = 0.75
"""Scale of the logits at which the likeliest token's median share is 0.34 at temperature 0.6, 0.11 at 1."""

PEAKED = 2.25
"""Scale of the logits at which the likeliest token's median share is 0.9 at temperature 0.6."""

DEFAULT_LENGTH = (300, 900)
"""Shortest and longest answer in tokens: long enough for 256 and 257 both to truncate."""

_WORDS = """
the a of and to in is was it that for on with as his they at be this from have or by one had not but what
all were when we there can an your which their said if do will each about how up out them then she many
some so these would other into has more her two like him see time could no make than first been its who
now people my made over did down only way find use may water long little very after words called just
where most know get through back much before go good new write our used me man too any day same right look
think also around another came come work three word must because does part even place well such here take
why things help put years different away again off went old number great tell men say small every found
still between name should home big give air line set own under read last never us left end along while
might next sound below saw something thought both few those always looked show large often
"""
VOCABULARY: tuple[str, ...] = (
    *(",", ".", " the", "\n", " a", "s", " and"),
    *"!?:;'\"-()/\\&*",
    *("é", "ü", "中文", " 你好", "世界", "、", " naïve", " Привет"),
    *("あ", "🙂", "🚀", " ñ", "ß", "ن", "한", " 🌍"),
    *"0123456789",
    *(f" {word}" for word in _WORDS.split() if word not in {"the", "a", "and"}),
    *"abcdefghijklmnopqrtuvwxyz",  # s is above
)
"""The texts of the tokens, by id. No two are alike and none is empty."""

EOS = len(VOCABULARY)
"""Id of the token that ends an answer. It has no text."""

_FIRST_CODE_POINT = EOS + 1
_MASK = (1 << 64) - 1
_MULTIPLIER = 6364136223846793005  # Knuth's MMIX generator: its high bits are the good ones
_INCREMENT = 1442695040888963407

_IDS = {piece: token for token, piece in enumerate(VOCABULARY)}
_LENGTHS: dict[str, list[int]] = {}
for _piece in VOCABULARY:
    _LENGTHS.setdefault(_piece[0], []).append(len(_piece))
_LENGTHS = {first: sorted(set(lengths), reverse=True) for first, lengths in _LENGTHS.items()}
# Words repeat, so each is split once; a bound on their length keeps one endless word as cheap as many.
_CHUNK = re.compile(r" ?\w{1,16}|[\s\S]")


def _encode_chunk(text: str) -> list[int]:
    tokens: list[int] = []
    position = 0
    while position < len(text):
        first = text[position]
        for length in _LENGTHS.get(first, ()):
            token = _IDS.get(text[position : position + length])
            if token is not None:
                tokens.append(token)
                position += length
                break
        else:
            tokens.append(_FIRST_CODE_POINT + ord(first))
            position += 1
    return tokens


def encode(text: str) -> list[int]:
    """Split any string into tokens: the longest piece of the vocabulary, else one token a code point."""
    chunks: dict[str, list[int]] = {}
    tokens: list[int] = []
    for chunk in _CHUNK.findall(text):
        if len(chunk) == 1:
            tokens.append(_IDS.get(chunk, _FIRST_CODE_POINT + ord(chunk)))
            continue
        ids = chunks.get(chunk)
        if ids is None:
            ids = chunks[chunk] = _encode_chunk(chunk)
        tokens.extend(ids)
    return tokens


def decode(tokens: Iterable[int]) -> str:
    """Join tokens into their text; the inverse of `encode`. EOS has no text."""
    return "".join(
        VOCABULARY[token] if token < EOS else "" if token == EOS else chr(token - _FIRST_CODE_POINT)
        for token in tokens
    )


class Row:
    """One distribution over the vocabulary: `logits` by token id, and `order`, the ids from the likeliest on.

    Ties in `order` go to the lowest id.
    """

    __slots__ = ("index", "logits", "order")

    def __init__(self, index: int, logits: Sequence[float]) -> None:
        self.index = index
        self.logits = logits
        self.order = sorted(range(len(logits)), key=logits.__getitem__, reverse=True)


class LanguageModel:
    """Logits and answer lengths as fixed functions of the context.

    `peak` scales the logits (`DEFAULT_PEAK`, `PEAKED`); `length` holds the shortest and the longest answer in
    tokens: the end is impossible before the one and certain by the other, the place a hash of the prompt.

    A context is an opaque integer, made by `start` and carried on by `advance`. Safe to share among threads.
    """

    def __init__(self, *, peak: float = DEFAULT_PEAK, length: tuple[int, int] = DEFAULT_LENGTH) -> None:
        shortest, longest = length
        if not 0 <= shortest <= longest:
            raise ValueError(f"length must be 0 <= LO <= HI, not {shortest}:{longest}")
        if not (math.isfinite(peak) and peak > 0):
            raise ValueError(f"peak must be a positive number, not {peak}")
        self._peak = peak
        self._shortest, self._longest = shortest, longest
        self._bank: list[Row | None] = [None] * ROWS

    def start(self, text: str, adapter: str | None = None) -> int:
        """Return the context of a prompt's text under an adapter (none: the base model)."""
        # surrogatepass: an engine in the caller's own process can be handed strings that no wire carries.
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
        if adapter is not None:
            digest.update(b"\xff" + adapter.encode("utf-8", "surrogatepass"))  # 0xff occurs in no UTF-8
        return int.from_bytes(digest.digest(), "big")

    def advance(self, context: int, token: int) -> int:
        """Return the context after one more token."""
        return ((context ^ token) * _MULTIPLIER + _INCREMENT) & _MASK

    def row(self, context: int) -> Row:
        """Return the logits of the next token."""
        index = (context >> 32) % ROWS
        row = self._bank[index]
        if row is None:  # two threads may both make it: they make the same
            row = self._bank[index] = self._make_row(index)
        return row

    def length(self, start: int) -> int:
        """Return how many tokens the whole answer to a prompt has, from the context that `start` gave."""
        return self._shortest + start % (self._longest - self._shortest + 1)

    def _make_row(self, index: int) -> Row:
        noise = random.Random(index).random
        # Exponential noise on a gentle Zipf slope: the weights become heavy-tailed, as a language's are, with
        # contexts that all but decide the next token beside contexts that leave it open.
        scores = (-math.log1p(-noise()) - 0.8 * math.log1p(token / 4) for token in range(len(VOCABULARY)))
        return Row(index, [self._peak * score for score in scores])
