"""Importing: a contract made from a documentation page's text, or from a pair of JSON Schemas."""
