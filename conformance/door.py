"""The one door: every request of a run leaves through it, is counted, paced, recorded and remembered."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass

from infercheck.cases import Case
from infercheck.errors import InfercheckError
from infercheck.exchange import Answer, Exchange, Runner
from infercheck.journal import JournalWriter
from infercheck.pace import BACKOFF, Pace, retry_after, throttled


class BudgetSpent(InfercheckError):
    """No more requests, tokens or time: what is left stays undecided."""


class ThrottledForEver(InfercheckError):
    """The target kept saying "later": the run ends incomplete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a run may spend: requests, output tokens by price, and seconds.

    What the plan needs is kept for it: the extras are what splitting and confirming may take.
    """

    requests: int
    tokens: int
    extra_requests: int
    extra_tokens: int
    seconds: float | None = None


class Door:
    """Asks a target for answers. The same request is never sent twice, unless a fresh answer is asked for."""

    def __init__(self, runner: Runner, journal: JournalWriter, *, pace: Pace, budget: Budget) -> None:
        self._runner = runner
        self._journal = journal
        self._pace = pace
        self._budget = budget
        self._asked: dict[str, asyncio.Future[Exchange]] = {}
        self._fresh: Counter[str] = Counter()
        self._began = time.monotonic()
        self.requests = 0
        self.tokens = 0
        self.retries = 0
        self._extra_requests = 0
        self._extra_tokens = 0

    @property
    def seconds(self) -> float:
        """Seconds since the door was opened."""
        return time.monotonic() - self._began

    async def ask(self, case: Case, *, fresh: bool = False, extra: bool = False) -> Exchange:
        """The target's answer to a case; BudgetSpent or ThrottledForEver where there can be none.

        `fresh` asks anew what was asked before; `extra` is what no plan foresaw, and so is everything fresh.
        """
        digest = case.request.digest
        if fresh:
            self._fresh[digest] += 1
            return await self._send(case, self._fresh[digest], extra=True)
        known = self._asked.get(digest)
        if known is not None:
            return await asyncio.shield(known)
        future: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()
        self._asked[digest] = future
        try:
            exchange = await self._send(case, 0, extra=extra)
        except BaseException as error:
            del self._asked[digest]
            if isinstance(error, InfercheckError):
                future.set_exception(error)
                future.exception()  # nobody may be waiting for it
            else:
                future.cancel()
            raise
        future.set_result(exchange)
        return exchange

    async def _send(self, case: Case, ordinal: int, *, extra: bool) -> Exchange:
        self._spend(case.price, extra=extra)
        number = self.requests
        # What no plan foresaw is asked to make sure, so it must not hang on what the connection carried before.
        answer, retries, started = await self._carry(case, number, ordinal, alone=extra)
        exchange = Exchange(
            number=number,
            case=case.id,
            ordinal=ordinal,
            request=case.request,
            answer=answer,
            started=started,
            retries=retries,
        )
        self._journal.exchange(exchange)
        return exchange

    def _spend(self, price: int, *, extra: bool) -> None:
        budget = self._budget
        if self.requests >= budget.requests or (extra and self._extra_requests >= budget.extra_requests):
            raise BudgetSpent(f"the budget of {budget.requests} requests is spent")
        if self.tokens + price > budget.tokens or (extra and self._extra_tokens + price > budget.extra_tokens):
            raise BudgetSpent(f"the budget of {budget.tokens} output tokens is spent")
        self.requests += 1
        self.tokens += price
        if extra:
            self._extra_requests += 1
            self._extra_tokens += price

    async def _carry(self, case: Case, number: int, ordinal: int, *, alone: bool) -> tuple[Answer, int, float]:
        for retries in range(len(BACKOFF) + 1):
            await self._pace.turn()
            if self._budget.seconds is not None and self.seconds >= self._budget.seconds:
                raise BudgetSpent(f"the budget of {self._budget.seconds:g} seconds is spent")
            started = self.seconds
            if not retries:
                self._journal.sent(number, case, ordinal, started)
            answer = await self._runner.send(case.request, alone=alone)
            if not throttled(answer):
                return answer, retries, started
            self.retries += 1
            if retries < len(BACKOFF):
                asked = retry_after(answer)
                self._pace.hold(BACKOFF[retries] if asked is None else asked)
        raise ThrottledForEver(f"the target answered {answer.status} {len(BACKOFF) + 1} times in a row")
