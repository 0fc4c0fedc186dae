"""One static member of a consumer group, with its transactional producer."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from pipeline.adapters.kafka_lane import codes
from pipeline.adapters.kafka_lane.client_settings import ClientSettings
from pipeline.adapters.kafka_lane.faults import error_of, fault, trouble
from pipeline.adapters.kafka_lane.limits import seconds
from pipeline.adapters.kafka_lane.producer import TransactionalProducer
from pipeline.adapters.kafka_lane.reader import ChangelogReader, append_time, in_record
from pipeline.adapters.kafka_lane.watchdog import Watchdog
from pipeline.domain.errors import ConfigurationError
from pipeline.ports import InRecord, Polled, RawRecord
from pipeline.ports import TopicPartition as Source

log = logging.getLogger(__name__)

COMMITTED_SECONDS = 30.0
"""Committed positions are told only once no transaction on them is open (KIP-447), so this outlasts one."""

TOPICS_SECONDS = 10.0
"""How long a topic may take to become known after it was made."""


class KafkaLane:
    """A lane's log on Kafka.

    Args:
        settings: Where Kafka is, and how its clients are set up.
        lane: Name of the lane, such as `tag`.
        group: Consumer group of the lane.
        ordinal: Which of the group's processes this is; the same number must not run twice.
        topics: What to read.
        watchdog: Ends the process where a client call hangs.
        on_point: Called with `begun`, `produced`, `positions`, `ended` in every commit, for crash tests.
    """

    def __init__(  # noqa: PLR0913 - a composition root passes each part by name
        self,
        settings: ClientSettings,
        *,
        lane: str,
        group: str,
        ordinal: int,
        topics: Sequence[str],
        watchdog: Watchdog | None = None,
        on_point: Callable[[str], None] = lambda _point: None,
    ) -> None:
        self._watchdog = watchdog or Watchdog()
        self._positions: dict[Source, int] = {}
        self._unknown: set[Source] = set()
        self._at_end: set[Source] = set()
        self._settled: bool | None = None
        self._append_time_ms = 0
        identity = f"{lane}-{group}-{ordinal}"
        # First the producer: it ends what a dead process of this ordinal left open, so nobody waits for that below.
        self._producer = TransactionalProducer(settings, identity, self._watchdog, on_point)
        self._reader = ChangelogReader(settings, group)
        self._consumer = Consumer(settings.member(group, identity))
        self._await_topics(topics)
        self._consumer.subscribe(
            list(topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    def poll(self, max_records: int, timeout: float) -> Polled:
        """Return the next records, or a change of assignment and no records.

        Raises:
            PipelineError: the consumer cannot go on.
        """
        before = sorted(self._positions)
        self._settled = None
        with self._watchdog.watch("consume", longer=timeout + COMMITTED_SECONDS):
            messages = self._consumer.consume(max_records, timeout)
        for message in messages:
            error = message.error()
            if error is not None and (told := trouble(error, f"{message.topic()} {message.partition()}")) is not None:
                raise told
        settled = self._settlement()
        if settled is not None:
            # What came along may belong to the assignment before: read it again from the positions of this one.
            self._read_from(self._positions)
            return Polled(assigned=sorted(self._positions), revoked=before, settled=settled)
        return Polled(records=self._handed_out(messages))

    def caught_up(self, source: Source) -> bool:
        """Return whether the end of a partition was reached and nothing came from it since."""
        return source in self._at_end

    def commit(self, records: Sequence[RawRecord], positions: Mapping[Source, int]) -> dict[Source, int]:
        """Write records and positions in one transaction; see `LaneLog.commit`."""
        group = self._consumer.consumer_group_metadata()
        offsets = [TopicPartition(topic, number, offset) for (topic, number), offset in positions.items()]
        ends = self._producer.transact(records, offsets, group)
        self._positions.update(positions)
        return ends

    def position(self, source: Source) -> int:
        """Return the last committed position, or where reading began."""
        return self._positions[source]

    def start_at(self, positions: Mapping[Source, int]) -> None:
        """Begin where a state stands, unless the group is further on; see `LaneLog.start_at`."""
        committed = {source: self._positions[source] for source in positions if source not in self._unknown}
        differ = sorted(source for source, offset in committed.items() if offset != positions[source])
        if differ:
            log.warning("positions of group and state differ, the later ones count, in: %s", differ)
        begun = {source: max(offset, committed.get(source, offset)) for source, offset in positions.items()}
        if begun.items() <= self._positions.items():
            return
        self._positions.update(begun)
        self._read_from(self._positions)

    @property
    def append_time_ms(self) -> int:
        """Return the newest append time of a record read, or written and tracked."""
        return max(self._append_time_ms, self._producer.append_time_ms)

    def rewind(self) -> None:
        """Go back to the last committed positions, or to where reading began."""
        with self._watchdog.watch("committed", longer=COMMITTED_SECONDS):
            for source, offset in self._committed(self._positions).items():
                self._positions[source] = max(offset, self._positions[source])
            self._read_from(self._positions)

    def read_back(self, topic: str, partition: int, offset: int) -> Iterator[InRecord]:
        """Yield committed records from an offset to the end."""
        return self._reader.read(topic, partition, offset)

    def close(self) -> None:
        """Close the clients; a static member's partitions wait for its return until the session ends."""
        with self._watchdog.watch("close"):
            with suppress(KafkaException):  # a fenced consumer has left already
                self._consumer.close()
            self._reader.close()
        self._producer.close()
        self._watchdog.close()

    def _handed_out(self, messages: Iterable[Message]) -> list[InRecord]:
        """Return the records among what the client handed out, and note which partitions it read to their end."""
        records = []
        for message in messages:
            error, source = message.error(), (str(message.topic()), int(message.partition() or 0))
            if error is None:
                self._at_end.discard(source)
                records.append(in_record(message))
                self._append_time_ms = max(self._append_time_ms, append_time(message))
            elif error.code() == codes.PARTITION_EOF:
                self._at_end.add(source)
        return records

    def _await_topics(self, topics: Sequence[str]) -> None:
        """Wait for topics that were made a moment ago; name those that are missing."""
        deadline = seconds() + TOPICS_SECONDS
        missing = list(topics)
        while missing:
            try:
                with self._watchdog.watch("list_topics"):
                    known = self._consumer.list_topics(timeout=TOPICS_SECONDS).topics
            except KafkaException as exception:
                raise fault(error_of(exception)) from exception
            missing = [topic for topic in topics if topic not in known or known[topic].error is not None]
            if missing and seconds() > deadline:
                raise ConfigurationError(f"{', '.join(missing)} missing in Kafka: run `pipeline topics apply`")

    def _settlement(self) -> bool | None:
        """Return what the callbacks of this poll said: assigned, revoked, or nothing."""
        return self._settled

    def _on_assign(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        sources = [(one.topic, one.partition) for one in partitions]
        committed = self._committed(sources)
        self._unknown = set(sources) - set(committed)
        self._positions = committed | self._first(self._unknown)
        self._read_from(self._positions)
        self._settled = True

    def _on_revoke(self, consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self._positions, self._unknown = {}, set()
        self._settled = False
        consumer.unassign()

    def _committed(self, sources: Iterable[Source]) -> dict[Source, int]:
        """Return the group's positions, as far as it has any."""
        try:
            asked = [TopicPartition(topic, number) for topic, number in sources]
            found = self._consumer.committed(asked, COMMITTED_SECONDS) if asked else []
            positions = {}
            for one in found:
                _check(one)
                if one.offset >= 0:
                    positions[one.topic, one.partition] = one.offset
        except KafkaException as exception:
            raise fault(error_of(exception)) from exception
        return positions

    def _first(self, sources: Iterable[Source]) -> dict[Source, int]:
        """Return the first offsets that are left."""
        try:
            return {
                source: int(self._consumer.get_watermark_offsets(TopicPartition(*source), COMMITTED_SECONDS)[0])
                for source in sources
            }
        except KafkaException as exception:
            raise fault(error_of(exception)) from exception

    def _read_from(self, positions: Mapping[Source, int]) -> None:
        self._at_end.clear()
        # Not seek(): it fails on a partition whose fetching has not begun.
        self._consumer.assign([TopicPartition(topic, number, offset) for (topic, number), offset in positions.items()])


def _check(source: TopicPartition) -> None:
    if source.error is not None:
        raise KafkaException(source.error)
