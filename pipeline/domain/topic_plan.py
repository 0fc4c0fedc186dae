"""Compare the topics that should be with those that are: what to change, what to refuse, how long data stays.

Pure: knows no Kafka client and no file.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

RETENTION_CHECK_MS = 5 * 60_000
"""How often a broker looks for segments to delete (`log.retention.check.interval.ms`, Kafka's default)."""
FILE_DELETE_DELAY_MS = 60_000
"""How long a deleted segment stays on the disk (`file.delete.delay.ms`); written into every topic."""
FOREVER = -1
"""Kafka's `retention.ms` for no limit."""

_GUARDED = "cleanup.policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSpec:
    """A topic as it should be.

    Attributes:
        name: Full topic name.
        role: What it is for, such as `source` or `carrier`.
        partitions: Number of partitions.
        replicas: Replication factor.
        config: Every topic setting that the file decides, as Kafka spells them.
        keyed: Whether readers rely on which partition a key is in.
        holds: What kind of data it holds: personal, pseudonymous, sealed or none.
        value_schema: Name of the Avro schema of its values, if it has one.
        description: One sentence for people.
    """

    name: str
    role: str
    partitions: int
    replicas: int
    config: Mapping[str, str]
    keyed: bool = True
    holds: str = "personal"
    value_schema: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTopic:
    """A topic as the cluster has it.

    Attributes:
        config: Values in force, broker defaults included.
        overridden: Settings that were set on the topic itself.
    """

    name: str
    partitions: int
    replicas: int
    config: Mapping[str, str]
    overridden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicChange:
    """One thing that apply would do.

    Attributes:
        kind: `create`, `set`, `reset` (to the broker's default) or `partitions`.
        setting: The topic setting, or empty for a new topic.
        live: Value on the cluster.
        wanted: Value of the file; empty for a reset.
    """

    topic: str
    kind: str
    setting: str = ""
    live: str = ""
    wanted: str = ""

    def __str__(self) -> str:
        match self.kind:
            case "create":
                return f"{self.topic}: create"
            case "reset":
                return f"{self.topic}: {self.setting} is {self.live}, set by hand; reset to the broker's default"
            case _:
                return f"{self.topic}: {self.setting} {self.live} -> {self.wanted}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicPlan:
    """What separates the cluster from the file.

    Attributes:
        changes: What apply does, in order.
        refusals: What apply will not do, one sentence each; while there is one, apply does nothing.
        unmanaged: Topics that the file does not name; they are listed and never touched.
    """

    changes: tuple[TopicChange, ...]
    refusals: tuple[str, ...] = ()
    unmanaged: tuple[str, ...] = ()

    @property
    def in_line(self) -> bool:
        """True if there is nothing to do."""
        return not self.changes and not self.refusals


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowances:
    """What the operator allows beyond the safe changes."""

    rekey: bool = False
    cleanup_policy: bool = False


@dataclass(slots=True)
class _Findings:
    changes: list[TopicChange] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


def plan_topics(wanted: Iterable[TopicSpec], live: Iterable[LiveTopic], allowed: Allowances | None = None) -> TopicPlan:
    """Return what would bring the cluster in line with the file.

    No topic is ever deleted and no partition removed. A topic whose names begin with `__` is Kafka's own.
    """
    there = {topic.name: topic for topic in live}
    named = sorted(wanted, key=lambda spec: spec.name)
    found = _Findings()
    for spec in named:
        if (topic := there.get(spec.name)) is None:
            found.changes.append(TopicChange(topic=spec.name, kind="create"))
        else:
            _compare(spec, topic, allowed or Allowances(), found)
    unmanaged = there.keys() - {spec.name for spec in named}
    return TopicPlan(
        changes=tuple(found.changes),
        refusals=tuple(found.refusals),
        unmanaged=tuple(sorted(name for name in unmanaged if not name.startswith("__"))),
    )


def _compare(spec: TopicSpec, live: LiveTopic, allowed: Allowances, found: _Findings) -> None:
    if live.replicas != spec.replicas:
        found.refusals.append(
            f"{spec.name}: replicas {live.replicas} -> {spec.replicas} is refused; moving replicas is for Kafka's own "
            "reassignment tool. Reassign them, or correct the file (or --replicas)."
        )
    _compare_partitions(spec, live, allowed, found)
    for change in _config_changes(spec, live):
        if change.setting == _GUARDED and not allowed.cleanup_policy:
            found.refusals.append(
                f"{change}: refused, since it changes what is deleted. Compare the two, then use "
                "--allow-cleanup-policy-change."
            )
        else:
            found.changes.append(change)


def _compare_partitions(spec: TopicSpec, live: LiveTopic, allowed: Allowances, found: _Findings) -> None:
    change = TopicChange(
        topic=spec.name,
        kind="partitions",
        setting="partitions",
        live=str(live.partitions),
        wanted=str(spec.partitions),
    )
    if live.partitions > spec.partitions:
        found.refusals.append(
            f"{change}: refused, Kafka cannot remove partitions. Write {live.partitions} into the file, or move the "
            "data to a new topic."
        )
    elif live.partitions < spec.partitions and spec.keyed and not allowed.rekey:
        found.refusals.append(
            f"{change}: refused, since keys would move to other partitions while their state stays. Drain the "
            "pipeline, then use --allow-rekey."
        )
    elif live.partitions < spec.partitions:
        found.changes.append(change)


def _config_changes(spec: TopicSpec, live: LiveTopic) -> Iterator[TopicChange]:
    for setting, value in sorted(spec.config.items()):
        if live.config.get(setting) != value:
            yield TopicChange(
                topic=spec.name,
                kind="set",
                setting=setting,
                live=live.config.get(setting, "unset"),
                wanted=value,
            )
    for setting in sorted(live.overridden - spec.config.keys()):
        yield TopicChange(topic=spec.name, kind="reset", setting=setting, live=live.config.get(setting, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """How long Kafka's own copy of a record can last.

    Attributes:
        milliseconds: Upper bound while a broker runs and its cleaner keeps up; None if there is none.
        parts: What the bound is made of, by name, in milliseconds.
    """

    milliseconds: int | None
    parts: Mapping[str, int]


def lifetime(config: Mapping[str, str]) -> Lifetime:
    """Return the bound on Kafka's own copies (architecture 9.10).

    Deletion: a segment goes when its newest record is past retention, so that the oldest stays for one segment roll
    more; then the broker's next look, then the delay before the file goes. Compaction: an overwritten value stays at
    most for the compaction lag, a tombstone for `delete.retention.ms` more.
    """
    if config["cleanup.policy"] == "compact":
        parts = {
            "compaction lag": int(config["max.compaction.lag.ms"]),
            "delete retention": int(config["delete.retention.ms"]),
            "file delete delay": int(config["file.delete.delay.ms"]),
        }
        return Lifetime(milliseconds=sum(parts.values()), parts=parts)
    if int(config["retention.ms"]) == FOREVER:
        return Lifetime(milliseconds=None, parts={})
    parts = {
        "retention": int(config["retention.ms"]),
        "segment roll": int(config["segment.ms"]),
        "retention check": RETENTION_CHECK_MS,
        "file delete delay": int(config["file.delete.delay.ms"]),
    }
    return Lifetime(milliseconds=sum(parts.values()), parts=parts)
