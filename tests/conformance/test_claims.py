"""Claims about replies, ruled on without a target: a hearing that has its replies by heart."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from fakes import CONTRACT

from infercheck.cases import Case, Expectation, Request
from infercheck.checks.relations.adapters import Refused, Unchanged
from infercheck.checks.relations.claims import Besides, Differ, FirstDecided, Same, Spread
from infercheck.checks.relations.defaults import SameLimit
from infercheck.checks.relations.isolation import LATER, Apart, Unmoved, Untroubled
from infercheck.checks.relations.language import Kind, Standing
from infercheck.checks.relations.limits import Prefix, Uncapped
from infercheck.checks.relations.penalties import Fewer, repetitions
from infercheck.checks.relations.sampling import AtMost, NotClamped
from infercheck.checks.relations.seeds import Distinct, Repeats, Rewritten
from infercheck.checks.relations.streams import Equivalent, Incremental
from infercheck.checks.relations.texts import NoEcho, NoMark
from infercheck.dialect import Dialect
from infercheck.exchange import Answer, Chunk, Exchange
from infercheck.observation import Observation
from infercheck.reply import Reply


def case(name, *, streamed=False):
    request = Request(body=name.encode(), stream=streamed)
    return Case(id=name, title=name, expectation=Expectation.VALID, request=request)


class Said(Reply):
    """A reply without an exchange worth looking at."""

    times = (0.0, 0.0, 0.0)

    @property
    def began(self):
        return self.times[0]

    @property
    def ended(self):
        return self.times[1]

    @property
    def seconds(self):
        return self.times[2]

    def share_by(self, seconds):
        began, ended, _, *first = self.times
        return 1 if seconds >= ended else (first or [0.5])[0] if seconds >= began else 0


STREAM = Answer(
    status=200,
    headers=(("content-type", "text/event-stream"),),
    chunks=(Chunk(data=b'data: {"response": "a"}\n\ndata: [DONE]\n\n', time=0.1),),
)
"""A stream with nothing wrong."""


class Script:
    """A hearing: `first` are the replies to what is asked, by the case's id; `later` those asked again, in turn.

    A text stands for a reply that says it, a tuple for one with tokens or pieces, an exception for a problem.
    """

    def __init__(
        self,
        first,
        later=None,
        *,
        stands=Standing.STANDS,
        differs=Standing.STANDS,
        wavering=False,
        settled=True,
        moving=False,
        flawed=False,
    ):
        self.first = first
        self.later = {name: iter(said) for name, said in (later or {}).items()}
        self.asked = []
        self.stands = stands
        self.differs = differs
        self.differed = []
        self.wavering = wavering
        self.is_settled = settled
        self.moving = moving
        self.flawed = flawed
        self.wavered = []
        self.compared_ = []

    def reply(self, of, said):
        answer = STREAM if of.request.stream and not self.flawed else Answer(status=200)
        exchange = Exchange(
            number=len(self.asked), case=of.id, ordinal=0, request=of.request, answer=answer, started=0
        )
        seen = Observation(contract=CONTRACT, case=of, exchange=exchange, dialect=Dialect.REST)
        if isinstance(said, Exception):
            return Said(seen, problem=str(said))
        text, *rest = (said,) if isinstance(said, str) else said
        pieces, usage = (), {}
        for each in rest:
            if isinstance(each, int):
                usage = {"completion_tokens": each}
            else:
                pieces = tuple(each)
        return Said(seen, text=text, usage=usage, pieces=pieces)

    async def ask(self, of):
        self.asked.append(of.id)
        return self.reply(of, self.first[of.id])

    async def again(self, of):
        self.asked.append(f"{of.id} again")
        return self.reply(
            of, next(self.later[of.id], self.first[of.id]) if of.id in self.later else self.first[of.id]
        )

    async def together(self, cases):
        return [await self.again(of) for of in cases]

    @contextlib.asynccontextmanager
    async def quiet(self):
        yield

    @property
    def wavers(self):
        return self.wavering

    def knows(self, requirement):
        return False

    async def stand(self, one, other, *, known=False):
        return self.stands

    async def differ(self, one, other, *, pairs=0):
        self.differed.append(pairs)
        return self.differs

    async def moves(self, *cases):
        return self.moving

    def unsteady(self, *replies):
        return "wavers" if self.wavering else ""

    def settled(self, of):
        return self.is_settled

    def give_up(self, reply, *, whole=False):
        self.wavered.append(reply.text)

    def waver(self, one, other):
        self.wavered.append((one.text, other.text))

    def compared(self, form, of, *, alike):
        self.compared_.append((form, of.id, alike))


def rule(claim, first, later=None, **options):
    hearing = Script(first, later, **options)
    return asyncio.run(claim.rule(hearing)), hearing


def kinds(claim, first, later=None, **options):
    return [ruling.kind for ruling in rule(claim, first, later, **options)[0]]


def of(*names):
    return [case(name) for name in names]


A, B, C, D = of("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("replies", "options", "expected"),
    [
        ({"a": "x", "b": "x", "c": "y"}, {}, Kind.KEPT),
        ({"a": "x", "b": "x", "c": "x"}, {}, Kind.UNDECIDED),  # nothing tells that it would show
        ({"a": "x", "b": "z", "c": "x"}, {}, Kind.BROKEN),
        ({"a": "x", "b": "z", "c": "x"}, {"stands": Standing.FELL}, Kind.UNDECIDED),
        ({"a": "x", "b": "z", "c": "x"}, {"stands": Standing.FELL, "moving": True}, Kind.KEPT),
        ({"a": "x", "b": "z", "c": "x"}, {"stands": Standing.UNSTEADY}, Kind.UNDECIDED),
        ({"a": "x", "b": "z", "c": "x"}, {"stands": Standing.UNSTEADY, "moving": True}, Kind.UNDECIDED),
        ({"a": "x", "b": "x", "c": "y"}, {"wavering": True}, Kind.UNDECIDED),
        ({"a": "x", "b": Exception("refused"), "c": "y"}, {}, Kind.UNDECIDED),
    ],
)
def test_the_same_answer(replies, options, expected):
    assert kinds(Same(pairs=[(A, B)], telling=[(B, C)]), replies, **options) == [expected]


def test_what_was_not_confirmed_says_so():
    rulings, _ = rule(Same(pairs=[(A, B)]), {"a": "x", "b": "y"}, stands=Standing.SPENT)
    assert rulings[0].kind is Kind.BROKEN
    assert not rulings[0].confirmed


def test_nothing_is_said_of_a_pair_where_another_has_to_be_the_same_first():
    claim = Same(pairs=[(A, B)], given=[(C, D)])
    assert kinds(claim, {"a": "x", "b": "y", "c": "1", "d": "2"}) == [Kind.UNDECIDED]
    assert kinds(claim, {"a": "x", "b": "y", "c": "1", "d": "1"}) == [Kind.BROKEN]


def test_a_form_whose_answers_differ_is_looked_at_closely():
    claim = Same(pairs=[(A, B)], form="messages")
    assert rule(claim, {"a": "x", "b": "y"})[1].compared_ == [("messages", "a", False)]
    assert rule(claim, {"a": "x", "b": "x"})[1].compared_ == [("messages", "a", True)]
    # What could not be made sure of for want of budget is no reason to look away; what was gone again, is.
    assert rule(claim, {"a": "x", "b": "y"}, stands=Standing.SPENT)[1].compared_ == [("messages", "a", False)]
    assert rule(claim, {"a": "x", "b": "y"}, stands=Standing.FELL)[1].compared_ == [("messages", "a", True)]
    assert rule(claim, {"a": "x", "b": "y"}, wavering=True)[1].compared_ == []
    assert rule(Same(pairs=[(A, B)]), {"a": "x", "b": "y"})[1].compared_ == []


MANY = [(case(f"with-{n}"), case(f"without-{n}")) for n in range(6)]


def differ(**options):
    return Differ(pairs=MANY[:1], more=MANY[1:], telling=[(A, B)], otherwise="no power", **options)


def test_another_answer_is_asked_for_until_there_is_one_and_blamed_only_where_there_is_none():
    same = {pair.id: "x" for pairs in MANY for pair in pairs}
    rulings, hearing = rule(differ(), {**same, "with-0": "y", "a": "1", "b": "2"})
    assert rulings[0].kind is Kind.KEPT
    assert len(hearing.asked) == 2
    assert kinds(differ(), {**same, "with-5": "y", "a": "1", "b": "2"}) == [Kind.KEPT]
    assert kinds(differ(), {**same, "a": "1", "b": "2"}) == [Kind.BROKEN]
    assert kinds(differ(), {**same, "a": "1", "b": "1"}) == [Kind.UNDECIDED]  # nothing makes a difference there
    assert kinds(differ(), {**dict.fromkeys(same, ""), "a": "1", "b": "2"}) == [Kind.UNDECIDED]
    assert kinds(differ(speaks=lambda reply: False), {**same, "a": "1", "b": "2"}) == [Kind.UNDECIDED]
    few = Differ(pairs=MANY[:1], more=MANY[1:3], telling=[(A, B)], otherwise="too few")
    assert kinds(few, {**same, "a": "1", "b": "2"}) == [Kind.UNDECIDED]


def test_a_difference_that_is_noise_is_no_effect():
    same = {pair.id: "x" for pairs in MANY for pair in pairs}
    replies = {**same, "with-2": "y", "a": "1", "b": "2"}
    rulings, hearing = rule(differ(), replies)
    assert rulings[0].kind is Kind.KEPT
    assert hearing.differed == [1, 3]  # the telling pair, and the third of those that it tells about
    for standing in (Standing.FELL, Standing.UNSTEADY, Standing.SPENT, Standing.MOODS):
        assert kinds(differ(), replies, differs=standing) == [Kind.UNDECIDED]


def test_nothing_is_blamed_because_of_noise_elsewhere():
    same = {pair.id: "x" for pairs in MANY for pair in pairs}
    rulings, hearing = rule(differ(), {**same, "a": "1", "b": "2"})
    assert rulings[0].kind is Kind.BROKEN
    assert hearing.differed[-1] == 0  # made sure of
    assert kinds(differ(), {**same, "a": "1", "b": "2"}, differs=Standing.FELL) == [Kind.UNDECIDED]


def test_only_what_is_planned_is_asked_for_in_the_plan():
    assert [each.id for each in differ().asks] == ["with-0", "without-0", "a", "b"]
    told = Differ(pairs=MANY[:1], more=MANY[1:], telling=[(MANY[0][0], MANY[1][0])])
    assert [each.id for each in told.asks] == ["with-0", "without-0"]


def test_the_wrong_way_round_is_told_from_little_spread():
    tight, loose = of(*(f"t{n}" for n in range(5))), of(*(f"l{n}" for n in range(5)))
    claim = Spread(tight=tight, loose=loose, planned=2, otherwise="no power")

    def said(few, many):
        return {f"t{n}": f"t{min(n, few - 1)}" for n in range(5)} | {
            f"l{n}": f"l{min(n, many - 1)}" for n in range(5)
        }

    assert kinds(claim, said(1, 5)) == [Kind.KEPT]
    assert kinds(claim, said(1, 1)) == [Kind.UNDECIDED]
    assert kinds(claim, said(5, 1)) == [Kind.BROKEN]
    assert kinds(claim, said(2, 1)) == [Kind.UNDECIDED]  # one more is no spread
    noise = {"later": {"t1": ["t0"]}, "settled": False}
    assert kinds(claim, said(5, 1), **noise) == [Kind.UNDECIDED]
    assert kinds(claim, said(5, 5)) == [Kind.UNDECIDED]


def test_the_first_claim_that_decides_is_the_last_that_is_asked():
    first, second = Same(pairs=[(A, B)], telling=[(A, B)]), Same(pairs=[(C, D)])
    replies = {"a": "x", "b": "x", "c": "y", "d": "y"}
    assert kinds(FirstDecided([first, second]), replies) == [Kind.KEPT]
    assert kinds(FirstDecided([first, first]), replies) == [Kind.UNDECIDED]
    rulings, hearing = rule(FirstDecided([second, first]), replies)
    assert rulings[0].kind is Kind.KEPT
    assert "a" not in hearing.asked


FIRSTS = of(*(f"f{n}" for n in range(6)))


@pytest.mark.parametrize(
    ("texts", "free", "expected"),
    [
        ([("x", 1), ("y", 1), ("z", 1)] * 2, "other words", Kind.KEPT),
        ([("x", 1), ("y", 1), ("z", 1)] * 2, "x words", Kind.UNDECIDED),
        ([("x", 1), ("y", 1), ("z", 1), ("w", 1), ("x", 1), ("x", 1)], "other", Kind.BROKEN),
        # Of a limit that is not kept, as the target itself says, nothing follows.
        ([("x a", 2), ("y b", 2), ("z c", 2), ("w d", 2), ("x e", 2), ("x", 1)], "other", Kind.UNDECIDED),
        # Where nobody counts, a text may be of two tokens: its beginning alone belongs to the first.
        ([" ab", " ac", " ad", " ae", " af", " ag"], "other", Kind.KEPT),
        ([" a", " b", " c", " d", " a", " a"], "other", Kind.BROKEN),
    ],
)
def test_no_more_first_tokens_than_top_k_allows(texts, free, expected):
    replies = {f"f{n}": text for n, text in enumerate(texts)} | {"a": free}
    assert kinds(AtMost(most=3, firsts=FIRSTS, free=[A]), replies) == [expected]


def test_a_first_token_that_does_not_come_again_is_nobodys_fault():
    replies = {f"f{n}": (text, 1) for n, text in enumerate("xyzwxy")} | {"a": "other"}
    rulings, hearing = rule(AtMost(most=3, firsts=FIRSTS, free=[A]), replies, {"f3": [("x", 1)]}, settled=False)
    assert rulings[0].kind is Kind.UNDECIDED
    assert hearing.wavered


@pytest.mark.parametrize(
    ("shorter", "longer", "expected"),
    [
        (("one two", 2), ("one two three", 3), Kind.KEPT),
        ("one two", "one two three", Kind.KEPT),
        (("one two\ufffd", 2), ("one twoé", 3), Kind.KEPT),
        (("one two", 1), ("one two three", 3), Kind.BROKEN),  # fewer than there is room for
        (("one two", 3), ("one two three", 3), Kind.BROKEN),
        (("two", 2), ("one two three", 3), Kind.BROKEN),
        (("one two", 2), ("one two", 2), Kind.UNDECIDED),
        (("one two", 2), ("one two ", 3), Kind.KEPT),  # white space, which the usage counts
        (Exception("refused"), ("one", 1), Kind.UNDECIDED),
    ],
)
def test_a_lower_limit_gives_the_beginning(shorter, longer, expected):
    assert kinds(Prefix(shorter=A, longer=B, limit=2), {"a": shorter, "b": longer}) == [expected]


@pytest.mark.parametrize(
    ("above", "others", "streams", "expected"),
    [
        (("long text and more", 257), [], [], Kind.KEPT),
        (("text", 64), [("x", 64), ("y", 64)], [], Kind.BROKEN),
        (("text", 64), [("x", 64), ("y", 63)], [], Kind.UNDECIDED),
        (("text", 3), [("x", 3), ("y", 3)], [], Kind.UNDECIDED),  # too short to be a cap
        (("text", 64), [("text", 64), ("y", 64)], [], Kind.UNDECIDED),  # the same words anyway
        ("text", [], [("x", "a" * 64), ("y", "b" * 64), ("z", "c" * 64)], Kind.BROKEN),
        ("text", [], [("x", "a" * 64), ("y", "b" * 50), ("z", "c" * 64)], Kind.UNDECIDED),
        ("text", [], [], Kind.UNDECIDED),
    ],
)
def test_a_cap_shows_by_answers_that_all_end_after_as_many_tokens(above, others, streams, expected):
    texts = {"below": "text", "above": above}
    texts |= {f"o{n}": said for n, said in enumerate(others)} | {f"s{n}": said for n, said in enumerate(streams)}
    claim = Uncapped(
        below=case("below"),
        above=case("above"),
        others=of(*(f"o{n}" for n in range(len(others)))),
        streams=of(*(f"s{n}" for n in range(len(streams)))),
        short=of("s-short", "s-longer"),
        limit=257,
    )
    counted = {"s-short": ("x", "a" * 9), "s-longer": ("y", "b" * 20)}
    assert kinds(claim, texts | counted) == [expected]
    if streams:
        # Events that are no tokens tell nothing.
        assert kinds(claim, texts | counted | {"s-longer": ("y", "b" * 5)}) == [Kind.UNDECIDED]


PAIRS = [(case(f"u{n}"), case(f"p{n}")) for n in range(16)]
USUAL, LOOP, VARIED = (
    "the sea and the sky and the sea",
    "the the the the the the the",
    "sea and sky over red hills now",
)


@pytest.mark.parametrize(
    ("penalised", "expected"),
    [
        ([VARIED] * 16, Kind.KEPT),
        ([LOOP] * 16, Kind.BROKEN),
        ([LOOP] * 10 + [VARIED] * 6, Kind.BROKEN),
        ([LOOP] * 9 + [USUAL] * 7, Kind.UNDECIDED),
        ([LOOP] * 5 + [VARIED] * 2 + [LOOP] * 9, Kind.BROKEN),
        ([LOOP] * 5 + [VARIED] * 3 + [LOOP] * 8, Kind.UNDECIDED),
        ([LOOP] + [VARIED] * 15, Kind.KEPT),
        ([USUAL] * 16, Kind.UNDECIDED),
    ],
)
def test_fewer_repetitions_or_more_in_nearly_all_pairs(penalised, expected):
    replies = {f"u{n}": USUAL for n in range(16)} | {f"p{n}": said for n, said in enumerate(penalised)}
    assert kinds(Fewer(pairs=PAIRS, planned=1), replies) == [expected]


def test_loops_without_spaces_are_repetitions_too():
    assert repetitions("one two three") == 0
    assert repetitions("one two one") == 1
    assert repetitions("s" * 40) > 10


@pytest.mark.parametrize(
    ("later", "settled", "expected"),
    [
        (["x", "x"], True, Kind.KEPT),
        (["y", "z", "x", "x"], True, Kind.BROKEN),
        (["x", "y", "x", "x"], True, Kind.BROKEN),
        (["y", "y", "y", "y"], False, Kind.UNDECIDED),  # the first may have been given beside others
        (["y", "y", "y", "y"], True, Kind.BROKEN),  # it was given again before, and is not any more
        ([Exception("lost"), "x", "x", "x"], True, Kind.UNDECIDED),
    ],
)
def test_the_same_request_is_answered_alike(later, settled, expected):
    claim = Repeats(case=A, when="again", times=2, basic=True)
    rulings, hearing = rule(claim, {"a": "x"}, {"a": later}, settled=settled)
    assert rulings[0].kind is expected
    assert bool(hearing.wavered) == (expected is Kind.BROKEN)
    assert len(claim.repeats) == 2


def test_seeds_that_are_one_and_the_same_are_so_in_every_setting():
    settings = [of(*(f"{name}{n}" for n in range(5))) for name in "abc"]
    claim = Distinct(settings=settings, unlike=(case("hot"), case("cold")))
    apart = {f"{name}{n}": f"{name}{n}" for name in "abc" for n in range(5)} | {"hot": "1", "cold": "2"}
    assert kinds(claim, apart) == [Kind.KEPT]
    assert kinds(claim, apart | {"a3": "x", "a4": "x"}) == [Kind.UNDECIDED]  # a short answer, by chance
    twins = {f"{name}{n}": f"{name}x" for name in "abc" for n in (3, 4)}
    assert kinds(claim, apart | twins) == [Kind.BROKEN]
    assert kinds(claim, apart | twins | {"c0": "z", "c1": "z"}) == [Kind.UNDECIDED]  # too few answers there are
    all_alike = {f"{name}{n}": name for name in "abc" for n in range(5)}
    assert kinds(claim, apart | all_alike) == [Kind.BROKEN]
    assert kinds(claim, apart | all_alike | {"hot": "2"}) == [Kind.UNDECIDED]  # nothing is left to chance there


def equivalent(plain, streamed, **options):
    claim = Equivalent(plain=A, streamed=case("s", streamed=True), form="prompt+stream")
    rulings, hearing = rule(claim, {"a": plain, "s": streamed}, **options)
    return {ruling.requirement or "stream/equivalence": ruling for ruling in rulings}, hearing


def test_a_stream_says_what_the_answer_without_one_says():
    found, _ = equivalent(("one two", 2), ("one two", ["one", " two"], 2))
    assert {ruling.kind for ruling in found.values()} == {Kind.KEPT}
    found, hearing = equivalent("one two", ("another", ["another"]))
    assert found["stream/equivalence"].kind is Kind.BROKEN
    assert hearing.compared_ == [("prompt+stream", "s", False)]
    found, _ = equivalent("one two", (" one two", [" one", " two"]))
    assert found["stream/equivalence"].kind is Kind.KEPT
    assert found["stream/equivalence/white-space"].kind is Kind.BROKEN
    found, _ = equivalent(("one", 1), ("one", ["one"], 2))
    assert found["stream/usage"].kind is Kind.BROKEN
    found, _ = equivalent("one\ufffd", ("one", ["one"]))  # half a character at the limit
    assert found["stream/equivalence"].kind is Kind.KEPT
    found, _ = equivalent("one", ("one", ["one"], 2))
    assert found["stream/usage"].kind is Kind.SKIPPED


@pytest.mark.parametrize(
    ("plain", "pieces", "words"),
    [
        ("one two three", ["one", "one two", "one two three"], "repeats the text so far"),
        ("é one", ["\ufffd", "\ufffd", " one"], "U+FFFD"),
        ("one two", ["one", "two"], "white space"),
        ("one two", ["one"], "the end is lost"),
        ("one two", [" two"], "the beginning is lost"),
        ("one two", ["one", "one", " two", " two"], "comes twice"),
    ],
)
def test_how_a_stream_is_wrong_is_said_where_it_can_be_told(plain, pieces, words):
    found, _ = equivalent(plain, ("".join(pieces), pieces))
    assert words in found["stream/equivalence"].observed


@pytest.mark.parametrize(
    ("plain", "streamed", "expected"),
    [
        ("one two three", ("oneone twoone two three", ["one", "one two", "one two three"]), True),
        ("one two", ("oneone two two", ["one", "one", " two", " two"]), True),
        ("é one", ("\ufffd\ufffd one", ["\ufffd", "\ufffd", " one"]), True),
        ("é two", ("\ufffd\ufffd one", ["\ufffd", "\ufffd", " one"]), False),
        ("one two", ("onetwo", ["one", "two"]), True),
        ("one two", ("one", ["one"]), True),
        ("one two", (" two", [" two"]), True),
        ("one two", ("another", ["another"]), False),
        ("one two", ("", []), False),
        ("one " * 30, ("one " * 10, ["one "] * 10), False),  # as with another limit
        (("one " * 30, 30), ("one " * 10, ["one "] * 10, 10), False),
        (("one " * 30, 30), ("one " * 10, ["one "] * 10, 30), True),
    ],
)
def test_where_a_stream_lacks_pieces_alone_nothing_of_its_request_is_suspected(plain, streamed, expected):
    assert equivalent(plain, streamed)[1].compared_ == [("prompt+stream", "s", expected)]


def incremental(streamed, times, later=()):
    claim = Incremental(streamed=case("s", streamed=True), whole=case("w"), first=case("f"))

    class Timed(Script):
        def reply(self, of, said):
            reply = super().reply(of, said)
            object.__setattr__(reply, "times", times[of.id])
            return reply

    hearing = Timed({"s": streamed, "w": "text", "f": "t"})
    return asyncio.run(claim.rule(hearing))[0].kind


LONG = ("word " * 40, ["word "] * 40)


@pytest.mark.parametrize(
    ("streamed", "times", "expected"),
    [
        (LONG, {"s": (0.1, 1.0, 1.0), "w": (0, 0, 1.0), "f": (0, 0, 0.1)}, Kind.KEPT),
        (LONG, {"s": (0.99, 1.0, 1.0), "w": (0, 0, 1.0), "f": (0, 0, 0.1)}, Kind.BROKEN),
        (
            LONG,
            {"s": (0.1, 1.0, 1.0, 0.02), "w": (0, 0, 1.0), "f": (0, 0, 0.1)},
            Kind.BROKEN,
        ),  # one token and then all
        (LONG, {"s": (0.29, 0.3, 0.3), "w": (0, 0, 0.3), "f": (0, 0, 0.1)}, Kind.UNDECIDED),
        (LONG, {"s": (0.01, 0.01, 0.01), "w": (0, 0, 0.01), "f": (0, 0, 0.01)}, Kind.KEPT),  # nobody's loss
        (("word " * 40, ["word " * 40]), {"s": (0, 0, 0), "w": (0, 0, 0)}, Kind.BROKEN),
        (("a few words", ["a few words"]), {"s": (0, 0, 0), "w": (0, 0, 0)}, Kind.UNDECIDED),
    ],
)
def test_a_stream_comes_while_it_is_generated(streamed, times, expected):
    assert incremental(streamed, times) is expected


ALONE = {"a": "a" * 90, "b": "b" * 90, "c": "c" * 90}


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ({}, [Kind.KEPT, Kind.KEPT]),
        ({"a": ["a" * 90, "b" * 90]}, [Kind.BROKEN]),
        ({"a": ["a" * 90, "x" * 90]}, [Kind.KEPT, Kind.BROKEN]),  # another answer beside others is noted
        ({"a": ["a" * 90, Exception("lost")]}, [Kind.UNDECIDED]),
    ],
)
def test_answers_that_are_under_way_together_are_kept_apart(later, expected):
    assert kinds(Apart(cases=[A, B, C]), ALONE, later) == expected


def test_short_answers_that_are_somebody_elses_may_be_one_s_own():
    assert kinds(Apart(cases=[A, B]), {"a": "yes", "b": "no"}, {"a": ["yes", "no"]}) == [Kind.KEPT, Kind.BROKEN]


LEFT = case("left", streamed=True)


@pytest.mark.parametrize(
    ("later", "wavering", "expected"),
    [
        (["x"] * 20, False, Kind.KEPT),
        (["x", *["y", "x", "x"] * 3, "y"], False, Kind.BROKEN),  # after each stream that is left
        (["x", *["y"] * 20], False, Kind.BROKEN),  # ever since
        (["x", "y", "x", "x", "x"], False, Kind.UNDECIDED),  # once
        (["y", "x"], False, Kind.UNDECIDED),  # before any is left
        (["x", *["y", "x", "x"] * 3, "x"], True, Kind.UNDECIDED),
        (["x", *["y", "x", "x"] * 8, "y"], True, Kind.BROKEN),
        (["x", *["y"] * 30], True, Kind.UNDECIDED),  # the answer before may have been the odd one
    ],
)
def test_a_stream_that_is_left_changes_nothing(later, wavering, expected, monkeypatch):
    monkeypatch.setattr("infercheck.checks.relations.isolation.LATER", (0,) * len(LATER))
    claim = Untroubled(left=[LEFT], cases=[A])
    assert kinds(claim, {"a": "x", "left": "y"}, {"a": later}, wavering=wavering) == [expected]


@pytest.mark.parametrize(
    ("plain", "settled", "expected"),
    [
        (["x", "x"], True, Kind.KEPT),
        (["lora", "lora"], True, Kind.BROKEN),
        (["y"] * 10, True, Kind.UNDECIDED),  # changed for good, as by a new version
        (["y", "y", *["x", "y"] * 4], True, Kind.BROKEN),  # changed each time
        (["y", "y", "y", "y", "x", "y"], True, Kind.UNDECIDED),  # two machines
        (["y", "z"], True, Kind.UNDECIDED),
        (["x", "y", "x", "y", "x"], False, Kind.UNDECIDED),  # not the same even before
        (["x", "x", "x", "x"], False, Kind.KEPT),
    ],
)
def test_an_adapter_leaves_other_answers_alone(plain, settled, expected):
    claim = Unchanged(plain=[A], adapted=of("l"), between=D)
    assert kinds(claim, {"a": "x", "l": "lora", "d": "z"}, {"a": plain}, settled=settled) == [expected]


def test_an_adapter_leaves_answers_of_every_kind_alone():
    claim = Unchanged(plain=[A, B], adapted=of("l"), between=D)
    assert kinds(claim, {"a": "x", "b": "y", "l": "lora", "d": "z"}) == [Kind.KEPT]
    assert kinds(claim, {"a": "x", "b": "y", "l": "lora", "d": "z"}, {"b": ["lora", "lora"]}) == [Kind.BROKEN]


def test_an_adapter_whose_answers_are_those_without_one_tells_nothing():
    # It may have stayed before anybody looked.
    assert kinds(Unchanged(plain=[A], adapted=of("l"), between=D), {"a": "x", "l": "x"}) == [Kind.UNDECIDED]


def test_what_wavers_is_known_for_an_adapter_s_answer_only_by_the_words_of_two():
    claim = Unchanged(plain=[A], adapted=of("l", "m"), between=D)
    said = {"a": "x", "l": "lora", "m": "other"}
    leaked = ["lora", "lora", *["lora", "other"] * 2]
    assert kinds(claim, said, {"a": leaked}, wavering=True) == [Kind.BROKEN]
    assert kinds(claim, said, {"a": ["y", "y", *["lora", "y"] * 2]}, wavering=True) == [Kind.UNDECIDED]
    one = Unchanged(plain=[A], adapted=of("l"), between=D)
    assert kinds(one, said, {"a": ["lora"] * 9}, wavering=True) == [Kind.UNDECIDED]


def test_a_cache_that_knows_requests_by_their_bytes_hides_no_draws():
    claim = Rewritten(pair=(A, B), longer=tuple(of("long", "long again")), telling=(A, C))
    said = {"a": "x", "b": "x", "c": "y", "long": "x 1", "long again": "x 1"}
    rulings, hearing = rule(claim, said)
    assert rulings[0].kind is Kind.KEPT
    assert "long" not in hearing.asked
    assert not hearing.wavered
    rulings, hearing = rule(claim, {**said, "b": "z"})
    assert rulings[0].kind is Kind.BROKEN
    assert hearing.wavered == ["x"]  # given up
    rulings, hearing = rule(claim, {**said, "b": "z"}, {"b": ["x"]})
    assert rulings[0].kind is Kind.UNDECIDED
    assert not hearing.wavered
    # Where all answers begin alike, only longer ones tell.
    assert kinds(claim, {**said, "c": "x"}) == [Kind.KEPT]
    assert kinds(claim, {**said, "c": "x", "long again": "x 2"}) == [Kind.BROKEN]


def test_an_adapter_that_nobody_has_is_refused():
    claim = Refused(case=A, base=B, what="it")
    assert kinds(claim, {"a": "x", "b": "x"}) == [Kind.BROKEN]
    rulings, _ = rule(claim, {"a": "x", "b": "x"})
    assert "base model" in rulings[0].observed


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a story", "b story", "c story"], Kind.KEPT),
        (["ask a: once", "ask b: twice", "ask c"], Kind.BROKEN),
        (["ask a: once", "a model's own words", "ask c"], Kind.KEPT),
        (["[INST] ask a [/INST] once", "[INST] ask b [/INST]", "[INST] ask c"], Kind.BROKEN),
    ],
)
def test_a_prompt_is_not_echoed(texts, expected):
    claim = NoEcho(cases=[A], more=[B, C], texts=["ask a", "ask b", "ask c"])
    assert kinds(claim, dict(zip("abc", texts, strict=True))) == [expected]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["x", "y", "z"], Kind.KEPT),
        (["x</s>", "y</s>", "z</s>"], Kind.BROKEN),
        (["x</s>", "y", "z"], Kind.UNDECIDED),
        (["x</s>", "y<|im_end|>", "z</s>"], Kind.UNDECIDED),
        (["x </s> y", "y", "z"], Kind.KEPT),
        (["[/INST] x", " [/INST]y", "[/INST]"], Kind.BROKEN),
        (["<s>x", "y", "z"], Kind.UNDECIDED),
    ],
)
def test_the_token_that_ends_answers_is_no_part_of_them(texts, expected):
    assert kinds(NoMark(cases=[A, B, C]), dict(zip("abc", texts, strict=True))) == [expected]


def test_a_stream_with_another_flaw_is_not_blamed_for_what_it_says_as_well():
    found, hearing = equivalent("one two", ("one", ["one"]), flawed=True)
    assert found["stream/equivalence"].kind is Kind.UNDECIDED
    assert "stream/media-type" in found["stream/equivalence"].reason
    assert not hearing.compared_
    found, _ = equivalent("one two", ("one two", ["one", " two"]), flawed=True)
    assert found["stream/equivalence"].kind is Kind.KEPT


def test_what_depends_on_load_alone_is_reproducible():
    claim = Repeats(case=A, when="again", times=2)
    assert kinds(claim, {"a": "x"}, {"a": ["y"] * 4}, settled=False) == [Kind.UNDECIDED]
    assert kinds(claim, {"a": "x"}, {"a": ["y"] * 4}, settled=False, moving=True) == [Kind.KEPT]
    assert kinds(claim, {"a": "x"}, {"a": ["y", "z", "y", "y"]}, settled=False, moving=True) == [Kind.BROKEN]


TWINS = [(case(f"one{n}"), case(f"other{n}")) for n in range(6)]
SAME = {each.id: f"text {n}" for n, pair in enumerate(TWINS) for each in pair}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"free": of("a", "b", "c")}, Kind.BROKEN),
        ({"free": of("a", "b", "again")}, Kind.UNDECIDED),  # two of them are alike: not all is left to chance
        ({"firsts": of("x", "y", "z"), "tokens": 2}, Kind.BROKEN),
        ({"firsts": of("x", "y", "y2"), "tokens": 2}, Kind.UNDECIDED),  # no more first tokens than two
        ({"firsts": of("x", "y", "mute"), "tokens": 2}, Kind.UNDECIDED),
    ],
)
def test_no_effect_is_blamed_only_where_enough_is_left_to_chance(more, expected):
    said = {"a": "1", "b": "2", "c": "3", "again": "1", "x": " xx", "y": " yy", "y2": " yz", "z": " zz", "mute": ""}
    claim = Differ(pairs=TWINS[:1], more=TWINS[1:], otherwise="too little chance", **more)
    assert kinds(claim, SAME | said) == [expected]


def test_the_last_pairs_need_not_speak_and_may_still_show_the_effect():
    last = [(A, B)]
    claim = Differ(
        pairs=TWINS[:1],
        more=TWINS[1:],
        last=last,
        speaks=lambda replies: all("text" in reply.text for reply in replies),
    )
    assert kinds(claim, SAME | {"a": "x", "b": "x"}) == [Kind.BROKEN]
    assert kinds(claim, SAME | {"a": "x", "b": "y"}) == [Kind.KEPT]


def ladders(*rows):
    """Requests and replies: for each seed the answers from the greatest value down."""
    cases = [[case(f"seed{n} rung{m}") for m in range(len(row))] for n, row in enumerate(rows)]
    said = {
        each.id: text for steps, row in zip(cases, rows, strict=True) for each, text in zip(steps, row, strict=True)
    }
    return NotClamped(ladders=cases, otherwise="too little"), said


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["abcd", "efgh"], Kind.KEPT),
        (["aabc", "ddef"], Kind.BROKEN),  # the greatest is taken for the second
        (["aaab", "cccd"], Kind.BROKEN),
        (["aabc", "deef"], Kind.KEPT),  # equal by chance with one seed
        (["aaab", "ccdd"], Kind.UNDECIDED),  # one seed has another edge
        (["aaab", "cccc"], Kind.UNDECIDED),
        (["aaaa", "bbbb"], Kind.UNDECIDED),  # nothing at all changes: others tell why
    ],
)
def test_the_greatest_value_is_not_taken_for_a_lower_one(rows, expected):
    claim, said = ladders(*rows)
    assert kinds(claim, said) == [expected]
    assert [each.id for each in claim.asks] == ["seed0 rung0", "seed0 rung1"]


def test_where_a_value_is_clamped_is_found_in_few_requests():
    claim, said = ladders(*("a" * 9 + "bcd" for _ in range(3)))
    (ruling,), hearing = rule(claim, said)
    assert ruling.kind is Kind.BROKEN
    assert "seed0 rung8" in ruling.expected
    assert "seed0 rung9" in ruling.observed
    assert len(set(hearing.asked)) <= 2 + 4 + 2 * 4


def test_a_limit_that_is_not_kept_is_not_taken_for_another_default():
    claim = SameLimit(pairs=[(A, B)], telling=[(B, C)], otherwise="short", limit=4)
    said = {"b": ("one two three", 3), "c": ("one two three four five", 5)}
    assert kinds(claim, said | {"a": ("one two three four", 4)}) == [Kind.UNDECIDED]
    assert kinds(claim, said | {"a": ("one two", 2)}) == [Kind.BROKEN]
    assert kinds(claim, said | {"a": ("quite another text", 4)}) == [Kind.BROKEN]


def test_what_is_looked_at_besides_is_told_only_where_it_decides():
    claim = Besides(Same(pairs=[(A, B)], telling=[(A, C)]))
    assert kinds(claim, {"a": "x", "b": "x", "c": "x"}) == []
    assert kinds(claim, {"a": "x", "b": "y", "c": "x"}) == [Kind.BROKEN]
    assert list(claim.asks) == [A, B, C]


@pytest.mark.parametrize(
    ("beside_seedless", "beside_seeded", "expected"),
    [
        ("x", "", Kind.KEPT),
        ("yzwvut", "xxxxxx", Kind.BROKEN),
        ("yzwvux", "xxxxxx", Kind.BROKEN),
        ("yxwvux", "xxxxxx", Kind.UNDECIDED),  # now and then
        ("yzwvut", "xxxxxy", Kind.UNDECIDED),  # whatever is beside it
    ],
)
def test_an_answer_is_the_same_beside_a_request_without_a_seed(beside_seedless, beside_seeded, expected):
    claim = Unmoved(case=A, seedless=B, seeded=C)
    said = {"a": "x", "b": "b", "c": "c"}
    assert kinds(claim, said, {"a": [*beside_seedless, *beside_seeded]}) == [expected]
    assert len(claim.repeats) == 2
