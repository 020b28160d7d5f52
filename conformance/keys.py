"""Keys: a set of numbers in little room."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

FREE = 0
"""What stands where no number does."""


class Keys:
    """A set of numbers of 64 bits that are as good as random; 16 to 32 bytes each, where Python's takes 100."""

    def __init__(self, keys: Iterable[int] = ()) -> None:
        self._slots = array("q", [FREE]) * 1024
        self._count = 0
        for key in keys:
            self.add(key)

    def add(self, key: int) -> bool:
        """Put a number in; whether it was not there."""
        key = key or 1  # as good as any other
        place = self._place(key)
        if self._slots[place] == key:
            return False
        self._slots[place] = key
        self._count += 1
        if 2 * self._count > len(self._slots):
            self._grow()
        return True

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        return (key for key in self._slots if key != FREE)

    def __contains__(self, key: int) -> bool:
        return self._slots[self._place(key or 1)] != FREE

    def _place(self, key: int) -> int:
        # Open addressing: from the slot that the number names, the next that has it or is free.
        mask = len(self._slots) - 1
        place = key & mask
        while self._slots[place] not in (FREE, key):
            place = (place + 1) & mask
        return place

    def _grow(self) -> None:
        keys = list(self)
        self._slots = array("q", [FREE]) * (2 * len(self._slots))
        for key in keys:
            self._slots[self._place(key)] = key
