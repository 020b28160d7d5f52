"""The plan of a run: which cases are sent, in which order, at what price. The same for the same input."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from infercheck.absences import Absence, absent_keys, parameters, why_absent, without
from infercheck.cases import Case, Expectation
from infercheck.contract import Contract
from infercheck.errors import UsageError
from infercheck.generate.boundary import Boundary
from infercheck.generate.builder import Builder
from infercheck.generate.page import examples, open_questions
from infercheck.generate.pairwise import pairwise
from infercheck.generate.price import CONTEXT_WINDOW, Pricing
from infercheck.generate.wire import wire
from infercheck.selection import select


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How much a run may send: requests in all, those kept for splitting and confirming, and output tokens."""

    name: str
    requests: int
    reserve: int
    tokens: int


PROFILES: Mapping[str, Profile] = {
    "quick": Profile(name="quick", requests=60, reserve=10, tokens=6_000),
    "standard": Profile(name="standard", requests=600, reserve=75, tokens=60_000),
}


DEADLY = 2_000
"""Bytes of a wire case from which on servers are known to die of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
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
    cases: tuple[Case, ...]
    left_out: int
    cut: int
    selected: frozenset[str]
    exist: Mapping[str, frozenset[str]]
    planned: Mapping[str, frozenset[str]]
    absent: Mapping[str, str]
    whole: frozenset[str]

    @property
    def price(self) -> int:
        """Output tokens, at most, of all cases."""
        return sum(case.price for case in self.cases)

    @property
    def digest(self) -> str:
        """SHA-256 over the planned cases and what is asked about, in hexadecimal: equal plans send the same."""
        seal = hashlib.sha256()
        for case in self.cases:
            seal.update(f"{case.id} {case.request.digest}\n".encode())
        seal.update("\n".join(sorted(self.selected)).encode())
        return seal.hexdigest()

    @property
    def bytes_out(self) -> int:
        """Bytes of all request bodies."""
        return sum(len(case.request.body) for case in self.cases)


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
    pricing = Pricing(contract, options.context_window or CONTEXT_WINDOW)
    ordered, lost = _at_hand(contract, options, [pricing.priced(case) for case in _ordered(contract, options)])
    narrowed = bool(options.only or options.exclude)
    wanted = list(_needed(ordered, selected, contract.roles.get("stream"), narrowed=narrowed))
    foreseen = _affordable(wanted, profile, profile.requests, profile.tokens)
    budget = min(options.max_requests or profile.requests, profile.requests)
    tokens = min(options.max_tokens or profile.tokens, profile.tokens)
    cases = _affordable(wanted, profile, budget, tokens)
    return Plan(
        profile=profile,
        budget=budget,
        tokens=tokens,
        cases=tuple(cases),
        left_out=len(wanted) - len(foreseen),
        cut=len(foreseen) - len(cases),
        selected=frozenset(selected),
        exist=_sides(ordered),
        planned=_sides(foreseen),
        absent={id_: why for id_ in selected if (why := why_absent(id_, lost, options.declare))},
        whole=_whole(selected, wanted, cases),
    )


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
            lost.update(dict.fromkeys(ids, keys[min(absent)]))
    still = {id_ for case in kept for id_ in case.requirements}
    return kept, {id_: absence for id_, absence in lost.items() if id_ not in still}


def _whole(selected: Iterable[str], wanted: Sequence[Case], cases: Sequence[Case]) -> frozenset[str]:
    # What no case aims at is judged on every answer of a kind, of which none may be missing.
    needed = Counter(id_ for case in wanted for id_ in case.requirements)
    sent = Counter(id_ for case in cases for id_ in case.requirements)
    everything = len(wanted) == len(cases)
    return frozenset(id_ for id_ in selected if (needed[id_] == sent[id_] if needed[id_] else everything))


def _careful(case: Case) -> Case:
    # Long texts and answers without end are known to kill servers, as wire cases are.
    return replace(case, alone=case.alone or bool(case.size) or case.request.stop_after is not None)


def _affordable(wanted: Iterable[Case], profile: Profile, requests: int, tokens: int) -> list[Case]:
    # What is kept for splitting and confirming is never more than a quarter of a small budget.
    room = max(1, requests - min(profile.reserve, requests // 4))
    cases: list[Case] = []
    for case in wanted:
        if len(cases) < room and case.price <= tokens:
            cases.append(case)
            tokens -= case.price
    return cases


def _sides(cases: Iterable[Case]) -> dict[str, frozenset[str]]:
    # An open question decides nothing but itself; what it shows beside that is a gift.
    found: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        if case.question:
            found[case.question].add("valid")
            continue
        for aim in case.all_aims:
            found[aim.requirement].add("valid" if aim.side.is_valid else "invalid")
        if len(case.parts) > 1:
            found["input/combinations"].add("valid")
    return {id_: frozenset(sides) for id_, sides in found.items()}


def _ordered(contract: Contract, options: Options) -> Iterator[Case]:
    # What shows most for least goes first; long texts go last, for they cost most and say least.
    builder = Builder(contract)
    boundary = Boundary(builder, options.adapters)
    yield from boundary.baselines()
    invalid = _spread(boundary.invalid())
    streamed = [*boundary.streamed_invalid(invalid), *boundary.form_invalid(invalid)]
    shared = _alternate(boundary.shared())
    calls = list(examples(builder))
    wires = list(wire(builder))
    # What may kill a server shows little where nothing is left to be shown: it goes late.
    deadly = [case for case in wires if len(case.request.body) > DEADLY]
    tame = [case for case in wires if len(case.request.body) <= DEADLY]
    few = [*boundary.unlimited(calls), *calls, *tame[:3], *_zipped(shared[4:], tame[3:])]
    yield from shared[:4]
    yield from _mix([*streamed, *invalid], few, ratio=4)
    yield from boundary.long_answers()
    yield from boundary.unknown_properties()
    yield from open_questions(builder)
    yield from pairwise(boundary, options.seed)
    yield from deadly
    yield from boundary.long()


def _spread(cases: Iterable[Case]) -> list[Case]:
    # First one mistake for every requirement, of another kind each time: most defects are of one keyword, or of one
    # kind of mistake. Then what is left, in the same manner.
    waiting: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        waiting[case.aims[0].requirement].append(case)
    spread: list[Case] = []
    while waiting:
        turn = [
            queue.pop(index % len(queue) if id_.endswith("/type") else 0)
            for index, (id_, queue) in enumerate(waiting.items())
        ]
        spread += _by_kind(turn)
        waiting = {id_: queue for id_, queue in waiting.items() if queue}
    return spread


def _by_kind(cases: Iterable[Case]) -> list[Case]:
    # One of each kind of mistake, then the next of each; alternating branches and depths within a kind.
    kinds: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        keyword, label = case.id.split("/")[-2:]
        kinds[f"{keyword}/{label if keyword in ('type', 'oneOf') else ''}"].append(case)
    queues = [_alternate(sorted(kind, key=lambda case: case.id.count("/"))) for kind in kinds.values()]
    return _zipped(*queues)


def _alternate(cases: Iterable[Case]) -> list[Case]:
    by_branch: dict[str | None, list[Case]] = defaultdict(list)
    for case in cases:
        by_branch[case.branch].append(case)
    return _zipped(*by_branch.values())


def _zipped(*rows: Iterable[Case]) -> list[Case]:
    return [case for row in zip_longest(*rows) for case in row if case is not None]


def _mix(many: Sequence[Case], few: Sequence[Case], *, ratio: int) -> Iterator[Case]:
    rest = iter(few)
    for index, case in enumerate(many):
        yield case
        if index % ratio == ratio - 1:
            yield from (extra for extra in [next(rest, None)] if extra)
    yield from rest


# What a requirement that is judged on every exchange needs: every exchange of the right kind, for one may break it.
_KINDS: Mapping[str, Callable[[Case], bool]] = {
    "stream": lambda case: case.request.stream and case.expectation is Expectation.VALID,
    "error": lambda case: case.expectation is Expectation.INVALID,
    **dict.fromkeys(
        ("output", "envelope", "default"),
        lambda case: not case.request.stream and case.expectation is Expectation.VALID,
    ),
    "http": lambda case: True,
    "robust": lambda case: True,
}


def _needed(cases: Iterable[Case], selected: set[str], stream: str | None, *, narrowed: bool) -> Iterator[Case]:
    if not narrowed:
        yield from cases
        return
    cases = list(cases)
    aimed_at = {id_ for case in cases for id_ in case.requirements}
    kinds = [_KINDS[area] for area in {id_.split("/", 1)[0] for id_ in selected - aimed_at} & set(_KINDS)]
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
