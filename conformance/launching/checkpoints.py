"""What a job says of a checkpoint that is its target: its adapters, and how they are served."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from infercheck.errors import UsageError
from infercheck.job import Job
from infercheck.runners.loading import Place
from infercheck.runners.transformers.checkpoint import Checkpoint, named_adapters

OWN = ("batch", "dtype", "device")
"""What is said of a checkpoint and of no other target."""

CHECKPOINTS = "That is for checkpoints: transformers:PATH."


def check_checkpoint(job: Job) -> None:
    """`UsageError` where a checkpoint cannot be served, or another target is told what is for checkpoints."""
    place = Place.parse(job.target)
    if place is not None and place.kind == "transformers":
        checkpoint_of(place, vars_of(job)).check(job.folder or Path())
    else:
        refuse_own(vars_of(job), job.target)


def checkpoint_of(place: Place, said: Mapping[str, Any]) -> Checkpoint:
    """The checkpoint at a place, as options say it is to be served."""
    return Checkpoint(
        path=Path(place.checkpoint),
        adapters=named_adapters(said["lora"]),
        batch=said["batch"] or 1,
        context_window=said["context_window"],
        dtype=said["dtype"],
        device=said["device"],
    )


def refuse_own(said: Mapping[str, Any], target: str) -> None:
    """`UsageError` where options say of another target what only a checkpoint has."""
    refuse(said, target, OWN, CHECKPOINTS)
    for line in said["lora"]:
        if "=" in line:
            raise UsageError(f"{target} takes no --lora {line}", hint=CHECKPOINTS)


def refuse(said: Mapping[str, Any], target: str, names: Iterable[str], whose: str) -> None:
    """`UsageError` where options have a value that a target does not take; `whose` they are is said as a hint."""
    for name in names:
        if said[name]:
            raise UsageError(f"{target} takes no --{name.replace('_', '-')}", hint=whose)


def words_of(job: Job) -> tuple[str, ...]:
    """The options of `infercheck serve` that say the same of the checkpoint; none for other targets."""
    place = Place.parse(job.target)
    return tuple(_words(job)) if place is not None and place.kind == "transformers" else ()


def _words(job: Job) -> Iterator[str]:
    for line in job.lora:
        yield from ("--lora", line)
    for name in (*OWN, "context_window"):
        if (value := getattr(job, name)) is not None:
            yield from (f"--{name.replace('_', '-')}", str(value))


def vars_of(job: Job) -> dict[str, Any]:
    """What a job says of a checkpoint, by the names of its fields."""
    return {name: getattr(job, name) for name in (*OWN, "context_window", "lora")}
