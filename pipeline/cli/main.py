"""The `pipeline` command: finds sub-commands when asked for, turns errors into sentences and exit codes."""

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NoReturn

import click

from pipeline import __version__
from pipeline.domain.errors import PipelineError

FAILED, USAGE, CHANGES_PENDING = 1, 2, 3
INTERRUPTED = 130  # 128 + SIGINT, as shells count
BROKEN_PIPE = 141  # 128 + SIGPIPE


@dataclass(frozen=True, slots=True)
class Command:
    """Where a sub-command lives, and what it says in the overview (so that the overview imports nothing)."""

    target: str
    says: str


COMMANDS: dict[str, Command] = {
    "demo": Command("pipeline.cli.demo:demo", "Watch ten years of privacy promises being kept, in a minute."),
    "simulate": Command("pipeline.cli.simulate:simulate", "Run events from a file through the whole pipeline."),
    "explain": Command("pipeline.cli.explain:explain", "Show what the policy decides of one event, and why."),
    "policy": Command("pipeline.cli.policy:policy", "Check and show the privacy policies."),
    "topics": Command("pipeline.cli.topics:topics", "Compare Kafka's topics with topics.yaml and bring them in line."),
    "worker": Command("pipeline.cli.worker:worker", "Run the stream workers: tag, share, expire."),
    "dev-broker": Command("pipeline.cli.dev_broker:dev_broker", "Start a real Kafka for development on this machine."),
}


class LazyGroup(click.Group):
    """A group that imports a sub-command when it runs, so that `--help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a sub-command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's signature)
        """Write the overview from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.says) for name, entry in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the sub-command; a reader that went away ends it quietly."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _mute_stdout()
            raise click.exceptions.Exit(BROKEN_PIPE) from None
        return result

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 (click's signature)
        **extra: Any,
    ) -> Any:
        """Run, and leave with an exit code: 0 done, 1 failed, 2 usage, 3 changes pending, 130 interrupted."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        debug = "--debug" in (sys.argv[1:] if args is None else args)
        try:
            result = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except Exception as error:  # noqa: BLE001 (the one place where any error becomes a sentence)
            _leave(error, debug=debug)
        sys.exit(result if isinstance(result, int) else 0)


def _leave(error: Exception, *, debug: bool) -> NoReturn:
    if debug:
        traceback.print_exception(error)
    message, code = _describe(error)
    if message:
        click.echo(message, err=True)
    sys.exit(code)


def _describe(error: Exception) -> tuple[str, int]:
    """Return what to say and how to leave. The text of an unexpected error is not shown: it may hold a value."""
    match error:
        case click.UsageError() if not isinstance(error, click.exceptions.NoArgsIsHelpError):
            where = f"\nTry '{error.ctx.command_path} --help' for help." if error.ctx else ""
            return f"error: {error.format_message()}{where}", error.exit_code
        case click.ClickException():
            start = "" if isinstance(error, click.UsageError) else "error: "  # what is left of usage errors is a help
            return f"{start}{error.format_message()}", error.exit_code
        case click.Abort():
            return "interrupted", INTERRUPTED
        case PipelineError():
            return "\n".join(f"error: {line}" for line in str(error).splitlines()), error.exit_code
        case OSError() if error.filename is not None:
            return f"error: {error.filename}: {error.strerror}.", FAILED
        case _:
            name = type(error).__name__
            return (
                f"error: unexpected {name}; run again with `pipeline --debug ...` to see where it comes from.",
                FAILED,
            )


def _mute_stdout() -> None:
    """Let what is still buffered go nowhere, or the interpreter complains while it ends."""
    if sys.__stdout__ is not None and sys.stdout is sys.__stdout__:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 changes pending.",
)
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
@click.version_option(__version__, prog_name="pipeline", message="%(prog)s %(version)s")
def cli(*, debug: bool) -> None:
    """Stream workers that keep what a privacy notice promises.

    Events come in through Kafka; tagged events, the minimum that each recipient
    may see, and expiries on the right day come out.
    """
    _ = debug  # read in `main`, before anything can fail
