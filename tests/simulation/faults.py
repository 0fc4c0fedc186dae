"""A log, a disk and a clock that fail as Kafka, machines and people let them fail, as one seed says.

The log is the in-memory one, whose promises the contract suite proves against a real Kafka; what is added is what a
network does to a commit: it is refused, or it is lost and nobody knows, or it is done and nobody knows, or it is still
on its way (KIP-890 tells why that one is dangerous).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from pipeline.adapters.memory_log import MemoryBroker, MemoryLog
from pipeline.adapters.memory_state import MemoryState
from pipeline.domain.errors import UnavailableError, UnknownOutcomeError
from pipeline.ports import RawRecord, TopicPartition


class Crash(BaseException):
    """The process is gone: nothing above may catch it."""


@dataclass(frozen=True, slots=True)
class OnItsWay:
    """A commit whose end nobody has seen: it may still come, unless its producer was replaced."""

    log: "FaultyLog"
    epoch: int
    records: Sequence[RawRecord]
    positions: Mapping[TopicPartition, int]


@dataclass(slots=True, kw_only=True)
class Faults:
    """What goes wrong, and how a broken protocol would take it.

    Attributes:
        random: Decides; the seed of a history.
        rate: Of ten commits, how many meet a fault.
        mutant: The name of what is broken on purpose, if anything is.
        pending: Commits on their way.
        regressed: Committed positions that went back, which may never be.
    """

    random: Random
    rate: int = 3
    mutant: str | None = None
    pending: list[OnItsWay] = field(default_factory=list)
    regressed: list[TopicPartition] = field(default_factory=list)

    def arrive(self, but: "FaultyLog | None" = None) -> None:
        """Let every commit that is on its way arrive now, but those of one log; replaced producers are refused."""
        waiting = [one for one in self.pending if one.log is not but]
        self.pending = [one for one in self.pending if one.log is but]
        for one in waiting:
            if self.random.randrange(2):  # else the coordinator ended it: transaction.timeout.ms
                one.log.arrive(one)


class FaultyLog(MemoryLog):
    """A member of the group whose commits meet faults."""

    def __init__(self, broker: MemoryBroker, group: str, member: str, topics: Sequence[str], faults: Faults) -> None:
        self._faults = faults
        self._known_broker = broker
        super().__init__(broker, group, member, topics, on_point=self._maybe_crash)

    def commit(
        self, records: Sequence[RawRecord], positions: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        """Commit, or fail as a commit may."""
        if self._faults.random.randrange(10) >= self._faults.rate:
            return self._done(records, positions)
        self._fence()
        self._check_generation()  # else the positions are refused, and no end is ever asked for
        on_its_way = OnItsWay(self, self._epoch, records, positions)
        match self._faults.random.randrange(6):
            case 0:
                raise UnavailableError("the broker refused")
            case 1:
                self._done(records, positions)
                self._replace_producer()
                raise UnknownOutcomeError("it is done, and the answer was lost")
            case 2 | 3:
                self._faults.pending.append(on_its_way)
                raise Crash("between sending the end of a transaction and its answer")
            case _:
                self._faults.pending.append(on_its_way)
                if self._faults.mutant == "a timeout taken for success":
                    self._faults.pending.pop()
                    self._positions.update(positions)
                    return {(r.topic, r.partition or 0): self._end(r) for r in records if r.track}
                if self._faults.mutant != "a producer reused after a timeout":
                    self._replace_producer()
                raise UnknownOutcomeError("nobody knows")

    def arrive(self, commit: OnItsWay) -> None:
        """Do what a late commit asks for, unless a newer producer of this name was there since."""
        if commit.epoch == self._known_broker.epochs[self._producer]:
            with_old_rights = self._generation
            self._generation = self._group.generation  # its positions were accepted when they were sent
            try:
                super().commit(commit.records, commit.positions)
            except Crash:
                return  # the process that sent it is long gone
            finally:
                self._generation = with_old_rights

    def read_back(self, topic: str, partition: int, offset: int):  # type: ignore[no-untyped-def]  # noqa: ANN201 - as the port
        """Read a changelog once no commit is on its way, as a reader of committed records has to."""
        if self._faults.mutant != "a stale read of the state":
            self._faults.arrive(but=self)  # what this producer left open, its replacement ended
        return super().read_back(topic, partition, offset)

    def _done(self, records: Sequence[RawRecord], positions: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        for source, position in positions.items():
            if position < self._group.committed.get(source, 0) and self._generation == self._group.generation:
                self._faults.regressed.append(source)
        if self._faults.mutant == "positions outside the transaction":
            ends = super().commit([r for r in records if not r.track], {})
            return ends | super().commit([r for r in records if r.track], positions)
        return super().commit(records, positions)

    def _replace_producer(self) -> None:
        self._epoch += 1
        self._known_broker.epochs[self._producer] = self._epoch

    def _end(self, record: RawRecord) -> int:
        return self._known_broker.partitions_of(record.topic)[record.partition or 0].end

    def _maybe_crash(self, point: str) -> None:
        if self._faults.rate and self._faults.random.randrange(60) == 0:
            raise Crash(point)

    def _fence(self) -> None:
        if self._faults.mutant != "no fencing":
            super()._fence()

    def _check_generation(self) -> None:
        if self._faults.mutant != "no fencing":
            super()._check_generation()


class Disk(MemoryState):
    """A worker's state of one partition, which can be rolled back to how it was before."""

    def __init__(self) -> None:
        super().__init__()
        self._before: tuple[dict[bytes, bytes], int] = ({}, 0)

    def keep(self) -> None:
        """Remember how it is now, as the last thing that reached the disk."""
        self._before = (dict(self._entries), self._position)

    def roll_back(self, *, tear: bool) -> None:
        """Lose everything since `keep`; torn, the position survives what it stands for."""
        entries, position = self._before
        self._entries = dict(entries)
        self._keys = sorted(entries)
        self._position = self._position if tear else position


@dataclass(slots=True)
class Wall:
    """One machine's clock: the true time and an error that somebody sets."""

    truth: Callable[[], datetime]
    error: timedelta = timedelta(0)

    def now(self) -> datetime:
        """Return what this machine believes."""
        return self.truth() + self.error
