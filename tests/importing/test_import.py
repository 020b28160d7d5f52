"""Contracts from elsewhere: made of a page or of schemas, whatever their shape, and kept by whoever keeps them."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from fakes import CONTRACT
from harness import broken, ids, invoke, judge
from keeping import Serving
from shapes import PICTURE, SHAPES

from infercheck.contract_loader import load
from infercheck.errors import ContractError, UsageError
from infercheck.findings import Verdict
from infercheck.generate.builder import Builder
from infercheck.importing.draft import draft_of
from infercheck.importing.folder import loaded, write
from infercheck.importing.source import source_of
from infercheck.plan import Options, make_plan

HERE = Path(__file__).parent
VENDORED = Path(str(files("infercheck.schemas"))) / CONTRACT.id
NEWER = (HERE / "newer.page.txt").read_text("utf-8")
DATE = "2026-11-27"


def drafted(text, name="model.json", **more):
    return draft_of(source_of(text, name), name, date=DATE, **more)


def contract_of(pair):
    return loaded(drafted(json.dumps(pair)))


@pytest.fixture(scope="module")
def newer(tmp_path_factory):
    return write(drafted(NEWER, "newer.page.txt"), tmp_path_factory.mktemp("contracts") / "newer")


# Pages


@pytest.fixture(scope="module")
def again():
    return loaded(drafted((VENDORED / "page.txt").read_text("utf-8"), "page.txt"))


def test_the_vendored_page_imported_again_makes_the_same_requirements_of_a_request(again):
    def of_input(contract):
        return [one for one in contract.requirements.values() if one.area == "input"]

    assert of_input(again) == of_input(CONTRACT)
    assert again.default_limit == CONTRACT.default_limit
    assert (again.roles, again.branches, again.impossible) == (
        CONTRACT.roles,
        CONTRACT.branches,
        CONTRACT.impossible,
    )
    assert again.model == CONTRACT.model


def test_what_of_it_was_added_by_hand_is_no_more_than_this(again):
    assert set(CONTRACT.requirements) - set(again.requirements) == {
        "template/raw",  # the template that the model was trained on, which its page does not give
        "open/image/fraction",
        "open/lora/unknown",
    }
    assert set(again.requirements) - set(CONTRACT.requirements) == {
        "open/image/messages/over-8-bit",
        "open/prompt/lora/unknown",
    }
    for id_, one in again.requirements.items():
        assert one.level == CONTRACT.requirements.get(id_, one).level, id_


def test_the_calls_of_a_page_are_the_bytes_that_their_code_sends(again):
    assert [(one.id, one.body, one.content_type) for one in again.examples] == [
        (one.id, one.body, one.content_type) for one in CONTRACT.examples
    ]


def test_the_newer_form_of_the_page_is_read_whole(newer):
    assert newer.input == json.loads((Path(newer.location) / "input.schema.json").read_text())
    for id_ in (
        "input/prompt/response_format/type/enum",
        "input/messages/messages/items/content/oneOf",
        "input/messages/messages/items/content/array/items/type",
        "input/prompt/top_p/minimum",
        "output/required",
        "default/raw",
        "example/curl",
    ):
        assert id_ in newer.requirements
    assert "input/prompt/prompt/maxLength" not in newer.requirements
    assert "effect/top_p/zero" not in newer.requirements  # 0 is not allowed


def test_a_plan_has_both_sides_of_what_the_newer_form_has_new(newer):
    plan = make_plan(newer, Options())
    for id_ in (
        "input/prompt/response_format/type/enum",
        "input/messages/messages/items/content/array/items/text/type",
        "input/messages/messages/items/content/oneOf",
        "input/prompt/top_p/minimum",
        "input/messages/presence_penalty/minimum",
    ):
        assert plan.exist[id_] == {"valid", "invalid"}, id_
    bodies = [json.loads(case.request.body) for case in plan.cases if case.id.startswith("boundary/")]
    values = {body.get("top_p") for body in bodies if isinstance(body, dict)}
    assert {0.001, 0.0009, 0, 1, 1.01} <= values
    assert {-2, -2.01} <= {body.get("presence_penalty") for body in bodies if isinstance(body, dict)}


@pytest.mark.slow
def test_a_server_that_keeps_the_newer_form_is_not_blamed(newer):
    results = judge(Serving(newer), contract=newer, adapters=("poet", "pirate"))
    assert broken(results) == set()
    assert ids(results, Verdict.INCONCLUSIVE, Verdict.ERROR) == set()
    assert results.exit_status() == 0


def changed(contract, change):
    """What a server takes for valid whose schema is another in one thing."""
    schema = json.loads(json.dumps(contract.input))
    change(*(form["properties"] for form in schema["oneOf"]))
    return Serving(contract, schema)


def accepts_a_lower_top_p(prompt, messages):
    prompt["top_p"]["minimum"] = 0.0001


def refuses_negative_penalties(prompt, messages):
    messages["presence_penalty"]["minimum"] = 0


def refuses_parts(prompt, messages):
    content = messages["messages"]["items"]["properties"]["content"]
    messages["messages"]["items"]["properties"]["content"] = content["oneOf"][0]


def takes_any_format(prompt, messages):
    del prompt["response_format"]["properties"]["type"]["enum"]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (accepts_a_lower_top_p, "input/prompt/top_p/minimum"),
        (refuses_negative_penalties, "input/messages/presence_penalty/minimum"),
        (refuses_parts, "input/messages/messages/items/content"),
        (takes_any_format, "input/prompt/response_format/type/enum"),
    ],
)
def test_a_server_that_breaks_what_is_new_is_shown(newer, change, wanted):
    found = broken(judge(changed(newer, change), contract=newer, only=(wanted,)))
    assert found
    assert all(id_.startswith(wanted) for id_ in found)


def test_an_answer_without_what_the_newer_form_requires_is_shown(newer):
    class Silent(Serving):
        def say(self, body):
            said = super().say(body)
            return {"text": said["response"]} if isinstance(said, dict) else said

    results = judge(Silent(newer), contract=newer, only=("output/required",))
    assert "output/required" in broken(results)


# Schemas


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_whoever_keeps_a_contract_of_any_shape_is_not_blamed(shape):
    pair = SHAPES[shape]
    contract = contract_of(pair)
    schema = None if "requires-nothing" in shape else pair["input"]
    results = judge(Serving(contract, schema), contract=contract)
    assert broken(results) == set()
    assert ids(results, Verdict.INCONCLUSIVE, Verdict.ERROR) == set()
    assert results.exit_status() == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_planned_for_a_shape_is_what_its_schema_says_of_it(shape):
    contract = contract_of(SHAPES[shape])
    for case in make_plan(contract, Options()).cases:
        if case.group in ("boundary", "pairwise", "relation", "examples"):
            body = json.loads(case.request.body)
            assert contract.oracle.is_valid(body) == (case.expectation != "invalid"), case.id


@pytest.mark.parametrize(
    ("shape", "id_", "outside"),
    [
        ("multiples", "input/max_tokens/minimum", {0}),
        ("multiples", "input/max_tokens/maximum", {8194}),
        ("multiples", "input/top_k/minimum", {0}),
        ("multiples", "input/top_k/maximum", {50}),
        ("multiples", "input/warmth/exclusiveMinimum", {0, -0.25}),
        ("multiples", "input/warmth/maximum", {1.0}),
        ("what-comes-together-and-what-is-unlike", "input/top_logprobs/maximum", {6}),
        ("limits-that-exclude-small-ones", "input/max_tokens/minimum", {15}),
    ],
)
def test_every_bound_is_broken_by_a_value_that_breaks_nothing_else(shape, id_, outside):
    name = id_.split("/")[1]
    plan = make_plan(contract_of(SHAPES[shape]), Options())
    bodies = [
        json.loads(case.request.body)
        for case in plan.cases
        if any(aim.requirement == id_ and not aim.side.is_valid for aim in case.aims)
    ]
    assert outside <= {body[name] for body in bodies}


def test_unlike_elements_are_counted():
    plan = make_plan(contract_of(SHAPES["what-comes-together-and-what-is-unlike"]), Options())
    (five,) = (case for case in plan.cases if case.id.startswith("boundary/input/stop/maxItems/"))
    stop = json.loads(five.request.body)["stop"]
    assert len(stop) == len(set(stop)) == 5


@pytest.mark.parametrize(
    ("shape", "branches"),
    [
        ("untitled", ["prompt", "messages"]),
        ("titled-after-the-model", ["prompt", "messages"]),
        ("a-batch-that-requires-nothing", ["prompt", "messages"]),
        ("forms-in-forms", ["prompt", "messages", "responses"]),
        ("chat-completions", ["prompt", "messages"]),
        ("one-form", [""]),
        ("shared-parameters", ["prompt", "messages"]),
    ],
)
def test_the_forms_of_a_request_have_names(shape, branches):
    builder = Builder(contract_of(SHAPES[shape]))
    assert [builder.name(branch) for branch in builder.branches()] == branches


def test_a_form_that_matches_everything_is_taken_to_require_what_is_its_own():
    draft = drafted(json.dumps(SHAPES["a-batch-that-requires-nothing"]))
    assert [(row["pointer"], row["required"]) for row in draft.yaml["assumed"]] == [("/oneOf/2", ["requests"])]
    assert any("is taken to require requests" in line for line in draft.by_hand)
    assert loaded(draft).unasked.keys() == {"/oneOf/2"}


def test_what_is_no_text_generation_has_no_such_promises():
    contract = contract_of(SHAPES["no-text-generation"])
    assert not contract.roles
    assert not [id_ for id_ in contract.requirements if id_.startswith(("effect/", "default/", "output/present"))]
    with pytest.raises(ContractError, match="no text generation: an answer is no JSON object but string"):
        contract_of(PICTURE)


# Texts

PAIR = SHAPES["untitled"]
INPUT, OUTPUT = (json.dumps(PAIR[side], indent=1) for side in ("input", "output"))
MARKDOWN = f"# Acme\n\n## Input\n\n```json\n{INPUT}\n```\n\n## Output\n\n```json\n{OUTPUT}\n```\n"
HTML = f"<!doctype html><h1>Acme</h1><h2>Input</h2><pre>{INPUT}</pre><h2>Output</h2><pre><i>{OUTPUT}</i></pre>"


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(PAIR),
        "\ufeff" + json.dumps(PAIR, indent=4).replace("\n", "\r\n"),
        f" ⛅️ wrangler 4.0\n{{ not JSON }}\n{json.dumps(PAIR, indent=2)}\nDone {{1.2}}\n",
        json.dumps({"name": "@cf/acme/nine", "task": {"name": "Text Generation"}, "schema": PAIR}),
        json.dumps({"success": True, "errors": [], "messages": [], "result": PAIR}),
        MARKDOWN,
        HTML,
    ],
)
def test_the_schemas_are_found_in_whatever_stands_around_them(text):
    source = source_of(text, "it")
    assert (source.input, source.output) == (PAIR["input"], PAIR["output"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON Schema in this text"),
        ("Some words about a model.", "no JSON Schema in this text"),
        ('curl -d \'{"prompt": "hi"}\'', "what there is in JSON is none"),
        ('{"input": {"$ref": "#/$defs/none"}}', "leads to nothing"),
        ('{"input": {"$ref": "https://example.org/schema.json"}}', "leads to nothing"),
        ('{"input": {"type": "string", "format": "binary"}}', "a request is no JSON object but string"),
        ('{"input": {"$ref": "#"}}', "nothing is said of what a request has"),
        ('{"input": {"properties": {"prompt": {"type": "strin"}}}}', "input: expected a JSON Schema"),
        ('{"input": {"properties": {"prompt": {"pattern": "("}}}}', "input: expected a JSON Schema"),
        ('{"input": {"properties": {"a": {}}, "required": "a"}}', "input: expected a JSON Schema"),
        ('{"input": {"properties": {"a": {}}}, "output": {"properties": {"b": {"type": 1}}}}', "output: expected"),
    ],
)
def test_what_is_no_page_and_no_schema_is_refused_with_what_to_give(text, said):
    with pytest.raises(ContractError, match="it: ") as raised:
        draft_of(source_of(text, "it"), "it", date=DATE)
    assert said in str(raised.value).replace("\\", "")


@pytest.mark.parametrize("text", [json.dumps(PAIR), json.dumps(PAIR, indent=2), MARKDOWN])
def test_a_text_that_is_cut_off_is_no_smaller_contract(text):
    ends = [end for end in range(1, len(text)) if is_within_json(text, end)]
    assert len(ends) > 100
    for end in ends[::5]:
        with pytest.raises(ContractError, match="is cut off"):
            source_of(text[:end], "it")


def is_within_json(text, end):
    # Between the braces of its first object.
    start = text.index("{")
    _, length = json.JSONDecoder().raw_decode(text[start:])
    return start < end < start + length


def test_a_contract_that_is_there_is_not_written_over(tmp_path):
    draft = drafted(json.dumps(PAIR))
    write(draft, tmp_path / "own")
    (tmp_path / "own" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        write(draft, tmp_path / "own")
    assert (tmp_path / "own" / "mine.txt").is_file()
    write(draft, tmp_path / "own", force=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is no contract"):
        write(draft, tmp_path / "other", force=True)
    assert (tmp_path / "other" / "mine.txt").is_file()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["other", "own"]


# Commands


def test_import_says_what_it_found_and_what_comes_next(tmp_path):
    file = tmp_path / "nine.json"
    file.write_text(json.dumps(PAIR))
    out = tmp_path / "contracts" / "nine"
    said = invoke(
        "contracts", "import", file, "--output", out, "--model", "@cf/acme/nine", "--source", "https://a.b/c"
    )
    assert said.exit_code == 0, said.output
    for words in (
        "prompt, messages",
        "conversation (messages)",
        "roles missing",
        "tools",
        "tools/names",
        f"infercheck run URL --contract {out}",
    ):
        assert words in said.output
    contract = load(str(out))
    assert contract.model == "@cf/acme/nine"
    assert contract.provenance["url"] == "https://a.b/c"
    again = invoke("contracts", "import", file, "--output", out)
    assert again.exit_code == 2
    assert "is there already" in again.output


def test_diff_speaks_of_requirements_and_of_what_is_refused(tmp_path):
    page, old = tmp_path / "newer.page.txt", CONTRACT.id
    page.write_text(NEWER)
    said = invoke("contracts", "diff", old, page)
    assert said.exit_code == 0
    for line in (
        "  input/prompt/top_p/maximum  2 -> 1",
        "- input/prompt/prompt/maxLength  131072",
        "+ input/prompt/response_format",
        "- input/messages/image",
        '+ output/required  ["response"]',
        "+ messages/raw  false",
        '- effect/top_p/zero  "SHOULD"',
        "B accepts less: a client that keeps to A may be refused (top_p=0, top_p=2",
        "B accepts more: a server that keeps to A may refuse what B allows (frequency_penalty=-2",
    ):
        assert line in said.output
    assert invoke("contracts", "diff", old, page, "--exit-code").exit_code == 1
    assert invoke("contracts", "diff", old, old, "--exit-code").exit_code == 0
    value = json.loads(invoke("contracts", "diff", old, page, "--format", "json").output)
    row = {"id": "input/prompt/top_p/maximum", "before": 2, "after": 1, "change": "changed"}
    assert row in value["input"]
    assert invoke("contracts", "diff", old, tmp_path / "none").exit_code == 2


SERVED = [
    *("titled-after-the-model", "forms-in-forms", "chat-completions", "streamed-unless-told-otherwise"),
    *("tools-of-any-kind", "names-of-its-own", "another-answer", "top-k-that-may-be-off", "always-a-stream"),
]


@pytest.mark.slow
@pytest.mark.parametrize("shape", SERVED)
def test_the_reference_server_keeps_whatever_contract_it_is_run_against(tmp_path, shape):
    file, out = tmp_path / "nine.json", tmp_path / "nine"
    file.write_text(json.dumps(SHAPES[shape]))
    assert invoke("contracts", "import", file, "--output", out).exit_code == 0
    said = invoke("run", "reference", "--contract", out, "--output", tmp_path / "out")
    assert said.exit_code == 0, said.output
    assert " 0 broken, 0 warnings, 0 undecided" in said.output


@pytest.mark.slow
def test_requests_are_drawn_of_the_newer_form_too(newer):
    options = {"profile": "deep", "only": ("input/messages/messages",), "max_requests": 300}
    assert broken(judge(Serving(newer), contract=newer, **options)) == set()
    assert broken(judge(changed(newer, refuses_parts), contract=newer, **options)) != set()


# Forms that lack what their siblings have

FORMS = [form["properties"] for form in CONTRACT.input["oneOf"]]
LACKING = [
    *(([0], name) for name in FORMS[0] if name != "prompt"),
    *(([1], name) for name in FORMS[1] if name != "messages"),
    *(([0, 1], name) for name in FORMS[0] if name in FORMS[1]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("forms", "name"), LACKING, ids=[f"{name}-{forms}" for forms, name in LACKING])
def test_a_form_may_lack_what_its_sibling_has(forms, name):
    pair = json.loads(json.dumps({"input": CONTRACT.input, "output": CONTRACT.output}))
    for index in forms:
        del pair["input"]["oneOf"][index]["properties"][name]
    contract = contract_of(pair)
    for profile in ("standard", "deep"):
        plan = make_plan(contract, Options(profile=profile))
        assert plan.cases
        # Those on suspicion, too, which are not claimed before.
        assert all(relation.claims or not relation.planned for relation in plan.relations)


def test_no_terminal_obeys_the_names_of_a_schema(tmp_path):
    name = "odd\u202e\x1b[2J"
    file, folder = tmp_path / "model.json", tmp_path / "odd"
    properties = {"prompt": {"type": "string"}, name: {"type": "integer", "maximum": 9}}
    pair = {"input": {"type": "object", "properties": properties, "required": ["prompt"]}, "output": {}}
    file.write_text(json.dumps(pair))
    said = [invoke("contracts", "import", file, "--output", folder), invoke("contracts", "diff", CONTRACT.id, file)]
    said += [invoke(word, "--contract", folder) for word in ("contracts", "explain", "plan")]
    said.append(invoke("explain", "input/*", "--contract", folder))
    for result in said:
        assert result.exit_code == 0, result.output
        assert result.output.replace("\n", "").isprintable()
    assert sum(r"odd\u202e\x1b[2J" in result.output for result in said) >= 4
