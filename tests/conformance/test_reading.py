"""A schema that is read allows what it allowed before, in fewer words."""

from __future__ import annotations

import itertools

import jsonschema
import jsonschema_rs
import pytest
from fakes import CONTRACT

from infercheck.reading import CannotRead, read

VALUES = (None, True, 0, 1, -1, 0.5, 2, 7, "", "a", "text", [], [1], ["a", "a"], {}, {"a": 1}, {"b": "x"})
INSTANCES = [*VALUES, *({"a": one, "b": other} for one, other in itertools.product(VALUES, VALUES[:12]))]

NUMBER = {"type": "number", "minimum": 0, "maximum": 2}
SCHEMAS = {
    "number-or-null": {"properties": {"a": {"anyOf": [NUMBER, {"type": "null"}], "default": 1}}},
    "enum-or-null": {"properties": {"a": {"oneOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]}}},
    "single-form": {"properties": {"a": {"anyOf": [{"type": "string", "minLength": 1}], "description": "one"}}},
    "references": {"$defs": {"n": NUMBER}, "properties": {"a": {"$ref": "#/$defs/n"}, "b": {"$ref": "#/$defs/n"}}},
    "reference-and-more": {
        "definitions": {"n": NUMBER},
        "properties": {"a": {"$ref": "#/definitions/n", "minimum": 1}},
    },
    "all-of": {
        "allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": NUMBER}}, {"required": ["b"]}]
    },
    "all-of-that-differ": {
        "allOf": [{"properties": {"a": {"pattern": "^a"}}}, {"properties": {"a": {"pattern": "t$"}}}]
    },
    "closed-all-of": {
        "properties": {"a": NUMBER},
        "allOf": [{"additionalProperties": False}, {"properties": {"b": {}}}],
    },
    "shared-beside-one-of": {
        "type": "object",
        "properties": {"a": NUMBER},
        "oneOf": [{"required": ["a"]}, {"required": ["b"], "properties": {"b": {"type": "string"}}}],
    },
    "shared-beside-any-of": {
        "properties": {"a": {"type": "string"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    },
    "closed-beside-one-of": {
        "properties": {"a": {}},
        "additionalProperties": False,
        "oneOf": [{"required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}],
    },
    "booleans": {"properties": {"a": True, "b": False}, "additionalProperties": True},
    "not": {"$defs": {"t": {"const": "text"}}, "properties": {"a": {"not": {"$ref": "#/$defs/t"}}}},
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_is_read_allows_the_same(name):
    schema = SCHEMAS[name]
    before, after = jsonschema.Draft202012Validator(schema), jsonschema_rs.Draft202012Validator(read(schema))
    for instance in INSTANCES:
        assert before.is_valid(instance) == after.is_valid(instance), instance


def test_draft_4_excludes_its_limits_by_a_word():
    schema = {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 1, "exclusiveMaximum": False}
    before, after = jsonschema.Draft4Validator(schema), jsonschema_rs.Draft202012Validator(read(schema))
    for instance in (-1, 0, 0.5, 1, 2, "a"):
        assert before.is_valid(instance) == after.is_valid(instance)


def test_what_needs_no_reading_stays_as_it_is():
    assert read(CONTRACT.input) == CONTRACT.input
    assert list(read(CONTRACT.input)["oneOf"][0]["properties"]) == list(CONTRACT.input["oneOf"][0]["properties"])


def test_a_schema_that_refers_to_itself_is_read_once_and_allows_anything_within():
    tree = {"$defs": {"t": {"type": "object", "properties": {"child": {"$ref": "#/$defs/t"}}}}, "$ref": "#/$defs/t"}
    assert read(tree) == {"type": "object", "properties": {"child": {}}}


@pytest.mark.parametrize("target", ["#/$defs/none", "https://example.org/x", "other.json#/a"])
def test_a_reference_to_what_is_not_there_is_named(target):
    with pytest.raises(CannotRead, match="leads to nothing"):
        read({"$ref": target})
