"""`pipeline topics plan|apply|export`: topics as code, with guards that never lose data."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline.cli.main import CHANGES_PENDING
from pipeline.cli.options import EXISTING_FILE, broker_option, connection, output_option, print_json, print_table
from pipeline.domain.errors import PipelineError
from pipeline.domain.topic_plan import Allowances, Lifetime, TopicPlan, TopicSpec, lifetime, plan_topics

if TYPE_CHECKING:
    from pipeline.adapters.kafka_topics import KafkaTopics
    from pipeline.adapters.topics_file import TopicSet

SCHEMA_VERSION = 1
F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def topics() -> None:
    """Compare Kafka's topics with topics.yaml and bring them in line.

    No topic is ever deleted and no partition removed; topics that the file does
    not name are listed and left alone.
    """


def _file_options(function: F) -> F:
    for option in reversed(
        [
            click.option("--file", type=EXISTING_FILE, help="The file to read, instead of $PIPELINE_TOPICS."),
            click.option("--controller", multiple=True, help="Only this data controller; may be given several times."),
            click.option("--replicas", type=click.IntRange(1, 15), help="Replicas, for clusters of one node."),
            click.option("--partitions", type=click.IntRange(1), help="Partitions of co-partitioned topics."),
        ]
    ):
        function = option(function)
    return function


def _allowance_options(function: F) -> F:
    for option in reversed(
        [
            click.option("--allow-rekey", is_flag=True, help="Allow more partitions, although keys move."),
            click.option("--allow-cleanup-policy-change", is_flag=True, help="Allow cleanup.policy to change."),
        ]
    ):
        function = option(function)
    return function


@topics.command()
@_file_options
@_allowance_options
@broker_option
@output_option
def plan(*, broker: str | None, output: str, **options: Any) -> int:
    """Show what apply would change, and how long copies last.

    Exit codes: 0 nothing to do, 1 failed, 2 usage, 3 changes pending.
    """
    wanted = _read(options)
    with _cluster(broker) as (cluster, brokers):
        cluster_id = _same_cluster(wanted, cluster)
        planned = _planned(wanted, cluster, brokers, options)
    if output == "json":
        print_json(_plan_document(planned, wanted, cluster_id))
    else:
        _print_plan(planned, wanted)
    return 0 if planned.in_line else CHANGES_PENDING


@topics.command()
@_file_options
@_allowance_options
@broker_option
@output_option
def apply(*, broker: str | None, output: str, **options: Any) -> int:
    """Bring the cluster in line with the file.

    Doing it twice changes nothing. Where one change is refused, none is made.
    Exit codes: 0 done, 1 failed or refused, 2 usage.
    """
    wanted = _read(options)
    with _cluster(broker) as (cluster, brokers):
        cluster_id = _same_cluster(wanted, cluster)
        planned = _planned(wanted, cluster, brokers, options)
        if planned.refusals:
            raise PipelineError("\n".join(_folded(planned.refusals)))
        _carry_out(cluster, planned, wanted)
    if output == "json":
        print_json(_plan_document(planned, wanted, cluster_id))
    elif planned.in_line:
        click.echo(f"Nothing to do: {len(wanted.specs)} topics are as the file says.")
    else:
        click.echo(f"Done: {_counted(planned)}.")
    return 0


@topics.command()
@click.argument("target", metavar="strimzi|jikkou", type=click.Choice(["strimzi", "jikkou"]))
@_file_options
@click.option("--cluster", default="kafka", show_default=True, help="Name of the Strimzi cluster.")
def export(*, target: str, cluster: str, **options: Any) -> None:
    """Write the topics as YAML for Strimzi or Jikkou, to stdout."""
    from pipeline.adapters.topics_export import export_jikkou, export_strimzi

    specs = _read(options).specs
    click.echo(export_strimzi(specs, cluster) if target == "strimzi" else export_jikkou(specs), nl=False)


def _read(options: Mapping[str, Any]) -> "TopicSet":
    from pipeline.adapters.topics_file import read_topics
    from pipeline.settings import load_settings

    settings = load_settings()
    path: Path = options["file"] or settings.topics
    return read_topics(
        path,
        controllers=options["controller"] or settings.controllers,
        replicas=options["replicas"],
        co_partitions=options["partitions"],
    )


def _planned(wanted: "TopicSet", cluster: "KafkaTopics", brokers: int, options: Mapping[str, Any]) -> TopicPlan:
    """Return the plan with everything that apply would refuse, too few brokers included."""
    allowed = Allowances(rekey=options["allow_rekey"], cleanup_policy=options["allow_cleanup_policy_change"])
    planned = plan_topics(wanted.specs, cluster.live(), allowed)
    new = {change.topic for change in planned.changes if change.kind == "create"}
    few = [
        f"{spec.name}: cannot be created with {spec.replicas} replicas, for the cluster has fewer brokers ({brokers}); "
        "set `replicas` in the file or use --replicas."
        for spec in wanted.specs
        if spec.name in new and spec.replicas > brokers
    ]
    return replace(planned, refusals=(*planned.refusals, *few))


def _folded(refusals: Sequence[str]) -> list[str]:
    """Return refusals with those that differ in the topic only told once, with their number."""
    by_reason: dict[str, list[str]] = {}
    for refusal in refusals:
        topic, _, reason = refusal.partition(": ")
        by_reason.setdefault(reason, []).append(topic)
    return [
        f"{names[0]}: {reason}" if len(names) == 1 else f"{len(names)} topics, such as {names[0]}: {reason}"
        for reason, names in by_reason.items()
    ]


@contextmanager
def _cluster(broker: str | None) -> "Iterator[tuple[KafkaTopics, int]]":
    """Connect, after a check that says quickly and plainly why it cannot be done; yields the number of brokers too."""
    from pipeline.adapters.kafka_preflight import check_broker
    from pipeline.adapters.kafka_topics import KafkaTopics

    target = connection(broker)
    brokers = check_broker(target).brokers
    with KafkaTopics(target) as cluster:
        yield cluster, brokers


def _same_cluster(wanted: "TopicSet", cluster: "KafkaTopics") -> str:
    found = cluster.cluster_id()
    if wanted.cluster_id is not None and wanted.cluster_id != found:
        raise PipelineError(
            f"this cluster is {found}, the file is for {wanted.cluster_id}; nothing was done. Correct the address, or "
            "cluster.id in the file."
        )
    return found


def _carry_out(cluster: "KafkaTopics", planned: TopicPlan, wanted: "TopicSet") -> None:
    total = len(planned.changes)
    done = 0

    def tell(change: object) -> None:
        nonlocal done
        done += 1
        click.echo(f"[{done}/{total}] {change}", err=True)

    cluster.apply(planned, wanted.specs, tell)


def _counted(planned: TopicPlan) -> str:
    words = {"create": "topics created", "set": "settings set", "reset": "settings reset", "partitions": "topics grown"}
    counts = Counter(change.kind for change in planned.changes)
    return ", ".join(f"{count} {words[kind]}" for kind, count in counts.items())


def _print_plan(planned: TopicPlan, wanted: "TopicSet") -> None:
    if planned.changes:
        rows = [(change.topic, change.setting or change.kind, change.live, change.wanted) for change in planned.changes]
        title = "Changes that wait for what is refused" if planned.refusals else "Changes pending"
        print_table(title, ("topic", "what", "live", "wanted"), rows)
    for refusal in _folded(planned.refusals):
        click.echo(f"refused: {refusal}")
    if planned.unmanaged:
        click.echo(f"Not in the file, left alone: {', '.join(planned.unmanaged)}.")
    print_table(
        "How long Kafka's own copies can last",
        ("role", "topics", "holds", "at most", "made of"),
        [(role, str(count), holds, _bound(life), _parts(life)) for (role, holds, life), count in _lifetimes(wanted)],
    )
    if planned.in_line:
        click.echo(f"Nothing to do: {len(wanted.specs)} topics are as the file says.")
    elif planned.refusals:
        click.echo("`pipeline topics apply` changes nothing as long as one of these is refused.")
    else:
        click.echo(f"Pending: {len(planned.changes)} changes; `pipeline topics apply` makes them.")


def _lifetimes(wanted: "TopicSet") -> list[tuple[tuple[str, str, Lifetime], int]]:
    """Return each distinct bound with the number of topics that have it, in order of the file."""
    groups: dict[tuple[str, str, str], tuple[tuple[str, str, Lifetime], int]] = {}
    for spec in wanted.specs:
        life = lifetime(spec.config)
        key = (spec.role, spec.holds, _parts(life))
        groups[key] = ((spec.role, spec.holds, life), groups[key][1] + 1 if key in groups else 1)
    return list(groups.values())


def _bound(life: Lifetime) -> str:
    return "no end" if life.milliseconds is None else _duration(life.milliseconds)


def _parts(life: Lifetime) -> str:
    return " + ".join(f"{name} {_duration(amount)}" for name, amount in life.parts.items())


def _duration(milliseconds: int) -> str:
    """Return a duration for people.

    >>> _duration(86_400_000 + 6 * 3_600_000)
    '1 d 6 h'
    """
    seconds = milliseconds // 1000
    units = (("d", seconds // 86_400), ("h", seconds // 3600 % 24), ("min", seconds // 60 % 60), ("s", seconds % 60))
    return " ".join(f"{amount} {unit}" for unit, amount in units if amount) or "0 s"


def _plan_document(planned: TopicPlan, wanted: "TopicSet", cluster_id: str) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "cluster_id": cluster_id,
        "in_line": planned.in_line,
        "changes": [asdict(change) for change in planned.changes],
        "refusals": list(planned.refusals),
        "unmanaged": list(planned.unmanaged),
        "topics": [_topic_document(spec) for spec in wanted.specs],
    }


def _topic_document(spec: TopicSpec) -> dict[str, object]:
    life = lifetime(spec.config)
    return {
        "topic": spec.name,
        "role": spec.role,
        "holds": spec.holds,
        "schema": spec.value_schema,
        "partitions": spec.partitions,
        "replicas": spec.replicas,
        "config": dict(spec.config),
        "copies_last_ms": life.milliseconds,
        "copies_last_parts_ms": dict(life.parts),
    }
