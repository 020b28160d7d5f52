"""Splitting: which values of a refused request are to blame (delta debugging, Zeller and Hildebrandt, 2002)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Value = TypeVar("Value")
Refused = Callable[[Sequence[Value]], Awaitable[bool]]
"""Asks the target whether a request with just these values is refused."""


async def guilty_sets(values: Sequence[Value], refused: Refused[Value]) -> list[tuple[Value, ...]]:
    """Every smallest set of values that is refused: one value alone, or several that do not go together.

    `values` together are refused already. What `refused` raises goes through; answers are remembered by it.
    """
    found: list[tuple[Value, ...]] = []
    queue = [tuple(values)]
    seen: set[frozenset[int]] = set()
    while queue:
        suspects = queue.pop(0)
        identity = frozenset(map(id, suspects))
        if not suspects or identity in seen:
            continue
        inside = next((one for one in found if identity.issuperset(map(id, one))), None)
        if inside is None:
            if seen and not await refused(suspects):
                seen.add(identity)
                continue
            inside = await _smallest(suspects, refused)
            found.append(inside)
        seen.add(identity)
        # Without each member in turn: the rest may hide another guilty value, or a pair with a shared member.
        queue += [tuple(value for value in suspects if value is not member) for member in inside]
    return found


async def _smallest(values: tuple[Value, ...], refused: Refused[Value]) -> tuple[Value, ...]:
    # ddmin: first halves, then their complements, then finer pieces.
    pieces = 2
    while len(values) >= 2:
        size = -(-len(values) // pieces)
        subsets = [values[start : start + size] for start in range(0, len(values), size)]
        for subset in subsets:
            if await refused(subset):
                values, pieces = subset, 2
                break
        else:
            for subset in subsets if len(subsets) > 2 else ():
                rest = tuple(value for value in values if all(value is not one for one in subset))
                if await refused(rest):
                    values, pieces = rest, max(pieces - 1, 2)
                    break
            else:
                if pieces >= len(values):
                    break
                pieces = min(len(values), pieces * 2)
    return values
