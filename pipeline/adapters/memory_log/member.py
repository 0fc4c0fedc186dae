"""The clients' side of Kafka in memory: members of a group with transactions, and readers of whole topics."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from pipeline.adapters.memory_log.broker import MemoryBroker
from pipeline.domain.errors import FencedError, LogTruncatedError, PipelineError, UnavailableError
from pipeline.ports import InRecord, Polled, RawRecord, TopicPartition


class MemoryLog:
    """One member of a group on a `MemoryBroker`, with a transactional producer of the same name.

    Args:
        broker: Where the topics are.
        group: Consumer group.
        member: Static name; a newer member of the same name fences this one.
        topics: What to read.
        on_point: Called with `begun`, `produced`, `positions`, `ended` in every commit; what it raises happens there.
    """

    def __init__(
        self,
        broker: MemoryBroker,
        group: str,
        member: str,
        topics: Sequence[str],
        *,
        on_point: Callable[[str], None] = lambda _point: None,
    ) -> None:
        self._broker = broker
        self._group = broker.group(group)
        self._member = member
        self._topics = tuple(topics)
        self._on_point = on_point
        self._generation = -1
        self._positions: dict[TopicPartition, int] = {}
        self._fetched: dict[TopicPartition, int] = {}
        self._polls = 0
        self._append_time_ms = 0
        self._producer = f"{group}/{member}"
        self._epoch = broker.epochs.get(self._producer, -1) + 1
        broker.epochs[self._producer] = self._epoch
        self._join()

    def poll(self, max_records: int, timeout: float) -> Polled:  # noqa: ARG002 - nothing arrives while one thread waits
        """Return what is there now; never waits."""
        if self._member not in self._group.members:
            self._join()
        if self._generation != self._group.generation:
            return self._settle()
        polled = Polled()
        sources = sorted(self._fetched)
        self._polls += 1
        for i in range(len(sources)):
            source = sources[(self._polls + i) % len(sources)]
            polled.records += self._fetch(source, max_records - len(polled.records))
        self._append_time_ms = max([self._append_time_ms, *(r.timestamp_ms for r in polled.records)])
        return polled

    def commit(
        self, records: Sequence[RawRecord], positions: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        """Write everything at once, or nothing at all."""
        places = [(r, self._broker.place(r.topic, r.partition, r.key)) for r in records]
        try:
            self._on_point("begun")
            self._fence()
            self._on_point("produced")
            self._check_generation()
            self._on_point("positions")
        except BaseException:
            self._leave_gaps(places)
            raise
        ends: dict[TopicPartition, int] = {}
        for raw, number in places:
            record = self._broker.append(raw.topic, raw.key, raw.value, partition=number)
            self._append_time_ms = max(self._append_time_ms, record.timestamp_ms)
            if raw.track:
                ends[raw.topic, number] = record.offset + 1
        self._leave_gaps(places, aborted=False)
        self._group.committed.update(positions)
        self._positions.update(positions)
        self._on_point("ended")
        return ends

    def position(self, source: TopicPartition) -> int:
        """Return the last committed position, or where reading began."""
        return self._positions[source]

    def start_at(self, positions: Mapping[TopicPartition, int]) -> None:
        """Begin where a state stands, unless the group is further on."""
        for source, offset in positions.items():
            self._positions[source] = max(offset, self._group.committed.get(source, offset))
            self._fetched[source] = self._positions[source]

    def caught_up(self, source: TopicPartition) -> bool:
        """Return whether nothing is left to hand out."""
        topic, number = source
        return not self._broker.partitions_of(topic)[number].since(self._fetched[source], 1)

    @property
    def append_time_ms(self) -> int:
        """Return the newest append time seen."""
        return self._append_time_ms

    def rewind(self) -> None:
        """Go back to the last committed positions, or to where reading began."""
        self._positions = {
            source: max(known, self._group.committed.get(source, known)) for source, known in self._positions.items()
        }
        self._fetched = dict(self._positions)

    def read_back(self, topic: str, partition: int, offset: int) -> Iterator[InRecord]:
        """Yield committed records from an offset to the end."""
        log = self._broker.partitions_of(topic)[partition]
        if offset > log.end:
            raise LogTruncatedError(f"partition {partition} of {topic} ends at {log.end}, before {offset}")
        yield from log.since(offset, len(log.records))

    def close(self) -> None:
        """Leave the group."""
        self._broker.expel(self._group_name, self._member)

    @property
    def _group_name(self) -> str:
        return self._producer.partition("/")[0]

    def _join(self) -> None:
        for topic in self._topics:
            self._broker.partitions_of(topic)
        self._group.members[self._member] = self._topics
        self._group.generation += 1

    def _settle(self) -> Polled:
        self._fence()
        revoked = sorted(self._positions)
        assigned = self._broker.assignment(self._group, self._member)
        self._generation = self._group.generation
        self._positions = {source: self._committed(source) for source in assigned}
        self._fetched = dict(self._positions)
        return Polled(assigned=assigned, revoked=revoked, settled=True)

    def _fence(self) -> None:
        if self._broker.epochs[self._producer] != self._epoch:
            raise FencedError(f"another worker runs as {self._member} of {self._group_name}: this one stops")

    def _check_generation(self) -> None:
        if self._generation != self._group.generation:
            raise UnavailableError("the group has moved on: this member's positions are refused")

    def _committed(self, source: TopicPartition) -> int:
        topic, number = source
        start = self._broker.partitions_of(topic)[number].start
        return self._group.committed.get(source, start)

    def _fetch(self, source: TopicPartition, limit: int) -> list[InRecord]:
        topic, number = source
        log = self._broker.partitions_of(topic)[number]
        if self._fetched[source] < log.start:
            raise _deleted_unread(topic, number)
        found = log.since(self._fetched[source], max(0, limit))
        if found:
            self._fetched[source] = found[-1].offset + 1
        return found

    def _leave_gaps(self, places: Sequence[tuple[RawRecord, int]], *, aborted: bool = True) -> None:
        """Move on by the marker that ends a transaction in each partition, and by what was aborted there."""
        for raw, number in places if aborted else ():
            self._broker.partitions_of(raw.topic)[number].end += 1
        for topic, number in {(raw.topic, number) for raw, number in places}:
            self._broker.partitions_of(topic)[number].end += 1


class MemoryBroadcast:
    """Reads one-partition topics of a `MemoryBroker` in full."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    def after(self, topic: str, offset: int, limit: int) -> list[InRecord]:
        """Return committed records from an offset on."""
        if 0 < offset < self._broker.partitions_of(topic)[0].start:
            raise _deleted_unread(topic, 0)
        return [record for record in self._broker.read(topic, 0) if record.offset >= offset][:limit]

    def close(self) -> None:
        """Release nothing."""


def _deleted_unread(topic: str, partition: int) -> PipelineError:
    return PipelineError(
        f"records of {topic} {partition} were deleted before they were read: "
        "lengthen its retention and set the position by hand"
    )
