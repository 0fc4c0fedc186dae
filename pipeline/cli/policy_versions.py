"""`pipeline policy publish`, `diff` and `retag`: how a policy changes."""

from dataclasses import asdict, replace
from datetime import datetime
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
    from pipeline.bootstrap.retagging import Counted
    from pipeline.policy.book import Retag
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


@click.command(short_help="Move what one version decided to another one.")
@click.argument("old")
@click.argument("new")
@click.option("--controller", help="Whose versions these are, where several controllers have them.")
@click.option(
    "--rule", "rules", multiple=True, help="Rule, profile or recipients.NAME to move; default: all. Repeatable."
)
@click.option("--dry-run", is_flag=True, help="Only count what would change, and when.")
@click.option("--yes", is_flag=True, help="Give the order. It cannot be taken back.")
@click.option("--events", type=EXISTING_FILE, help="Count on these events instead of what the workers remember.")
@policy_options
@broker_option
@output_option
def retag(  # noqa: PLR0913  a command has the options it has
    *, old: str, new: str, controller: str | None, rules: tuple[str, ...], dry_run: bool, yes: bool,
    events: Path | None, policies: Path | None, overlays: tuple[Path, ...], broker: str | None, output: str,
) -> None:  # fmt: skip
    """Let version NEW govern what version OLD decided: at once, retroactively.

    Without this, the version at collection governs a record for its life. What
    would have ended before now under NEW ends now. What NEW has no rule for
    stays under OLD; --dry-run names it, and counts the rest by rule.
    """
    from pipeline.adapters.kafka_preflight import check_broker
    from pipeline.bootstrap import retagging
    from pipeline.cli.options import settings_at

    if dry_run == yes or (events and yes):
        raise click.UsageError("say --dry-run to count what would change, or --yes to give the order to the workers.")
    settings = settings_at(broker)
    parts = _parts(settings, policies, overlays)
    asked = retagging.Asked(controller=controller, from_version=old, to_version=new, rules=rules)
    if events is not None:
        from pipeline.cli.simulate import read_events

        order = retagging.the_order(parts.book, asked, retagging.now())
        kept = (event for _number, event in read_events(events) if event.get("controller") == order.controller)
        states, then = retagging.after_events(policies, overlays, kept, order.controller)
        order = replace(order, ordered_at=then)
        counted = retagging.count(parts.book, order, states, then)
    else:
        check_broker(settings.connection())
        book = retagging.known_versions(parts, settings.connection())
        order = retagging.the_order(book, asked, retagging.now())
        states_now = retagging.live_states(settings.connection(), order.controller)
        counted = retagging.count(book, order, states_now, order.ordered_at)
        if yes:
            retagging.give(parts, settings.connection(), order)
    _told_order(order, counted, output, dry_run=dry_run)


def _told_order(order: "Retag", counted: "list[Counted]", output: str, *, dry_run: bool) -> None:
    rows = [{name: _plain(value) for name, value in asdict(one).items()} for one in counted]
    moved = [row for row in rows if row["action"] is not None]
    stays = [{name: row[name] for name in ("rule", "category", "purpose", "count")} for row in rows if row not in moved]
    if output == "json":
        about = {"controller": order.controller, "from": order.from_version, "to": order.to_version}
        print_json({
            "schema_version": SCHEMA_VERSION, "dry_run": dry_run, **about, "rules": list(order.rules),
            "ordered_at": _plain(order.ordered_at), "moved": moved, "stays": stays,
        })  # fmt: skip
        return
    said = "would move" if dry_run else "are being moved"
    print_table(
        f"{sum(one.count for one in counted if one.action)} ends {said} from version {order.from_version} of "
        f"{order.controller} to {order.to_version}",
        ("rule", "category", "purpose", "action", "count", "at once", "earlier", "later", "first", "last"),
        [tuple(str(value if value is not None else "-") for value in row.values()) for row in moved],
    )
    if stays:
        title = f"{sum(one.count for one in counted if not one.action)} tags stay: the other version has no such rule"
        print_table(title, tuple(stays[0]), [tuple(str(value) for value in row.values()) for row in stays])


def _plain(value: object) -> object:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


VERSIONS = (publish, diff, retag)
