"""Where a simulation's topics are: in memory, or on a real Kafka. The lanes on top are the same."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from confluent_kafka import Consumer, Producer, TopicPartition

from pipeline.adapters.kafka_lane import ClientSettings, KafkaBroadcast, KafkaLane
from pipeline.adapters.kafka_lane.reader import in_record
from pipeline.adapters.memory_log import MemoryBroadcast, MemoryBroker, MemoryLog
from pipeline.domain.errors import UnavailableError
from pipeline.ports import Broadcast, Clock, InRecord, LaneLog

_SILENCE = 30.0
"""Seconds after which a Kafka that hands out nothing of what was committed counts as gone."""


class World(Protocol):
    """Topics to write to and read from, and lane logs on them."""

    def lane_log(self, lane: str, topics: Sequence[str]) -> LaneLog:
        """Return the log of one lane's only process."""
        ...

    def control(self) -> Broadcast:
        """Return a reader of control topics."""
        ...

    def append(self, topic: str, key: bytes, value: bytes) -> None:
        """Write one input record, durably."""
        ...

    def read(self, count: int) -> list[InRecord]:
        """Return the next `count` committed output records."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...


class MemoryWorld:
    """Everything in memory.

    Args:
        clock: Gives every record its append time.
        outputs: Topics to read from.
        inputs: Topics to write to, and those of the lanes' own state.
        partitions: Partitions of each topic; control topics always have one.
    """

    def __init__(self, clock: Clock, outputs: Iterable[str], inputs: Iterable[str], partitions: int = 1) -> None:
        self._broker = MemoryBroker(clock)
        self._outputs = frozenset(outputs)
        for topic in (*self._outputs, *inputs):
            self._broker.create_topic(topic, 1 if ".control." in topic else partitions)
        self._read = 0

    def lane_log(self, lane: str, topics: Sequence[str]) -> LaneLog:
        """Return the log of one lane's only process."""
        return MemoryLog(self._broker, lane, f"{lane}-0", topics)

    def control(self) -> Broadcast:
        """Return a reader of control topics."""
        return MemoryBroadcast(self._broker)

    def append(self, topic: str, key: bytes, value: bytes) -> None:
        """Write one input record."""
        self._broker.append(topic, key, value)

    def read(self, count: int) -> list[InRecord]:
        """Return the next output records in order of emission; everything there is, `count` is not needed."""
        new = self._broker.emitted[self._read :]
        self._read += len(new)
        found = [record for record in new if record.topic in self._outputs]
        if len(found) != count:
            raise AssertionError(f"{count} records were committed and {len(found)} are there")
        return found

    def close(self) -> None:
        """Release nothing."""


class KafkaWorld:
    """Everything on a real Kafka; the topics are there already."""

    def __init__(self, clients: ClientSettings, name: str, outputs: Iterable[str]) -> None:
        self._clients = clients
        self._name = name
        producing: dict[str, object] = {
            "partitioner": "murmur2_random",
            "acks": "all",
            "enable.idempotence": True,
            "max.in.flight.requests.per.connection": 1,
            "log_level": 0,
        }
        self._producer = Producer({**clients.connection.confluent(), **producing})
        self._consumer = Consumer(clients.reader(name))
        known = self._consumer.list_topics(timeout=_SILENCE).topics
        self._consumer.assign(
            [TopicPartition(topic, number, 0) for topic in outputs for number in known[topic].partitions]
        )

    def lane_log(self, lane: str, topics: Sequence[str]) -> LaneLog:
        """Return the log of one lane's only process."""
        return KafkaLane(self._clients, lane=lane, group=f"{self._name}-{lane}", ordinal=0, topics=topics)

    def control(self) -> Broadcast:
        """Return a reader of control topics."""
        return KafkaBroadcast(self._clients, self._name)

    def append(self, topic: str, key: bytes, value: bytes) -> None:
        """Write one input record; `read` waits for what it makes, so the order of arrival is kept per partition."""
        self._producer.produce(topic, value, key)
        self._producer.poll(0)

    def read(self, count: int) -> list[InRecord]:
        """Return the next output records; waits until the committed ones have arrived.

        Raises:
            UnavailableError: Kafka does not hand out what was committed.
        """
        found: list[InRecord] = []
        while len(found) < count:
            messages = self._consumer.consume(count - len(found), _SILENCE)
            if not messages:
                raise UnavailableError(f"Kafka handed out {len(found)} of {count} committed records: is it still up?")
            found.extend(in_record(message) for message in messages if message.error() is None)
        return found

    def close(self) -> None:
        """Release connections."""
        self._producer.flush(_SILENCE)
        self._producer.close()
        self._consumer.close()
