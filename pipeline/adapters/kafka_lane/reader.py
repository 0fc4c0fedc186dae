"""Readers that join no group: of changelogs on restore, and of topics that every lane reads in full."""

from collections import deque
from collections.abc import Iterator
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaException,
    Message,
    TopicPartition,
)

from pipeline.adapters.kafka_lane import codes, faults
from pipeline.adapters.kafka_lane.client_settings import TRANSACTION_MS, ClientSettings
from pipeline.adapters.kafka_lane.faults import deleted_unread, error_of, fault, trouble
from pipeline.adapters.kafka_lane.limits import seconds
from pipeline.domain.errors import LogTruncatedError, UnavailableError
from pipeline.ports import InRecord

SILENCE_SECONDS = TRANSACTION_MS / 1000 + 20
"""How long a read-back may stand still: a dead owner's transaction ends after its timeout and the broker's round."""

KEPT = 10_000


def in_record(message: Message) -> InRecord:
    """Return a record as the ports know it."""
    headers: Any = message.headers() or ()
    return InRecord(
        topic=str(message.topic()),
        partition=place(message.partition()),
        offset=place(message.offset()),
        timestamp_ms=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=tuple(headers),
    )


def place(number: int | None) -> int:
    """Return a partition number or offset that only a message that never was could lack."""
    if number is None:
        raise ValueError("a consumed message has no place")
    return number


def append_time(message: Message) -> int:
    """Return the broker's append time in milliseconds, or 0 where the producer's clock stamped the record."""
    kind, timestamp = message.timestamp()
    return int(timestamp) if kind == TIMESTAMP_LOG_APPEND_TIME else 0


class ChangelogReader:
    """Reads a partition from an offset to its end.

    The end is the high watermark, not the last stable offset: while a transaction of a former owner is open the two
    differ, and what it wrote may yet be committed.
    """

    def __init__(self, settings: ClientSettings, group: str) -> None:
        self._consumer = Consumer(settings.reader(group))

    def read(self, topic: str, partition: int, offset: int) -> Iterator[InRecord]:
        """Yield committed records; see `LaneLog.read_back`."""
        here = TopicPartition(topic, partition)
        self._consumer.assign([TopicPartition(topic, partition, offset or OFFSET_BEGINNING)])
        try:
            yield from self._until_end(here)
        finally:
            self._consumer.unassign()

    def close(self) -> None:
        """Release the connection."""
        self._consumer.close()

    def _until_end(self, here: TopicPartition) -> Iterator[InRecord]:
        deadline = seconds() + SILENCE_SECONDS
        while seconds() < deadline:
            for message in self._consumer.consume(1000, 0.03):  # it waits to the full for a thousand
                error = message.error()
                if error is None:
                    deadline = seconds() + SILENCE_SECONDS
                    yield in_record(message)
                elif error.code() == codes.PARTITION_EOF:
                    # The end of what is stable; the cached high watermark came with the same answer.
                    if place(message.offset()) >= self._consumer.get_watermark_offsets(here, cached=True)[1]:
                        return
                elif error.code() in faults.OUT_OF_RANGE:
                    raise LogTruncatedError(f"{here.topic} {here.partition} no longer holds what was read from it")
                elif (told := trouble(error, f"{here.topic} {here.partition}")) is not None:
                    raise told
        raise UnavailableError(
            f"partition {here.partition} of {here.topic} has an open transaction or does not answer for "
            f"{SILENCE_SECONDS:g} s: find the transaction with `kafka-transactions.sh find-hanging` and abort it"
        )


class KafkaBroadcast:
    """Reads one-partition topics in full, keeping the newest records for the partitions that still need them."""

    def __init__(self, settings: ClientSettings, group: str) -> None:
        self._consumer = Consumer(settings.reader(group))
        self._kept: dict[str, deque[InRecord]] = {}
        self._from: dict[str, int] = {}

    def after(self, topic: str, offset: int, limit: int) -> list[InRecord]:
        """Return committed records from an offset on, as far as they have arrived."""
        if topic not in self._from or offset < self._from[topic]:
            self._begin(topic, offset)
        self._take()
        found = (record for record in self._kept[topic] if record.offset >= offset)
        return [record for record, _ in zip(found, range(limit), strict=False)]

    def close(self) -> None:
        """Release the connection."""
        self._consumer.close()

    def _begin(self, topic: str, offset: int) -> None:
        """Read a topic from an offset on; 0 stands for its first record."""
        try:
            low, _ = self._consumer.get_watermark_offsets(TopicPartition(topic, 0), SILENCE_SECONDS)
        except KafkaException as exception:
            raise fault(error_of(exception)) from exception
        if 0 < offset < low:
            raise deleted_unread(f"{topic} 0")
        if topic in self._from:
            self._consumer.incremental_unassign([TopicPartition(topic, 0)])
        self._from[topic] = offset
        self._kept[topic] = deque()
        self._consumer.incremental_assign([TopicPartition(topic, 0, max(low, offset))])

    def _take(self) -> None:
        for message in self._consumer.consume(1000, 0):
            error = message.error()
            if error is None:
                self._keep(in_record(message))
            elif error.code() != codes.PARTITION_EOF:
                told = trouble(error, f"{message.topic()} {message.partition()}")
                if told is not None:
                    raise told

    def _keep(self, record: InRecord) -> None:
        kept = self._kept[record.topic]
        kept.append(record)
        if len(kept) > KEPT:
            kept.popleft()
            self._from[record.topic] = kept[0].offset
