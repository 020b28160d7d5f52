"""The plan of a run: which cases are sent, in which order, at what price. The same for the same input."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from infercheck.absences import Absence, absent_keys, parameters, why_absent, without
from infercheck.cases import RELATION, Case, Expectation
from infercheck.checks.relations import relations, why_incomparable
from infercheck.checks.relations.language import Relation
from infercheck.contract import Contract
from infercheck.errors import UsageError
from infercheck.generate.asks import forms
from infercheck.generate.boundary import Boundary
from infercheck.generate.builder import Builder
from infercheck.generate.order import ordered
from infercheck.generate.price import CONTEXT_WINDOW, Pricing
from infercheck.selection import select
from infercheck.steps import affordable, interleaved


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How much a run may send: requests in all, those kept for splitting and confirming, and output tokens."""

    name: str
    requests: int
    reserve: int
    tokens: int
    draws: bool = False
    """Whether requests are drawn at random for as long as the budget lasts."""


PROFILES: Mapping[str, Profile] = {
    "quick": Profile(name="quick", requests=60, reserve=10, tokens=6_000),
    "standard": Profile(name="standard", requests=600, reserve=41, tokens=60_000),
    "deep": Profile(name="deep", requests=3_000, reserve=1_200, tokens=300_000, draws=True),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Cases in the order of sending. `left_out` counts those for which the profile has no room, `cut` those of the
    profile for which the user's own budget has none.

    `exist` has the sides (`valid`, `invalid`) of each requirement that some case could decide, in this run or not;
    `planned` those of the profile, whether the user's budget has room for them or not;
    `absent` why nothing can decide one at this target; `whole` are those of which this run leaves no case out.
    """

    profile: Profile
    budget: int
    """Requests in all, with those for splitting and confirming."""
    tokens: int
    """Output tokens in all, by price."""
    steps: tuple[Case | Relation, ...]
    """Cases and relations in the order of asking; the cases of a relation stand before it."""
    left_out: int
    cut: int
    selected: frozenset[str]
    exist: Mapping[str, frozenset[str]]
    planned: Mapping[str, frozenset[str]]
    absent: Mapping[str, str]
    whole: frozenset[str]
    pricing: Pricing = field(compare=False, repr=False)

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The cases, in the order of sending."""
        return tuple(step for step in self.steps if isinstance(step, Case))

    @cached_property
    def relations(self) -> tuple[Relation, ...]:
        """The relations between answers, in their order; those last that are asked on suspicion."""
        return tuple(step for step in self.steps if isinstance(step, Relation))

    @cached_property
    def repeats(self) -> tuple[Case, ...]:
        """The requests that relations ask again, as often as they stand here."""
        return tuple(case for relation in self.relations for case in relation.repeats)

    @property
    def wants_every_answer(self) -> bool:
        """Whether something was asked for that is judged on every answer."""
        return any(id_.split("/", 1)[0] in KINDS for id_ in self.selected)

    @property
    def requests(self) -> int:
        """Requests that are planned, with those that are asked again."""
        return len(self.cases) + len(self.repeats)

    @property
    def price(self) -> int:
        """Output tokens, at most, of all that is planned."""
        return sum(case.price for case in (*self.cases, *self.repeats))

    @property
    def digest(self) -> str:
        """SHA-256 over the planned cases and what is asked about, in hexadecimal: equal plans send the same."""
        seal = hashlib.sha256()
        for case in self.cases:
            seal.update(f"{case.id} {case.request.digest}\n".encode())
        for relation in self.relations:
            seal.update(f"{relation.id}\n".encode())
        seal.update("\n".join(sorted(self.selected)).encode())
        return seal.hexdigest()

    @property
    def bytes_out(self) -> int:
        """Bytes of all request bodies."""
        return sum(len(case.request.body) for case in (*self.cases, *self.repeats))


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user says about a run that changes its plan."""

    profile: str = "standard"
    seed: int = 1
    adapters: tuple[str, ...] = ()
    context_window: int | None = None
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_requests: int | None = None
    max_tokens: int | None = None
    declare: tuple[str, ...] = ()


def make_plan(contract: Contract, options: Options) -> Plan:
    """Plan a run; UsageError where a pattern selects nothing, or an adapter is named and declared absent."""
    if options.adapters and Absence.NO_LORA in options.declare:
        raise UsageError("--lora names an adapter, and --declare no-lora says that there is none")
    profile = PROFILES[options.profile]
    selected = select(contract, options.only, options.exclude)
    boundary = Boundary(Builder(contract), options.adapters)
    pricing = Pricing(contract, options.context_window or CONTEXT_WINDOW)
    priced = [pricing.priced(case) for case in ordered(boundary, options.seed)]
    at_hand, lost = _at_hand(contract, options, priced)
    narrowed = bool(options.only or options.exclude)
    asked = forms(boundary, pricing, streams=Absence.NO_STREAM not in options.declare)
    deep = profile.name == "deep"
    related = list(relations(contract, asked, options.declare, closely=narrowed or deep, deep=deep))
    comparable = {id_ for relation in related for id_ in relation.requirements}
    wanted = list(_needed(at_hand, selected - comparable, contract.roles.get("stream"), narrowed=narrowed))
    steps = interleaved(wanted, [one for one in related if _is_wanted(one, selected, comparable)])
    budget = options.max_requests or profile.requests
    tokens = options.max_tokens or profile.tokens
    foreseen = affordable(steps, profile.reserve, max(budget, profile.requests), max(tokens, profile.tokens))
    taken = affordable(steps, profile.reserve, budget, tokens)
    return Plan(
        profile=profile,
        budget=budget,
        tokens=tokens,
        steps=tuple(taken),
        left_out=_cases(steps) - _cases(foreseen),
        cut=_cases(foreseen) - _cases(taken),
        selected=frozenset(selected),
        exist={**_sides(at_hand), **dict.fromkeys(comparable, COMPARED)},
        planned={**_sides(step for step in foreseen if isinstance(step, Case)), **_compared(foreseen)},
        absent={
            id_: why
            for id_ in selected
            if (
                why := why_absent(id_, lost, options.declare)
                or why_incomparable(id_, comparable, options.adapters)
                or contract.why_unasked(id_)
            )
        },
        pricing=pricing,
        whole=_whole(selected, steps, taken, everything=len(interleaved(wanted, related)) == len(taken)),
    )


COMPARED = frozenset({"valid"})
"""The sides of a requirement that relations decide: all their requests are valid."""


def _is_wanted(relation: Relation, selected: set[str], comparable: set[str]) -> bool:
    # Nothing can be compared unless it is known that the target reproduces.
    return bool(selected & (comparable if relation.is_basic else set(relation.requirements)))


def _cases(steps: Sequence[Case | Relation]) -> int:
    return sum(isinstance(step, Case) for step in steps)


def _is_planned(step: Case | Relation) -> bool:
    # What is asked on suspicion alone decides nothing that was promised to be decided.
    return isinstance(step, Relation) and step.planned


def _compared(steps: Iterable[Case | Relation]) -> dict[str, frozenset[str]]:
    ids = [id_ for step in steps if _is_planned(step) for id_ in step.requirements]
    return dict.fromkeys(ids, COMPARED)


def _at_hand(
    contract: Contract, options: Options, cases: Sequence[Case]
) -> tuple[list[Case], Mapping[str, Absence]]:
    # What can be asked of this target, and the requirements that nothing is left to decide of.
    keys = absent_keys(contract, options.declare)
    stream = contract.roles.get("stream")
    kept: list[Case] = []
    lost: dict[str, Absence] = {}
    for case in cases:
        absent = parameters(case) & keys.keys() if keys else None
        left = without(case, absent, stream) if absent else case
        if left is not None:
            kept.append(_careful(left))
        if absent:
            ids = set(case.requirements) - set(left.requirements if left else ())
            for id_ in ids:
                # Of several it is the one that the requirement is about.
                about = next((key for key in sorted(absent) if key in id_.split("/")), None)
                lost[id_] = keys[about] if about else lost.get(id_, keys[min(absent)])
    still = {id_ for case in kept for id_ in case.requirements}
    return kept, {id_: absence for id_, absence in lost.items() if id_ not in still}


def _whole(
    selected: Iterable[str],
    wanted: Sequence[Case | Relation],
    taken: Sequence[Case | Relation],
    *,
    everything: bool,
) -> frozenset[str]:
    # What no case aims at is judged on every answer of a kind, of which none may be missing.
    needed = Counter(id_ for step in wanted for id_ in step.requirements)
    sent = Counter(id_ for step in taken for id_ in step.requirements)
    return frozenset(id_ for id_ in selected if (needed[id_] == sent[id_] if needed[id_] else everything))


def _careful(case: Case) -> Case:
    # Long texts and answers without end are known to kill servers, as wire cases are.
    return replace(case, alone=case.alone or bool(case.size) or case.request.stop_after is not None)


def _sides(cases: Iterable[Case]) -> dict[str, frozenset[str]]:
    # An open question decides nothing but itself; what it shows beside that is a gift.
    found: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        if case.question:
            found[case.question].add("valid")
            continue
        # What is asked to be compared tells nothing of the bounds of its values, unless it is refused.
        for aim in () if case.group == RELATION else case.all_aims:
            found[aim.requirement].add("valid" if aim.side.is_valid else "invalid")
        if len(case.parts) > 1:
            found["input/combinations"].add("valid")
    return {id_: frozenset(sides) for id_, sides in found.items()}


KINDS: Mapping[str, Callable[[Case], bool]] = {
    "stream": lambda case: case.request.stream and case.expectation is Expectation.VALID,
    "error": lambda case: case.expectation is Expectation.INVALID,
    **dict.fromkeys(
        ("output", "envelope", "default"),
        lambda case: not case.request.stream and case.expectation is Expectation.VALID,
    ),
    "http": lambda case: True,
    "robust": lambda case: True,
}
"""What a requirement that is judged on every exchange needs, by its area: every exchange of the right kind, for one
may break it."""


def _needed(cases: Iterable[Case], selected: set[str], stream: str | None, *, narrowed: bool) -> Iterator[Case]:
    if not narrowed:
        yield from cases
        return
    cases = list(cases)
    aimed_at = {id_ for case in cases for id_ in case.requirements}
    kinds = [KINDS[area] for area in {id_.split("/", 1)[0] for id_ in selected - aimed_at} & set(KINDS)]
    combined = "input/combinations" in selected
    sent: set[str] = set()
    for case in cases:
        whole = any(kind(case) for kind in kinds) or (combined and len(case.parts) > 1)
        # The smallest requests say whether a refusal means anything.
        if not (whole or case.is_smallest or any(id_ in selected for id_ in case.requirements)):
            continue
        if case.parts and not whole:
            # A value that nobody asked about must not be refused in the place of one that somebody did.
            parts = [part for part in case.parts if any(aim.requirement in selected for aim in part.aims)]
            case = case.with_parts(tuple(parts), stream)
        if case.request.digest not in sent:
            sent.add(case.request.digest)
            yield case
