"""What is to be loaded: a checkpoint, its adapters, and how; known without PyTorch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from infercheck.errors import UsageError

DTYPES = ("float32", "bfloat16", "float16")

WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
"""Files with an adapter's weights."""

INSTALL = "pip install 'infercheck[transformers]'"
"""How what is missing is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A causal language model in a folder as `save_pretrained` writes it, or in a GGUF file.

    `adapters` are the folders of LoRA adapters as PEFT writes them, by the name that `lora` gives. `batch`
    sequences at most share a step; with 1 each has its own. `context_window` is in tokens, by default the
    model's own. `dtype` is one of `DTYPES`, by default the checkpoint's own on a GPU and float32 elsewhere;
    `device` as PyTorch names it, by default the first GPU, else the CPU.
    """

    path: Path
    adapters: Mapping[str, Path] = field(default_factory=dict)
    batch: int = 1
    context_window: int | None = None
    dtype: str | None = None
    device: str | None = None

    @property
    def gguf(self) -> bool:
        """Whether it is a GGUF file."""
        return self.path.suffix.lower() == ".gguf"

    def check(self, folder: Path = Path()) -> None:
        """`UsageError` where something is missing: PyTorch and the others, the checkpoint, an adapter.

        Relative paths start from the folder.
        """
        missing = [name for name in ("torch", "transformers", "peft") if find_spec(name) is None]
        if missing:
            raise UsageError(f"transformers:PATH needs {' and '.join(missing)}", hint=f"{INSTALL} installs it.")
        if self.gguf and find_spec("gguf") is None:
            raise UsageError(f"{self.path} needs the package gguf", hint="pip install gguf installs it.")
        path = folder / self.path
        if not (path.is_file() if self.gguf else (path / "config.json").is_file()):
            raise UsageError(
                f"{self.path} is no checkpoint",
                hint="Name a folder with config.json, weights and tokenizer, or a .gguf file of this machine.",
            )
        for name, adapter in self.adapters.items():
            _check_adapter(name, folder / adapter)


def _check_adapter(name: str, path: Path) -> None:
    try:
        config = json.loads((path / "adapter_config.json").read_text("utf-8"))
        kind, bias = config.get("peft_type"), config.get("bias", "none")
    except (OSError, ValueError, AttributeError):
        raise UsageError(
            f"{path} is no adapter", hint=f"--lora {name}=PATH names a folder with adapter_config.json and weights."
        ) from None
    if kind != "LORA":
        raise UsageError(f"the adapter {name} is of type {kind}", hint="Only LoRA adapters can be told apart.")
    if bias != "none":
        raise UsageError(
            f"the adapter {name} changes biases of the model itself (bias: {bias})",
            hint="Nobody could be answered without it.",
        )
    if not any((path / file).is_file() for file in WEIGHTS):
        raise UsageError(
            f"the adapter {name} has no weights in {path}", hint=f"They stand in {' or '.join(WEIGHTS)}."
        )


def named_adapters(lines: Iterable[str]) -> dict[str, Path]:
    """`NAME=PATH` lines as paths by name; `UsageError` where one is no such line, or a name comes twice."""
    adapters: dict[str, Path] = {}
    for line in lines:
        name, equals, path = line.partition("=")
        if not (equals and name and path):
            raise UsageError(
                f"--lora {line} names no adapter of a checkpoint", hint="Write --lora NAME=PATH, once for each."
            )
        if name in adapters:
            raise UsageError(f"--lora gives {name} twice")
        adapters[name] = Path(path)
    return adapters
