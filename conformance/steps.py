"""The steps of a run: cases and relations in one order, within a budget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from infercheck.cases import RELATION, Case
from infercheck.checks.relations.language import Relation

Step: TypeAlias = Case | Relation

FIRST = 4
"""Cases before the first relation: does the target answer at all?"""

SHARE = 1.7
"""Requests of relations for each request of a case, for as long as there are both."""


def interleaved(cases: Sequence[Case], relations: Iterable[Relation]) -> list[Step]:
    """Cases and relations in turns, at the end those that are asked on suspicion.

    The requests of a relation that no other step has sent come just before it.
    """
    steps: list[Step] = list(cases[:FIRST])
    known = {case.request.digest for case in cases}
    asked = 0.0
    relations = list(relations)
    waiting = iter([relation for relation in relations if relation.planned])
    if first := next(waiting, None):
        # What the target answers by itself is known before any request that may leave something behind.
        steps += [*_new(first, known), first]
    for case in cases[FIRST:]:
        steps.append(case)
        asked += SHARE
        while asked > 0 and (relation := next(waiting, None)):
            new = _new(relation, known)
            steps += [*new, relation]
            asked -= len(new) + len(relation.repeats)
    for relation in waiting:
        steps += [*_new(relation, known), relation]
    return [*steps, *(relation for relation in relations if not relation.planned)]


def _new(relation: Relation, known: set[str]) -> list[Case]:
    new = [case for case in relation.asks if case.request.digest not in known]
    known.update(case.request.digest for case in new)
    return new


def affordable(steps: Iterable[Step], reserve: int, requests: int, tokens: int) -> list[Step]:
    """The steps for which there is room. A relation, and its requests, are taken whole or not at all."""
    # What is kept for splitting and confirming is never more than a quarter of a small budget.
    room = max(1, requests - min(reserve, requests // 4))
    tokens -= tokens // KEPT
    taken: list[Step] = []
    sent: set[str] = set()
    for step in steps:
        if isinstance(step, Case) and step.group == RELATION:
            continue  # comes with the first of its relations that is taken
        if isinstance(step, Case):
            new, again = [step], []
        else:
            new = [case for case in step.asks if case.request.digest not in sent]
            again = step.repeats
        price = sum(case.price for case in (*new, *again))
        if len(new) + len(again) <= room and price <= tokens:
            room -= len(new) + len(again)
            tokens -= price
            sent.update(case.request.digest for case in new)
            taken += new if isinstance(step, Case) else [*new, step]
    return taken


KEPT = 12
"""One in so many output tokens is kept for splitting and confirming."""
