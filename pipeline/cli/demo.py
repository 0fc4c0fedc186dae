"""`pipeline demo`: the main job on real invoices with a time-lapse of ten years, and what happened as tables."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.main import FAILED
from pipeline.cli.options import EXISTING_FILE, console, output_option, print_json, print_table, settings_at
from pipeline.domain.errors import ConfigurationError, InvalidEvent, UnavailableError

if TYPE_CHECKING:
    from pipeline.demo.lapse import Driver, Steps
    from pipeline.domain.events import EventCatalogue

Event = Mapping[str, object]

KINDS = ("auto", "embedded", "jvm", "docker")


@click.command()
@click.option(
    "--broker",
    default="auto",
    show_default=True,
    metavar="auto|embedded|jvm|docker|HOST:PORT",
    help="Where the events travel: a real Kafka that is found or started, or embedded, the in-memory log.",
)
@click.option("--events", "path", type=EXISTING_FILE, help="Your own events instead: one CloudEvent in JSON per line.")
@click.option("--seed", default=0, show_default=True, help="Other people and mishaps around the same invoices.")
@output_option
@click.pass_context
def demo(ctx: click.Context, *, broker: str, path: Path | None, seed: int, output: str) -> None:
    """Watch ten years of privacy promises being kept, in a minute.

    Real invoices of an online shop become purchases of five companies. Made-up
    people order, write, complain and leave; then ten years pass. The tables show
    what was kept and why, what each recipient got, and when everything ended.
    """
    from pipeline.settings import is_bootstrap

    if broker not in KINDS and not is_bootstrap(broker):
        raise click.BadParameter(f"{broker!r} is neither {', '.join(KINDS)} nor HOST:PORT.", param_hint="--broker")
    from pipeline.demo import build_report, demo_events
    from pipeline.demo.lapse import plan, run
    from pipeline.demo.tables import document, holds, tables, verdict

    events = _read(path) if path else list(demo_events(seed=seed))
    catalogue = _catalogue()
    steps = plan(events, lambda event: catalogue.family_of(str(event["type"])))
    with ExitStack() as stack:
        driver = stack.enter_context(_driver(broker))
        arrivals = run(driver, steps, stack.enter_context(_progress(steps)))
        report = build_report(arrivals, driver.emitted, {name for names in catalogue.fields.values() for name in names})
    if output == "json":
        print_json(document(report))
    else:
        for table in tables(report):
            if table.rows:
                print_table(table.title, table.columns, table.rows)
                click.echo()
        click.echo("\n".join(verdict(report)))
    if not holds(report):
        ctx.exit(FAILED)


@contextmanager
def _driver(broker: str) -> "Iterator[Driver]":
    """Open the pipeline on the log that was asked for; `auto` goes on in memory where no Kafka can be had."""
    from pipeline.bootstrap.simulation import open_simulation

    with ExitStack() as stack:
        live = None if broker == "embedded" else _live(broker, stack)
        if live is None:
            click.echo("on the in-memory log", err=True)
        yield live or open_simulation()


def _live(broker: str, stack: ExitStack) -> "Driver | None":
    """Open the pipeline on a real Kafka that is started for it or given; None if `auto` finds none."""
    from pipeline.bootstrap.live import open_live
    from pipeline.settings import KafkaConnection, load_settings
    from pipeline.testing.broker import start_broker

    if broker not in KINDS:
        return stack.enter_context(_given(broker))
    settings = load_settings()
    try:
        running = stack.enter_context(start_broker(broker, tell=lambda line: click.echo(line, err=True)))
    except UnavailableError as error:
        if broker != "auto":
            raise
        click.echo(f"{error} Going on without one.", err=True)
        return None
    click.echo(f"on a real Kafka {running.version} ({running.kind})", err=True)
    return stack.enter_context(open_live(KafkaConnection(bootstrap=running.bootstrap), settings))


def _given(broker: str) -> "AbstractContextManager[Driver]":
    """Open the pipeline on a Kafka that somebody else runs, once it has answered."""
    from pipeline.adapters.kafka_preflight import check_broker
    from pipeline.bootstrap.live import open_live

    settings = settings_at(broker)
    check_broker(settings.connection())
    click.echo(f"on a real Kafka (at {broker})", err=True)
    return open_live(settings.connection(), settings)


def _catalogue() -> "EventCatalogue":
    """Return the event names and payload fields that the schemas declare."""
    from pipeline.adapters.avro.schemas import Schemas
    from pipeline.settings import load_settings

    return Schemas.load(load_settings().schemas).catalogue


def _read(path: Path) -> list[Event]:
    """Return the events of a file in order of time.

    Raises:
        InvalidEvent: a line is no event; names the line.
        ConfigurationError: there is no event in the file.
    """
    from pipeline.cli.simulate import read_events

    events = [(_instant(event, f"{path}:{number}"), event) for number, event in read_events(path)]
    if not events:
        raise ConfigurationError(f"{path}: holds no event; write one CloudEvent in JSON per line, as in examples/.")
    return [event for _, event in sorted(events, key=lambda item: item[0])]


def _instant(event: Event, where: str) -> datetime:
    """Return when an event happened; the report needs that, an id, and whom it is about."""
    missing = [name for name in ("id", "type", "time", "controller", "partitionkey") if name not in event]
    if missing:
        names = ", ".join(missing)
        raise InvalidEvent("incomplete", f"{where}: lacks {names}; examples/README.md shows a whole event.")
    try:
        found = datetime.fromisoformat(str(event["time"]))
    except ValueError:
        raise InvalidEvent(
            "invalid_time", f"{where}: its time is not RFC 3339, such as 2024-02-29T12:00:00Z."
        ) from None
    if found.tzinfo is None:
        raise InvalidEvent("invalid_time", f"{where}: its time has no offset; write Z or +01:00.")
    return found


@contextmanager
def _progress(steps: "Steps") -> "Iterator[Callable[[str, int], None]]":
    """Show a bar on a terminal, and nothing elsewhere."""
    screen = console()
    if not screen.is_terminal:
        yield lambda _what, _count: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        # a month passes in the time of about ten events
        task = bar.add_task("events", total=steps.events + 10 * len(steps.months))
        yield lambda what, count: bar.update(task, description=what, advance=count if what == "events" else 10 * count)
