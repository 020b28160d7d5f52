"""Drafts: all that a contract.yaml says of the schemas in a source, worked out and not yet written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from infercheck.checks.relations.settings import LONGEST
from infercheck.contract import Contract, answer_schema, says
from infercheck.contract_checks import read_schema
from infercheck.errors import ContractError
from infercheck.generate.builder import Builder
from infercheck.importing.naming import ROLES, branch_names, roles_of
from infercheck.importing.promises import promises
from infercheck.importing.questions import ABSENT, adapter_aims, image_aims, questions
from infercheck.importing.samples import more_values, samples
from infercheck.importing.snippets import examples
from infercheck.importing.source import Source
from infercheck.reading import assume
from infercheck.schema import FORMS, Branch, Schema, kind_of, slug, untested, walk, ways
from infercheck.spoken import TEXT

BATCH = "requests"
"""The parameter of a form that holds other requests, which are answered later."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A contract as data: `yaml` is what contract.yaml says, `files` the schemas and the page by file name."""

    yaml: dict[str, Any]
    files: Mapping[str, str]
    by_hand: Sequence[str] = field(default=())
    """What a person has to look over."""


def draft_of(source: Source, name: str, *, model: str = "", url: str = "", date: str) -> Draft:
    """Work out a contract; ContractError where the schemas are of no text generation, or refer to what is missing.

    `name` is the source's own, for people; `date` the day of the import, as YYYY-MM-DD.
    """
    where = name or "what was piped in"
    schema, output = read_schema(source.input, where, "input"), read_schema(source.output or {}, where, "output")
    model = model or source.model or PurePath(name).stem.removesuffix(".page").removesuffix(".schema") or "model"
    by_hand = list(source.notes)
    _refuse_others(schema, output, where)
    assumed = _assumed(schema)
    for row in assumed:
        schema = assume(schema, row["pointer"], row["required"])
        by_hand.append(f"{row['pointer']} is taken to require {row['required'][0]}: {row['because']}")
    roles = roles_of(schema)
    unasked = _unasked(schema)
    names = branch_names(schema)
    ordinary = samples(schema, model)
    contract = _provisional(schema, output, roles, names, ordinary, unasked, model)
    builder = Builder(contract)
    for branch in builder.branches():
        if not contract.oracle.is_valid(builder.base(branch)):
            if not branch.pointer:
                left = ", ".join(untested(schema))
                raise ContractError(
                    where,
                    "input",
                    "no valid request could be made of its input schema",
                    hint=f"No request is made for the sake of these keywords: {left}." if left else "",
                )
            unasked[branch.pointer] = (
                "no valid request could be made of its schema; samples have to be written by hand"
            )
            by_hand.append(f"{branch.pointer}: {unasked[branch.pointer]}")
    contract = _provisional(schema, output, roles, names, ordinary, unasked, model)
    builder = Builder(contract)
    page = source.page
    data: dict[str, Any] = {
        "id": slug(model.rpartition("/")[2]).lstrip("._-") or "model",
        "title": model,
        "model": model,
        "provenance": _provenance(source, name, url, date),
        "files": {
            **({"page": "page.txt"} if page is not None else {}),
            "input": "input.schema.json",
            "output": "output.schema.json",
            "event": "event.schema.json",
        },
        "roles": roles,
        "branches": names,
        "samples": ordinary,
        "values": more_values(schema, roles),
        "assumed": assumed,
        "unasked": [{"pointer": pointer, "because": why} for pointer, why in unasked.items()],
        "impossible": list(_impossible(contract)),
        "examples": list(examples(page, contract.oracle)) if page is not None else [],
        "requirements": promises(schema, output, roles, page),
        "open": _questions(contract, builder),
    }
    by_hand += _to_look_over(contract, data)
    files = {
        "input.schema.json": _json(source.input),
        "output.schema.json": _json(source.output or {}),
        "event.schema.json": _json(event_schema(output)),
        **({"page.txt": page} if page is not None else {}),
    }
    kept = ("roles", "id", "title", "model", "provenance", "files")
    return Draft(
        yaml={key: value for key, value in data.items() if value or key in kept}, files=files, by_hand=by_hand
    )


def event_schema(output: Schema) -> dict[str, Any]:
    """The schema of what an event of a stream carries: a piece of the answer, none of which has to be there."""
    event: dict[str, Any] = {"title": "Event", "type": "object"}
    declared = answer_schema(output)[1].get("properties", {})
    if TEXT not in declared and (declared or not says(output, TEXT)):
        return event
    members: dict[str, Any] = {
        "response": {"type": "string", "description": "The next piece of the generated text"}
    }
    if not declared:
        return event  # the output says nothing of its members
    if "null" in (declared[TEXT].get("type") or []):
        members["response"]["type"] = ["string", "null"]
    if "tool_calls" in declared:
        members["tool_calls"] = declared["tool_calls"]
    return {**event, "properties": members}


def _provisional(
    schema: Schema,
    output: Schema,
    roles: Mapping[str, str],
    names: Mapping[str, list[str]],
    ordinary: Mapping[str, Any],
    unasked: Mapping[str, str],
    model: str,
) -> Contract:
    return Contract(
        id="import", location="", title="", model=model, provenance={}, sha256="",
        input=schema, output=output, event={}, roles=roles, branches=names, samples=ordinary, unasked=unasked,
    )  # fmt: skip


def _refuse_others(schema: Schema, output: Schema, name: str) -> None:
    # What this suite cannot ask at all, or whose answers it could not read.
    forms = [form for _, form in ways(schema)]
    if not any(_is_object(form) for form in forms):
        kinds = ", ".join(sorted({str(kind_of(form)) for form in forms}))
        raise ContractError(name, "input", f"no text generation: a request is no JSON object but {kinds}")
    if not any(form.get("properties") for form in forms):
        raise ContractError(name, "input", "no text generation: nothing is said of what a request has")
    answers = [form for _, form in ways(output)]
    if output and not any(_is_object(form) for form in answers):
        kinds = ", ".join(sorted({str(kind_of(form)) for form in answers}))
        raise ContractError(
            name,
            "output",
            f"no text generation: an answer is no JSON object but {kinds}",
            hint="This suite judges models that answer a prompt or messages with a text.",
        )


def _is_object(form: Schema) -> bool:
    return kind_of(form) in (None, "object")


def _assumed(schema: Schema) -> list[dict[str, Any]]:
    # A form that requires nothing matches every object, so that none would match exactly one form beside it.
    rows = []
    for place in walk(schema):
        forms = place.schema.get("oneOf", [])
        if any(not isinstance(step, Branch) for step in place.steps):
            continue
        for index, form in enumerate(forms):
            own = [name for name in form.get("properties", {}) if not _is_known(name, forms, index)]
            if own and _is_object(form) and not form.get("required") and not any(key in form for key in FORMS):
                because = "its schema requires nothing, so that every request would match it as well"
                rows.append({"pointer": f"{place.pointer}/oneOf/{index}", "required": own[:1], "because": because})
    return rows if any("required" in form for _, form in ways(schema)) else []


def _is_known(name: str, forms: Sequence[Schema], index: int) -> bool:
    return any(name in form.get("properties", {}) for number, form in enumerate(forms) if number != index)


def _unasked(schema: Schema) -> dict[str, str]:
    found: dict[str, str] = {}
    forms = list(ways(schema))
    for pointer, form in forms:
        if not _is_object(form):
            found[pointer] = f"its requests are no JSON objects but of type {kind_of(form)}"
        elif BATCH in form.get("required", ()) and len(forms) > 1:
            found[pointer] = "a batch, which is answered later and only where the caller asks for a queue"
    return found


def _provenance(source: Source, name: str, url: str, date: str) -> dict[str, Any]:
    what = "the text of a documentation page" if source.page is not None else "a pair of JSON Schemas"
    return {
        "source": f"{what}, imported from {name}",
        **({"url": url} if url else {}),
        "licence": "not stated",
        "date": date,
        "sha256": {},
        "notes": [
            *source.notes,
            "event.schema.json is made from the output: what streams of this API carry is a piece of it.",
            "Roles, samples, requirements and open questions are made from names and defaults in the schema.",
        ],
    }


def _impossible(contract: Contract) -> Any:
    for place in walk(contract.input, contract.branches):
        forms = place.schema.get("oneOf", [])
        kinds = ["number" if form.get("type") == "integer" else form.get("type") for form in forms]
        if forms and all(isinstance(kind, str) for kind in kinds) and len(set(kinds)) == len(kinds):
            yield {
                "requirement": contract.input_ids[f"{place.pointer}/oneOf"],
                "side": "two matches",
                "because": "disjoint types",
            }


def _questions(contract: Contract, builder: Builder) -> list[dict[str, Any]]:
    roles = contract.roles
    bases: dict[str, Any] = {}
    for role in ("text", "conversation"):
        for branch in builder.branches():
            base = builder.base(branch)
            if roles.get(role) in base and role not in bases and roles.get("text") not in list(base)[1:]:
                bases[role] = base
    rows = questions(contract.input, roles, contract.branches, bases)
    ids = contract.input_ids
    for branch in builder.branches():
        base, within = builder.base(branch), f"{builder.name(branch)}/" if builder.name(branch) else ""
        aims = [id_ for id_ in adapter_aims(roles, ids) if _lies_in(ids, id_, branch.pointer)]
        if aims:
            title = "the name of an adapter that was not said to exist"
            body = {**base, roles["adapter"]: ABSENT}
            rows.append({"id": f"open/{within}lora/unknown", "title": title, "body": body, "aims": aims})
        strings = [id_ for id_, holder in image_aims(contract.input, ids) if holder == branch.pointer]
        body = {**base, "image": "\u0089PNG"}
        if strings and contract.oracle.is_valid(body):
            title = "an image given as a string, whose schema says nothing about its contents"
            rows.append({"id": f"open/{within}image-string", "title": title, "body": body, "aims": strings})
    return rows


def _lies_in(ids: Mapping[str, str], id_: str, pointer: str) -> bool:
    return any(one == id_ and where.startswith(f"{pointer}/") for where, one in ids.items())


def _to_look_over(contract: Contract, data: Mapping[str, Any]) -> list[str]:
    found = []
    roles = contract.roles
    if not {"text", "conversation"} & roles.keys():
        found.append("no parameter is known to hold a prompt or messages: only the form of requests is tested")
    elif not contract.speaks:
        found.append("its output has no member response, so that nothing is known of what an answer says")
    compared = ("max_tokens", "temperature", "raw", "stream")
    if (contract.default_limit or 0) > LONGEST:
        found.append(
            f"answers without a limit have up to {contract.default_limit} tokens: how long they are is not compared"
        )
    for role in roles:
        wanted = f"default/{'max_tokens' if role == 'output_limit' else role}"
        stated = {
            form["properties"][roles[role]].get("default")
            for _, form in ways(contract.input)
            if isinstance(form.get("properties", {}).get(roles[role]), Mapping)
            and not isinstance(form["properties"][roles[role]].get("default"), list | dict)
        } - {None}
        if stated and role not in ("stream", "raw") and wanted.removeprefix("default/") not in compared:
            found.append(f"that {roles[role]} is {min(stated, key=str)} by default is not compared")
        if len(stated) > 1:
            found.append(f"{roles[role]} has several defaults, by form: {', '.join(sorted(map(str, stated)))}")
    found += [f"no request is made for {pointer}" for pointer in untested(contract.input)]
    if data["provenance"]["licence"] == "not stated" and "page" in data["files"]:
        found.append("provenance/licence: the licence of the page")
    if "raw" in roles and "text" in roles:
        found.append(
            'template: how the model writes a raw prompt, as in "[INST] {} [/INST]"; without it raw is asked less'
        )
    return found


def missing_roles(roles: Mapping[str, str]) -> list[str]:
    """The roles that no parameter plays."""
    return [role for role in ROLES if role not in roles]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
