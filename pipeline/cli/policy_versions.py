"""`pipeline policy publish`, `diff` and `retag`: how a policy changes."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import (
    EXISTING_FILE,
    EXISTING_PATH,
    broker_option,
    output_option,
    policy_options,
    print_json,
    print_table,
)

if TYPE_CHECKING:
    from pipeline.bootstrap.comparison import Difference
    from pipeline.bootstrap.parts import Parts
    from pipeline.policy.publication import Plan
    from pipeline.settings import Settings

SCHEMA_VERSION = 1


@click.command(short_help="Let workers that run know a new version.")
@policy_options
@click.option("--dry-run", is_flag=True, help="Only say what would be published.")
@broker_option
@output_option
def publish(
    *, policies: Path | None, overlays: tuple[Path, ...], dry_run: bool, broker: str | None, output: str
) -> None:
    """Write policy versions that the policy topic lacks to it.

    Reads the policies folder and the overlays as workers do. A new version
    must take effect at least eleven minutes from now, so that every worker
    knows it before it governs; workers that run switch by themselves. The
    first time, versions that govern already are published as the baseline.
    A version that was published cannot be changed: give it a new version.
    """
    from pipeline.adapters.kafka_preflight import check_broker
    from pipeline.bootstrap.publishing import carry_out, plan
    from pipeline.cli.options import settings_at

    settings = settings_at(broker)
    check_broker(settings.connection())
    parts = _parts(settings, policies, overlays)
    planned = plan(parts, settings.connection())
    if not dry_run or planned.problems:
        carry_out(parts, settings.connection(), planned)
    _told(planned, output, dry_run=dry_run)


def _parts(settings: "Settings", policies: Path | None, overlays: tuple[Path, ...]) -> "Parts":
    from pipeline.bootstrap.parts import load_parts

    shipped = settings.overlays if policies is None else ()
    return load_parts(schemas=settings.schemas, policies=policies or settings.policies, overlays=(*shipped, *overlays))


def _told(planned: "Plan", output: str, *, dry_run: bool) -> None:
    new = [
        {
            "controller": one.controller, "version": one.version, "effective_from": one.effective_from.isoformat(),
            "baseline": one.baseline, "digest": one.digest,
        }
        for one in planned.publish
    ]  # fmt: skip
    if output == "json":
        known = [{"controller": one.controller, "version": one.version} for one in planned.unchanged]
        print_json({"schema_version": SCHEMA_VERSION, "dry_run": dry_run, "published": new, "unchanged": known})
        return
    title = f"{len(new)} versions {'to publish' if dry_run else 'published'}, {len(planned.unchanged)} unchanged"
    rows = [
        (one.controller, one.version, one.effective_from.isoformat(), "baseline" if one.baseline else "new")
        for one in planned.publish
    ]
    print_table(title, ("controller", "version", "in force from", "as"), rows)


@click.command(short_help="Say which records a change would change.")
@click.argument("old", type=EXISTING_PATH)
@click.argument("new", type=EXISTING_PATH)
@click.option("--events", required=True, type=EXISTING_FILE, help="CloudEvents, one JSON per line, as for simulate.")
@click.option("--overlay", "overlays", multiple=True, type=EXISTING_PATH, help="Operator values for both; repeatable.")
@click.option("--until", metavar="TIME", help="Let time pass until then; default: the last event's time.")
@output_option
def diff(  # noqa: PLR0913  a command has the options it has
    *, old: Path, new: Path, events: Path, overlays: tuple[Path, ...], until: str | None, output: str
) -> None:
    """Say which records would change if NEW governed instead of OLD.

    OLD and NEW are policy files, or folders with all versions that govern. Both
    run through the whole pipeline in memory: what is told here is what happens
    once NEW governs. Told are outcomes, categories, recipients and dates;
    `simulate --policies NEW` shows each of them in full. Without --overlay the
    overlays of the settings are used.
    """
    from pipeline.bootstrap.comparison import compare
    from pipeline.cli.simulate import instant_option, read_events
    from pipeline.settings import load_settings

    end = instant_option(until) if until else None
    found = compare(
        old, new, overlays or load_settings().overlays, (event for _number, event in read_events(events)), end
    )
    if output == "json":
        print_json({"schema_version": SCHEMA_VERSION, **asdict(found)})
        return
    rows = [(one.record, one.what, _about(one), one.old or "-", one.new or "-") for one in found.differences]
    records = len({(one.controller, one.record) for one in found.differences})
    skipped = f"; {found.skipped} events of controllers that only one side serves" if found.skipped else ""
    title = f"{len(rows)} changes in {records} records, of {found.events} events{skipped}"
    print_table(title, ("record", "what", "of", "old", "new"), rows)


def _about(one: "Difference") -> str:
    return " ".join(part for part in (one.recipient, one.category, one.purpose, one.action) if part)


VERSIONS = (publish, diff)
