"""Tokens as text, as they come: no piece ends within a character."""

from __future__ import annotations

from collections.abc import Callable, Sequence

CUT = "\ufffd"


class Text:
    """Spells one answer. `decode` gives the text of several tokens.

    What a token reads as hangs on its neighbours (a space before a word, the bytes of one character), so a
    token is read with those since the last two ends of a whole piece, as text-generation-inference and vLLM do.
    What is not a whole character yet waits for the rest of it; where none comes it is left out, streamed or
    not.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._tokens: list[int] = []
        self._before = 0
        self._read = 0

    def piece(self, token: int) -> str:
        """The text that is certain with one more token; often empty."""
        self._tokens.append(token)
        known = self._decode(self._tokens[self._before : self._read])
        found = self._decode(self._tokens[self._before :])
        if len(found) <= len(known) or found.endswith(CUT):
            return ""
        self._before, self._read = self._read, len(self._tokens)
        return found[len(known) :]

    def rest(self) -> str:
        """What is left at the end of the answer, without half a character."""
        known = self._decode(self._tokens[self._before : self._read])
        return self._decode(self._tokens[self._before :])[len(known) :].rstrip(CUT)
