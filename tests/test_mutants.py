"""Servers that each break one promise: what they break is shown, and nothing else."""

from pathlib import Path

import pytest
from fakes import CONTRACT
from harness import broken, ids
from mutants import registry
from mutants.conforming import PEAKED_MODEL
from mutants.judging import first_true_finding, judge_server, shown
from mutants.registry import MUTANTS
from mutants.table import ARGUED, MODULES, argued, stale, unbroken

from infercheck.findings import Verdict
from infercheck.requirements import Level


@pytest.mark.parametrize(
    "mutant",
    [pytest.param(one, id=one.name, marks=() if one.quick else pytest.mark.slow) for one in MUTANTS],
)
def test_a_broken_server_is_shown_by_what_it_breaks_and_by_nothing_else(mutant, record_property):
    results = judge_server(mutant.server, **mutant.options)
    found = broken(results)
    missing, surplus = mutant.missing(found), mutant.surplus(found)
    assert not surplus, shown(results, surplus)
    assert not missing, shown(results, missing) or missing
    assert not ids(results, Verdict.ERROR)
    assert results.record.complete or "robust/liveness" in found
    must = any(CONTRACT.requirements[id_].level is Level.MUST for id_ in found)
    assert results.exit_status(allow_undecided=True) == (1 if must else 0)
    assert results.exit_status(fail_on_should=True) == 1
    record_property("request_number", first_true_finding(mutant, results))


SPEAKING = [one for one in MUTANTS if one.speaks]
"""Mutants that a peaked model may hide; `make mutants` tries all, and a part of them will do here."""


@pytest.mark.slow
@pytest.mark.parametrize("mutant", [pytest.param(one, id=one.name) for one in SPEAKING[::12]])
def test_what_a_peaked_model_hides_is_undecided_and_never_passed(mutant):
    results = judge_server(mutant.server, model=PEAKED_MODEL, **mutant.options)
    surplus = mutant.surplus(broken(results))
    assert not surplus, shown(results, surplus)
    passed = mutant.required & ids(results, Verdict.PASS)
    assert bool(passed) == bool(mutant.unseen), shown(results, passed)


def test_every_mutant_has_a_name_and_a_docstring_of_its_own():
    names = [one.name for one in MUTANTS]
    sins = [one.server.__doc__ for one in MUTANTS]
    assert len(names) == len(set(names)) >= 240
    assert len(sins) == len(set(sins))
    assert {one.server.__module__ for one in MUTANTS} == {module.__name__ for module in MODULES}


def test_every_promise_that_a_server_can_break_is_broken_by_a_mutant_or_argued_away():
    assert set(unbroken()) == argued()


def test_no_argument_is_stale():
    assert stale(ARGUED) == []
    assert stale({"stream/done": "nobody could break it"}) == ["stream/done"]
    assert stale({"http/get": ""}) == ["http/get"]


def test_every_module_with_mutants_is_in_the_table():
    files = Path(registry.__file__).parent.glob("*.py")
    assert {path.stem for path in files if "\n@mutant(" in path.read_text("utf-8")} == {
        module.__name__.rpartition(".")[2] for module in MODULES
    }


def test_a_promise_that_no_mutant_breaks_is_told():
    assert "stream/done" in unbroken([one for one in MUTANTS if "stream/done" not in one.must_fail])
    assert "http/get" not in unbroken([])
    assert len(unbroken([])) > 100
