"""Lives: how often a target may die. One that we start again has few; what is sent meanwhile may cost another."""

from __future__ import annotations

import asyncio


class Lives:
    """Holds back what need not be sent while it is looked into what a target of `few` lives died of.

    Whoever looks into it holds `looking`.
    """

    def __init__(self, *, few: bool) -> None:
        self.few = few
        self.looking = asyncio.Lock()

    async def calm(self) -> None:
        """Wait while it is looked into."""
        if self.few:
            async with self.looking:
                pass

    async def may_be_lost_again(self, *, is_looked_into: bool) -> bool:
        """Whether what was lost may be sent again; where the target has few lives, after it was looked into."""
        if not self.few:
            return True
        await asyncio.sleep(0)  # who looks into it has heard of it at the same moment
        await self.calm()
        return is_looked_into
