from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from pipeline.adapters.memory_log import MemoryBroadcast, MemoryBroker, MemoryLog
from pipeline.ports import InRecord, LaneLog
from tests.contracts.broadcast_contract import BroadcastContract
from tests.contracts.clean_up_contract import CleanUpContract
from tests.contracts.lane_log_contract import LaneLogContract

DAY = timedelta(days=1)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


class SteppingClock:
    """A clock that moves on by a millisecond each time it is read."""

    def __init__(self) -> None:
        self._steps = count()

    def now(self) -> datetime:
        return NEW_YEAR + timedelta(milliseconds=next(self._steps))


class MemoryWorld:
    def __init__(self) -> None:
        self.broker = MemoryBroker(SteppingClock())
        self._names = count()

    def topic(self, partitions: int = 1) -> str:
        name = f"topic-{next(self._names)}"
        self.broker.create_topic(name, partitions, retention=DAY)
        return name

    def append(self, topic: str, value: bytes | None, *, key: bytes | None = None, partition: int | None = 0) -> None:
        self.broker.append(topic, key, value, partition=partition)

    def read(self, topic: str) -> list[InRecord]:
        return self.broker.read(topic)

    def trim(self, topic: str, before: int) -> None:
        partition = self.broker.partitions_of(topic)[0]
        partition.records = [r for r in partition.records if r.offset >= before]
        partition.start = before

    def compact(self, topic: str) -> None:
        self.broker.compact(topic)

    def expire(self, topic: str) -> None:
        assert self.broker.read(topic)
        self.broker.apply_retention(NEW_YEAR + DAY + timedelta(seconds=10))

    def depose(self, zombie: LaneLog, other: LaneLog) -> None:  # noqa: ARG002 - Kafka's world needs the silent one
        assert other.poll(1, 0).settled

    def member(
        self, group: str, topics: Sequence[str], ordinal: int = 0, on_point: Callable[[str], None] | None = None
    ) -> LaneLog:
        return MemoryLog(self.broker, group, f"lane-{ordinal}", topics, on_point=on_point or (lambda _point: None))


class TestMemoryLog(LaneLogContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()


class TestMemoryCleanUp(CleanUpContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()

    def test_what_is_younger_than_its_retention_stays(self, world: MemoryWorld) -> None:
        topic = world.topic()
        world.append(topic, b"young")

        world.broker.apply_retention(NEW_YEAR + DAY)

        assert len(world.read(topic)) == 1

    def test_a_tombstone_and_what_it_overwrites_are_gone_in_the_end(self, world: MemoryWorld) -> None:
        topic = world.topic()
        world.append(topic, b"1", key=b"a")
        world.append(topic, None, key=b"a")

        world.compact(topic)

        assert world.read(topic) == []


class TestMemoryBroadcast(BroadcastContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()

    @pytest.fixture
    def broadcast(self, world: MemoryWorld) -> MemoryBroadcast:
        return MemoryBroadcast(world.broker)
