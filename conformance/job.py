"""Jobs: everything that a user says about a run, whichever front door it came through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from infercheck.config import Config
from infercheck.liveness import RESTART_WAIT
from infercheck.plan import Options

STARTING = frozenset({"start", "ready", "ready_timeout", "memory"})
"""What a config file says of the server that it starts: at another address is another server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to test, and how. The names are those of the command line's options and of `infercheck.yaml`.

    `timeout`, `max_time`, `restart_wait` and `ready_timeout` are in seconds; `rate` reads as in 300/m.
    `headers` are `NAME=VALUE`, where a VALUE of `$VARIABLE` stands for that variable's. `token` is the token
    itself, for who has it in no variable. `memory`, in MiB, is what a server that we start may take. `live` is
    an engine or an application of this process, whose `target` is then the name. `folder` is where `start`
    runs. `batch`, `dtype` and `device` are for a checkpoint, and `lora` is `NAME=PATH` there.
    """

    target: str = "reference"
    contract: str | None = None
    dialect: str | None = None
    token_env: str | None = None
    token: str | None = field(default=None, repr=False)
    headers: tuple[str, ...] = field(default=(), repr=False)
    timeout: float = 60.0
    proxy: str | None = field(default=None, repr=False)
    ca_bundle: str | None = None
    insecure: bool = False
    profile: str = "standard"
    seed: int = 1
    lora: tuple[str, ...] = ()
    context_window: int | None = None
    declare: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_requests: int | None = None
    max_tokens: int | None = None
    max_time: float | None = None
    concurrency: int = 4
    rate: str | None = None
    restart_wait: float = RESTART_WAIT
    fail_on: str = "must"
    allow_undecided: bool = False
    expect: tuple[str, ...] = ()
    baseline: str | None = None
    start: str | tuple[str, ...] | None = None
    ready: str | None = None
    ready_timeout: float | None = None
    memory: int | None = None
    batch: int | None = None
    dtype: str | None = None
    device: str | None = None
    warm_up: bool = False
    output: str | None = None
    folder: Path | None = None
    live: Any = field(default=None, repr=False)

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """The job with some of its fields as these values say; lists become tuples."""
        known = {one.name for one in fields(self)}
        # An empty text takes back what a file says: --start "" starts nothing.
        values = {key: None if key in STARTING and value == "" else value for key, value in values.items()}
        return replace(self, **{key: _frozen(value) for key, value in values.items() if key in known})

    @property
    def fail_on_should(self) -> bool:
        """Whether a broken SHOULD fails the run, too."""
        return self.fail_on == "should"

    @property
    def adapters(self) -> tuple[str, ...]:
        """The names of the target's adapters."""
        if not self.target.startswith("transformers:"):
            return self.lora
        return tuple(line.partition("=")[0] for line in self.lora)

    @property
    def options(self) -> Options:
        """What it says of the plan."""
        return Options(
            profile=self.profile,
            seed=self.seed,
            adapters=self.adapters,
            context_window=self.context_window,
            only=self.only,
            exclude=self.exclude,
            max_requests=self.max_requests,
            max_tokens=self.max_tokens,
            declare=self.declare,
        )


OF_THE_TARGET = STARTING | {
    "target", "dialect", "token_env", "headers", "proxy", "ca_bundle", "insecure", "lora", "context_window",
    "declare", "expect", "baseline", "warm_up", "batch", "dtype", "device",
}  # fmt: skip
"""What a config file says of its own target, which means nothing where another kind of target is named."""


def job_of(config: Config | None, values: Mapping[str, Any]) -> Job:
    """The job of a config file; what `values` say goes before it.

    With another URL than the file's the server that the file starts is left out; with `reference`, `cloudflare` or
    a recorded run all that it says of its target.
    """
    if config is None:
        return Job().with_values(values)
    written = dict(config.values)
    written["headers"] = header_lines(written.get("headers", {}))
    for key in left_out(config, values):
        written.pop(key, None)
    # Whoever writes a file and no target in it has forgotten it: the built-in server is not what he means.
    return Job(target="", folder=config.path.parent).with_values(written).with_values(values)


def left_out(config: Config, values: Mapping[str, Any]) -> frozenset[str]:
    """The keys of a config file that do not hold for the target that `values` name."""
    target = values.get("target")
    if target is None or target == config.values.get("target"):
        return frozenset()
    keys = STARTING if target.startswith(("http://", "https://")) else OF_THE_TARGET
    return keys & config.values.keys()


def header_lines(headers: Mapping[str, str]) -> list[str]:
    """Headers as the command line takes them."""
    return [f"{name}={value}" for name, value in headers.items()]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
