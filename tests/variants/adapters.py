"""Servers that know adapters in another way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

from infercheck.runners.engine import Refusal
from infercheck.runners.reference.model import LanguageModel, Row
from infercheck.runners.reference.template import is_prompt
from variants.draws import Draws
from variants.engines import Generating, Request, Steps
from variants.registry import variant

NAMES = ("poet", "pirate")
ID = "00000000-1111-4222-8333-444444444444"


@variant(adapters=NAMES)
class KnowsTwoAdapters(Generating):
    """Has two adapters, and refuses others with 400."""


@variant(adapters=("sailor",))
class KnowsOneAdapter(Generating):
    """Has one adapter of another name."""

    class Engine(Steps):
        """Sails."""

        adapters = ("sailor",)


@variant(adapters=("poet", ID))
class KnowsAdaptersByIds(Generating):
    """Takes an adapter's name and its id alike."""

    class Engine(Steps):
        """Knows ids."""

        adapters = (*NAMES, ID)

        def known(self, name: str) -> str | None:
            return "pirate" if name == ID else super().known(name)


class Refusing(Steps):
    """Refuses unknown adapters in a way of its own."""

    status, code = 404, 5033

    def known(self, name: str) -> str | None:
        if name not in self.adapters:
            raise Refusal(self.status, self.code, "AiError: no such finetune")
        return name


@variant(adapters=NAMES)
class FindsNoSuchAdapter(Generating):
    """Refuses unknown adapters with 404."""

    Engine = Refusing


@variant(adapters=NAMES)
class CannotProcessSuchAnAdapter(Generating):
    """Refuses unknown adapters with 422."""

    class Engine(Refusing):
        """Refuses."""

        status, code = 422, 3037


@variant(adapters=NAMES)
class AppliesAdaptersToConversations(Generating):
    """Applies lora to messages too, where the page does not declare it, if there is such an adapter."""

    class Engine(Steps):
        """Applies it."""

        def adapter(self, request: Request) -> str | None:
            name = request.get("lora")
            return super().adapter(request) if is_prompt(request) else name if name in NAMES else None


@variant(adapters=NAMES)
class RefusesAdaptersInConversations(Generating):
    """Refuses an unknown adapter beside messages as well."""

    class Engine(Steps):
        """Looks it up."""

        def adapter(self, request: Request) -> str | None:
            name = request.get("lora")
            return self.known(name) if isinstance(name, str) else None


@variant(adapters=NAMES)
class TakesAnEmptyNameForNone(Generating):
    """Takes an adapter without a name for none."""

    class Engine(Steps):
        """Needs a name."""

        def known(self, name: str) -> str | None:
            return super().known(name) if name else None


@variant(adapters=NAMES)
class LoadsAdaptersWhileItRuns(Generating):
    """Refuses no adapter that it has, but keeps one at a time and changes it between requests."""

    class Engine(Steps):
        """Loads."""

        def __init__(self, model: LanguageModel | None = None) -> None:
            super().__init__(model)
            self._lock = threading.Lock()
            self._loaded: str | None = None

        def start(self, text: str, adapter: str | None) -> int:
            with self._lock:
                self._loaded = adapter
                return super().start(text, self._loaded)


class Tuned(LanguageModel):
    """Another model, half of which is as the base model is."""

    def _make_row(self, index: int) -> Row:
        row = super()._make_row(index)
        if index % 2:
            return row
        logits = [each + (token * 7919 + index) % 11 / 4 for token, each in enumerate(row.logits)]
        return Row(index, logits)


@variant(adapters=NAMES)
class TunesALittle(Generating):
    """Has adapters that change half of what the base model would say, and nothing about how it reads."""

    class Engine(Steps):
        """Tunes."""

        def start(self, text: str, adapter: str | None) -> int:
            return super().start(text, None)

        def tokens(self, request: Request, context: int, draws: Draws, limit: int) -> Iterator[str]:
            name = self.adapter(request)
            if name is None:
                return super().tokens(request, context, draws, limit)
            return tuned(name).tokens(request, context, tuned(name).drawn(draws.settings, draws.prompt), limit)


@cache
def tuned(name: str) -> Steps:
    """The engine of an adapter."""
    return Steps(Tuned(peak=0.75 + len(name) / 20))


@variant(declare=("no-lora",))
class HasNoAdapters(Generating):
    """Knows no adapters, as its operator says, and refuses every name."""

    class Engine(Steps):
        """Refuses all."""

        adapters = ()


@variant()
class HasAdaptersThatNobodySpeaksOf(Generating):
    """Has no adapter that anybody gives, and refuses all others."""

    class Engine(Steps):
        """Refuses most."""

        adapters: Any = ("a-name-that-nobody-guesses",)
