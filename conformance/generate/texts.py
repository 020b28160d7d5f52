"""Texts that relations ask about: ordinary ones, and a long one that can be changed anywhere."""

from __future__ import annotations

from functools import cache

_SUBJECTS = (
    "a lighthouse keeper",
    "a market in the morning",
    "an old clockmaker",
    "the first day of winter",
    "two rivals in chess",
    "a ferry across the fjord",
    "the garden of a monastery",
    "a night train to the coast",
    "the mapmaker's apprentice",
    "a village without a name",
    "the last bookshop in town",
    "a letter that came too late",
    "the bell in the harbour",
    "a baker who could not sleep",
    "the bridge over the gorge",
    "a summer of thunderstorms",
)

TEXTS = tuple(f"Tell me a long story about {subject}." for subject in _SUBJECTS)
"""Requests for long answers, no two alike."""

FOREIGN = (
    ("Он ловит кита, 猫, γέρος, צפת", "Он ловит рыбу, 犬, λύκος, יפו"),
    ("Use 🐙, 🌵 and 🎻", "Use 🐙, 🌵 and 🥁"),
)
"""Sentences that only letters beyond Latin tell apart, and only at their end; and those that only emoji do."""

SIZES = (12_000, 3_000)
"""Characters of a long text: about 3,000 tokens, which most context windows hold; and of one for the others."""

_ENTRY = "Entry {number}: lamp {number} was lit {minutes} minutes after sunset, and {boats} boats passed by."
_OTHER = "Page {number}: the {minutes} sheep of farm {boats} are grazing on hill {number} and will be shorn soon."

PLACES = ("start", "middle", "end")
"""The quarters of a long text that can be another: the first, that in the middle, and the last."""


@cache
def long_text(size: int, *, changed: str = "") -> str:
    """A text of about `size` characters, no line of which stands in it twice; a quarter of it may be `changed`.

    A whole quarter, for many a model's answers hardly depend on one word among thousands.
    """
    lines: list[str] = []
    length = 0
    while length < size:
        lines.append(_line(_ENTRY, len(lines)))
        length += len(lines[-1])
    if changed:
        first = {"start": 0, "middle": len(lines) * 3 // 8, "end": len(lines) * 3 // 4}[changed]
        for index in range(first, first + len(lines) // 4 + 1):
            lines[index : index + 1] = [_line(_OTHER, index)]
    animal, season = "otter" if changed == "start" else "heron", "harvest" if changed == "end" else "winter"
    return "\n".join(
        [
            f"This is the log of {animal.capitalize()} Point. Whatever you write of it has to be about {animal}s.",
            *lines,
            f"Write a poem about this log in the words of the {season}, beginning with the word {season.upper()}.",
        ]
    )


def _line(form: str, index: int) -> str:
    return form.format(number=index, minutes=index * 7 % 60, boats=index * 13 % 97)
