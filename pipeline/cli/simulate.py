"""`pipeline simulate`: events in, everything that the pipeline would write out, under a virtual clock."""

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import output_option, policy_options, print_table
from pipeline.domain.errors import ConfigurationError, InvalidEvent

if TYPE_CHECKING:
    from pipeline.bootstrap.simulation import Emitted, Simulation

SCHEMA_VERSION = 1
_SHOWN = ("type", "category", "purpose", "action", "code", "kept_until", "due_at", "rule", "recipient", "fields")


@click.command(short_help="Run events through the whole pipeline under a virtual clock.")
@click.argument("events", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@policy_options
@click.option(
    "--until",
    metavar="TIME",
    help="Let time pass until then (RFC 3339; a date alone is its start in UTC); default: the last event's time.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of references and seals: same seed, same output.")
@output_option
def simulate(  # noqa: PLR0913  a command has the options it has
    *, events: Path, policies: Path | None, overlays: tuple[Path, ...], until: str | None, seed: int, output: str
) -> None:
    """Run EVENTS through the whole pipeline on an in-memory log.

    EVENTS holds one CloudEvent (structured JSON) per line, in order of arrival.
    The clock moves to each event's arrival (ingesttime, else time) and emits
    what is due on the way. An event that cannot be read becomes a dead letter.
    With -o json each output record is one line: at, topic, key, value.
    """
    from pipeline.bootstrap.simulation import open_simulation

    end = instant_option(until) if until else None
    simulation = open_simulation(policies, overlays, seed)
    for told in _run(simulation, events, end):
        if output == "json":
            for one in simulation.emitted[told:]:
                click.echo(json.dumps(as_json(one), ensure_ascii=False))
    if output == "json":
        return
    rows = [(_plain(one.at), one.topic, one.key or "", _summary(one.value)) for one in simulation.emitted]
    print_table(f"{len(rows)} records", ("at", "topic", "key", "what"), rows)


def _run(simulation: "Simulation", events: Path, end: datetime | None) -> Iterator[int]:
    """Run the events, then let time pass; yield after each step how many records were there before it."""
    number = 0
    for number, event in read_events(events):
        before = len(simulation.emitted)
        try:
            simulation.pipe(event)
        except ConfigurationError as error:
            raise InvalidEvent("invalid_line", f"{events}:{number}: {error}") from None
        yield before
    if not number:
        raise ConfigurationError(f"{events}: holds no event; write one CloudEvent in JSON per line, as in examples/.")
    if end is not None:
        before = len(simulation.emitted)
        simulation.advance_to(end)
        yield before


def as_json(one: "Emitted") -> dict[str, object]:
    """Return an output record as JSON: instants in RFC 3339 with Z, bytes in base64."""
    value = json.loads(json.dumps(one.value, default=_plain))
    return {"schema_version": SCHEMA_VERSION, "at": _plain(one.at), "topic": one.topic, "key": one.key, "value": value}


def read_events(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield the events of a file of JSON lines with their line numbers.

    Raises:
        InvalidEvent: a line is not a JSON object.
    """
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            raise InvalidEvent("not_json", f"{path}:{number}: not JSON; write one CloudEvent per line") from None
        if not isinstance(event, dict):
            raise InvalidEvent("not_json", f"{path}:{number}: not a JSON object; write one CloudEvent per line")
        yield number, event


def instant_option(text: str) -> datetime:
    """Return the instant that `--until` names.

    Raises:
        click.BadParameter: it is no time.
    """
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is not an RFC 3339 time, such as 2034-01-01T00:00:00Z or 2034-01-01.", param_hint="--until"
        ) from None


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def _summary(value: Mapping[str, object]) -> str:
    tags = value.get("tags")
    if isinstance(tags, list):
        return "; ".join(f"{tag['category']} for {tag['purpose']}" for tag in tags)
    return ", ".join(f"{name} {_plain(value[name])}" for name in _SHOWN if value.get(name)) or ", ".join(value)
