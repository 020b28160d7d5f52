"""The config file: what it says, on which line, and what is wrong with one in words that repeat no value."""

from __future__ import annotations

import json
import re
import time
from importlib.resources import files
from pathlib import Path

import click
import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from infercheck.cli import run
from infercheck.config import LISTS, NAME, PATHS, find_config, read_config
from infercheck.config import TEMPLATE as TEMPLATE_NAME
from infercheck.errors import ConfigError, UserError
from infercheck.yamlfile import check, load

SCHEMAS = Path(str(files("infercheck.schemas")))
FORM = json.loads((SCHEMAS / "config.schema.json").read_text("utf-8"))
TEMPLATE = (SCHEMAS / TEMPLATE_NAME).read_text("utf-8")
KEYS = FORM["properties"]
SECRET = "sk-Zq81"

DIGITS = "Write it in digits, without quotes and without a unit."
NUMBER = "YAML reads a number here. Put it in quotes."
BOOLEAN = "YAML reads yes, no, on and off as true or false. Put it in quotes if it is meant as text."
QUOTE = "Text that begins with one of * & ! % @ ` [ { or has `: ` in it needs quotes."
TABS = "YAML is indented with spaces, never with tabs."
TEXT = "Put it in quotes if it is meant as text."
UNCOUNTED = "this is no number that can be counted with"
ABSENT = "`no-lora`, `no-tools`, `no-stream` or `no-template`"
GIVE = "Give it a value, or take it out."
PLURAL = "`lora` is to be a text, or a list of texts"
TOKEN = (
    "`token_env` is to be the NAME of the environment variable that holds the token, never the token itself",
    "Put the token into a variable, as in `export MY_TOKEN=…`, and its name here: token_env: MY_TOKEN",
)
RATE = "`rate` is to be a pace such as 5/s, 300/m or 1000/h"
RATE_HINT = "Write how many requests, a slash, and s, m or h for a second, a minute or an hour."


@pytest.fixture(params=["libyaml", "python"])
def parser(request, monkeypatch):
    """Both parsers of PyYAML: libyaml, and its own where that is missing."""
    if request.param == "libyaml":
        assert yaml.__with_libyaml__
    else:
        monkeypatch.delattr(yaml, "CSafeLoader")
    return request.param


@pytest.fixture
def path(tmp_path):
    return tmp_path / NAME


@pytest.fixture
def values(path):
    """Reads a config file of this text or these bytes."""

    def read(text):
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return read_config(path).values

    return read


@pytest.fixture
def complaint(path, values):
    """The complaint about a config file, from the line on, and its hint."""

    def read(text):
        with pytest.raises(ConfigError) as caught:
            values(text)
        assert str(caught.value).startswith(f"{path}:")
        assert isinstance(caught.value, UserError)
        return str(caught.value).removeprefix(f"{path}:"), caught.value.hint

    return read


# What a file says


def test_all_kinds_of_values_are_read(values):
    text = """
target: http://127.0.0.1:1/run
headers: {X-Account: $ACCOUNT, X-Empty: ''}
timeout: 0.1
insecure: yes
seed: 0
concurrency: 64
declare: [no-lora, no-stream]
start: [python, server.py]
rate: 2.5/s
"""
    assert values(text) == {
        "target": "http://127.0.0.1:1/run",
        "headers": {"X-Account": "$ACCOUNT", "X-Empty": ""},
        "timeout": 0.1,
        "insecure": True,
        "seed": 0,
        "concurrency": 64,
        "declare": ["no-lora", "no-stream"],
        "start": ["python", "server.py"],
        "rate": "2.5/s",
    }


@pytest.mark.parametrize("text", ["", "\n\n", "# no\n#target: x\n", "---\n", "---\n# nothing\n...\n", "\ufeff"])
def test_an_empty_file_is_an_empty_config(parser, values, text):
    assert values(text) == {}


@pytest.mark.parametrize("key", LISTS)
def test_one_text_stands_for_a_list_of_one(values, key):
    assert values(f"{key}: no-lora") == {key: ["no-lora"]}
    assert values(f"{key}: [no-lora, no-tools]") == {key: ["no-lora", "no-tools"]}
    assert values(f"{key}: []") == {key: []}


def test_these_are_the_keys_that_take_one_text_for_a_list():
    # All that take a text or a list, but for start: as a text that one goes to a shell.
    either = {key for key, schema in KEYS.items() if "$ref" in schema or "anyOf" in schema}
    assert either == {*LISTS, "start"}


def test_a_command_stays_what_it_is(values):
    assert values("start: python server.py") == {"start": "python server.py"}


def test_bom_crlf_and_dates_are_no_matter(parser, path, values):
    assert values("\ufefftarget: ä\r\n\r\nlora:\r\n- 2027-01-31\r\n") == {"target": "ä", "lora": ["2027-01-31"]}
    assert read_config(path).line_of("lora") == 3


def test_anchors_and_merge_keys_work_as_users_expect(parser, path):
    path.write_text(
        "base: &base {a: 1, b: 2}\nother: &other\n  b: 3\n  c: 4\n"
        "one:\n  <<: [*base, *other]\n  a: 5\ntwo: {<<: *other}\nlist:\n- *base\n- x: *other\n"
    )
    file = load(path)
    assert file.value == {
        "base": {"a": 1, "b": 2},
        "other": {"b": 3, "c": 4},
        "one": {"a": 5, "b": 2, "c": 4},
        "two": {"b": 3, "c": 4},
        "list": [{"a": 1, "b": 2}, {"x": {"b": 3, "c": 4}}],
    }
    # What is merged or stands for something else is where it was written; an item is where it stands in the list.
    assert [file.line(p) for p in (["one", "a"], ["one", "b"], ["two", "c"])] == [7, 1, 4]
    assert [file.line(p) for p in (["list", 0], ["list", 0, "a"], ["list", 1, "x"], ["list", 1, "x", "b"])] == [
        10, 1, 11, 3,
    ]  # fmt: skip


def test_an_anchor_counts_from_where_it_is_set_again(values):
    assert values("lora: &a [x]\nonly: *a\nexclude: &a [y]\nexpect: *a") == {
        "lora": ["x"], "only": ["x"], "exclude": ["y"], "expect": ["y"],
    }  # fmt: skip


def test_lines_are_those_of_keys_and_items_or_of_the_nearest_parent(parser, path):
    path.write_text("# first\n\na:\n  b:\n\n    - one\n    -\n      two\n  ? c\n  : >\n    folded\n\nd: 1\n")
    file = load(path)
    lines = {
        (): 3,
        ("a",): 3,
        ("a", "b"): 4,
        ("a", "b", 0): 6,
        ("a", "b", 1): 8,
        ("a", "b", 2): 4,
        ("a", "c"): 9,
        ("a", "c", "x"): 9,
        ("a", "x", "y"): 3,
        ("d",): 13,
        ("e",): 3,
    }
    assert {p: file.line(p) for p in lines} == lines


def test_a_config_knows_the_lines_of_its_keys(path):
    path.write_text("target: x\n\nlora:\n- a\n")
    config = read_config(path)
    assert config.path == path
    assert [config.line_of(key) for key in ("target", "lora", "seed")] == [1, 3, 1]


def test_signs_that_yaml_has_other_uses_for_are_texts_where_they_stand_alone(parser, path):
    path.write_text('a: =\nb: <<\n"<<": 5\nc: ! x\n')
    assert load(path).value == {"a": "=", "b": "<<", "<<": 5, "c": "x"}


# Paths


def test_paths_start_from_the_folder_of_the_file(tmp_path, monkeypatch):
    folder = tmp_path / "sub"
    folder.mkdir()
    (folder / "known.yaml").touch()
    (folder / "mine").mkdir()
    (tmp_path / "elsewhere.yaml").touch()
    (folder / NAME).write_text(
        "ca_bundle: a.pem\noutput: ./out\nbaseline: ../before\ncontract: mine\n"
        "expect: [known.yaml, elsewhere.yaml, hosted]\n"
    )
    monkeypatch.chdir(tmp_path)
    assert read_config(Path("sub") / NAME).values == {
        "ca_bundle": "sub/a.pem",
        "output": "sub/out",
        "baseline": "sub/../before",
        "contract": "sub/mine",
        "expect": ["sub/known.yaml", "elsewhere.yaml", "hosted"],
    }


def test_absolute_paths_and_names_stay_as_they_are(tmp_path, values):
    (tmp_path / "file").touch()
    text = "".join(f"{key}: /x/{key}\n" for key in PATHS)
    assert values(text) == {key: f"/x/{key}" for key in PATHS}
    # A contract is a folder; one text is a list; and what is too long for a path is a name.
    assert values("contract: file\nexpect: file") == {"contract": "file", "expect": [str(tmp_path / "file")]}
    long = "x" * 5000
    assert values(f"contract: {long}\nexpect: {long}") == {"contract": long, "expect": [long]}


def test_a_config_is_found_in_its_folder_and_no_other(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / NAME).touch()
    assert find_config(tmp_path) == tmp_path / NAME
    assert find_config(inner) is None
    (inner / NAME).mkdir()
    assert find_config(inner) is None


# What is wrong with one


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        # the top
        ("- a", "1: the file is to be a mapping of keys to values, not a list", ""),
        ("\nhello", "2: the file is to be a mapping of keys to values, not a text", ""),
        # unknown keys
        ("target: x\n\ntokn_env: X", "3: there is no key `tokn_env`; did you mean `token_env`?", ""),
        ("tokenEnv: X", "1: there is no key `tokenEnv`; did you mean `token_env`?", ""),
        ("Max-Time: 5", "1: there is no key `Max-Time`; did you mean `max_time`?", ""),
        ("TOKEN: X", "1: there is no key `TOKEN`; did you mean `token_env`?", ""),
        ("adaptors: []", "1: there is no key `adaptors`; did you mean `lora`?", ""),
        ("resume: yes", "1: there is no key `resume`", f"Keys are: {', '.join(KEYS)}."),
        ('"a\\n\\e[1m": 1', "1: there is no key `a��[1m`", f"Keys are: {', '.join(KEYS)}."),
        (f"? {'k' * 2000}\n: 1", f"1: there is no key `{'k' * 60}…`", f"Keys are: {', '.join(KEYS)}."),
        # types
        ("timeout: '60'", "1: `timeout` is to be a number of 0.1 or more, not a text", DIGITS),
        ("timeout: 60s", "1: `timeout` is to be a number of 0.1 or more, not a text", DIGITS),
        ("seed: true", "1: `seed` is to be a whole number of 0 or more, not true or false", ""),
        ("timeout: true", "1: `timeout` is to be a number of 0.1 or more, not true or false", ""),
        ("seed: 1.0", "1: `seed` is to be a whole number of 0 or more, not a fraction", ""),
        ("insecure: 'true'", "1: `insecure` is to be true or false, not a text",
         "Write true or false, without quotes."),
        ("insecure: 1", "1: `insecure` is to be true or false, not a number", ""),
        ("target: {a: b}", "1: `target` is to be a text, not a mapping", ""),
        ("output: 5", "1: `output` is to be a text, not a number", NUMBER),
        ("lora: 5", f"1: {PLURAL}, not a number", NUMBER),
        ("lora: no", f"1: {PLURAL}, not true or false", BOOLEAN),
        ("lora: {a: b}", f"1: {PLURAL}, not a mapping", ""),
        ("lora:\n- a\n- 123", "3: item 2 of `lora` is to be a text, not a number", NUMBER),
        ("lora: [[a]]", "1: item 1 of `lora` is to be a text, not a list", ""),
        ("headers: [a]", "1: `headers` is to be a mapping of header names to texts, not a list", ""),
        ("headers:\n  A: b\n  X-B: 1", "3: `X-B` in `headers` is to be a text, not a number", NUMBER),
        ("start: 5", "1: `start` is to be a text, or a list of its words, not a number", NUMBER),
        ("start: [a, on]", "1: item 2 of `start` is to be a text, not true or false", BOOLEAN),
        ("declare: 5", f"1: `declare` is to be {ABSENT}, or a list of such words, not a number", NUMBER),
        # words
        ("profile: Quick", "1: `profile` is to be `quick`, `standard` or `deep`; did you mean `quick`?", ""),
        ("profile: long", "1: `profile` is to be `quick`, `standard` or `deep`", ""),
        ("dialect: wroker", "1: `dialect` is to be `rest`, `worker` or `auto`; did you mean `worker`?", ""),
        ("fail_on: off", "1: `fail_on` is to be `must` or `should`, not true or false", BOOLEAN),
        ("declare: no_tools", f"1: `declare` is to be {ABSENT}; did you mean `no-tools`?", ""),
        ("declare:\n- no-lora\n- tools", f"3: item 2 of `declare` is to be {ABSENT}; did you mean `no-tools`?", ""),
        # bounds
        ("timeout: 0.05", "1: `timeout` is to be a number of 0.1 or more", ""),
        ("seed: -1", "1: `seed` is to be a whole number of 0 or more", ""),
        ("concurrency: 65", "1: `concurrency` is to be a whole number from 1 to 64", ""),
        ("concurrency: 0", "1: `concurrency` is to be a whole number from 1 to 64", ""),
        ("ready_timeout: 0", "1: `ready_timeout` is to be a number above 0", ""),
        ("max_time: .inf", f"1: {UNCOUNTED}", TEXT),
        ("max_time: -.INF", f"1: {UNCOUNTED}", TEXT),
        ("max_time: .nan", f"1: {UNCOUNTED}", TEXT),
        (f"seed: {'1' * 400}", f"1: {UNCOUNTED}", TEXT),
        (f"seed: {'1' * 5000}", f"1: {UNCOUNTED}", TEXT),
        # nothing there
        ("target:", "1: `target` has no value", "Give it one, or take it out."),
        ("seed: ~", "1: `seed` has no value", "Give it one, or take it out."),
        ("dialect:", "1: `dialect` has no value", "Give it one, or take it out."),
        ("lora:", "1: `lora` has no value", "Give it one, or take it out."),
        ("lora:\n-\n", "2: item 1 of `lora` has no value", "Give it one, or take it out."),
        ("target: ''", "1: `target` is empty", GIVE),
        ("only: ''", "1: `only` is empty", GIVE),
        ("only: [a, '']", "1: item 2 of `only` is empty", GIVE),
        ("start: []", "1: `start` is empty", GIVE),
        # forms
        (f"token_env: {SECRET}", f"1: {TOKEN[0]}", TOKEN[1]),
        ("token_env: |\n  MY_TOKEN\n", f"1: {TOKEN[0]}", TOKEN[1]),
        ("token_env: 1A", f"1: {TOKEN[0]}", TOKEN[1]),
        ("rate: 300", f"1: {RATE}, not a number", RATE_HINT),
        ("rate: 0.0/m", f"1: {RATE}", RATE_HINT),
        ("rate: 5/d", f"1: {RATE}", RATE_HINT),
        ("ready: localhost:80", "1: `ready` is to be a URL, as in http://127.0.0.1:8787/health", ""),
        ("proxy: localhost:80", "1: `proxy` is to be a URL, as in http://proxy:3128", ""),
        # YAML
        ("\nseed: 1\ntarget: x\nseed: 2", "4: `seed` stands twice, the first time in line 2",
         "Take one of the two out."),
        ("headers: {A: b, A: b}", "1: `A` stands twice, the first time in line 1", "Take one of the two out."),
        ("<<: {seed: 1}\n<<: {seed: 2}", "2: `<<` stands twice, the first time in line 1",
         "Take one of the two out."),
        ("<<: 5", "1: `<<` takes in a mapping, or a list of mappings", ""),
        ("1: x", "1: `1` is read as a number, and keys are texts", "Put it in quotes."),
        ("null: x", "1: `null` is read as nothing, and keys are texts", "Put it in quotes."),
        ("? \n: x", "1: a key is read as nothing, and keys are texts", "Put it in quotes."),
        ("on: x", "1: `on` is read as true or false, and keys are texts", "Put it in quotes."),
        ("headers: {yes: x}", "1: `yes` is read as true or false, and keys are texts", "Put it in quotes."),
        ("? [a]\n: b", "1: a list or a mapping cannot be a key", QUOTE),
        ("target: {{ url }}", "1: a list or a mapping cannot be a key", QUOTE),
        ("only: *x", "1: `*` begins an alias, and no anchor of that name stands before it", QUOTE),
        ("only: &a [x, *a]", "1: `*` begins an alias, and no anchor of that name stands before it", QUOTE),
        ("target: !env X", "1: `!` begins a tag, and only plain values are read here", QUOTE),
        ("target: !!python/name:os.system", "1: `!` begins a tag, and only plain values are read here", QUOTE),
        ("lora: !!set {a}", "1: `!` begins a tag, and only plain values are read here", QUOTE),
        ("seed: !!int x", f"1: {UNCOUNTED}", TEXT),
        ("insecure: !!bool x", "1: this is neither true nor false", TEXT),
        ("lora:\n- 2027-02-30", "2: there is no such date", TEXT),
        ("lora: !!timestamp x", "1: there is no such date", TEXT),
        ("seed: 1\n---\nseed: 2", "2: a second document begins here", "One file holds one document."),
        (b"seed: 1\ntarget: \xff", "2: this is not UTF-8", "Save the file as UTF-8."),
        ("seed: 1".encode("utf-16"), "1: this is not UTF-8", "Save the file as UTF-8."),
        (b"seed: 1\ntarget: a\x07", "2: YAML has no place for the character U+0007", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(parser, complaint, text, message, hint):
    assert complaint(text) == (message, hint)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("seed: 1\n\ttarget: x", "2: this is no YAML: ", TABS),
        ("lora:\n  \t- x", "2: this is no YAML: ", TABS),
        ("only: */maximum", "1: this is no YAML: ", QUOTE),
        ("only: `x`", "1: this is no YAML: ", QUOTE),
        ("seed: 1\n  target: x", "2: this is no YAML: mapping values are not allowed",
         "The line is indented too far, or text that has `: ` in it needs quotes."),
        ('target: "C:\\certs"', "1: this is no YAML: found unknown escape character",
         "In double quotes \\ begins an escape; put the text in single quotes."),
        ("target: 'abc\nseed: 1\n", "2: this is no YAML: found unexpected end of stream, while scanning a ",
         "A quote is opened and not closed."),
        ("lora: [a,\n  b\nseed: 1", "3: this is no YAML: ",
         "A bracket is opened and not closed, or a comma is missing."),
    ],
)  # fmt: skip
def test_syntax_errors_have_their_line_and_say_what_to_do(parser, complaint, text, message, hint):
    said = complaint(text)
    assert said[0].startswith(message)
    assert said[1] == hint


def test_the_words_of_libyaml_are_passed_on(complaint):
    assert complaint("only: */x")[0] == "1: this is no YAML: did not find expected alphabetic or numeric character"
    text = "lora: [a,\n  b\nseed: 1"
    said = "did not find expected ',' or ']', while parsing a flow sequence that begins in line 1"
    assert complaint(text)[0] == f"3: this is no YAML: {said}"


def test_the_first_fault_of_several_is_the_one_that_is_said(complaint):
    text = "\nlora: [a, 5]\ntarget: 5\nurl: x\nseed: -1"
    lines = text.split("\n")
    found = []
    while len(lines) > 1:
        said, _ = complaint("\n".join(lines))
        found.append(said)
        lines[int(said.partition(":")[0]) - 1] = ""
        if not any(lines):
            break
    assert found == [
        "2: item 2 of `lora` is to be a text, not a number",
        "3: `target` is to be a text, not a number",
        "4: there is no key `url`; did you mean `target`?",
        "5: `seed` is to be a whole number of 0 or more",
    ]


def test_the_type_goes_before_the_rest(path):
    # A number is neither of these words, but that it is a number says more.
    path.write_text("a: 5")
    with pytest.raises(ConfigError) as caught:
        check(load(path), {"properties": {"a": {"enum": ["x", "y"], "type": "string"}}})
    assert str(caught.value) == f"{path}:1: `a` is to be `x` or `y`, not a number"


def test_of_the_keys_that_have_to_be_there_the_one_that_is_not_is_named(path):
    path.write_text("a: 5")
    with pytest.raises(ConfigError) as caught:
        check(load(path), {"required": ["a", "b"]})
    assert str(caught.value) == f"{path}:1: `b` is missing"


def test_a_file_that_cannot_be_read_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path / "none.yaml")
    assert str(caught.value) == f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory"
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path)
    assert str(caught.value) == f"{tmp_path}: cannot be read: Is a directory"


# Secrets


PLACES = [
    "{}: {}", "{}: [{}]", "{}: {{a: {}}}", "{}: [[{}]]", "{}: '{}'", "{}:\n- {}\n- [1", "{}: *{}", "{}: &{}",
    "{}: !{} x", "{}: !{}!x y", "{}: !<{}", '{}: "{}', '{}: "\\q{}"', "{}: @{}", "{}: %{}", "{}: `{}`", "{}: {} #",
    "{}: |\n  {}\n {}", "{}: a: {}", "{}: - {}", "{}: {}\n  x: 1", "{}:\n\t{}", "{}: {{{}", "{}: 1\n{}", "%{} {}",
    "{}: &{} 1\nb: &{} 2", "{}: &a {}\nb: *a\n&b c: &d d\n*a : 1",
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("key", ["token_env", "token", "headers", "timeout", "declare", "profile", "start"])
def test_no_message_repeats_a_value(parser, path, place, key):
    path.write_text(place.replace("{}", key, 1).replace("{}", SECRET).replace("{{", "{").replace("}}", "}"))
    said = ""
    try:
        read_config(path)
    except ConfigError as error:
        said = f"{error} {error.hint}"
    assert "Zq81" not in said


# Ugly input


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 500, "".join(f"{' ' * n}a{n}:\n" for n in range(400))])
def test_deep_nesting_is_refused(parser, complaint, text):
    said = complaint(text)[0]
    assert re.fullmatch(r"\d+: (lists and mappings stand more than 100 deep|this is no YAML: exceeded max).*", said)


def test_a_hundred_deep_is_deep_enough(complaint):
    # The mapping of the file itself is the first.
    assert complaint("lora: " + "[" * 99 + "x" + "]" * 99)[0].startswith("1: item 1 of `lora`")
    assert complaint("lora: " + "[" * 100 + "x" + "]" * 100) == (
        "1: lists and mappings stand more than 100 deep in each other", "",
    )  # fmt: skip


def test_aliases_of_aliases_do_not_explode(complaint):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    began = time.monotonic()
    assert complaint("\n".join(lines))[0] == (
        "6: more than 1,000,000 values, where every alias counts as what it stands for"
    )
    assert time.monotonic() - began < 5


@pytest.mark.slow
@pytest.mark.parametrize("parser", ["libyaml"], indirect=True)
def test_a_megabyte_is_read_in_no_time(parser, values, complaint):
    began = time.monotonic()
    assert len(values("lora:\n" + "".join(f"- adapter number {n}\n" for n in range(45_000)))["lora"]) == 45_000
    said, _ = complaint("".join(f"key{n}: value number {n}\n" for n in range(45_000)))
    assert said == "1: there is no key `key0`"
    assert time.monotonic() - began < 10


WORDS = [": ", "- ", "\n  ", "<<: *a", "&a ", "*a", "!!int ", "!!float ", "!!bool ", "yes", "1.5", "2027-01-31"]
ALPHABET = st.sampled_from([*"ab:-?!&*%@[]{},#|>'\"\\~<=.01 \n", *WORDS])


def plain(value):
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(ALPHABET, max_size=25).map("".join))
def test_any_text_is_refused_as_a_config_or_read_as_pyyaml_reads_it(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text)
    for loader in (yaml.CSafeLoader, yaml.SafeLoader):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(yaml, "CSafeLoader", loader)
            try:
                file = load(path)
            except ConfigError as error:
                where, line, said = str(error).split(":", 2)
                assert (where, line.isdecimal(), said != " ") == (str(path), True, True)
                continue
        json.dumps(file.value, allow_nan=False)
        try:
            theirs = yaml.load(text, loader)
        except yaml.YAMLError:
            continue  # PyYAML makes nothing of a plain `=`, and of anchors that are set twice
        assert file.value == ({} if theirs is None else plain(theirs))


# Other files


EXPECTATIONS = {
    "type": "object",
    "required": ["expect"],
    "additionalProperties": False,
    "properties": {
        "expect": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["reason"],
                "anyOf": [{"required": ["requirement"]}, {"required": ["case"]}],
                "additionalProperties": False,
                "properties": {
                    "requirement": {"type": "string", "x-also": ["id"]},
                    "case": {"type": "string"},
                    "reason": {"type": "string", "minLength": 1},
                    "expires": {"type": "string", "pattern": "^[0-9-]+$", "description": "The last day."},
                },
            },
        }
    },
}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "1: `expect` is missing", ""),
        ("expect: x", "1: `expect` is to be a list of mappings, not a text", ""),
        ("expect:\n- a", "2: item 1 of `expect` is to be a mapping of keys to values, not a text", ""),
        ("expect:\n- case: a\n  reason: b\n- case: c", "4: `reason` is missing in item 2 of `expect`", ""),
        ("expect:\n- reason: b", "2: `requirement` or `case` is missing in item 1 of `expect`", ""),
        ("expect:\n- case: a\n  reason: b\n  id: c",
         "4: there is no key `id` in item 1 of `expect`; did you mean `requirement`?", ""),
        ("expect:\n- case: a\n  reason: b\n  foo: c", "4: there is no key `foo` in item 1 of `expect`",
         "Keys are: requirement, case, reason, expires."),
        ("expect:\n- {case: a, reason: b, expires: soon}",
         "2: `expires` in item 1 of `expect` is not of the form that is wanted", "The last day."),
        ("expect:\n- case: a\n  reason:", "3: `reason` in item 1 of `expect` has no value",
         "Give it one, or take it out."),
    ],
)  # fmt: skip
def test_other_files_are_checked_alike(path, text, message, hint):
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        check(load(path), EXPECTATIONS)
    assert (str(caught.value), caught.value.hint) == (f"{path}:{message}", hint)


def test_what_fits_is_not_complained_of(path):
    path.write_text("expect:\n- {case: a, reason: b, expires: 2027-01-31}\n")
    assert check(load(path), EXPECTATIONS) is None


# The schema and the template


def test_the_schema_is_one_and_says_what_every_key_is():
    jsonschema.Draft202012Validator.check_schema(FORM)
    assert FORM["$id"]
    assert all(len(schema["description"]) > 20 for schema in KEYS.values())
    for schema in KEYS.values():
        for example in schema.get("examples", []):
            jsonschema.validate({next(k for k, s in KEYS.items() if s is schema): example}, FORM)


def test_no_other_name_means_two_keys():
    names = [name for key, schema in KEYS.items() for name in (key, *schema["x-also"])]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("url", "target"), ("endpoint", "target"), ("token", "token_env"), ("adapters", "lora"),
        ("window", "context_window"), ("absences", "declare"), ("expectations", "expect"), ("command", "start"),
        ("timeout_ready", "ready_timeout"), ("warmup", "warm_up"), ("workers", "concurrency"),
    ],
)  # fmt: skip
def test_names_that_people_try_lead_to_ours(complaint, name, key):
    assert complaint(f"{name}: 1")[0] == f"1: there is no key `{name}`; did you mean `{key}`?"


@pytest.mark.parametrize("key", KEYS)
def test_every_other_name_leads_to_its_key(complaint, key):
    for name in KEYS[key]["x-also"]:
        assert complaint(f"{name}: {SECRET}") == (f"1: there is no key `{name}`; did you mean `{key}`?", "")


OPTIONS = {{"contract_name": "contract"}.get(option.name, option.name): option for option in run.params}


def test_every_key_is_an_option_of_the_command_line():
    assert set(OPTIONS) - set(KEYS) == {"config", "no_config", "write_expectations", "resume", "github", "quiet"}
    assert set(KEYS) <= set(OPTIONS)


@pytest.mark.parametrize("key", KEYS)
def test_a_key_takes_what_its_option_takes(key):
    schema, kind = KEYS[key], OPTIONS[key].type
    # The target is an argument, which is never given twice.
    assert getattr(OPTIONS[key], "multiple", False) == (key in (*LISTS, "headers"))
    if isinstance(kind, click.Choice):
        words = FORM["$defs"]["absence"] if key == "declare" else schema
        assert words["enum"] == list(kind.choices)
    elif isinstance(kind, click.IntRange | click.FloatRange):
        assert schema["type"] == ("integer" if isinstance(kind, click.IntRange) else "number")
        assert schema["exclusiveMinimum" if kind.min_open else "minimum"] == kind.min
        assert schema.get("maximum") == kind.max
    else:
        assert (schema.get("type") == "boolean") == isinstance(kind, click.types.BoolParamType)


def test_the_template_is_a_valid_config(values):
    assert list(values(TEMPLATE)) == ["target"]
    assert len(TEMPLATE.splitlines()) < 90
    assert max(map(len, TEMPLATE.splitlines())) <= 116


def test_the_template_has_every_key_once_and_says_what_it_is(values):
    # Words begin after "# "; a key that is commented out follows its # at once, and what is in it is indented.
    whole = re.sub(r"^#(?=[a-z]|  )", "", TEMPLATE, flags=re.MULTILINE)
    found = values(whole)
    assert sorted(found) == sorted(KEYS)
    lines = whole.splitlines()
    for key in KEYS:
        [index] = [index for index, line in enumerate(lines) if line.startswith(f"{key}:")]
        assert lines[index - 1].startswith(("# ", "max_requests:")), key


def test_the_defaults_that_the_template_shows_are_the_command_lines(values):
    whole = values(re.sub(r"^#(?=[a-z]|  )", "", TEMPLATE, flags=re.MULTILINE))
    mine = [option for key, option in OPTIONS.items() if key in KEYS]
    shown = [option for option in mine if isinstance(option.default, int | float | str)]
    assert len(shown) >= 8
    for option in shown:
        value = whole[option.name]
        if option.name == "target":
            continue
        assert (Path(value).name if option.name == "output" else value) == option.default, option.name
