"""Servers that each break one promise: what they break is shown, and nothing else."""

import pytest
from fakes import CONTRACT
from harness import broken, ids
from mutants import answers, errors, refusals, streams, validation
from mutants.judging import judge_server, shown
from mutants.registry import MUTANTS, expand

from infercheck.findings import Verdict
from infercheck.requirements import Level

MODULES = (answers, errors, refusals, streams, validation)


def first_true_finding(mutant, results):
    """The requests that were sent when the first finding about the broken promise could be made."""
    wanted = {id_ for pattern in mutant.must_fail for id_ in expand(pattern)}
    return min(
        group.request_number
        for result in results.with_verdict(Verdict.FAIL, Verdict.WARN)
        if result.requirement.id in wanted
        for group in result.groups
        if group.finding.verdict in (Verdict.FAIL, Verdict.WARN)
    )


@pytest.mark.parametrize(
    "mutant",
    [pytest.param(one, id=one.name, marks=() if one.quick else pytest.mark.slow) for one in MUTANTS],
)
def test_a_broken_server_is_shown_by_what_it_breaks_and_by_nothing_else(mutant, record_property):
    results = judge_server(mutant.server, profile=mutant.profile)
    found = broken(results)
    missing, surplus = mutant.missing(found), mutant.surplus(found)
    assert not surplus, shown(results, surplus)
    assert not missing, shown(results, missing) or missing
    assert not ids(results, Verdict.ERROR)
    assert results.record.complete
    must = any(CONTRACT.requirements[id_].level is Level.MUST for id_ in found)
    assert results.exit_status(allow_undecided=True) == (1 if must else 0)
    assert results.exit_status(fail_on_should=True) == 1
    record_property("request_number", first_true_finding(mutant, results))


def test_every_mutant_has_a_name_and_a_docstring_of_its_own():
    names = [one.name for one in MUTANTS]
    sins = [one.server.__doc__ for one in MUTANTS]
    assert len(names) == len(set(names)) >= 40
    assert len(sins) == len(set(sins))
    assert {one.server.__module__ for one in MUTANTS} == {module.__name__ for module in MODULES}
