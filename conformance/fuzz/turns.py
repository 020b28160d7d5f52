"""Turns: who speaks when in a conversation, as models are taught to expect it, or otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ROLES = ("user", "assistant")
"""Whose turn it is in a conversation, one after the other."""

ANY_ROLES = (*ROLES, *ROLES, "system", "tool")
"""Whose turn it may be, out of turn."""

WHOLE = 20_000
"""Characters of a conversation of repeated messages at most."""


def conversation(content: str, said: Sequence[str], count: int | None, *, system: bool) -> list[dict[str, str]]:
    """Messages in turn with some texts under the key `content`, `count` of them where one is given."""
    most = WHOLE // count + 1 if count else None
    turns = [said[index % len(said)][:most] for index in range(count or len(said))]
    turns = turns if len(turns) % 2 else turns[:-1]
    first = [{"role": "system", content: said[0]}] if system else []
    return [*first, *({"role": ROLES[index % 2], content: text} for index, text in enumerate(turns))]


def out_of_turn(content: str, said: Sequence[str], roles: Sequence[str]) -> list[dict[str, str]]:
    """Messages with some texts, by whom it may be."""
    return [{"role": role, content: said[index % len(said)]} for index, role in enumerate(roles)]


def is_in_turn(messages: object) -> bool:
    """Whether a conversation goes as models are taught that it does; a target may refuse any other.

    The system's message comes first, if there is one, then the user and the assistant speak in turn, the user first
    and last. What is no list of messages has no turns.
    """
    if not isinstance(messages, list) or not all(isinstance(one, Mapping) for one in messages):
        return True
    roles = [one.get("role") for one in messages]
    turns = roles[roles[:1] == ["system"] :]
    return len(turns) % 2 == 1 and all(role == ROLES[index % 2] for index, role in enumerate(turns))
