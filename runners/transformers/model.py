"""A causal language model and its adapters on a device: tokens in, logits out."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, DynamicCache, GenerationConfig
from transformers.cache_utils import DynamicLayer
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from infercheck.errors import UsageError
from infercheck.runners.transformers.checkpoint import Checkpoint

LONGEST = 1 << 20
"""The context window of a model that declares none."""

WINDOWS = ("max_position_embeddings", "max_seq_len", "seq_length", "n_ctx")
"""What models call it."""

CHUNK = 1024
"""Tokens of a prompt that are read at once: a long one holds up its neighbours no longer than that."""

STRETCHED = ("dynamic", "longrope")
"""Kinds of rotary embedding that are other ones for a whole step where one row of it is long."""

ALIBI = ("bloom", "mpt")
"""Kinds of model that take the mask of a row for its positions."""


class Model:
    """Weights, tokenizer and adapters of a checkpoint. Used by one thread at a time.

    `window` is its context window in tokens, `chunk` how many of these are read at once at most, `vocabulary` how
    many different ones it knows; `ends` are the tokens that end an answer, `device` where it is.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        transformers.utils.logging.disable_progress_bar()
        self.device = _device(checkpoint.device)
        try:
            self.tokenizer, network = _loaded(checkpoint, self.device)
        except UsageError:
            raise
        except Exception as error:  # each library has its own for files that are not what they should be
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
        self._takes_positions = "position_ids" in parameters
        self._own_layers = checkpoint.batch == 1
        self.ends = _ends(network.generation_config, self.tokenizer)
        self.vocabulary = int(network.get_input_embeddings().weight.shape[0])
        text = self._config.get_text_config()
        self.window = checkpoint.context_window or _window(text) or LONGEST
        # What keeps a state in the place of keys and values takes a prompt as a whole.
        attends = all(isinstance(layer, DynamicLayer) for layer in DynamicCache(config=self._config).layers)
        self.chunk = CHUNK if attends else self.window
        if not self._own_layers:
            self._check_batch(checkpoint, text, attends=attends)
        if "dynamic" in _ropes(text) and self.window > (_window(text) or LONGEST):
            raise UsageError(
                f"{checkpoint.path} answers otherwise after a text over {_window(text)} tokens than before it",
                hint="Leave --context-window out: its rotary embedding grows for everybody.",
            )
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
        positions: torch.Tensor,
        adapter: str | None = None,
        mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """What may follow each row of tokens after its cache: float32 logits on the CPU, rows × vocabulary.

        `positions` (rows × new) are those of the tokens; `mask` (rows × (cached + new)) is for rows of several
        lengths, padded on the left.
        """
        self._use(adapter)
        given: dict[str, Any] = {self._cache_name: cache, "use_cache": True, **self._options}
        if mask is not None:
            given["attention_mask"] = mask.to(self.device)
        if self._takes_positions:
            given["position_ids"] = positions.to(self.device)
        with torch.inference_mode():
            found = self._network(input_ids=torch.tensor(tokens, device=self.device), **given)
            return found.logits[:, -1].float().cpu()

    def _try(self, checkpoint: Checkpoint) -> None:
        # What is wrong with it, and what it loads late, shows now and not in the first answer; and so it does where
        # the window is said to be wider than the table of its positions.
        for position, hint in ((0, "The log has the rest."), (self.window - 1, "Give a smaller --context-window.")):
            try:
                self.logits([[self.first]], self.cache(), positions=torch.tensor([[position]]))
            except Exception as error:
                said = " ".join(str(error).split())[:300] or type(error).__name__
                at = f" at position {position}" if position else ""
                raise UsageError(f"{checkpoint.path} cannot be asked{at}: {said}", hint=hint) from error

    def _check_batch(self, checkpoint: Checkpoint, text: Any, *, attends: bool) -> None:
        if not attends:
            why = "keeps more than keys and values of each layer"
        elif not (self._takes_positions or text.model_type in ALIBI):
            why = "is not told where in its text a row is"
        elif stretched := [kind for kind in _ropes(text) if kind in STRETCHED]:
            why = f"has a rotary embedding ({stretched[0]}) that changes for all rows where one is long"
        else:
            return
        raise UsageError(f"{checkpoint.path} {why}", hint="Leave --batch out.")

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
    if config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not (
        config.is_encoder_decoder or getattr(config, "is_decoder", True)
    ):
        raise UsageError(
            f"{checkpoint.path} is an encoder ({config.model_type}): it reads both ways",
            hint="A model that writes is a causal one.",
        )
    network, found = AutoModelForCausalLM.from_pretrained(
        path, config=config, dtype=dtype, output_loading_info=True, **given
    )
    _check_whole(str(checkpoint.path), found["missing_keys"])
    return tokenizer, network.to(device)


def _check_whole(what: str, missing: Iterable[str]) -> None:
    # The libraries put random numbers there, and warn.
    if lacking := sorted(missing):
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise UsageError(
            f"{what} is incomplete: it lacks {lacking[0]}{more}", hint="Copy it again, with all parts."
        )


def _adapted(network: Any, adapters: Mapping[str, Path]) -> tuple[Any, dict[str, str]]:
    from peft import PeftConfig, PeftModel

    # PEFT makes its own names of them, which not every name can be: one may hold no dot.
    keys = {name: f"adapter_{number}" for number, name in enumerate(adapters)}
    adapted: Any = None
    for name, path in adapters.items():
        given = {"adapter_name": keys[name], "autocast_adapter_dtype": False}
        try:
            if adapted is None:
                config = PeftConfig.from_pretrained(path)
                config.inference_mode = True
                adapted = PeftModel(network, config, **given)
            found = adapted.load_adapter(path, **given)
        except Exception as error:  # as above
            said = " ".join(str(error).split())
            raise UsageError(
                f"the adapter {name} does not fit the checkpoint: {said[:300]}", hint=f"It was read from {path}."
            ) from error
        _check_whole(f"the adapter {name}", found.missing_keys)
    if adapted is not None:
        adapted.base_model.disable_adapter_layers()
    return adapted, keys


def _window(text: Any) -> int | None:
    found = (getattr(text, name, None) for name in WINDOWS)
    return next((one for one in found if isinstance(one, int) and one > 0), None)


def _ropes(text: Any) -> set[str]:
    # One for the model or, in newer configurations, one for each kind of layer.
    found = getattr(text, "rope_parameters", None) or getattr(text, "rope_scaling", None) or {}
    each = [found, *(one for one in found.values() if isinstance(one, dict))]
    return {str(one.get("rope_type") or one.get("type")) for one in each}


def _ends(generation: GenerationConfig | None, tokenizer: Any) -> frozenset[int]:
    found = getattr(generation, "eos_token_id", None)
    if found is None:
        found = tokenizer.eos_token_id
    if found is None:
        return frozenset()
    return frozenset([found] if isinstance(found, int) else found)
