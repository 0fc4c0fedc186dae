"""Topics, members and independent readers on a real Kafka, for tests."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined] # its stub forgets NewTopic

from pipeline.adapters.kafka_lane import ClientSettings, KafkaLane
from pipeline.domain.errors import PipelineError
from pipeline.ports import InRecord, LaneLog
from pipeline.settings import KafkaConnection
from tests.soak.verifier import read_committed

STAMPED = {"message.timestamp.type": "LogAppendTime"}
_NUMBERS = count()


class KafkaWorld:
    """A corner of a broker of its own: every name carries the test's prefix."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.bootstrap = bootstrap
        self.settings = ClientSettings(KafkaConnection(bootstrap=bootstrap), session_ms=6000, poll_ms=6000)
        self._prefix = f"{prefix}-{next(_NUMBERS)}"
        self._names = count()
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, "log_level": 0})
        self._members: list[KafkaLane] = []

    def topic(self, partitions: int = 1, **config: str) -> str:
        name = f"{self._prefix}-{next(self._names)}"
        [made] = self._admin.create_topics([NewTopic(name, partitions, 1, config=STAMPED | config)]).values()
        made.result(20)
        return name

    def append(self, topic: str, value: bytes | None, *, key: bytes | None = None, partition: int | None = 0) -> None:
        self._producer.produce(topic, value, key, -1 if partition is None else partition)
        assert self._producer.flush(20) == 0

    def read(self, topic: str) -> list[InRecord]:
        return [
            InRecord(
                topic=topic,
                partition=r.partition,
                offset=r.offset,
                timestamp_ms=r.timestamp_ms,
                key=r.key,
                value=r.value,
            )
            for r in read_committed(self.bootstrap, [topic])
        ]

    def trim(self, topic: str, before: int) -> None:
        [done] = self._admin.delete_records([TopicPartition(topic, 0, before)]).values()
        done.result(20)

    def depose(self, zombie: LaneLog, other: LaneLog) -> None:
        """Let the group go on with another member while one is silent, as after an expired session."""
        assert zombie is not other
        while not other.poll(1, 0.2).settled:
            pass

    def member(
        self, group: str, topics: Sequence[str], ordinal: int = 0, on_point: Callable[[str], None] | None = None
    ) -> KafkaLane:
        made = KafkaLane(
            self.settings,
            lane="contract",
            group=f"{self._prefix}-{group}",
            ordinal=ordinal,
            topics=topics,
            on_point=on_point or (lambda _point: None),
        )
        self._members.append(made)
        return made

    def close(self) -> None:
        for member in self._members:
            with suppress(PipelineError):
                member.close()
