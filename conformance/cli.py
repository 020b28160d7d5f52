"""The command line. Options are declared here; what a command does is imported when it is called."""

from __future__ import annotations

import contextlib
import inspect
import sys
from pathlib import Path
from typing import Any

import click

from infercheck import __version__
from infercheck.commands.contracts import contracts
from infercheck.commands.shared import (
    checkpoint_options,
    config_options,
    contract_option,
    finite,
    link_options,
    lora_option,
    plan_options,
    server_options,
)
from infercheck.errors import InfercheckError

INTERRUPTED = 130
"""Exit status of what Ctrl-C ended out of order, as shells have it: 128 and the number of the signal."""

FORMS = ("text", "html", "json", "junit", "markdown", "har", "badge-svg", "badge-json")
COMPARED = ("text", "html", "markdown", "json")
TARGETS = """TARGET is `reference` (the built-in server, the default), `cloudflare` (account and token from
CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_AUTH_TOKEN), `engine:MODULE:OBJECT` or `asgi:MODULE:APP` (an engine or an
application of yours, served in a process of its own: see `infercheck serve --help`), `transformers:PATH` (a
checkpoint, served likewise)"""
RECORDED = "`replay:JOURNAL` (judges a recorded run again, without a network)"
URL = "or the exact URL to POST to."


class _Group(click.Group):
    # One clear line for what the user can mend, and never a traceback.
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InfercheckError as error:
            from infercheck.reports.visible import visible_lines

            click.echo(f"infercheck: {visible_lines(str(error))}", err=True)
            if error.hint:
                click.echo(f"  {visible_lines(error.hint)}", err=True)
            ctx.exit(error.exit_status)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            from infercheck.reports.files import drop_stdout

            drop_stdout()
        except OSError as error:
            # What is left of these is our own output: a full disk behind it, or nobody who reads it.
            with contextlib.suppress(OSError):
                click.echo(f"infercheck: cannot write: {error.strerror}", err=True)
            ctx.exit(InfercheckError.exit_status)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="infercheck")
def cli() -> None:
    """Does a text-generation endpoint keep the promises of its documentation page?

    \b
    infercheck run http://127.0.0.1:8787/client/v4/accounts/a/ai/run/@cf/mistral/mistral-7b-instruct-v0.2-lora
    infercheck doctor URL     three requests: is the address right, the token, the dialect?
    infercheck explain ID     what a requirement means, and the requests that test it

    \b
    Exit status: 0 all promises kept · 1 a promise is broken · 2 wrong usage · 3 target out of reach
                 4 incomplete, or a MUST could not be decided
    """


@cli.command(short_help="Test a target and write the reports.")
@click.argument("target", default="reference")
@config_options
@contract_option
@link_options
@server_options
@checkpoint_options
@plan_options
@click.option("--warm-up", is_flag=True, help="Send one request beforehand that is neither judged nor counted.")
@click.option("--concurrency", type=click.IntRange(1, 64), default=4, show_default=True,
              help="Requests under way at once. One check sends four at once whatever is given here: are answers "
                   "the same beside others?")  # fmt: skip
@click.option("--rate", metavar="N/s|m|h", help="Send no faster than this, as in 300/m.")
@click.option(
    "--max-time",
    type=click.FloatRange(1),
    callback=finite,
    metavar="SECONDS",
    help="Stop sending after this long.",
)
@click.option("--restart-wait", type=click.FloatRange(0), default=10.0, show_default=True, callback=finite,
              help="Seconds that a target that is gone has to come back.")  # fmt: skip
@click.option("--output", type=click.Path(file_okay=False), default="out", show_default=True,
              help="The folder for journal and reports.")  # fmt: skip
@click.option("--expect", multiple=True, metavar="FILE|NAME",
              help="What is known to be broken; a NAME is one that the contract knows, as cloudflare-hosted. "
                   "Expected failures do not fail the run; those that are mended do. May be repeated.")  # fmt: skip
@click.option("--write-expectations", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write what is broken in this run as expectations.")  # fmt: skip
@click.option("--baseline", type=click.Path(exists=True), metavar="JOURNAL",
              help="Fail only on what was not broken in this earlier run.")  # fmt: skip
@click.option("--fail-on", type=click.Choice(["must", "should"]), default="must", show_default=True,
              help="What makes the run fail.")  # fmt: skip
@click.option("--allow-undecided", is_flag=True, help="Exit with 0 although a MUST could not be decided.")
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the run whose journal lies in the output folder; send only "
    "what is missing. Begins a run where there is none.",
)
@click.option("--github", is_flag=True, help="In a job of GitHub Actions: annotations and the job's summary.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")  # fmt: skip
def run(**options: Any) -> None:
    """Test TARGET: send the planned requests, judge the answers, write the reports.

    \b
    Leaves in the output folder: journal.ndjson (all that was sent and seen), report.html, report.json,
    junit.xml, summary.md, badge.svg and badge.json.
    """
    from infercheck.commands.run import run as command

    sys.exit(command(argv=tuple(sys.argv[1:]), **options))


run.help = f"{inspect.cleandoc(run.help or '')}\n\n{TARGETS}, {RECORDED}, {URL}"


@cli.command(short_help="What a run would send, and its price; sends nothing.")
@config_options
@contract_option
@plan_options
@click.option("--format", "form", type=click.Choice(["text", "ndjson"]), default="text", show_default=True)
def plan(**options: Any) -> None:
    """Show what a run would send, in order, and its price in output tokens. Nothing is sent.

    With --format ndjson every case comes as one line of JSON with its request: vectors for tests of your own.
    A line follows for every relation between answers, with the cases that it compares.
    """
    from infercheck.commands.plan import plan as command

    command(**options)


@cli.command(short_help="Three requests that check URL, token and dialect.")
@click.argument("target", default="reference")
@config_options
@contract_option
@link_options
@server_options
@checkpoint_options
@lora_option
def doctor(**options: Any) -> None:
    """Send three requests to TARGET and say what to mend before a run makes sense."""
    from infercheck.commands.doctor import doctor as command

    sys.exit(command(**options))


doctor.help = f"{inspect.cleandoc(doctor.help or '')}\n\n{TARGETS}, {URL}"


@cli.command(short_help="What a requirement means, and the requests that test it.")
@click.argument("pattern", required=False)
@contract_option
def explain(**options: Any) -> None:
    """Explain the requirements that PATTERN selects: level, clause, and the requests that test them.

    Without PATTERN all ids are listed. A pattern is an id, its beginning, or has * and ?.
    """
    from infercheck.commands.explain import explain as command

    command(**options)


@cli.command(short_help="Send one case of a recorded run again, and show both answers.")
@click.argument("journal", type=click.Path(path_type=Path))
@click.argument("case")
@click.option("--target", metavar="TARGET", help="Another target than the recorded one.")
@config_options
@contract_option
@link_options
@server_options
@checkpoint_options
@lora_option
def replay(**options: Any) -> None:
    """Send CASE of the run in JOURNAL again and show the recorded answer and the new one side by side.

    CASE is the id of a case as findings name it, a pattern that means one, or the number of a request.
    Exit status: 0 nothing is broken now, 1 a MUST still is, 3 no answer, 4 a MUST was broken by how this answer
    compares with others, and one answer does not tell whether it is kept now.
    """
    from infercheck.commands.replay import replay as command

    sys.exit(command(options.pop("journal"), options.pop("case"), **options))


@cli.command(short_help="Make a report from a journal.")
@click.argument("journal", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="The file to write; the terminal by default.")
def report(**options: Any) -> None:
    """Make a report from JOURNAL, without a network and without the target."""
    from infercheck.commands.report import report as command

    command(**options)


@cli.command(short_help="What changed between recorded runs, and a gate for CI.")
@click.argument("journals", nargs=-1, metavar="JOURNAL...", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(COMPARED), default="text", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="The file to write; the terminal by default.")
@click.option("--gate", is_flag=True, help="Exit with 1 where a later run is worse than the first.")
@click.option("--fail-on", type=click.Choice(["must", "should"]), default=None, show_default="must",
              help="What --gate looks at.")  # fmt: skip
def compare(**options: Any) -> None:
    """Compare two or more recorded runs, journals or their folders, with the first of them.

    Shows the requirements whose verdicts differ or that are not kept, what got worse first, with the finding that
    shows it; how many the runs agree on; and what about the runs limits what can be compared.

    \b
    Worse is, of a MUST (with --fail-on should, of a SHOULD too), what
      - passed, was noted, or was broken only as expected, and is broken now
      - was decided, and is undecided now
    and a run that is incomplete where the first was complete. --gate says which requirements these are.
    Exit status: 0, or with --gate 1 where a later run is worse.
    """
    from infercheck.commands.compare import compare as command

    sys.exit(command(**options))


@cli.command(short_help="Serve an engine, an application or the reference model.")
@click.argument("engine", default="reference")
@contract_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="0 takes a free one.")
@click.option("--unix", "at", type=click.Path(path_type=Path), metavar="PATH",
              help="Listen on a Unix socket instead.")  # fmt: skip
@click.option("--token-env", metavar="NAME", help="The variable with the token to ask for; a new one by default.")
@click.option("--no-token", is_flag=True, help="Ask for no token. On loopback or a Unix socket only.")
@click.option("--dialect", type=click.Choice(["rest", "worker"]), default=None, show_default="rest",
              help="rest is the REST API, worker a Worker at any path that returns the bare answer.")  # fmt: skip
@click.option("--lora", multiple=True, metavar="NAME[=PATH]",
              help="An adapter that `lora` may name; others are refused. May be given again. By default the engine "
                   "knows. transformers:PATH loads it from PATH.")  # fmt: skip
@checkpoint_options
@click.option("--context-window", type=click.IntRange(1), metavar="TOKENS",
              help="transformers:PATH: longer prompts are refused; by default the model's.")  # fmt: skip
@click.option("--concurrency", type=click.IntRange(1),
              help="Answers made at once; four times as many requests wait, further ones get 429. By default what "
                   "the engine says, or 16.")  # fmt: skip
@click.option("--max-body", type=click.IntRange(1), default=None, show_default="16", metavar="MIB",
              help="Longer bodies get 413.")  # fmt: skip
@click.option("--peak", type=click.FloatRange(0.01), default=None,
              help="How sure of itself the reference model is.")  # fmt: skip
@click.option("--length", metavar="LOW:HIGH", help="Tokens after which the reference model's answers end.")
def serve(**options: Any) -> None:
    """Serve ENGINE behind the documented API on loopback, until Ctrl-C.

    ENGINE is `engine:MODULE:OBJECT`, looked for in this folder first: an object with a method answer(request), a
    function of the request, or a class or function without parameters that makes one. The request is a mapping that
    satisfies the contract's schema; the answer is a mapping as the page's Output has it or, for `stream: true`, an
    iterator of the events' payloads; both may be asynchronous. To refuse, raise an error with an integer `code` and
    a `message`. Without ENGINE the built-in reference model is served.

    `asgi:MODULE:APP` serves an ASGI application of yours as it is; tokens, dialect and limits are its own.

    `transformers:PATH` serves a causal language model by PyTorch and transformers: a folder with config, weights
    and tokenizer, or a .gguf file, with LoRA adapters as --lora NAME=PATH. It needs infercheck[transformers].

    Prints the URL, the token and a curl line.
    """
    from infercheck.commands.serve import serve as command

    command(**options)


cli.add_command(contracts)


@cli.command(short_help="Write a commented infercheck.yaml.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default=Path("infercheck.yaml"))
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def init(**options: Any) -> None:
    """Write a commented config file: infercheck.yaml, which the command and the pytest plugin read alike."""
    from infercheck.commands.init import init as command

    command(**options)


def main() -> None:
    """The console script."""
    cli.main(prog_name="infercheck")
