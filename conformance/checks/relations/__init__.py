"""Relations between answers: the rows of DESIGN's table, and the relations of a contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set

from infercheck.cases import Case, Expectation, Request
from infercheck.checks.relations import (
    adapters,
    company,
    contexts,
    defaults,
    isolation,
    limits,
    penalties,
    samples,
    sampling,
    seeds,
    streams,
    support,
    texts,
    tools,
)
from infercheck.checks.relations.language import Relation, Row
from infercheck.contract import Contract
from infercheck.generate.asks import CONVERSATION, TEXT, Form

ROWS: Sequence[Row] = (
    seeds.REPRODUCIBLE,
    adapters.UNCHANGED,
    streams.EQUIVALENCE,
    contexts.EVERY_TEXT,
    sampling.TEMPERATURE,
    sampling.ZERO,
    limits.CUT,
    texts.NO_ECHO,
    sampling.TOP_K_ONE,
    *support.ROWS,
    *samples.ROWS,
    *support.ELSEWHERE,
    defaults.COUNTED,
    streams.TOLD_ONCE,
    defaults.MAX_TOKENS,
    sampling.TOP_K,
    sampling.TOP_P_ZERO,
    sampling.TOP_P,
    seeds.REPRODUCIBLE_TO_THE_END,
    texts.NO_MARK,
    contexts.TEMPLATE,
    streams.EQUIVALENCE_BESIDE,
    streams.TO_THE_END,
    limits.CUT_BESIDE,
    isolation.APART,
    adapters.EFFECT,
    adapters.UNKNOWN,
    *penalties.EFFECTS,
    limits.UNCAPPED,
    defaults.TEMPERATURE,
    defaults.RAW,
    seeds.DISTINCT,
    *company.ROWS,
    contexts.EVERY_MESSAGE,
    contexts.EVERY_SCRIPT,
    tools.OFFERED,
    contexts.WHOLE_TEXT,
    contexts.WHOLE_MESSAGE,
    *penalties.DIRECTIONS,
    penalties.NEUTRAL,
    contexts.BY_HAND,
    streams.INCREMENTAL,
    isolation.UNMOVED,
    isolation.UNTROUBLED,
    seeds.AFTER_TRAFFIC,
)
"""Every row, in the order in which it is asked: what shows most for least comes first."""

COMPARED = frozenset(id_ for row in ROWS for id_ in row.requirements)
"""The requirements that relations decide."""


def relations(
    contract: Contract,
    forms: Sequence[Form],
    declared: Iterable[str] = (),
    *,
    closely: bool = False,
    deep: bool = False,
) -> Iterator[Relation]:
    """The relations that a contract has the roles and the requirements for, last those that are asked on suspicion.

    With `closely` none is: every row is planned for every form. `deep` ones are there only where asked for.
    """
    on_suspicion: list[Relation] = []
    if not contract.speaks:
        return  # nothing is known of what an answer says
    for row in ROWS:
        known = row.requirements[0] in contract.requirements
        if not known or row.absent in declared or (row.deep and not deep):
            continue
        for relation in _of(row, forms, closely=closely):
            if relation.planned:
                yield relation
            else:
                on_suspicion.append(relation)
    yield from on_suspicion


def why_incomparable(id_: str, comparable: Set[str], adapters: Sequence[str]) -> str:
    """Why no relation can decide a requirement that others of its kind would; empty where some can."""
    if id_ in comparable or id_ not in COMPARED:
        return ""
    if "lora" in id_ and not adapters:
        return "no adapter is named (--lora NAME)"
    return "the contract allows no requests by which a run could tell, or the operator declares them absent"


def _of(row: Row, forms: Sequence[Form], *, closely: bool) -> Iterator[Relation]:
    # A row that looks closely is planned for the first form that has its parameters, and for no other.
    fitting = [form for form in forms if form.has(*row.roles) and _is_about(row, form)]
    if row.first_only:
        fitting = fitting[:1]
    closer = [form.stream for form in fitting if form.stream] if row.closely else []
    greedy = [form.as_greedy for form in (fitting[:1] if row.closely else fitting)] if row.greedy else []
    greedy = [form for form in greedy if form.has("temperature") and form.allows("temperature", 0)]
    barren: set[str] = set()
    for index, form in enumerate([*fitting, *closer, *greedy]):
        on_noise = row.on_noise or form.greedy
        planned = (closely or not (row.closely and index)) and not on_noise
        relation = Relation(row=row, form=form, planned=planned, case=_stand_in(row, form))
        # What there is nothing to claim of in one form there is not in those made of it either.
        if (planned or row.on_noise) and not relation.claims:
            barren.add(form.family)
        if form.family not in barren:
            yield relation


def _is_about(row: Row, form: Form) -> bool:
    # Where one form declares a text and a conversation both, its requests are about one of them.
    return all(role == form.subject for role in row.roles if role in (TEXT, CONVERSATION))


def _stand_in(row: Row, form: Form) -> Case:
    return Case(
        id=f"relation/{row.requirements[0]}/{getattr(row.function, '__name__', 'claims')}/{form.name}",
        title=f"{row.requirements[0]}, {form.name}",
        expectation=Expectation.OPEN,
        request=Request(body=b""),
    )
