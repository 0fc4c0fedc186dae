"""Options that several commands share, and how a command writes its results."""

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.settings import KafkaConnection, Settings

F = TypeVar("F", bound=Callable[..., Any])

WIDTH, NARROW = 120, 100
"""Columns where there is no terminal; columns below which wide tables become lists."""

EXISTING_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
EXISTING_PATH = click.Path(exists=True, readable=True, path_type=Path)
EXISTING_FOLDER = click.Path(exists=True, file_okay=False, readable=True, path_type=Path)


def output_option(function: F) -> F:
    """Add `-o table|json` as the argument `output`."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="For people or for programs.",
    )(function)


def policy_options(function: F) -> F:
    """Add `--policies` and `--overlay` as the arguments `policies` and `overlays`."""
    overlay = click.option(
        "--overlay",
        "overlays",
        multiple=True,
        type=click.Path(exists=True, path_type=Path),
        help="File or folder of operator values that add to or replace the others; repeatable.",
    )
    policies = click.option(
        "--policies",
        type=EXISTING_FOLDER,
        help="Policy folder instead of the shipped one; replaces the shipped overlays as well.",
    )
    return policies(overlay(function))


def broker_option(function: F) -> F:
    """Add `--broker HOST:PORT` as the argument `broker`; without it the settings decide."""
    return click.option("--broker", metavar="HOST:PORT", help="Kafka to talk to, instead of $PIPELINE_KAFKA.")(function)


def connection(broker: str | None) -> "KafkaConnection":
    """Return how to reach Kafka, as the settings and a `--broker` option say.

    Raises:
        click.BadParameter: the address is not HOST:PORT.
        ConfigurationError: a setting is wrong.
    """
    return settings_at(broker).connection()


def settings_at(broker: str | None) -> "Settings":
    """Return the settings, with the brokers that a `--broker` option names; errors are those of `connection`."""
    from pipeline.settings import is_bootstrap, load_settings

    if broker is None:
        return load_settings()
    if not is_bootstrap(broker):
        raise click.BadParameter(
            f"{broker!r} is not HOST:PORT (several separated by commas), such as localhost:9092.", param_hint="--broker"
        )
    return load_settings().model_copy(update={"kafka": broker})


def print_json(document: Mapping[str, object]) -> None:
    """Write one JSON document to stdout; `schema_version` is the caller's promise."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table to stdout, as wide as the terminal, or 120 columns where there is none."""
    click.echo(_rendered(title, columns, rows), nl=False)  # rich ends the process by itself where a reader went away


def print_lists(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table to stdout; on a screen too narrow for it, a list of each row's cells instead."""
    if shutil.get_terminal_size((WIDTH, 24)).columns >= NARROW:
        print_table(title, columns, rows)
        return
    click.echo(title)
    for row in rows:
        cells = [f"{column}: {cell}" for column, cell in zip(columns, row, strict=True) if cell]
        click.echo("\n".join((f"- {cells[0]}", *(f"  {cell}" for cell in cells[1:]))))


def _rendered(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold", expand=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    screen = console(stderr=False)
    with screen.capture() as captured:
        screen.print(table)
    return captured.get()


def console(*, stderr: bool = True) -> "Console":
    """Return a rich console; it honours NO_COLOR and shows progress on terminals only."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else WIDTH, highlight=False, soft_wrap=stderr)
