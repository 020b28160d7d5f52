"""Checks of a contract. Each raises ContractError with the file, the place in it and what was expected there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from typing import Any

import jsonschema_rs

from infercheck.contract import Contract
from infercheck.contract_files import read_bytes
from infercheck.errors import ContractError
from infercheck.oracle import Oracle
from infercheck.reading import read
from infercheck.schema import FORMS, Schema, resolve, walk


def check_form(data: object, file: Traversable, form: Schema) -> None:
    """A file against the form that contract.schema.json gives it."""
    validator = jsonschema_rs.Draft202012Validator(dict(form))
    for error in validator.iter_errors(data):
        place = "/".join(str(token) for token in error.instance_path)
        raise ContractError(file, place, error.message[:300])


def check_provenance(data: Mapping[str, Any], folder: Traversable) -> None:
    """The vendored files are still those that were taken."""
    for name, expected in data["provenance"]["sha256"].items():
        found = hashlib.sha256(read_bytes(folder / name)).hexdigest()
        if found != expected:
            raise ContractError(
                folder / "contract.yaml",
                f"provenance/sha256/{name}",
                f"expected {expected}, but the file has {found}",
                hint="The vendored file was changed after it was taken; restore it, or record the new digest.",
            )


def read_schema(schema: object, file: Traversable | str, place: str = "") -> dict[str, Any]:
    """A schema as it is read; ContractError, which names the file and the place in it, where it is none."""
    if not isinstance(schema, Mapping):
        raise ContractError(file, place, "expected a JSON Schema that is an object")
    try:
        made = read(schema)
        jsonschema_rs.Draft202012Validator(made)
    except (ValueError, TypeError, AttributeError, jsonschema_rs.ValidationError) as error:
        raise ContractError(file, place, f"expected a JSON Schema: {str(error).splitlines()[0]}") from None
    return made


def check_clause(row: Mapping[str, Any], file: Traversable, place: str, schema: Schema, page: str | None) -> None:
    """A clause points to something in the input schema, or quotes the page."""
    if "pointer" in row:
        try:
            resolve(schema, row["pointer"])
        except KeyError:
            raise ContractError(
                file, f"{place}/pointer", f"the input schema has nothing at {row['pointer']}"
            ) from None
    if "quote" in row:
        squeezed = " ".join(row["quote"].split())
        if page is None or squeezed not in " ".join(page.split()):
            raise ContractError(file, f"{place}/quote", f"the page does not say {squeezed!r}")


def check_against_schema(contract: Contract, data: Mapping[str, Any], file: Traversable) -> None:
    """What contract.yaml says of the input schema's places: names, values, sides, bodies and roles."""
    for pointer, names in contract.branches.items():
        place = _at(contract.input, pointer, file, f"branches/{pointer}")
        forms: list[Schema] = next((place[keyword] for keyword in FORMS if keyword in place), [])
        if len(forms) != len(names):
            raise ContractError(
                file,
                f"branches/{pointer}",
                f"expected {len(forms)} names, one for each branch of its oneOf or anyOf",
            )
    for row, pointer, value in _values(contract):
        if not Oracle(_at(contract.input, pointer, file, row)).is_valid(value):
            raise ContractError(file, row, "the schema at this pointer refuses this value")
    for index, (requirement, _) in enumerate(contract.impossible):
        _check_disjoint(contract, requirement, file, f"impossible/{index}")
    for pointer in contract.unasked:
        _at(contract.input, pointer, file, f"unasked/{pointer}")
    _check_bodies(contract, file)
    for index, row in enumerate(data.get("open", [])):
        for aim in row.get("aims", []):
            if aim not in contract.requirements:
                raise ContractError(file, f"open/{index}/aims", f"there is no requirement {aim}")
    properties = {name for place in walk(contract.input) for name in place.schema.get("properties", {})}
    for role, name in contract.roles.items():
        if name not in properties:
            raise ContractError(file, f"roles/{role}", f"the input schema declares no property {name!r}")


def _values(contract: Contract) -> Iterator[tuple[str, str, Any]]:
    for pointer, value in contract.samples.items():
        yield f"samples/{pointer}", pointer, value
    for pointer, labelled in contract.values.items():
        for label, value in labelled.items():
            yield f"values/{pointer}/{label}", pointer, value


def _check_bodies(contract: Contract, file: Traversable) -> None:
    rows = [(f"examples/{index}", one.body) for index, one in enumerate(contract.examples)]
    rows += [(f"open/{index}", one.body) for index, one in enumerate(contract.open)]
    for place, body in rows:
        try:
            valid = contract.oracle.is_valid(json.loads(body))
        except ValueError as error:
            raise ContractError(file, place, f"expected a JSON text: {error}") from None
        if not valid:
            raise ContractError(file, place, "the input schema refuses this body")


def _check_disjoint(contract: Contract, requirement: str, file: Traversable, place: str) -> None:
    pointers = [pointer for pointer, id_ in contract.input_ids.items() if id_ == requirement]
    if not pointers:
        raise ContractError(file, f"{place}/requirement", f"there is no requirement {requirement}")
    forms = resolve(contract.input, pointers[0])
    kinds = [form.get("type") for form in forms] if isinstance(forms, list) else [None]
    # "number" takes in "integer", so a pair of those two would not be disjoint.
    named = ["number" if kind == "integer" else kind for kind in kinds]
    if not all(isinstance(kind, str) for kind in kinds) or len(set(named)) != len(named):
        raise ContractError(
            file, f"{place}/because", f"the branches of {pointers[0]} are not of disjoint types: {kinds}"
        )


def _at(schema: Schema, pointer: str, file: Traversable, place: str) -> Schema:
    try:
        found = resolve(schema, pointer)
    except KeyError:
        raise ContractError(file, place, "the input schema has nothing at this pointer") from None
    if not isinstance(found, Mapping):
        raise ContractError(file, place, "expected the pointer of a schema")
    return found
