"""The producer on confluent-kafka (librdkafka)."""

import logging
from collections.abc import Mapping
from threading import Event, Thread
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as KafkaMessage

from pipeline.producer.backend import unknown_topic
from pipeline.producer.delivery import Delivery
from pipeline.producer.wire import Message

_MISSING_TOPIC = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 (librdkafka's local error codes begin with an underscore)
    KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 (same)
}
_TIMED_OUT = KafkaError._MSG_TIMED_OUT  # noqa: SLF001 (same)
_QUEUE_FULL = KafkaError._QUEUE_FULL  # noqa: SLF001 (same)

_log = logging.getLogger("pipeline.producer")


class ConfluentBackend:
    """Produces with librdkafka; a thread of its own serves the answers."""

    blocks = False

    def __init__(self, connection: Mapping[str, str], max_pending: int, delivery_timeout: float) -> None:
        settings: dict[str, Any] = {
            **connection,
            "enable.idempotence": True,
            # A broker that does not know this producer yet takes any first sequence number (KIP-360): a second request
            # that overtakes a refused first one makes the first one's repetition look like a duplicate: it is lost.
            "max.in.flight.requests.per.connection": 1,
            "acks": "all",
            # As Java clients do and the lanes rely on; librdkafka's own default is another hash.
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "retry.backoff.ms": 5,
            "queue.buffering.max.messages": max_pending + 1,
            "delivery.timeout.ms": int(delivery_timeout * 1000),
            "topic.metadata.propagation.max.ms": min(5000, int(delivery_timeout * 1000)),
            "log_level": 3,
        }
        self._producer = Producer(settings, logger=_log)
        self._stop = Event()
        self._thread = Thread(target=self._serve, name="pipeline-producer", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stop.is_set():
            self._producer.poll(0.1)

    def produce(self, message: Message, delivery: Delivery) -> None:
        """Hand a message over; never waits for the cluster."""

        def answered(error: KafkaError | None, answer: KafkaMessage) -> None:
            if error is None:
                delivery.confirm(_number(answer.partition()), _number(answer.offset()))
            else:
                _fail(delivery, error)

        try:
            self._producer.produce(
                message.topic,
                key=message.key,
                value=message.value,
                headers=list(message.headers),
                on_delivery=answered,
            )
        except BufferError:
            delivery.fail("librdkafka's queue is full", code="_QUEUE_FULL", retriable=True)
        except KafkaException as error:
            _fail(delivery, error.args[0])

    def flush(self, timeout: float) -> None:
        """Send what waits, for up to `timeout` seconds."""
        self._producer.flush(timeout)

    def close(self) -> None:
        """Drop what is left and stop the thread."""
        self._producer.purge()
        self._producer.flush(1)
        self._stop.set()
        self._thread.join(2)


def _number(value: int | None) -> int:
    return -1 if value is None else value


def _fail(delivery: Delivery, error: KafkaError) -> None:
    if error.code() in _MISSING_TOPIC:
        delivery.fail(unknown_topic(delivery.topic), code=error.name(), retriable=False)
    else:
        again = error.retriable() or error.code() in {_TIMED_OUT, _QUEUE_FULL}
        delivery.fail(f"Kafka says {error.name()}", code=error.name(), retriable=again and not error.fatal())
