"""Servers that do not survive a request, or hang up on it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.requests import Request

from infercheck.runners.http import Timeouts
from mutants.conforming import Careless
from mutants.registry import mutant

FOR_EVER = float("inf")

HASTE: Mapping[str, Any] = {"restart_wait": 0.3}
"""Options for servers that do not come back: nobody need wait for them."""


class Deaf(Careless):
    """Closes some connections without an answer. `away` are the seconds for which it then closes all of them."""

    away: ClassVar[float] = 0.0

    def prepare(self) -> None:
        self._until = 0.0

    def app(self) -> Any:
        app = super().app()

        async def connected(scope: Any, receive: Any, send: Any) -> None:
            # The server's own end of the connection is out of an application's reach, but for the back door.
            scope["hang_up"] = send.__self__.transport.abort
            if time.monotonic() < self._until:
                await hang_up(scope)
            else:
                await app(scope, receive, send)

        return connected

    async def read_body(self, request: Request) -> bytes:
        raw = await super().read_body(request)
        if self.is_deadly(raw):
            self._until = time.monotonic() + self.away
            await hang_up(request.scope)
        return raw

    def is_deadly(self, raw: bytes) -> bool:
        """Whether it does not survive a body."""
        body = read(raw)
        return isinstance(body, dict) and self.kills(body)

    def kills(self, body: Mapping[str, Any]) -> bool:
        """Whether it does not survive a body that is an object."""
        raise NotImplementedError


async def hang_up(scope: Any) -> None:
    """Close the connection, and never answer on it."""
    scope["hang_up"]()
    await asyncio.sleep(0.01)


def read(raw: bytes) -> Any:
    """A body as a lax parser reads it; None where even that cannot."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def is_deep(raw: bytes) -> bool:
    """Whether a body nests more deeply than a parser goes that calls itself."""
    return raw.count(b"[") > 1000 or raw.count(b"{") > 1000


class Mortal(Deaf):
    """Does not come back from what it does not survive."""

    away = FOR_EVER


class Restarted(Deaf):
    """Is started again a moment after what it does not survive."""

    away = 0.5


@mutant("http/answer")
class HangsUpOnBadUtf8(Deaf):
    """Closes the connection on bytes that are no UTF-8, and lives on."""

    def is_deadly(self, raw: bytes) -> bool:
        return b"\xe9" in raw and read(raw) is None


@mutant("http/answer")
class HangsUpOnDeepNesting(Deaf):
    """Loses the one thread that reads a deep body, and lives on."""

    def is_deadly(self, raw: bytes) -> bool:
        return is_deep(raw)


# Patience counts only from twenty times the slowest answer: this long, a busy machine is no reason for doubt.
@mutant("http/answer", timeouts=Timeouts(first=20.0), only=("http",))
class NeverAnswersEmptyBodies(Careless):
    """Waits for a body that was said to be empty."""

    async def read_body(self, request: Request) -> bytes:
        raw = await super().read_body(request)
        if not raw:
            await asyncio.sleep(21)
        return raw


@mutant("robust/liveness", **HASTE)
class DiesOfNaN(Mortal):
    """Samples with a temperature that is no number, and never comes back."""

    def is_deadly(self, raw: bytes) -> bool:
        return b"NaN" in raw


@mutant("robust/liveness")
class RestartsAfterDeepNesting(Restarted):
    """Overflows its stack on a body that nests deeply, and is started again."""

    def is_deadly(self, raw: bytes) -> bool:
        return is_deep(raw)


@mutant("robust/liveness", **HASTE)
class DiesOfFractionsOfTopK(Mortal):
    """Dies of a top_k of 1.5, which it should refuse."""

    def kills(self, body: Mapping[str, Any]) -> bool:
        return isinstance(body.get("top_k"), float) and not body["top_k"].is_integer()


@mutant("robust/liveness", **HASTE)
class DiesOfSeedsBeyond64Bits(Mortal):
    """Dies of a seed that its engine has no room for, and that it should refuse."""

    def kills(self, body: Mapping[str, Any]) -> bool:
        return isinstance(body.get("seed"), int) and body["seed"] >= 2**63


@mutant("robust/liveness", "input/prompt/seed/maximum", only=("input/prompt/seed", "robust"))
class RestartsAfterWideSeeds(Restarted):
    """Dies of a seed beyond 32 bits, which it should take, and is started again."""

    def kills(self, body: Mapping[str, Any]) -> bool:
        return isinstance(body.get("seed"), int) and 2**32 <= body["seed"] <= 9999999999


@mutant("robust/liveness", **HASTE)
class DiesOfEmptyPrompts(Mortal):
    """Dies where there is no token to begin with."""

    def kills(self, body: Mapping[str, Any]) -> bool:
        return body.get("prompt") == ""


@mutant("robust/liveness", **HASTE)
class DiesOfMaxTokensZero(Mortal):
    """Dies of max_tokens 0, which it may refuse or answer."""

    def kills(self, body: Mapping[str, Any]) -> bool:
        return body.get("max_tokens") == 0


@mutant("robust/liveness", "input/combinations", max_requests=700)
class RestartsAfterPenaltiesAtOdds(Restarted):
    """Divides by a repetition_penalty of 0 where another penalty is at its highest, and is started again."""

    def kills(self, body: Mapping[str, Any]) -> bool:
        return body.get("repetition_penalty") == 0 and body.get("presence_penalty") == 2


@mutant("robust/liveness", may_fail=("input/*/maxLength",))
class RestartsAfterLongTexts(Restarted):
    """Runs out of memory on a long text, and is started again."""

    def is_deadly(self, raw: bytes) -> bool:
        return len(raw) > 500_000


@mutant("robust/liveness", **HASTE)
class DiesOfOldAge(Mortal):
    """Leaks a little with every request, until there is nothing left."""

    def prepare(self) -> None:
        super().prepare()
        self._count = 0

    def is_deadly(self, raw: bytes) -> bool:
        self._count += 1
        return self._count > 150
