"""What the lanes need from outside, as small Protocols. Adapters implement them; nothing here does anything."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from pipeline.domain.events import EventHead, SourceEvent
from pipeline.domain.records import Change, Incoming, Output, OutRecord, SharedValue, TaggedValue
from pipeline.policy.book import PolicyBook
from pipeline.stages.workspace import StateReader

TopicPartition = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class InRecord:
    """A record as a log hands it out. Key, value and headers may hold personal data: never in a repr."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)
    headers: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRecord:
    """A record ready to be produced; `track`, for a fixed partition, asks to report its offset."""

    topic: str
    partition: int | None
    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)
    track: bool = False


@dataclass(slots=True)
class Polled:
    """What one poll brought: records in partition order, and what changed in the assignment before them.

    Attributes:
        records: In offset order within each partition.
        assigned: What this member owns from now on, in addition.
        revoked: What it owns no more; applies before `assigned`.
        settled: True if the group agreed on an assignment during this poll, be it an empty one.
    """

    records: list[InRecord] = field(default_factory=list)
    assigned: list[TopicPartition] = field(default_factory=list)
    revoked: list[TopicPartition] = field(default_factory=list)
    settled: bool = False


class LaneLog(Protocol):
    """One member of a consumer group with its transactional producer.

    Guarantees: `commit` makes all records and the positions visible together or not at all; a member that lost its
    partitions cannot commit (KIP-447); readers see committed records only.
    """

    def poll(self, max_records: int, timeout: float) -> Polled:
        """Return the next records; assignment changes happen only in here, never during `commit`."""
        ...

    def commit(
        self, records: Sequence[RawRecord], positions: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        """Produce records and commit positions (next offsets to read) in one transaction.

        Returns:
            For each partition with a tracked record the offset after its last tracked record.

        Raises:
            UnavailableError: nothing of it was committed, and the producer is fit for use: rewind and try again.
            UnknownOutcomeError: the outcome is not known; the producer is already replaced, read back before going on.
            FencedError: another owner took over.
            ConfigurationError: it cannot succeed unless someone mends what the message names.
        """
        ...

    def position(self, source: TopicPartition) -> int:
        """Return the last committed position of an assigned partition, or where its reading began.

        It is what to commit along with records that no input caused, so that a member that lost its partition
        cannot commit those either.
        """
        ...

    def start_at(self, positions: Mapping[TopicPartition, int]) -> None:
        """Begin assigned partitions where a state, written in the transactions of their positions, says it stands.

        A group that stands empty loses its positions in time; the state does not. Of two positions the one further on
        counts. Where the records at a position are deleted already, the next `poll` says so.
        """
        ...

    def caught_up(self, source: TopicPartition) -> bool:
        """Return whether everything that stood in an assigned partition when it was last fetched was handed out.

        What is due is emitted only once what happened before it was read: else a hold that waits in the log while
        nobody runs would come too late.
        """
        ...

    @property
    def append_time_ms(self) -> int:
        """Return the newest append time a broker stamped on a record this member read or wrote; 0 before the first."""
        ...

    def rewind(self) -> None:
        """Go back to the last committed positions of all assigned partitions, or to where their reading began."""
        ...

    def read_back(self, topic: str, partition: int, offset: int) -> Iterator[InRecord]:
        """Yield the committed records from an offset to the end, once no transaction of a former owner is open.

        Raises:
            LogTruncatedError: the log ends before the offset, so what was read up to there came from another log.
            UnavailableError: a transaction of a former owner stays open, or the broker does not answer.
        """
        ...

    def close(self) -> None:
        """Leave the group cleanly."""
        ...


class Broadcast(Protocol):
    """A one-partition topic that every lane reads in full, outside any consumer group."""

    def after(self, topic: str, offset: int, limit: int) -> list[InRecord]:
        """Return committed records from an offset on, as far as they have arrived; never waits for more.

        Offset 0 stands for the first record that is left.

        Raises:
            PipelineError: records from another offset on were deleted before they were read.
        """
        ...

    def close(self) -> None:
        """Release connections."""
        ...


class StateStore(StateReader, Protocol):
    """A local view of a changelog partition: rebuildable, never the truth."""

    @property
    def position(self) -> int:
        """Return the changelog offset up to which (exclusive) everything is applied; 0 when empty."""
        ...

    def apply(self, changes: Iterable[Change], position: int | None) -> None:
        """Apply changes and, if given, the new position, in one atomic write."""
        ...

    def clear(self) -> None:
        """Forget everything, so that the changelog is read from the start."""
        ...

    def close(self) -> None:
        """Release files and locks."""
        ...


class Stage(Protocol):
    """The pure core of a lane for one controller. Called for one partition at a time."""

    def handle(self, batch: Sequence[Incoming], state: StateReader, partition: int, now: datetime) -> Output:
        """Decide a batch of incoming events; the clock is an argument."""
        ...


@runtime_checkable
class TimedStage(Stage, Protocol):
    """A stage that acts on time as well as on input."""

    def wake(self, state: StateReader, partition: int, now: datetime, limit: int) -> Output:
        """Return what is due at `now`, at most about `limit` records; `next_wake` says when to call again, if ever."""
        ...


@runtime_checkable
class DerivingStage(Protocol):
    """A stage with local entries (indexes) that follow from its changelog and are built anew on restore."""

    def derive(self, key: bytes, value: bytes) -> Iterable[Change]:
        """Return the local entries that follow from one changelog entry; they go when the entry goes or changes."""
        ...


@runtime_checkable
class GovernedStage(Stage, Protocol):
    """A stage that policy versions govern; a lane gives it the book anew whenever a version was published."""

    book: PolicyBook


class Cut(Protocol):
    """One event's bytes, walked to the last byte, ready to be copied from."""

    @property
    def head(self) -> EventHead:
        """What decisions look at."""
        ...

    def tagged(self, value: TaggedValue) -> bytes:
        """Return the tagged record, framed."""
        ...

    def shared(self, value: SharedValue) -> bytes:
        """Return a recipient's record, framed, built up from the whitelist."""
        ...

    def decode(self) -> SourceEvent:
        """Return the event with its payload values; for explain and tests."""
        ...


class SliceEngine(Protocol):
    """Opens source records: single-object Avro, Confluent framing or structured CloudEvents JSON."""

    def cut(self, value: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> Cut:
        """Walk a record to its last byte.

        Raises:
            InvalidEvent: truncated, malformed, unknown schema or against the contract; with an error code.
        """
        ...


class Codec(Protocol):
    """Framed Avro records by schema name, for everything that is not copied from an event."""

    def encode(self, schema: str, value: Mapping[str, object]) -> bytes:
        """Return a framed record."""
        ...

    def decode(self, value: bytes) -> tuple[str, dict[str, object]]:
        """Return schema name and value of a framed record, whatever its framing.

        Raises:
            InvalidEvent: not a record of a known schema.
        """
        ...


class Sealer(Protocol):
    """Encrypts what only the privacy officer may read."""

    def seal(self, content: bytes) -> bytes:
        """Return content that only the privacy officer's private key opens."""
        ...


class Clock(Protocol):
    """The only source of now."""

    def now(self) -> datetime:
        """Return the present instant, an aware datetime in UTC."""
        ...


class LaneClock(Clock, Protocol):
    """A clock that a lane may act on: never ahead of the truth, and told what the broker's clock said."""

    @property
    def distrusted(self) -> bool:
        """Return whether this machine's clock jumped, so that nothing is due until the broker agrees with it."""
        ...

    def saw(self, append_time_ms: int) -> None:
        """Take note of a broker's append time, milliseconds since the epoch."""
        ...

    def wants_tick(self, until: datetime) -> bool:
        """Return whether only a fresh broker append time is missing for `now` to reach an instant."""
        ...


__all__ = [
    "Broadcast", "Change", "Clock", "Codec", "Cut", "DerivingStage", "GovernedStage", "InRecord", "Incoming",
    "LaneClock", "LaneLog", "OutRecord", "Output", "Polled", "RawRecord", "Sealer", "SliceEngine", "Stage",
    "StateReader", "StateStore", "TimedStage", "TopicPartition",
]  # fmt: skip
