"""Steadiness: whether a target gives the same answer to the same request again, as far as it is known."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from infercheck.cases import Case
from infercheck.generate.asks import form_name
from infercheck.reply import Reply

MOST_TURNS, PROVED = {False: 4, True: 12}, {False: 8, True: 24}
"""How often two requests are asked again in turns at most, while fewer answers of their forms than the other number
are known to have come alike: two machines that differ pass two turns too easily. More where any request was
answered in two ways."""

WAVERING = 2
"""Requests that are not answered alike twice, after which nothing of their form is compared any more."""

ANEW = "the target does not give the same answer to the same request twice (effect/seed/reproducible)"


@dataclass(frozen=True, slots=True)
class Measure:
    """How many requests were asked again with nothing else under way, and how many of them were answered alike."""

    asked: int
    alike: int


class Steadiness:
    """Learns from every answer that is given again. Forms are told by their names: `prompt`, `messages+stream`.

    `temperature` is the parameter that leaves nothing to chance at 0: a target that draws anew whatever the seed
    may well be steady there.
    """

    def __init__(self, temperature: str | None) -> None:
        self._temperature = temperature
        self.noisy = False
        """Whether any request was answered in two ways."""
        self._asked = 0
        self._latest: dict[str, Reply] = {}
        self._settled: set[str] = set()
        self._wavering: defaultdict[str, set[str]] = defaultdict(set)
        self._given_up: set[str] = set()
        self._alike: defaultdict[str, list[int]] = defaultdict(list)

    def again(self, reply: Reply, known: Reply | None) -> bool:
        """Take notice of a fresh reply; whether it stands for the one that is known, which never came again."""
        digest = reply.case.request.digest
        latest, self._latest[digest] = self._latest.get(digest), reply
        if known is None:
            return False
        self._asked += 1
        if reply.said == known.said:
            self._settled.add(digest)
            self._alike[self._form(reply.case)].append(reply.case.price)
            return False
        # What is said twice in a row is what is said: a first answer alone may have been another.
        return latest is not None and latest.said == reply.said and digest not in self._settled

    def settled(self, case: Case) -> bool:
        """Whether a request was answered as at first when it was asked again."""
        return case.request.digest in self._settled

    def unsettle(self, case: Case) -> None:
        """Forget that, since its first answer is another now."""
        self._settled.discard(case.request.digest)

    def waver(self, reply: Reply) -> None:
        """Take notice of a request that is answered in two ways."""
        self._wavering[self._form(reply.case)].add(reply.case.request.digest)
        self.noisy = True

    def give_up(self, reply: Reply) -> None:
        """Compare nothing of the form of this reply's request any more."""
        self._given_up.add(self._form(reply.case))
        self.noisy = True

    @property
    def given_up(self) -> frozenset[str]:
        """The forms of which nothing can be compared."""
        wavering = (form for form, digests in self._wavering.items() if len(digests) >= WAVERING)
        return frozenset((*self._given_up, *wavering))

    def is_given_up(self, form: str) -> bool:
        """Whether nothing of a form can be compared."""
        return form in self._given_up or len(self._wavering.get(form, ())) >= WAVERING

    def unsteady(self, *replies: Reply) -> str:
        """Why replies like these cannot be compared; empty where they can."""
        return ANEW if any(self.is_given_up(self._form(reply.case)) for reply in replies) else ""

    def is_proved(self, *replies: Reply) -> bool:
        """Whether requests of these forms and of this length were answered alike so often that it is no chance."""
        return all(
            sum(price >= reply.case.price for price in self._alike[self._form(reply.case)]) >= PROVED[self.noisy]
            for reply in replies
        )

    @property
    def most_turns(self) -> int:
        """How often two requests are asked again in turns at most."""
        return MOST_TURNS[self.noisy]

    @property
    def measure(self) -> Measure:
        """How steady the target was in all."""
        return Measure(asked=self._asked, alike=sum(map(len, self._alike.values())))

    def _form(self, case: Case) -> str:
        greedy = any(part.key == self._temperature and part.value == 0 for part in case.parts)
        return form_name(case.branch or "", streamed=case.request.stream, greedy=greedy)
