"""Questions that schemas of this kind leave open: bodies that they allow, though nobody says what they mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infercheck.oracle import Oracle
from infercheck.requirements import keyword_ids
from infercheck.schema import Schema, kind_of, resolve

SAY = "Say hello."
ABSENT = "no-such-adapter"
HUGE = 10**30

_IDS: Mapping[str, str] = {"text": "prompt", "conversation": "messages"}


def questions(
    schema: Schema, roles: Mapping[str, str], names: Mapping[str, Sequence[str]], bases: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The rows `open` of a contract: of all that might be asked, what the schema allows.

    `bases` are the smallest requests with a text and with a conversation, by their role.
    """
    oracle = Oracle(schema)
    ids = keyword_ids("input", schema, {pointer: list(each) for pointer, each in names.items()})
    rows = []
    for row in [*_mixed(roles, bases), *_conversations(roles, bases), *_limits(roles, bases), *_rest(roles, bases)]:
        body = json.loads(row["text"]) if "text" in row else row["body"]
        if oracle.is_valid(body):
            aims = [f"{aim}/type" for aim in row.pop("aims", []) if f"{aim}/type" in ids.values()]
            rows.append({**row, **({"aims": aims} if aims else {})})
    return rows


def adapter_aims(roles: Mapping[str, str], ids: Mapping[str, str]) -> list[str]:
    """The requirements that any name of an adapter puts to the test."""
    name = roles.get("adapter")
    ends = f"/properties/{name}/type"
    return [id_ for pointer, id_ in ids.items() if name and pointer.endswith(ends) and _is_top(pointer, ends)]


def image_aims(schema: Schema, ids: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The requirements of images that are strings, which may be of any bytes, with the pointer of the image."""
    for pointer, id_ in ids.items():
        holder, _, rest = pointer.partition("/properties/image")
        if rest.endswith("/type") and "/properties" not in holder + rest.replace("/type", ""):
            found = resolve(schema, pointer.removesuffix("/type"))
            if kind_of(found) == "string":
                yield id_, holder


def _is_top(pointer: str, ends: str) -> bool:
    return "/properties" not in pointer.removesuffix(ends)


def _mixed(roles: Mapping[str, str], bases: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if not {"text", "conversation"} <= bases.keys():
        return
    text, talk = roles["text"], roles["conversation"]
    prompt, messages = bases["text"], bases["conversation"]
    yield {
        "id": "open/prompt/both-with-null-messages",
        "title": "a prompt beside messages that are null (valid only because the other branch fails)",
        "body": {**prompt, talk: None},
    }
    yield {
        "id": "open/messages/both-with-bad-prompt",
        "title": "messages beside a prompt that is a number (valid only because the other branch fails)",
        "body": {text: 5, **messages},
    }
    for role, kind, base, value in (
        ("adapter", "messages", messages, 5),
        ("raw", "messages", messages, "true"),
        ("tools", "prompt", prompt, 5),
    ):
        if role in roles:
            yield {
                "id": f"open/{kind}/{roles[role]}-untyped",
                "title": f"{roles[role]} of another type, where no branch that applies declares it",
                "body": {**base, roles[role]: value},
            }


def _conversations(roles: Mapping[str, str], bases: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if "conversation" not in bases:
        return
    name, base = roles["conversation"], bases["conversation"]

    def said(*messages: tuple[str, str]) -> dict[str, Any]:
        return {**base, name: [{"role": role, "content": content} for role, content in messages]}

    for label, title, body in (
        ("empty", "an empty list of messages", said()),
        ("unknown-role", "a role that the page does not name", said(("oracle", SAY))),
        ("assistant-first", "a conversation that the assistant begins", said(("assistant", SAY))),
        ("tool-role", "a message of role tool without a call before it", said(("user", SAY), ("tool", "hello"))),
        ("empty-role", "an empty role", said(("", SAY))),
        ("empty-content", "a message without text", said(("user", ""))),
    ):
        yield {"id": f"open/messages/{label}", "title": title, "body": body}
    for label, title, content in (
        ("no-parts", "a message of no parts", []),
        ("empty-part", "a part of a message that has nothing in it", [{}]),
        ("unknown-part", "a part of a message of a type that the page does not name", [{"type": "oracle"}]),
    ):
        body = {**base, name: [{"role": "user", "content": content}]}
        yield {"id": f"open/messages/{label}", "title": title, "body": body}


def _limits(roles: Mapping[str, str], bases: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    limit = roles.get("output_limit")
    if limit is None:
        return
    for role, base in bases.items():
        within = "" if role == next(iter(bases)) else f"{_IDS[role]}/"
        for label, value in (("zero", 0), ("negative", -1), ("huge", HUGE)):
            if within and label != "zero":
                continue
            beside = f" beside {_IDS[role]}" if within else ""
            yield {
                "id": f"open/{within}max_tokens/{label}",
                "title": f"{limit} {'10^30' if value == HUGE else value}{beside} (no bound is documented)",
                "body": {**{key: each for key, each in base.items() if key != limit}, limit: value},
                "endless": True,
            }


def _rest(roles: Mapping[str, str], bases: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    first = next(iter(bases.values()), None)
    if first is not None and (top_k := roles.get("top_k")):
        start = json.dumps(first, ensure_ascii=False)[:-1]
        for label, written in (("fraction-zero", "50.0"), ("exponent", "5e1")):
            yield {
                "id": f"open/integer/{label}",
                "title": f"{top_k} written as {written}, "
                "an integer from draft 6 of JSON Schema on and none in draft 4",
                "text": f'{start}, "{top_k}": {written}}}',
            }
    for role, base in bases.items():
        within = "" if role == next(iter(bases)) else f"{_IDS[role]}/"
        yield {
            "id": f"open/image/{within}over-8-bit",
            "title": "image numbers outside 0 to 255, which no byte has and the schema allows",
            "body": {**base, "image": [256, -1]},
        }
