"""What the commands say of relations between answers: what they need and mean, and one of their answers again."""

from __future__ import annotations

import json
import re

import pytest
from fakes import CONTRACT
from harness import RELATED, invoke, plan_of, served
from mutants.defaults import Writes128TokensByDefault

import infercheck
from infercheck.cases import RELATION, Case
from infercheck.checks.relations import ROWS
from infercheck.errors import UsageError
from infercheck.plan import Options

PLAN = plan_of(CONTRACT, Options())
DEFAULT = "default/max_tokens"
SHORT, LONG = "relation/prompt/seed=42", "relation/prompt/max_tokens=256,seed=42"


# infercheck plan


def vectors(*arguments):
    return [json.loads(line) for line in invoke("plan", "--format", "ndjson", *arguments).stdout.splitlines()]


def test_the_plan_counts_what_is_asked_again_and_its_price():
    text = invoke("plan").stdout
    assert f"\n{PLAN.requests} requests: " in text
    assert f", {len(PLAN.repeats)} repeats\n" in text
    assert f"\n{PLAN.price:,} output tokens at most" in text
    assert f"up to {PLAN.budget - PLAN.requests} more requests" in text


@pytest.mark.slow
def test_every_planned_relation_has_a_line_and_the_others_are_summed_up():
    text = invoke("plan").stdout
    table = text[text.index("requests  repeats  tokens  relation\n") :]
    rows = re.findall(r"^ +(\d+) +(\d+) +(\d+)  (relation/\S+)$", table, re.MULTILINE)
    planned = [relation for relation in PLAN.relations if relation.planned]
    assert [id_ for *_, id_ in rows] == [relation.id for relation in planned]
    for (needs, repeats, tokens, _), relation in zip(rows, planned, strict=True):
        asks = {case.request.digest: case for case in relation.asks}.values()
        assert (int(needs), int(repeats)) == (len(asks), len(relation.repeats))
        assert int(tokens) == sum(case.price for case in (*asks, *relation.repeats))
    on_noise = [relation for relation in PLAN.relations if relation.on_noise]
    assert f"\n{len(PLAN.relations) - len(planned) - len(on_noise)} more are looked at only where" in text
    assert f"\n{len(on_noise)} are heard instead of many others where" in text


@pytest.mark.slow
def test_why_requirements_are_skipped_is_said_whatever_the_reason():
    assert "\n3 requirements skipped: no adapter is named (--lora NAME)\n" in invoke("plan").stdout
    text = invoke("plan", "--lora", "poet", "--declare", "no-template").stdout
    assert "\n2 requirements skipped: the operator declares no-template\n" in text
    assert "no adapter" not in text
    assert "skipped" not in invoke("plan", "--lora", "poet").stdout


@pytest.mark.slow
@pytest.mark.parametrize("adapters", [(), ("poet", "lawyer")])
def test_vectors_of_relations_name_cases_that_have_vectors(adapters):
    found = vectors(*(word for name in adapters for word in ("--lora", name)))
    plan = plan_of(CONTRACT, Options(adapters=adapters))
    cases = {vector["case"]: vector for vector in found if "case" in vector}
    relations = [vector for vector in found if "relation" in vector]
    assert found == [*cases.values(), *relations]
    assert list(cases)[: len(plan.cases)] == [case.id for case in plan.cases]
    assert [vector["relation"] for vector in relations] == [relation.id for relation in plan.relations]
    for vector, relation in zip(relations, plan.relations, strict=True):
        assert set(vector) == {"relation", "requirements", "asks", "repeats", "price", "planned"}
        assert {*vector["asks"], *vector["repeats"]} <= set(cases)
        assert vector["requirements"] == list(relation.requirements)
        assert vector["planned"] == bool(vector["asks"])
        assert vector["price"] == sum(cases[id_]["price"] for id_ in (*vector["asks"], *vector["repeats"]))
        bodies = [cases[id_]["body"].encode() for id_ in vector["repeats"]]
        assert bodies == [case.request.body for case in relation.repeats]


# infercheck explain


@pytest.mark.slow
@pytest.mark.parametrize("id_", sorted(RELATED))
def test_a_requirement_that_answers_decide_together_is_explained_as_such(id_):
    text = invoke("explain", id_).stdout
    told = text.split("  told by comparing answers:\n")[1]
    assert re.match(r"    \S.*[.]\n", told)
    assert re.search(r"the first comparison needs \d+ requests?(, and \d+ repeats?)?:\n\n  relation/", told)
    assert '\n    {"' in told
    assert f"infercheck plan --only '{id_}'" in told


@pytest.mark.slow
def test_an_explanation_says_what_the_rows_claim_once_and_shows_the_requests():
    text = invoke("explain", DEFAULT).stdout
    for row in ROWS:
        if DEFAULT in row.requirements:
            assert f"    {row.claims.__doc__}\n" in text
    for words in (SHORT, LONG, '"max_tokens":257,"seed":42}'):
        assert words in text
    text = invoke("explain", "effect/presence_penalty").stdout  # a functools.partial
    assert text.count("    Has an effect, above its neutral value and below.\n") == 1


@pytest.mark.slow
def test_an_explanation_says_what_a_run_needs_to_be_told():
    text = invoke("explain", "lora/effect").stdout
    assert "not part of every run: no adapter is named (--lora NAME)" in text
    assert '"lora":"NAME"' in text
    assert "plan --only 'lora/effect' --lora NAME" in text


# infercheck run and replay


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "out"
    with served(Writes128TokensByDefault().app()) as url:
        yield invoke("run", url, "--only", DEFAULT, "--output", folder), folder


@pytest.mark.slow
def test_a_run_says_how_many_requests_are_planned_and_shows_both_answers(failed):
    result, folder = failed
    plan = plan_of(CONTRACT, Options(only=(DEFAULT,)))
    assert plan.requests == len(plan.cases) + len(plan.repeats) > len(plan.cases)
    assert f"{plan.requests} requests planned, {plan.price:,} output tokens" in result.stderr
    assert result.exit_code == 1
    first, second = (line for line in result.stdout.splitlines() if " curl " in line)
    assert first.startswith("   try ")
    assert '"seed":42}' in first
    assert second.startswith("   versus ")
    assert '"max_tokens":256,"seed":42}' in second
    page = (folder / "report.html").read_text("utf-8")
    assert page.index("Try it") < page.index("Compare with") < page.index(", compared with it, and its answer")


@pytest.mark.slow
@pytest.mark.parametrize(("case", "other"), [(SHORT, LONG), (LONG, SHORT)])
def test_one_answer_again_does_not_say_that_a_comparison_is_mended(failed, case, other):
    _, folder = failed
    with served(Writes128TokensByDefault().app()) as url:
        result = invoke("replay", folder, case, "--target", url)
    assert result.exit_code == 4
    assert result.stdout.startswith(f"{case}: ")
    for words in (
        "now       nothing is broken in this answer by itself\n",
        "the model says the same\n",
        f"\n\nfail {DEFAULT}: compared with the answer to {other} (request ",
        "  expected the answer to ",
        f"one answer does not tell whether that is mended: infercheck run … --only {DEFAULT}\n",
    ):
        assert words in result.stdout, words


@pytest.mark.slow
def test_an_answer_that_was_compared_and_is_broken_by_itself_is_told_as_that(failed):
    class Fallen(Writes128TokensByDefault):
        """Answers nothing any more."""

        def answer(self, body):
            raise RuntimeError

    _, folder = failed
    with served(Fallen().app()) as url:
        result = invoke("replay", folder, SHORT, "--target", url)
    assert result.exit_code == 1
    assert "now       fail  http/server-error" in result.stdout
    assert "the model says" not in result.stdout


@pytest.mark.slow
def test_a_case_that_nothing_was_found_of_is_replayed_as_ever(failed):
    _, folder = failed
    with served(Writes128TokensByDefault().app()) as url:
        result = invoke("replay", folder, "boundary/valid/prompt/smallest", "--target", url)
    assert result.exit_code == 0
    assert "now       nothing is broken\n" in result.stdout
    assert "compar" not in result.stdout


@pytest.mark.slow
def test_a_relation_itself_is_no_request(failed):
    _, folder = failed
    (relation,) = [one for one in plan_of(CONTRACT, Options()).relations if one.requirements == (DEFAULT,)][:1]
    result = invoke("replay", folder, relation.id)
    assert result.exit_code == 2
    assert f"{relation.id} is no request: it compares" in result.stderr
    (hint,) = [line for line in result.stderr.splitlines() if line.strip().startswith("Give one of them: ")]
    first = hint.partition(": ")[2].split(", relation/")[0]
    assert invoke("replay", folder, first, "--target", "reference").exit_code == 4


@pytest.mark.slow
def test_whoever_gives_a_requirement_is_told_its_cases(failed):
    _, folder = failed
    result = invoke("replay", folder, DEFAULT)
    assert result.exit_code == 2
    assert f"{DEFAULT} is a requirement, not a case" in result.stderr
    assert SHORT in result.stderr


# Tests of one's own


def cases(**wishes) -> list[Case]:
    def test(case):
        pass

    (mark,) = infercheck.parametrize(**wishes)(test).pytestmark
    return [parameter.values[0].case for parameter in mark.args[1]]


@pytest.mark.slow
def test_cases_that_are_only_compared_are_no_parameters():
    found = cases(only=["input/prompt/top_k", "effect/top_k"])
    assert found
    assert not [case.id for case in found if case.group == RELATION]


@pytest.mark.slow
@pytest.mark.parametrize("only", ["default/max_tokens", ["effect", "isolation"]])
def test_a_test_of_what_no_single_answer_shows_is_refused(only):
    with pytest.raises(UsageError, match="told by comparing answers") as raised:
        cases(only=only)
    assert "pytest --infercheck" in raised.value.hint
