"""Naming: the parts that parameters play, told by their names, and names for forms that have no title."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infercheck.schema import FORMS, Schema, digest_of, kind_of, slug, walk, ways

ROLES: Mapping[str, tuple[str, ...]] = {
    "text": ("prompt",),
    "conversation": ("messages",),
    "output_limit": ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens"),
    "stream": ("stream",),
    "raw": ("raw",),
    "seed": ("seed",),
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "top_k": ("top_k",),
    "repetition_penalty": ("repetition_penalty",),
    "frequency_penalty": ("frequency_penalty",),
    "presence_penalty": ("presence_penalty",),
    "adapter": ("lora",),
    "tools": ("tools",),
    "functions": ("functions",),
}
"""The names under which each role is known, the usual one first."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "text": ("string",),
    "conversation": ("array",),
    "tools": ("array",),
    "functions": ("array",),
    "stream": ("boolean",),
    "raw": ("boolean",),
    "adapter": ("string",),
}
"""The types that a parameter of a role may have; numbers where a role is not named."""

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def roles_of(schema: Schema) -> dict[str, str]:
    """The parameter of a request that plays each part."""
    declared: dict[str, list[Schema]] = {}
    for _, form in ways(schema):
        for name, child in form.get("properties", {}).items():
            if isinstance(child, Mapping):
                declared.setdefault(name, []).append(child)
    found: dict[str, str] = {}
    for role, names in ROLES.items():
        kinds = KINDS.get(role, ("integer", "number"))
        for name in names:
            if any(kind_of(child) in kinds for child in declared.get(name, [])):
                found[role] = name
                break
    return found


def branch_names(schema: Schema) -> dict[str, list[str]]:
    """Names for forms without titles, and for titles that share a beginning, by the pointer that holds them."""
    named: dict[str, list[str]] = {}
    for place in walk(schema):
        keyword = next((keyword for keyword in FORMS if keyword in place.schema), None)
        if keyword is None:
            continue
        forms = place.schema[keyword]
        names = _short_titles(forms) or _names(forms)
        if names:
            named[place.pointer] = names
    return named


def _short_titles(forms: Sequence[Schema]) -> list[str]:
    # Titles without the words that all begin with, as the model's own name.
    titles = [re.split(r"[\s_]+", form.get("title", "").strip()) for form in forms]
    if len(forms) < 2 or not all(map(any, titles)):
        return []
    shared = 0
    while all(len(words) > shared + 1 for words in titles) and len({words[shared] for words in titles}) == 1:
        shared += 1
    names = [slug("-".join(words[shared:])) for words in titles]
    return names if shared > 1 and _are_good(names) else []


def _names(forms: Sequence[Schema]) -> list[str]:
    titles = [slug(form["title"]) if form.get("title") else "" for form in forms]
    if all(titles) and len(set(titles)) == len(titles):
        return []
    for rule in (_by_kind, _by_tool, _by_constant, _by_required, _by_property):
        names = [title or name for title, name in zip(titles, rule(forms), strict=True)]
        if _are_good(names):
            return names
    mixed = [title or _first_word(form) for title, form in zip(titles, forms, strict=True)]
    return [name if mixed.count(name) == 1 and NAME.fullmatch(name) else digest_of(form)
            for name, form in zip(mixed, forms, strict=True)]  # fmt: skip


def _first_word(form: Schema) -> str:
    required: list[str] = list(form.get("required", [])) or list(form.get("properties", {}))
    return slug(required[0]) if required else slug(str(kind_of(form) or "any"))


def _are_good(names: Sequence[str]) -> bool:
    return len(set(names)) == len(names) and all(NAME.fullmatch(name) for name in names)


def _by_kind(forms: Sequence[Schema]) -> list[str]:
    return [kind_of(form) or "" for form in forms]


def _by_tool(forms: Sequence[Schema]) -> list[str]:
    # The two shapes of a tool: its description itself, or under the name of its type.
    if len(forms) != 2 or not any("function" in form.get("properties", {}) for form in forms):
        return [""] * len(forms)
    return ["function" if "function" in form.get("properties", {}) else "flat" for form in forms]


def _by_constant(forms: Sequence[Schema]) -> list[str]:
    return [next(_constants(form), "") for form in forms]


def _constants(form: Schema) -> Iterator[str]:
    for child in form.get("properties", {}).values():
        values: list[Any] = child.get("enum", [child.get("const")]) if isinstance(child, Mapping) else []
        if len(values) == 1 and isinstance(values[0], str):
            yield slug(values[0])


def _by_required(forms: Sequence[Schema]) -> list[str]:
    return [_own([form.get("required", []) for form in forms], index) for index in range(len(forms))]


def _by_property(forms: Sequence[Schema]) -> list[str]:
    return [_own([list(form.get("properties", {})) for form in forms], index) for index in range(len(forms))]


def _own(names: Sequence[Sequence[str]], index: int) -> str:
    # The first name that a form has and no other.
    others = {name for number, each in enumerate(names) if number != index for name in each}
    return next((slug(name) for name in names[index] if name not in others), "")
