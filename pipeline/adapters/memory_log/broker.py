"""The broker's side of Kafka in memory: topics and groups, compaction and retention on command."""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline.domain.errors import ConfigurationError
from pipeline.lanes.murmur2 import partition_of
from pipeline.ports import Clock, InRecord, TopicPartition

Headers = tuple[tuple[str, bytes], ...]


@dataclass(slots=True)
class Partition:
    """One partition's committed records, with its first and next offset."""

    records: list[InRecord] = field(default_factory=list)
    start: int = 0
    end: int = 0

    def since(self, offset: int, limit: int) -> list[InRecord]:
        """Return records from an offset on."""
        first = bisect_left(self.records, offset, key=lambda record: record.offset)
        return self.records[first : first + limit]


@dataclass(slots=True)
class _Topic:
    partitions: list[Partition]
    retention: timedelta | None


@dataclass(slots=True)
class Group:
    """A consumer group: who is in it, and what it committed."""

    generation: int = 0
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    committed: dict[TopicPartition, int] = field(default_factory=dict)


class MemoryBroker:
    """Topics, groups and transactional ids; shared by the members that a test or a simulation makes.

    Args:
        clock: Gives every record its append time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._topics: dict[str, _Topic] = {}
        self._groups: dict[str, Group] = {}
        self.epochs: dict[str, int] = {}
        """Newest epoch of each transactional id; an older one is fenced."""
        self.emitted: list[InRecord] = []
        """Every committed record of all topics in order of emission, whatever compaction and retention removed."""

    def create_topic(self, name: str, partitions: int = 1, *, retention: timedelta | None = None) -> None:
        """Make an empty topic; one that is there stays as it is."""
        self._topics.setdefault(name, _Topic([Partition() for _ in range(partitions)], retention))

    def topics(self) -> tuple[str, ...]:
        """Return the names of all topics in order."""
        return tuple(sorted(self._topics))

    def append(
        self, topic: str, key: bytes | None, value: bytes | None, *, partition: int | None = None, headers: Headers = ()
    ) -> InRecord:
        """Write one committed record, as a producer service would; murmur2 of the key decides where by default."""
        number = self.place(topic, partition, key)
        target = self.partitions_of(topic)[number]
        record = InRecord(
            topic=topic,
            partition=number,
            offset=target.end,
            timestamp_ms=int(self._clock.now().timestamp() * 1000),
            key=key,
            value=value,
            headers=headers,
        )
        target.records.append(record)
        target.end += 1
        self.emitted.append(record)
        return record

    def read(self, topic: str, partition: int | None = None) -> list[InRecord]:
        """Return the committed records that a topic still holds, partition by partition."""
        partitions = self.partitions_of(topic)
        chosen = partitions if partition is None else [partitions[partition]]
        return [record for one in chosen for record in one.records]

    def compact(self, topic: str) -> None:
        """Keep the newest record of each key and no tombstones, as Kafka does in the end."""
        for partition in self.partitions_of(topic):
            newest = {record.key: record for record in partition.records}
            partition.records = [r for r in partition.records if newest[r.key] is r and r.value is not None]

    def apply_retention(self, now: datetime) -> None:
        """Delete the records that are older than their topic's retention."""
        for topic in self._topics.values():
            if topic.retention is not None:
                for partition in topic.partitions:
                    _delete_before(partition, int((now - topic.retention).timestamp() * 1000))

    def expel(self, group: str, member: str) -> None:
        """Take a member's partitions away without its knowledge, as an expired session does."""
        state = self.group(group)
        if state.members.pop(member, None) is not None:
            state.generation += 1

    def forget_positions(self, group: str) -> None:
        """Drop what a group committed, as Kafka does once it stood empty for `offsets.retention.minutes`."""
        self.group(group).committed.clear()

    def partitions_of(self, topic: str) -> list[Partition]:
        """Return a topic's partitions by number."""
        if topic not in self._topics:
            raise ConfigurationError(f"there is no topic {topic}: create it before anyone reads or writes it")
        return self._topics[topic].partitions

    def place(self, topic: str, partition: int | None, key: bytes | None) -> int:
        """Return the partition a record goes to."""
        partitions = self.partitions_of(topic)
        if partition is not None:
            if partition >= len(partitions):
                raise ConfigurationError(f"{topic} has no partition {partition}: it has {len(partitions)}")
            return partition
        if key is None:
            return sum(one.end for one in partitions) % len(partitions)
        return partition_of(key, len(partitions))

    def group(self, name: str) -> Group:
        """Return a consumer group, new or known."""
        return self._groups.setdefault(name, Group())

    def assignment(self, group: Group, member: str) -> list[TopicPartition]:
        """Return what Kafka's range assignor gives a member: a run of each topic's partitions."""
        mine: list[TopicPartition] = []
        for topic in group.members.get(member, ()):
            count = len(self.partitions_of(topic))
            readers = sorted(name for name, topics in group.members.items() if topic in topics)
            each, more = divmod(count, len(readers))
            index = readers.index(member)
            first = each * index + min(index, more)
            mine += [(topic, number) for number in range(first, first + each + (index < more))]
        return mine


def _delete_before(partition: Partition, timestamp_ms: int) -> None:
    kept = [record for record in partition.records if record.timestamp_ms >= timestamp_ms]
    if len(kept) < len(partition.records):
        partition.start = kept[0].offset if kept else partition.end
        partition.records = kept
