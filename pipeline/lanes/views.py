"""The local view of one partition's state: opened on assignment, restored from its changelog, applied after commits."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from pipeline.domain.errors import LogTruncatedError
from pipeline.domain.records import Change
from pipeline.lanes.opening import Opened
from pipeline.ports import (
    DerivingStage,
    InRecord,
    LaneLog,
    RawRecord,
    Stage,
    StateStore,
    TimedStage,
    TopicPartition,
)

CONTROL_KEY = b"control"
"""State key of the next control record to read; travels in the changelog like any other state."""

POSITION_PREFIX = b"position|"
"""Followed by a source topic: state key of the next offset to read there, in the same transaction as the group's own
position. Kafka forgets that one once a group stood empty for a while (offsets.retention.minutes, seven days)."""

TICK_KEY = b"tick"
"""Changelog key of a record that only asks the broker for its time; never part of the state."""

AT_ONCE = datetime.fromtimestamp(0, UTC)
"""First wake of a timed stage: as soon as the clock knows any time at all."""

RESTORE_BATCH = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSpec:
    """One controller's part of a lane.

    Attributes:
        controller: Whose topics these are.
        stage: The pure core.
        open: Opens consumed records for the stage.
        sources: Co-partitioned input topics.
        changelog: Compacted topic with one partition per source partition.
        control: One-partition topic that every partition applies in order, if any.
    """

    controller: str
    stage: Stage
    open: Callable[[InRecord], Opened]
    sources: tuple[str, ...]
    changelog: str
    control: str | None = None


def position_changes(positions: Mapping[TopicPartition, int]) -> list[Change]:
    """Return what to remember of the positions that a batch leads to."""
    return [Change(POSITION_PREFIX + topic.encode(), at.to_bytes(8)) for (topic, _partition), at in positions.items()]


class View:
    """The state of one (controller, partition), with when to wake its stage and how far control was read."""

    def __init__(self, spec: LaneSpec, partition: int, store: StateStore) -> None:
        self.spec = spec
        self.partition = partition
        self.store = store
        self.sources: set[TopicPartition] = set()
        self.wake = AT_ONCE if isinstance(spec.stage, TimedStage) else None
        self.control = 0
        self.controls = 0
        self.heard_to: datetime | None = None
        """Append time of the newest record that was taken in; None before the first."""

    @property
    def log_partition(self) -> TopicPartition:
        """Return where this state's truth is."""
        return (self.spec.changelog, self.partition)

    def restore(self, log: LaneLog, beat: Callable[[], None]) -> None:
        """Bring the store up to the end of its changelog; a store of another log is forgotten and read anew."""
        try:
            self._read_back(log, beat)
        except LogTruncatedError:
            self.store.clear()
            self._read_back(log, beat)
        self.control = int.from_bytes(self.store.get(CONTROL_KEY) or b"")
        self.wake_soon()

    def wake_soon(self) -> None:
        """Let a timed stage look at everything as soon as the clock knows any time."""
        self.wake = AT_ONCE if isinstance(self.spec.stage, TimedStage) else None

    def positions(self) -> dict[TopicPartition, int]:
        """Return up to where (exclusive) this state has taken in its sources, as far as it knows."""
        stored = {topic: self.store.get(POSITION_PREFIX + topic.encode()) for topic in self.spec.sources}
        return {(topic, self.partition): int.from_bytes(at) for topic, at in stored.items() if at is not None}

    def changelog(self, changes: Iterable[Change]) -> Iterator[RawRecord]:
        """Yield the changelog records of changes that are not local."""
        for change in changes:
            if not change.local:
                yield self._entry(change.key, change.value)

    def tick(self) -> RawRecord:
        """Return a changelog record whose only use is the time that the broker stamps on it."""
        return self._entry(TICK_KEY, b"")

    def _entry(self, key: bytes, value: bytes | None) -> RawRecord:
        return RawRecord(topic=self.spec.changelog, partition=self.partition, key=key, value=value, track=True)

    def _read_back(self, log: LaneLog, beat: Callable[[], None]) -> None:
        records = iter(log.read_back(self.spec.changelog, self.partition, self.store.position))
        while batch := list(islice(records, RESTORE_BATCH)):
            self.store.apply(self._restored(batch), batch[-1].offset + 1)
            beat()

    def _restored(self, records: Sequence[InRecord]) -> list[Change]:
        """Return the changes that changelog records stand for, derived local entries included."""
        newest = {r.key: r.value for r in records if r.key is not None and r.key != TICK_KEY}
        changes: list[Change] = []
        for key, value in newest.items():
            changes += self._derived(key, self.store.get(key), gone=True)
            changes.append(Change(key, value))
            changes += self._derived(key, value, gone=False)
        return changes

    def _derived(self, key: bytes, value: bytes | None, *, gone: bool) -> list[Change]:
        stage = self.spec.stage
        if value is None or not isinstance(stage, DerivingStage):
            return []
        return [Change(c.key, None if gone else c.value, local=True) for c in stage.derive(key, value)]
