"""The options that several commands of the command line share, as decorators."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

PATTERN = "An id, its beginning, or a pattern with * and ?; may be given again."


def finite(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """Refuse a number of seconds that is none."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("a number of seconds is wanted")
    return value


def contract_option(command: F) -> F:
    """`--contract`."""
    return click.option(
        "--contract", "contract_name", default=None, metavar="ID|FOLDER", help="The contract to test against."
    )(command)


def config_options(command: F) -> F:
    """`--config` and `--no-config`."""
    options = [
        click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     help="The config file; infercheck.yaml of this folder by default. An option goes before it."),
        click.option("--no-config", is_flag=True, help="Use no config file."),
    ]  # fmt: skip
    return _apply(command, options)


def server_options(command: F) -> F:
    """What is said of a target that we start."""
    options = [
        click.option("--start", metavar="COMMAND", help="Start the target by this command; end it afterwards."),
        click.option("--ready", metavar="URL",
                     help="Answers with a status below 500 once the started target is ready; by default its port "
                          "says so."),
        click.option("--ready-timeout", type=click.FloatRange(0, min_open=True), callback=finite,
                     help="Seconds that it may take; 60, or 600 for an engine, by default."),
        click.option("--memory", type=click.IntRange(1), metavar="MIB",
                     help="A target that we start and that takes more is ended; for an engine, nine tenths of what "
                          "is free by default."),
    ]  # fmt: skip
    return _apply(command, options)


def checkpoint_options(command: F) -> F:
    """What is said of a checkpoint beside its adapters and its window."""
    options = [
        click.option("--batch", type=click.IntRange(1), metavar="N",
                     help="transformers:PATH: let N answers share each step; by default each has its own."),
        click.option("--dtype", type=click.Choice(["float32", "bfloat16", "float16"]),
                     help="transformers:PATH: what to calculate in; float32 on a CPU, else the checkpoint's."),
        click.option("--device", metavar="NAME",
                     help="transformers:PATH: where to calculate, as cpu or cuda:1; a GPU where there is one."),
    ]  # fmt: skip
    return _apply(command, options)


def lora_option(command: F) -> F:
    """`--lora` where nothing is planned."""
    return click.option(
        "--lora", multiple=True, metavar="NAME=PATH", help="An adapter of transformers:PATH. May be given again."
    )(command)


def link_options(command: F) -> F:
    """What is said of the way to a target."""
    options = [
        click.option("--token-env", metavar="NAME", help="The variable that holds the bearer token."),
        click.option("--header", "headers", multiple=True, metavar="NAME=VALUE",
                     help="A header to send; VALUE may be $VARIABLE. May be given again."),
        click.option("--dialect", type=click.Choice(["rest", "worker", "auto"]), default=None, show_default="rest",
                     help="How the target wraps answers: rest is {result, success, errors, messages}, worker the "
                          "bare answer, auto whichever the first answer shows."),
        click.option("--timeout", type=click.FloatRange(0.1), default=60.0, show_default=True, callback=finite,
                     help="Seconds to wait for the first byte of an answer, and for each next one."),
        click.option("--proxy", metavar="URL", help="A proxy; the environment's are not used."),
        click.option("--ca-bundle", type=click.Path(exists=True, dir_okay=False), help="Certificates to trust."),
        click.option("--insecure", is_flag=True, help="Do not check the target's certificate."),
    ]  # fmt: skip
    return _apply(command, options)


def plan_options(command: F) -> F:
    """What is said of a plan."""
    options = [
        click.option("--profile", type=click.Choice(["quick", "standard", "deep"]), default="standard",
                     show_default=True, help="How much to send: at most 60 requests, 600 or 3,000."),
        click.option("--seed", type=click.IntRange(0), default=1, show_default=True,
                     help="The plan is the same for the same seed."),
        click.option("--lora", multiple=True, metavar="NAME[=PATH]",
                     help="An adapter that the target has; transformers:PATH loads it from PATH. May be given "
                          "again."),
        click.option("--declare", multiple=True,
                     type=click.Choice(["no-lora", "no-tools", "no-stream", "no-template"]),
                     help="What the target does not have: it is not asked about. May be given again."),
        click.option("--context-window", type=click.IntRange(1), metavar="TOKENS",
                     help="The target's context window: what fits into it is not refused for its sake. Also the "
                          "price of an answer without a limit."),
        click.option("--only", multiple=True, metavar="PATTERN", help=f"Only these requirements. {PATTERN}"),
        click.option("--exclude", multiple=True, metavar="PATTERN", help=f"Not these requirements. {PATTERN}"),
        click.option("--max-requests", type=click.IntRange(1), help="Send no more, whatever the profile says."),
        click.option("--max-tokens", type=click.IntRange(1), help="Spend no more output tokens, by price."),
    ]  # fmt: skip
    return _apply(command, options)


def _apply(command: F, options: Sequence[Callable[[F], F]]) -> F:
    for option in reversed(options):
        command = option(command)
    return command
