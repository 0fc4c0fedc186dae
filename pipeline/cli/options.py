"""Options that several commands share, and how a command writes its results."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.settings import KafkaConnection

F = TypeVar("F", bound=Callable[..., Any])

EXISTING_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
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


def broker_option(function: F) -> F:
    """Add `--broker HOST:PORT` as the argument `broker`; without it the settings decide."""
    return click.option("--broker", metavar="HOST:PORT", help="Kafka to talk to, instead of $PIPELINE_KAFKA.")(function)


def connection(broker: str | None) -> "KafkaConnection":
    """Return how to reach Kafka, as the settings and a `--broker` option say.

    Raises:
        click.BadParameter: the address is not HOST:PORT.
        ConfigurationError: a setting is wrong.
    """
    from pipeline.settings import load_settings  # noqa: PLC0415 (pydantic costs a third of the start-up)

    if broker is not None and not _is_address(broker):
        raise click.BadParameter(f"{broker!r} is not HOST:PORT, such as localhost:9092.", param_hint="--broker")
    return load_settings().connection(broker)


def print_json(document: Mapping[str, object]) -> None:
    """Write one JSON document to stdout; `schema_version` is the caller's promise."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table to stdout, as wide as the terminal, or 120 columns where there is none."""
    from rich.table import Table  # noqa: PLC0415 (rich is slow to import)

    table = Table(title=title, title_justify="left", header_style="bold", expand=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console(stderr=False).print(table)


def console(*, stderr: bool = True) -> "Console":
    """Return a rich console; it honours NO_COLOR and shows progress on terminals only."""
    from rich.console import Console  # noqa: PLC0415 (rich is slow to import)

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else 120, highlight=False, soft_wrap=stderr)


def _is_address(text: str) -> bool:
    return all(
        host and port.isdecimal() and int(port) <= 65535
        for host, _, port in (part.rpartition(":") for part in text.split(","))
    )
