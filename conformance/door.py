"""The one door: every request of a run leaves through it, is counted, paced, recorded and remembered."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

from infercheck import pace
from infercheck.cases import Case
from infercheck.errors import BudgetSpent, InfercheckError, ThrottledForEver
from infercheck.exchange import Answer, Exchange, Runner
from infercheck.gate import Gate
from infercheck.journal import JournalWriter
from infercheck.pace import BACKOFF, Pace, retry_after, throttled
from infercheck.recording import Recording


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


MORE = "mend what is broken, or give more with --max-requests and --max-tokens"
"""What to do where what is kept for looking closer is spent."""

MOST_BYTES = 96 * 2**20
"""Bytes of answers that are remembered after which nothing more is asked."""


class How(TypedDict, total=False):
    """How a case is asked; nothing of it by default."""

    fresh: bool
    """Ask anew what was asked before."""
    extra: bool
    """No plan foresaw it; so it is with all that is fresh, unless told otherwise."""
    held: bool
    """The caller is within `quiet`."""
    live: bool
    """No recorded answer will do."""
    once: bool
    """Nobody asks it again: the answer need not be remembered."""


class Door:
    """Asks a target for answers. The same request is never sent twice, unless a fresh answer is asked for.

    What `recording` holds, of an earlier part of the same run, was paid for then and is not sent again.
    """

    def __init__(
        self,
        runner: Runner,
        journal: JournalWriter,
        *,
        pace: Pace,
        budget: Budget,
        recording: Recording | None = None,
    ) -> None:
        self._runner = runner
        self._journal = journal
        self._pace = pace
        self._budget = budget
        self._recording = recording or Recording()
        self._asked: dict[str, asyncio.Future[Exchange]] = {}
        self._fresh: Counter[str] = Counter()
        self._received = 0
        self._gate = Gate()
        self.apart = False
        """Whether every request goes on a connection of its own: kept ones of this target cannot be trusted."""
        self._opened = time.monotonic()
        self._before = self._recording.seconds
        self._number = self._recording.last_number
        self.requests = 0
        self.tokens = 0
        self.retries = 0
        self.unasked = ""
        """Why the first request that was wanted to look closer was not sent: the budget had no room left for it."""
        self._extra_requests = 0
        self._extra_tokens = 0

    @property
    def seconds(self) -> float:
        """Seconds since the run began, without those between an earlier part of it and this one."""
        return self._before + time.monotonic() - self._opened

    def quiet(self) -> AbstractAsyncContextManager[None]:
        """Nobody else's request is under way meanwhile; for whoever asks with `held`."""
        return self._gate.alone()

    async def ask(self, case: Case, **how: Unpack[How]) -> Exchange:
        """The target's answer to a case; NotToBeHad or ThrottledForEver where there can be none."""
        digest = case.request.digest
        fresh, held = how.get("fresh", False), how.get("held", False)
        extra = how.get("extra", fresh)
        if fresh:
            self._fresh[digest] += 1
            live = how.get("live", False)
            exchange = await self._send(case, self._fresh[digest], extra=extra, held=held, live=live)
            self._received += len(exchange.answer.body)
            return exchange
        known = self._asked.get(digest)
        if known is not None:
            return await asyncio.shield(known)
        future: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()
        self._asked[digest] = future
        try:
            exchange = await self._send(case, 0, extra=extra, held=held, live=False)
        except BaseException as error:
            del self._asked[digest]
            if isinstance(error, InfercheckError):
                future.set_exception(error)
                future.exception()  # nobody may be waiting for it
            else:
                future.cancel()
            raise
        future.set_result(exchange)
        if how.get("once", False):
            self.forget(case)
        else:
            self._received += len(exchange.answer.body)
        return exchange

    async def _send(self, case: Case, ordinal: int, *, extra: bool, held: bool, live: bool) -> Exchange:
        try:
            self._spend(case.price, extra=extra)
        except BudgetSpent as spent:
            self.unasked = self.unasked or (str(spent) if extra else "")
            raise
        recorded = None if live else self._recording.take(case.request, fresh=ordinal > 0)
        if recorded is not None:
            self.retries += recorded.retries
            return recorded
        self._number += 1
        number = self._number
        # What no plan foresaw is asked to make sure, so it must not hang on what the connection carried before.
        # What is refused at the edge may be refused with its body unread, not to be taken for the next request.
        answer, retries, started = await self._carry(
            case, number, ordinal, apart=extra or ordinal > 0 or case.at_edge or self.apart, held=held
        )
        exchange = Exchange(
            number=number,
            case=case.id,
            ordinal=ordinal,
            request=case.request,
            answer=answer,
            started=started,
            retries=retries,
        )
        if answer.failure and answer.failure.kind == "connect":
            self._refund(case.price, extra=extra)
        self._journal.exchange(exchange)
        return exchange

    def _spend(self, price: int, *, extra: bool) -> None:
        budget = self._budget
        if self._received >= MOST_BYTES:
            raise BudgetSpent(f"the answers come to more than {MOST_BYTES >> 20} MiB")
        if self.requests >= budget.requests:
            raise BudgetSpent(f"the budget of {budget.requests} requests is spent; {MORE}")
        if self.tokens + price > budget.tokens:
            raise BudgetSpent(f"the budget of {budget.tokens} output tokens is spent; {MORE}")
        if extra and self._extra_requests >= budget.extra_requests:
            raise BudgetSpent(f"the {budget.extra_requests} requests kept for looking closer are spent; {MORE}")
        if extra and self._extra_tokens + price > budget.extra_tokens:
            raise BudgetSpent(f"the {budget.extra_tokens} output tokens kept for looking closer are spent; {MORE}")
        self.requests += 1
        self.tokens += price
        if extra:
            self._extra_requests += 1
            self._extra_tokens += price

    @property
    def left(self) -> int:
        """Requests that may still be sent."""
        return self._budget.requests - self.requests

    def has(self, case: Case) -> bool:
        """Whether a request was sent, or is under way."""
        return case.request.digest in self._asked

    def forget(self, case: Case) -> None:
        """Nobody asks this again: the answer need not be remembered."""
        self._asked.pop(case.request.digest, None)

    def release(self) -> None:
        """Nothing of the plan is left to be sent: whatever is left of the budget is there for looking closer."""
        budget = self._budget
        self._budget = replace(budget, extra_requests=budget.requests, extra_tokens=budget.tokens)

    def forgo(self, case: Case) -> None:
        """Give what was kept for a planned request that is not worth sending to those that no plan foresaw."""
        self._extra_requests -= 1
        self._extra_tokens -= case.price

    def _refund(self, price: int, *, extra: bool) -> None:
        # Nobody took the connection: nothing was sent.
        self.requests -= 1
        self.tokens -= price
        if extra:
            self._extra_requests -= 1
            self._extra_tokens -= price

    async def _carry(
        self, case: Case, number: int, ordinal: int, *, apart: bool, held: bool
    ) -> tuple[Answer, int, float]:
        long = 0
        for retries in range(len(BACKOFF) + 1):
            await self._pace.turn()
            # What goes apart closes the connections that are kept, for a target may have room for few.
            alone = apart or case.alone
            async with nullcontext() if held else self._gate.alone() if alone else self._gate.shared():
                spent = time.monotonic() - self._opened
                if self._budget.seconds is not None and spent >= self._budget.seconds:
                    raise BudgetSpent(f"the budget of {self._budget.seconds:g} seconds is spent")
                started = self.seconds
                if not retries:
                    self._journal.sent(number, case, ordinal, started)
                answer = await self._runner.send(case.request, alone=apart)
            if not throttled(answer):
                self._pace.answered(answer)
                return answer, retries, started
            self.retries += 1
            asked = retry_after(answer)
            long += asked is not None and asked >= pace.PATIENCE
            if long > 1:
                # A quota that is used up: what was decided so far stands, and the rest is asked another day.
                asks = f"the target asks to come back after {pace.PATIENCE:g} s or more, twice"
                raise ThrottledForEver(f"{asks}; --resume goes on then")
            if retries < len(BACKOFF):
                self._pace.later(BACKOFF[retries] if asked is None else asked)
        raise ThrottledForEver(f"the target answered {answer.status} {len(BACKOFF) + 1} times in a row")
