"""Loading a contract, from the package or from a folder."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from infercheck.contract import Contract, Example, OpenQuestion, answer_schema, says
from infercheck.contract_checks import (
    check_against_schema,
    check_clause,
    check_form,
    check_provenance,
    read_schema,
)
from infercheck.contract_files import read_json, read_text, read_yaml
from infercheck.errors import ContractError
from infercheck.reading import assume
from infercheck.requirements import Clause, Level, Requirement, from_schema
from infercheck.schema import CLOSED, FORMS, Schema
from infercheck.spoken import CHOICES, TEXT

OF_SPEECH = ("output/present", "stream/present", "output/null-response")
"""What is asked of answers that hold the words of a model."""

DEFAULT = "mistral-7b-instruct-v0.2-lora"


def available() -> list[str]:
    """The ids of the contracts that come with the package."""
    root = importlib.resources.files("infercheck.schemas")
    return sorted(
        folder.name for folder in root.iterdir() if folder.is_dir() and (folder / "contract.yaml").is_file()
    )


def load(name_or_path: str = DEFAULT) -> Contract:
    """Load a contract by its id, or from a folder; ContractError says what is wrong with it and where."""
    if name_or_path in available():
        return _load(importlib.resources.files("infercheck.schemas") / name_or_path, name_or_path)
    folder = Path(name_or_path)
    if not folder.is_dir():
        known = ", ".join(available())
        raise ContractError(
            name_or_path,
            "",
            "no such contract",
            hint=f"Give a folder with a contract.yaml, or one of: {known}",
        )
    return _load(folder, str(folder.absolute()))


def _load(folder: Traversable, location: str) -> Contract:
    seal = hashlib.sha256()
    file = folder / "contract.yaml"
    data = read_yaml(file, seal)
    check_form(data, file, _form_schema())
    schemas = {kind: read_json(folder / name, seal) for kind, name in data["files"].items() if kind != "page"}
    page = read_text(folder / data["files"]["page"], seal) if "page" in data["files"] else None
    check_provenance(data, folder)
    schemas = {kind: read_schema(schema, folder / data["files"][kind]) for kind, schema in schemas.items()}
    for index, row in enumerate(data.get("assumed", [])):
        check_clause({"pointer": row["pointer"]}, file, f"assumed/{index}", schemas["input"], None)
        schemas["input"] = assume(schemas["input"], row["pointer"], row["required"])
    branches = data.get("branches", {})
    requirements = _requirements(data, schemas, folder, page)
    contract = Contract(
        id=data["id"],
        location=location,
        title=data["title"],
        model=data["model"],
        provenance=data["provenance"],
        sha256=seal.hexdigest(),
        input=schemas["input"],
        output=schemas.get("output", {}),
        event=schemas.get("event", {}),
        roles=data.get("roles", {}),
        template=data.get("template", ""),
        branches=branches,
        samples=data.get("samples", {}),
        values=data.get("values", {}),
        unasked={row["pointer"]: row["because"] for row in data.get("unasked", [])},
        impossible=tuple((row["requirement"], row["side"]) for row in data.get("impossible", [])),
        examples=tuple(
            Example(id=row["id"], title=row["title"], body=row["body"].encode(), content_type=row["content_type"])
            for row in data.get("examples", [])
        ),
        open=tuple(_open_question(row) for row in data.get("open", [])),
        requirements=requirements,
        deviations={row["id"]: folder / row["file"] for row in data.get("known_deviations", [])},
    )
    check_against_schema(contract, data, file)
    return contract


def _open_question(row: Mapping[str, Any]) -> OpenQuestion:
    text = row["text"] if "text" in row else json.dumps(row["body"], ensure_ascii=False)
    return OpenQuestion(
        id=row["id"],
        title=row["title"],
        body=text.encode("utf-8"),
        endless=row.get("endless", False),
        aims=tuple(row.get("aims", ())),
    )


# Requirements


_LEFT_OPEN = {"pointer": "", "source": "the input schema allows it, and the page leaves it open"}


def _requirements(
    data: Mapping[str, Any], schemas: Mapping[str, Schema], folder: Traversable, page: str | None
) -> dict[str, Requirement]:
    file = folder / "contract.yaml"
    branches = data.get("branches", {})
    found = from_schema("input", schemas["input"], branches)
    if "output" in schemas:
        pointer, answer = answer_schema(schemas["output"])
        found += from_schema("output", answer, {}, pointer)
    if "event" in schemas:
        found += from_schema("stream/event", schemas["event"], {})
    heard = not schemas.get("output") or any(says(schemas["output"], member) for member in (TEXT, CHOICES))
    found += [one for one in _standards() if heard or one.id not in OF_SPEECH]
    rows = [("requirements", index, row) for index, row in enumerate(data.get("requirements", []))]
    rows += [("examples", index, {"level": "MUST", **row}) for index, row in enumerate(data.get("examples", []))]
    rows += [
        ("open", index, {"level": "INFO", **_LEFT_OPEN, **row}) for index, row in enumerate(data.get("open", []))
    ]
    for section, index, row in rows:
        place = f"{section}/{index}"
        check_clause(row, file, place, schemas["input"], page)
        found.append(_requirement(row, "the page" if "quote" in row else "input schema"))
    found.append(_combinations("input/combinations"))
    if not _is_closed(schemas["input"]):
        found.append(_unknown_properties("input/unknown-properties"))
    by_id: dict[str, Requirement] = {}
    for requirement in found:
        if requirement.id in by_id:
            raise ContractError(file, requirement.id, "two requirements share this id; each needs its own")
        by_id[requirement.id] = requirement
    return by_id


def _is_closed(schema: Schema) -> bool:
    # Whether every form of a request forbids keys that it does not declare.
    forms = [form for keyword in FORMS for form in schema.get(keyword, [])]
    return schema.get(CLOSED) is False or (bool(forms) and all(map(_is_closed, forms)))


def _requirement(row: Mapping[str, Any], source: str | None) -> Requirement:
    return Requirement(
        id=row["id"],
        level=Level(row["level"]),
        title=row["title"],
        clause=Clause(pointer=row.get("pointer"), quote=row.get("quote"), source=row.get("source", source)),
    )


def _combinations(id_: str) -> Requirement:
    clause = Clause(pointer="/oneOf", source="input schema: no keyword ties one parameter to another")
    return Requirement(
        id=id_, level=Level.MUST, title="values that are valid alone are valid together", clause=clause
    )


def _unknown_properties(id_: str) -> Requirement:
    source = "JSON Schema Core 2020-12, section 10.3.2.3; the schema forbids no additional properties"
    clause = Clause(pointer="", source=source)
    return Requirement(
        id=id_, level=Level.MUST, title="a key that the schema does not declare is allowed", clause=clause
    )


def _standards() -> Iterator[Requirement]:
    file = importlib.resources.files("infercheck.schemas") / "standards.yaml"
    data = read_yaml(file, hashlib.sha256())
    form = _form_schema()
    check_form(data["requirements"], file, {**form["$defs"]["requirements"], "$defs": form["$defs"]})
    for row in data["requirements"]:
        yield _requirement(row, None)


def _form_schema() -> Any:
    file = importlib.resources.files("infercheck.schemas") / "contract.schema.json"
    return json.loads(file.read_text("utf-8"))
