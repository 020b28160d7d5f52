"""Steadiness: whether a target gives the same answer to the same request again, as far as it is known."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from infercheck.cases import Case
from infercheck.generate.asks import GREEDY, form_name
from infercheck.reply import Reply

MOST_TURNS, PROVED = {False: 4, True: 12}, {False: 8, True: 24}
"""How often two requests are asked again in turns at most, while fewer answers of their forms than the other number
are known to have come alike: two machines that differ pass two turns too easily. More where any request was
answered in two ways."""

CHANCE = 0.05
"""That a difference is noise, above which it is likely to be."""

TOLD = 4
"""Requests asked again that tell how often noise changes answers."""

WAVERING = 2
"""Requests that are not answered alike twice, after which nothing of their form is compared any more that is as
long."""

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
        self._latest: dict[str, Reply] = {}
        self._settled: set[str] = set()
        self._wavering: defaultdict[str, dict[str, int]] = defaultdict(dict)  # prices by digest, by form
        self._given_up: dict[str, float] = {}  # the price from which on, by form
        self._given_up_whole: set[bool] = set()  # greedy forms, or those that are not
        # By form, the prices of requests that were answered alike when they were asked again, and of the others.
        self._alike: defaultdict[str, list[int]] = defaultdict(list)
        self._unlike: defaultdict[str, list[int]] = defaultdict(list)

    def again(self, reply: Reply, known: Reply | None) -> bool:
        """Take notice of a fresh reply; whether it stands for the one that is known, which never came again."""
        digest = reply.case.request.digest
        latest, self._latest[digest] = self._latest.get(digest), reply
        if known is None:
            return False
        if reply.said == known.said:
            self._settled.add(digest)
            self._alike[self.form(reply.case)].append(reply.case.price)
            return False
        self._unlike[self.form(reply.case)].append(reply.case.price)
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
        self._wavering[self.form(reply.case)][reply.case.request.digest] = reply.case.price
        self.noisy = True

    def give_up(self, reply: Reply, *, price: float = 0, whole: bool = False) -> None:
        """Compare nothing of the form of this reply's request any more, from some price on; of the `whole` target,
        with as much or as little left to chance."""
        form = self.form(reply.case)
        self._given_up[form] = min(price, self._given_up.get(form, price))
        if whole:
            self._given_up_whole.add(form.endswith(GREEDY))
        self.noisy = True

    @property
    def given_up(self) -> Mapping[str, float]:
        """The forms of which nothing can be compared, or nothing from some price on."""
        forms = {*self._given_up, *self._wavering}
        return {form: price for form in forms if (price := self._given_up_from(form)) < math.inf}

    def is_given_up(self, form: str, price: float) -> bool:
        """Whether answers of a form that are as long cannot be compared."""
        return price >= self._given_up_from(form)

    def _given_up_from(self, form: str) -> float:
        # Numerics that part after many tokens leave short answers alone.
        if form.endswith(GREEDY) in self._given_up_whole:
            return 0
        wavering = sorted(self._wavering.get(form, {}).values())[WAVERING - 1 :]
        return min([self._given_up.get(form, math.inf), *wavering])

    def unsteady(self, *replies: Reply) -> str:
        """Why replies like these cannot be compared; empty where they can."""
        return ANEW if any(self.is_given_up(self.form(one.case), one.case.price) for one in replies) else ""

    def is_proved(self, *replies: Reply) -> bool:
        """Whether requests of these forms and of this length were answered alike so often that it is no chance."""
        return all(
            sum(price >= reply.case.price for price in self._alike[self.form(reply.case)]) >= PROVED[self.noisy]
            for reply in replies
        )

    @property
    def most_turns(self) -> int:
        """How often two requests are asked again in turns at most."""
        return MOST_TURNS[self.noisy]

    def is_noise_likely(self, pairs: int, *replies: Reply) -> bool:
        """Whether noise may well be why replies differ as those of one of so many pairs do."""
        return self.noisy and pairs * sum(map(self._share, replies)) > CHANCE

    def _share(self, reply: Reply) -> float:
        # How many answers are others when they are asked for again: as short ones as this in its form or, where
        # that is not known, in all forms that leave as much to chance; or all answers of these forms.
        form, price = self.form(reply.case), reply.case.price
        like = [each for each in {*self._alike, *self._unlike} if each.endswith(GREEDY) == form.endswith(GREEDY)]
        for forms, most in (([form], price), (like, price), (like, math.inf)):
            unlike, alike = (
                sum(one <= most for each in forms for one in known.get(each, ()))
                for known in (self._unlike, self._alike)
            )
            if unlike + alike >= TOLD:
                break
        return unlike / max(1, unlike + alike)

    @property
    def measure(self) -> Measure:
        """How steady the target was in all."""
        alike, unlike = (sum(map(len, known.values())) for known in (self._alike, self._unlike))
        return Measure(asked=alike + unlike, alike=alike)

    def form(self, case: Case) -> str:
        """The name of a request's form."""
        greedy = any(part.key == self._temperature and part.value == 0 for part in case.parts)
        return form_name(case.branch or "", streamed=case.request.stream, greedy=greedy)
