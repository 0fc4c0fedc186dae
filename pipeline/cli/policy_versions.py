"""`pipeline policy publish`, `diff` and `retag`: how a policy changes."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import broker_option, output_option, policy_options, print_json, print_table

if TYPE_CHECKING:
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


VERSIONS = (publish,)
