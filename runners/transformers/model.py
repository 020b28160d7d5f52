"""A causal language model and its adapters on a device: tokens in, logits out."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, DynamicCache, GenerationConfig

from infercheck.errors import UsageError
from infercheck.runners.transformers.checkpoint import Checkpoint

LONGEST = 1 << 20
"""The context window of a model that declares none."""


class Model:
    """Weights, tokenizer and adapters of a checkpoint. Used by one thread at a time.

    `window` is its context window in tokens, `ends` the tokens that end an answer, `device` where it is.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        transformers.utils.logging.disable_progress_bar()
        self.device = _device(checkpoint.device)
        try:
            self.tokenizer, network = _loaded(checkpoint, self.device)
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise UsageError(
                f"{checkpoint.path} cannot be loaded: {said[:300]}", hint="The log has the rest."
            ) from error
        self._adapted, self._keys = _adapted(network, checkpoint.adapters)
        self._active: str | None = None
        # PEFT puts its layers into the network itself, which so answers with whatever adapter is set.
        self._network = network.eval()
        self._config = network.config
        parameters = inspect.signature(network.forward).parameters
        # Called `cache` from transformers 5.2x on; the older name goes.
        self._cache_name = "cache" if "cache" in parameters else "past_key_values"
        self._options = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
        self._own_layers = checkpoint.batch == 1
        self.ends = _ends(network.generation_config, self.tokenizer)
        text = self._config.get_text_config()
        self.window = checkpoint.context_window or getattr(text, "max_position_embeddings", None) or LONGEST
        self._try(checkpoint)

    @property
    def first(self) -> int:
        """A token for a text without any."""
        known = (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id, self.tokenizer.pad_token_id)
        return next((int(token) for token in known if token is not None), 0)

    def cache(self) -> Any:
        """A cache of keys and values for one sequence.

        One that is to be merged with others keeps every position; otherwise layers with a sliding window keep
        as many as that has, as `generate` has it.
        """
        return DynamicCache(config=self._config) if self._own_layers else DynamicCache()

    def logits(
        self,
        tokens: Sequence[Sequence[int]],
        cache: Any,
        *,
        adapter: str | None = None,
        mask: torch.Tensor | None = None,
        positions: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """What may follow each row of tokens after its cache: float32 logits on the CPU, rows × vocabulary.

        `mask` (rows × (cached + new)) and `positions` (rows × new) are for rows of several lengths, padded on
        the left.
        """
        self._use(adapter)
        given: dict[str, Any] = {self._cache_name: cache, "use_cache": True, **self._options}
        if mask is not None:
            given["attention_mask"] = mask.to(self.device)
        if positions is not None:
            given["position_ids"] = positions.to(self.device)
        with torch.inference_mode():
            found = self._network(input_ids=torch.tensor(tokens, device=self.device), **given)
            return found.logits[:, -1].float().cpu()

    def _try(self, checkpoint: Checkpoint) -> None:
        # What is wrong with it, and what it loads late, shows now and not in the first answer.
        cache = self.cache()
        try:
            self.logits([[self.first]], cache)
        except Exception as error:
            said = " ".join(str(error).split())[:300]
            raise UsageError(f"{checkpoint.path} cannot be asked: {said}", hint="The log has the rest.") from error
        if not self._own_layers and not all(getattr(layer, "is_initialized", False) for layer in cache.layers):
            raise UsageError(
                f"{checkpoint.path} keeps more than keys and values of each layer", hint="Leave --batch out."
            )

    def _use(self, adapter: str | None) -> None:
        if adapter == self._active:
            return
        if adapter is None:
            self._adapted.base_model.disable_adapter_layers()
        else:
            if self._active is None:
                self._adapted.base_model.enable_adapter_layers()
            self._adapted.base_model.set_adapter(self._keys[adapter], inference_mode=True)
        self._active = adapter


def _device(name: str | None) -> torch.device:
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        said = str(error).splitlines()[0]
        raise UsageError(f"no device {name!r}: {said[:200]}", hint="Such as cpu, cuda or cuda:1.") from None
    return device


def _loaded(checkpoint: Checkpoint, device: torch.device) -> tuple[Any, Any]:
    path = checkpoint.path
    given: dict[str, Any] = {"local_files_only": True}
    if checkpoint.gguf:
        path = checkpoint.path.parent
        given["gguf_file"] = checkpoint.path.name
    tokenizer = AutoTokenizer.from_pretrained(path, **given)
    dtype = checkpoint.dtype or ("auto" if device.type != "cpu" and not checkpoint.gguf else "float32")
    config = AutoConfig.from_pretrained(path, **given)
    network = AutoModelForCausalLM.from_pretrained(path, config=config, dtype=dtype, **given)
    return tokenizer, network.to(device)


def _adapted(network: Any, adapters: Mapping[str, Path]) -> tuple[Any, dict[str, str]]:
    from peft import PeftModel

    # PEFT makes its own names of them, which not every name can be: one may hold no dot.
    keys = {name: f"adapter_{number}" for number, name in enumerate(adapters)}
    adapted: Any = None
    for name, path in adapters.items():
        given = {"adapter_name": keys[name], "autocast_adapter_dtype": False}
        try:
            if adapted is None:
                adapted = PeftModel.from_pretrained(network, path, **given)
            else:
                adapted.load_adapter(path, **given)
        except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
            said = " ".join(str(error).split())
            raise UsageError(
                f"the adapter {name} does not fit the checkpoint: {said[:300]}", hint=f"It was read from {path}."
            ) from error
    if adapted is not None:
        adapted.base_model.disable_adapter_layers()
    return adapted, keys


def _ends(generation: GenerationConfig | None, tokenizer: Any) -> frozenset[int]:
    found = getattr(generation, "eos_token_id", None)
    if found is None:
        found = tokenizer.eos_token_id
    if found is None:
        return frozenset()
    return frozenset([found] if isinstance(found, int) else found)
