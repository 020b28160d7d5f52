"""Curl lines: whatever a journal says, a shell is given only what we would write ourselves."""

from __future__ import annotations

import shlex

import pytest

from infercheck.cases import Request
from infercheck.reports.curl import curl

SAFE = ('-H "X-Key: $MY_KEY"', "-H 'X-Api: a b'", "--insecure", "--cacert /etc/ca.pem", "--proxy http://p:1")
UNSAFE = ("; id", "-o /etc/passwd", "$(id)", '-H "X: $(id)"', "-H 'a", "--proxy x; id", "&& id", "")


def line(*options, variable="MY_TOKEN", body=b"{}"):
    target = {"url": "http://x/", "token_variable": variable, "curl_options": list(options)}
    return curl({"target": target, "folder": "/tmp", "contract": {"model": "m"}}, Request(body=body))


@pytest.mark.parametrize("option", SAFE)
def test_what_leads_to_a_target_is_given(option):
    assert f" {option} " in line(option)


def test_an_address_with_brackets_is_one_address():
    target = {"url": "http://x/?a[]={1}", "token_variable": None, "curl_options": []}
    made = curl({"target": target, "folder": "/", "contract": {"model": "m"}}, Request(body=b"{}"))
    assert made.startswith("curl -g -sS")
    assert " -g " not in line()


@pytest.mark.parametrize("option", UNSAFE)
def test_what_a_shell_would_do_otherwise_is_left_out(option):
    assert line(option) == line()


@pytest.mark.parametrize("body", ['{\n "a": "é 灯 😀"}', '{"a": 1}'])
def test_a_body_that_can_be_read_stands_in_the_line(body):
    assert shlex.split(line(body=body.encode()))[-1] == body


@pytest.mark.parametrize("body", [b'{"a":\t1}', '{"a": "\u202eb"}'.encode(), b"@a", b"\x00", b"\xff", b"a" * 3000])
def test_one_that_cannot_be_read_there_is_read_from_a_file(body):
    assert shlex.split(line(body=body))[-1].startswith("@/tmp/bodies/")


@pytest.mark.parametrize("variable", ["X$(id)", 'X"; id; "', "1X", ""])
def test_what_is_no_variable_is_not_named(variable):
    assert line(variable=variable) == line(variable=None)
