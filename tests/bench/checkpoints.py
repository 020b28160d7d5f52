"""transformers:PATH on a GPU and on the CPU: the same verdicts, and how fast, beside `generate` in the same run.

`python tests/bench/checkpoints.py [--checkpoint FOLDER] [--device cuda]`; without one, random weights
are made, about 1.1 billion parameters on a GPU and 20 million on a CPU. Prints tables; exits with 1 where a
verdict differs or less is reached than is wanted: 0.9 of `generate` for one request, and 4 times that of one for 16
with --batch 16.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers

sys.path.insert(0, str(Path(__file__).parents[1]))

from checkpoints.tiny import make, tokenizer

from infercheck.runners.transformers.checkpoint import Checkpoint
from infercheck.runners.transformers.engine import TransformersEngine

TOKENS = 64
MANY = 16
ROUNDS = 2
LEAST_OF_ONE = 0.9
LEAST_OF_MANY = 4.0
SIZES = {
    "cuda": {"hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22, "num_attention_heads": 32},
    "cpu": {"hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 6, "num_attention_heads": 8},
}
WAYS: dict[str, dict[str, Any]] = {"greedy": {"temperature": 0.0}, "sampled": {"temperature": 0.6}}
Rates = dict[str, dict[str, float]]


def random_checkpoint(folder: Path, device: torch.device) -> Path:
    """A Mistral of random weights, of a size at which the device has something to do."""
    torch.manual_seed(1)
    config = transformers.MistralConfig(
        vocab_size=32000, num_key_value_heads=4, sliding_window=None, bos_token_id=1, eos_token_id=2,
        max_position_embeddings=4096, **SIZES["cpu" if device.type == "cpu" else "cuda"],
    )  # fmt: skip
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    made = transformers.AutoModelForCausalLM.from_config(config, dtype=dtype)
    made.generation_config.eos_token_id = None
    with torch.no_grad():
        made.lm_head.weight[2] = 0
    made.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def rate(work: Callable[[], int]) -> float:
    """Tokens a second, the best of some rounds after a first one that does not count."""
    work()
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        tokens = work()
        found.append(tokens / (time.perf_counter() - began))
    return max(found)


def prompts(count: int) -> list[str]:
    return [f"Tell me story {number}, " + "as long as it is good. " * 5 for number in range(count)]


def by_generate(path: Path, device: torch.device, dtype: str | None) -> Rates:
    """Plain `generate`, one prompt and 16 in a batch."""
    words = transformers.AutoTokenizer.from_pretrained(path, padding_side="left")
    words.pad_token = words.pad_token or words.eos_token
    wanted = dtype or ("float32" if device.type == "cpu" else "auto")
    model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=wanted).to(device).eval()

    def generated(count: int, options: dict[str, Any]) -> int:
        given = words(prompts(count), return_tensors="pt", padding=True).to(device)
        sampling = {"do_sample": True, **options, "top_k": 0} if options["temperature"] else {"do_sample": False}
        found = model.generate(
            **given, **sampling, max_new_tokens=TOKENS, min_new_tokens=TOKENS, pad_token_id=words.pad_token_id
        )
        return count * (found.shape[1] - given["input_ids"].shape[1])

    return {
        way: {str(count): rate(lambda c=count, o=options: generated(c, o)) for count in (1, MANY)}  # type: ignore[misc]
        for way, options in WAYS.items()
    }


def by_engine(path: Path, device: torch.device, dtype: str | None, batch: int) -> Rates:
    """The engine, one request and 16 at once."""
    engine = TransformersEngine(Checkpoint(path=path, device=str(device), dtype=dtype, batch=batch))

    def answered(count: int, options: dict[str, Any]) -> int:
        async def all_of_them() -> list[Any]:
            return await asyncio.gather(
                *(
                    engine.answer({"prompt": prompt, "seed": 1, "max_tokens": TOKENS, "raw": True, **options})
                    for prompt in prompts(count)
                )
            )

        return sum(answer["usage"]["completion_tokens"] for answer in asyncio.run(all_of_them()))

    try:
        return {
            way: {str(count): rate(lambda c=count, o=options: answered(c, o)) for count in (1, MANY)}  # type: ignore[misc]
            for way, options in WAYS.items()
        }
    finally:
        engine.close()


def verdicts(tiny: Path, device: str, *options: str) -> dict[str, str]:
    """What the suite says of each requirement of the tiny Mistral."""
    with tempfile.TemporaryDirectory() as folder:
        adapters = [word for name in ("poet", "pirate") for word in ("--lora", f"{name}={tiny / name}")]
        target = f"transformers:{tiny / 'base'}"
        command = [sys.executable, "-m", "infercheck", "run", target, "--no-config", "--device", device, *adapters]
        subprocess.run([*command, *options, "--quiet", "--output", folder], check=False)
        report = json.loads((Path(folder) / "report.json").read_text("utf-8"))
    return {one["id"]: one["verdict"] for one in report["requirements"]}


def compare_verdicts(device: torch.device) -> bool:
    """Print what the suite says of the tiny Mistral on each device; whether it is one, and nothing is broken."""
    with tempfile.TemporaryDirectory() as folder:
        tiny = make(Path(folder))
        runs = {"cpu": verdicts(tiny, "cpu"), f"{device}": verdicts(tiny, str(device))}
        runs[f"{device} --batch {MANY}"] = verdicts(tiny, str(device), "--batch", str(MANY))
    kinds = sorted({verdict for found in runs.values() for verdict in found.values()})
    print(f"\n| suite | {' | '.join(kinds)} | unlike the CPU |\n|---|{'---|' * (len(kinds) + 1)}")
    good = True
    for name, found in runs.items():
        unlike = [f"{id_}: {found[id_]}" for id_ in found if found[id_] != runs["cpu"][id_]]
        counts = [sum(verdict == kind for verdict in found.values()) for kind in kinds]
        print(f"| {name} | {' | '.join(map(str, counts))} | {', '.join(unlike) or 'none'} |", flush=True)
        good &= not unlike and not {"fail", "warn"} & set(found.values())
    return good


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype")
    parser.add_argument("--no-suite", action="store_true", help="leave the verdicts out")
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    device = torch.device(options.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    print(f"{name}; torch {torch.__version__}, transformers {transformers.__version__}", flush=True)
    good = options.no_suite or compare_verdicts(device)
    with tempfile.TemporaryDirectory() as folder:
        path = options.checkpoint or random_checkpoint(Path(folder), device)
        plain = by_generate(path, device, options.dtype)
        rows = {
            "generate": plain,
            "infercheck": by_engine(path, device, options.dtype, 1),
            f"infercheck --batch {MANY}": by_engine(path, device, options.dtype, MANY),
        }
    print(f"\n| tokens/s | way | 1 request | of generate | {MANY} requests | times that of one |")
    print("|---|---|---|---|---|---|")
    for name, found in rows.items():
        for way, rates in found.items():
            one, many = rates["1"], rates[str(MANY)]
            share, times = one / plain[way]["1"], many / one
            print(f"| {name} | {way} | {one:,.1f} | {share:.2f} | {many:,.1f} | {times:.1f} |")
            good &= name == "generate" or share >= LEAST_OF_ONE
            good &= "batch" not in name or times >= LEAST_OF_MANY
    print("as wanted" if good else "not as wanted")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
