"""A transactional producer that is thrown away after any commit whose outcome is unknown."""

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, KafkaError, KafkaException, Message, Producer, TopicPartition

from pipeline.adapters.kafka_lane import codes
from pipeline.adapters.kafka_lane.client_settings import ClientSettings
from pipeline.adapters.kafka_lane.faults import error_of, fault, is_fenced
from pipeline.adapters.kafka_lane.limits import seconds
from pipeline.adapters.kafka_lane.reader import place
from pipeline.adapters.kafka_lane.watchdog import Watchdog
from pipeline.domain.errors import FencedError, PipelineError, UnavailableError, UnknownOutcomeError
from pipeline.ports import RawRecord

ANY_PARTITION = -1
"""librdkafka's word for: let the partitioner choose by the key."""

CALL_SECONDS = 12.0
"""Limit of one transaction call; the watchdog's is longer."""

START_SECONDS = 45.0
"""How long Kafka may take to answer at the start, and after a crash of its own."""


class TransactionalProducer:
    """Writes batches, each in one transaction.

    Args:
        settings: Where Kafka is, and how its clients are set up.
        transactional_id: Static: a new producer of the same id ends whatever an old one left open.
        watchdog: Watches every call.
        on_point: Called with `begun`, `produced`, `positions`, `ended` in every transaction.
    """

    def __init__(
        self,
        settings: ClientSettings,
        transactional_id: str,
        watchdog: Watchdog,
        on_point: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._id = transactional_id
        self._watchdog = watchdog
        self._on_point = on_point
        self.append_time_ms = 0
        self._asks_why = False
        self._refused: KafkaError | None = None
        self._producer = self._open()

    def transact(
        self, records: Sequence[RawRecord], positions: Iterable[TopicPartition], group: object
    ) -> dict[tuple[str, int], int]:
        """Write records and positions; return the offsets behind the last tracked records.

        Raises:
            PipelineError: as `LaneLog.commit` says.
        """
        ends: dict[tuple[str, int], int] = {}
        try:
            with self._watchdog.watch("begin_transaction"):
                self._producer.begin_transaction()
            self._on_point("begun")
            with self._watchdog.watch("produce"):
                self._produce(records, ends)
            with self._watchdog.watch("flush"):
                self._flush()
            self._on_point("produced")
            with self._watchdog.watch("send_offsets_to_transaction"):
                self._producer.send_offsets_to_transaction(list(positions), group, CALL_SECONDS)
            self._on_point("positions")
        except KafkaException as exception:
            raise self._abandoned(error_of(exception)) from exception
        self._commit()
        self._asks_why = False
        self._on_point("ended")
        return ends

    def close(self) -> None:
        """Let go of the connection; no transaction is open between two calls of `transact`, so nothing can be lost."""
        # The client's close() tells of a fenced producer now as one, now as the other error.
        with self._watchdog.watch("close"), suppress(KafkaException, SystemError):
            self._producer.close()

    def _commit(self) -> None:
        try:
            with self._watchdog.watch("commit_transaction"):
                self._producer.commit_transaction(CALL_SECONDS)
        except KafkaException as exception:
            error = error_of(exception)
            if error.txn_requires_abort() or is_fenced(error):
                raise self._abandoned(error) from exception
            # The request may still be under way. Late, it could end the next transaction of this producer instead:
            # only a new producer epoch shuts it out.
            self._replace()
            raise UnknownOutcomeError(
                f"Kafka did not say whether it committed ({error.name()}): the state is read back"
            ) from exception

    def _produce(self, records: Sequence[RawRecord], ends: dict[tuple[str, int], int]) -> None:
        last = {(r.topic, r.partition): i for i, r in enumerate(records) if r.track}
        # A failed delivery fails the transaction, which does not say why: then the next try asks for every record.
        tracked = range(len(records)) if self._asks_why else set(last.values())
        self._refused = None

        def delivered(error: KafkaError | None, message: Message) -> None:
            self._refused = self._refused or error
            if error is None and (message.topic(), message.partition()) in last:
                ends[str(message.topic()), place(message.partition())] = place(message.offset()) + 1
                kind, timestamp = message.timestamp()
                if kind == TIMESTAMP_LOG_APPEND_TIME:
                    self.append_time_ms = max(self.append_time_ms, timestamp)

        deadline = seconds() + CALL_SECONDS
        for i, record in enumerate(records):
            partition = ANY_PARTITION if record.partition is None else record.partition
            callback = delivered if i in tracked else None
            while True:
                try:
                    self._producer.produce(record.topic, record.value, record.key, partition, on_delivery=callback)
                    break
                except BufferError:
                    if seconds() > deadline:
                        raise KafkaException(KafkaError(codes.QUEUE_FULL)) from None
                    self._producer.poll(0.05)

    def _flush(self) -> None:
        if self._producer.flush(CALL_SECONDS):
            raise KafkaException(KafkaError(codes.TIMED_OUT))

    def _abandoned(self, error: KafkaError) -> PipelineError:
        """End a transaction that was not committed; return what to raise."""
        self._asks_why = True
        outcome = fault(self._refused or error)
        if is_fenced(error):
            return outcome
        try:
            with self._watchdog.watch("abort_transaction"):
                self._producer.abort_transaction(CALL_SECONDS)
        except KafkaException:
            self._replace()
        return outcome

    def _replace(self) -> None:
        """Drop the producer and take a new one: its start ends or completes whatever the old one left open.

        Raises:
            FencedError: Kafka does not answer: a fresh process has to find out.
        """
        threading.Thread(target=self._producer.purge, name="kafka-drop", daemon=True).start()
        try:
            self._producer = self._open()
        except UnavailableError as error:
            raise FencedError(f"after an interrupted transaction {error}; this worker starts anew") from error

    def _open(self) -> Producer:
        producer = Producer(self._settings.producer(self._id))
        deadline = seconds() + START_SECONDS
        with self._watchdog.watch("init_transactions", longer=START_SECONDS):
            while True:
                try:
                    producer.init_transactions(5)
                except KafkaException as exception:
                    error = error_of(exception)
                    outcome = fault(error)
                    if not isinstance(outcome, UnavailableError):
                        raise outcome from exception
                    if seconds() > deadline:
                        raise UnavailableError(
                            f"Kafka at {self._settings.connection.bootstrap} does not answer ({error.name()}): "
                            "start it or correct its address"
                        ) from exception
                else:
                    return producer
