"""The contract that is shipped is the page's, and a broken one is refused with file, place and expectation."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from fakes import CONTRACT

from infercheck.contract_loader import available, load
from infercheck.errors import ContractError
from infercheck.requirements import Level

FOLDER = Path(str(files("infercheck.schemas"))) / "mistral-7b-instruct-v0.2-lora"
PAGE = (FOLDER / "page.txt").read_text("utf-8")


def test_the_input_schema_is_the_one_on_the_page_in_value_and_key_order():
    printed = PAGE[PAGE.index("based on JSON Schema") + len("based on JSON Schema") :]
    # Dumping keeps the order of keys, so equal texts mean equal values in equal order.
    assert json.dumps(json.loads(printed)) == json.dumps(json.loads((FOLDER / "input.schema.json").read_text()))


def test_the_output_schema_says_what_the_output_section_says():
    section = PAGE[PAGE.index("\nOutput\n") : PAGE.index("\nAPI Schemas\n")]
    answer = CONTRACT.output["oneOf"][0]
    for name, sub in answer["properties"].items():
        assert f"{name} {sub['type']}" in section
        assert sub["description"] in section
    items = answer["properties"]["tool_calls"]["items"]["properties"]
    for name, sub in items.items():
        assert f"{name} {sub['type']}" in section
        assert sub["description"] in section
    assert "1 string" in section
    assert CONTRACT.output["oneOf"][1]["type"] == "string"


def walk_keywords(schema, pointer=""):
    """A walk of its own: it knows nothing of the code that it tests."""
    for key, value in schema.items():
        if key in ("type", "required", "oneOf", "minimum", "maximum", "minLength", "maxLength"):
            yield f"{pointer}/{key}", key
        if key == "properties":
            for name, sub in value.items():
                yield from walk_keywords(sub, f"{pointer}/properties/{name}")
        elif key in ("items", "additionalProperties"):
            yield from walk_keywords(value, f"{pointer}/{key}")
        elif key == "oneOf":
            for index, sub in enumerate(value):
                yield from walk_keywords(sub, f"{pointer}/oneOf/{index}")


def test_every_keyword_of_the_schema_is_a_must_with_an_id_of_its_own():
    found = dict(walk_keywords(CONTRACT.input))
    kinds = list(found.values())
    assert (kinds.count("type"), kinds.count("required"), kinds.count("oneOf")) == (60, 11, 4)
    assert sum(kind.startswith(("min", "max")) for kind in kinds) == 31
    of_input = [r for r in CONTRACT.requirements.values() if r.area == "input" and r.keyword is not None]
    assert {r.clause.pointer: r.keyword for r in of_input} == found
    assert len({r.id for r in of_input}) == len(found) == 106
    assert all(r.level is Level.MUST for r in of_input)


@pytest.mark.parametrize(
    ("id_", "pointer"),
    [
        ("input/prompt/top_k/maximum", "/oneOf/0/properties/top_k/maximum"),
        (
            "input/messages/tools/items/function/parameters/required",
            "/oneOf/1/properties/tools/items/oneOf/1/properties/function/properties/parameters/required",
        ),
        ("input/messages/tools/items/function/required", "/oneOf/1/properties/tools/items/oneOf/1/required"),
        (
            "input/messages/tools/items/function/function/required",
            "/oneOf/1/properties/tools/items/oneOf/1/properties/function/required",
        ),
        ("input/prompt/image/string/type", "/oneOf/0/properties/image/oneOf/1/type"),
        ("output/response/type", "/oneOf/0/properties/response/type"),
        ("stream/event/response/type", "/properties/response/type"),
    ],
)
def test_ids_are_readable_and_point_to_their_clause(id_, pointer):
    assert CONTRACT.requirements[id_].clause.pointer == pointer


def test_no_clause_that_is_not_the_pages_or_a_standards_is_a_must():
    for requirement in CONTRACT.requirements.values():
        clause = requirement.clause
        assert clause.pointer is not None or clause.quote or clause.source, requirement.id
        if requirement.level is Level.MUST and clause.source not in (None, "the page"):
            assert (
                clause.source.startswith(("RFC ", "WHATWG ", "JSON Schema Core", "the page's Output section"))
                or clause.source.endswith("schema")
                or clause.source.startswith("input schema")
            ), requirement.id


def test_the_page_is_a_contract_that_loads_by_its_name_and_from_a_folder(tmp_path):
    assert available() == ["mistral-7b-instruct-v0.2-lora"]
    copy = shutil.copytree(FOLDER, tmp_path / "own")
    assert load(str(copy)).requirements == CONTRACT.requirements


def break_yaml(folder, change):
    file = folder / "contract.yaml"
    data = yaml.safe_load(file.read_text("utf-8"))
    data["provenance"]["date"] = str(data["provenance"]["date"])
    change(data)
    file.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), "utf-8")


def drop(*path):
    def change(data):
        for key in path[:-1]:
            data = data[key]
        del data[path[-1]]

    return change


def put(value, *path):
    def change(data):
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return change


SAMPLE = "/oneOf/0/properties/prompt"


@pytest.mark.parametrize(
    ("change", "place", "expected"),
    [
        (drop("title"), "contract.yaml", "title"),
        (put("must", "requirements", 0, "level"), "requirements/0/level", "must"),
        (put("/oneOf/0/properties/nothing", "requirements", 0, "pointer"), "requirements/0/pointer", "nothing"),
        (put("The page never said so.", "requirements", 1, "quote"), "requirements/1/quote", "never said"),
        (put("stream/media-type", "requirements", 0, "id"), "stream/media-type", "two requirements"),
        (put({"colour": "blue"}, "roles"), "roles", "colour"),
        (put("colour", "roles", "seed"), "roles/seed", "colour"),
        (put(["array"], "branches", "/oneOf/0/properties/image"), "branches/", "expected 2 names"),
        (put(5, "samples", SAMPLE), f"samples/{SAMPLE}", "refuses"),
        (put({"x": 5}, "values", SAMPLE), f"values/{SAMPLE}/x", "refuses"),
        (put({"max_tokens": "x"}, "open", 0, "body"), "open/0", "refuses"),
        (put(["input/nothing"], "open", 0, "aims"), "open/0/aims", "input/nothing"),
        (put("{}", "examples", 0, "body"), "examples/0", "refuses"),
        (put("{", "examples", 0, "body"), "examples/0", "JSON"),
        (put("input/messages/tools/items/oneOf", "impossible", 0, "requirement"), "impossible/0", "disjoint"),
        (put("input/none", "impossible", 0, "requirement"), "impossible/0/requirement", "input/none"),
        (put("0" * 64, "provenance", "sha256", "page.txt"), "provenance/sha256/page.txt", "digest"),
    ],
)
def test_a_broken_contract_is_refused_with_file_place_and_expectation(tmp_path, change, place, expected):
    folder = shutil.copytree(FOLDER, tmp_path / "own")
    break_yaml(folder, change)
    with pytest.raises(ContractError) as raised:
        load(str(folder))
    message = f"{raised.value} {raised.value.hint}"
    assert str(folder / "contract.yaml") in message
    assert place in message
    assert expected in message


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("contract.yaml", "a: [", "line 2: expected YAML"),
        ("contract.yaml", "a: 1", "contract.yaml"),
        ("output.schema.json", "{", "expected JSON"),
        ("event.schema.json", '{"type": "colour"}', "expected a JSON Schema"),
        ("event.schema.json", "[]", "expected a JSON Schema"),
        ("event.schema.json", '{"$ref": "#/$defs/none"}', "leads to nothing"),
    ],
)
def test_a_broken_file_is_named(tmp_path, file, text, expected):
    folder = shutil.copytree(FOLDER, tmp_path / "own")
    (folder / file).write_text(text)
    with pytest.raises(ContractError) as raised:
        load(str(folder))
    assert str(folder / file) in str(raised.value)
    assert expected in str(raised.value)


def test_both_loaders_of_yaml_read_the_same():
    for file in (FOLDER / "contract.yaml", FOLDER.parent / "standards.yaml"):
        text = file.read_text("utf-8")
        assert yaml.load(text, yaml.SafeLoader) == yaml.load(text, yaml.CSafeLoader)


def test_a_missing_file_and_a_missing_contract_are_named(tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "own")
    (folder / "output.schema.json").unlink()
    with pytest.raises(ContractError, match=r"output\.schema\.json: cannot be read"):
        load(str(folder))
    with pytest.raises(ContractError, match="no such contract") as raised:
        load("nothing-like-this")
    assert "mistral-7b" in raised.value.hint
