"""The producer on kafka-python, for places where no compiled client can be installed."""

import logging
from collections.abc import Mapping
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, UnknownTopicOrPartitionError

from pipeline.domain.errors import UnavailableError
from pipeline.producer.backend import unknown_topic
from pipeline.producer.delivery import Delivery
from pipeline.producer.wire import Message

logging.getLogger("kafka").addHandler(logging.NullHandler())  # or its retries would be printed by Python's last resort
_METADATA_MS = 5000


class KafkaPythonBackend:
    """Produces with kafka-python; its default partitioner is murmur2 already."""

    blocks = True

    def __init__(self, connection: Mapping[str, str], delivery_timeout: float) -> None:
        timeout_ms = int(delivery_timeout * 1000)
        try:
            self._producer: Any = KafkaProducer(
                **connection,
                enable_idempotence=True,
                max_in_flight_requests_per_connection=1,  # see confluent_backend: else a first request can be lost
                acks="all",
                linger_ms=5,
                retry_backoff_ms=20,
                request_timeout_ms=min(10_000, timeout_ms - 5),
                delivery_timeout_ms=timeout_ms,
                max_block_ms=min(_METADATA_MS, timeout_ms),
                bootstrap_timeout_ms=_METADATA_MS,
            )
        except KafkaError as error:
            raise UnavailableError(
                f"Kafka at {connection['bootstrap_servers']} does not answer ({type(error).__name__})."
            ) from None

    def produce(self, message: Message, delivery: Delivery) -> None:
        """Hand a message over; waits up to five seconds where the topic is not known yet."""
        try:
            future = self._producer.send(
                message.topic, key=message.key, value=message.value, headers=list(message.headers)
            )
        except KafkaTimeoutError:
            # kafka-python waits for a topic that does not exist exactly as for a cluster that does not answer
            reason = f"{unknown_topic(delivery.topic)}, unless the cluster does not answer"
            delivery.fail(reason, code="KafkaTimeoutError", retriable=True)
        except KafkaError as error:
            _fail(delivery, error)
        else:
            future.add_callback(lambda answer: delivery.confirm(answer.partition, answer.offset))
            future.add_errback(lambda error: _fail(delivery, error))

    def flush(self, timeout: float) -> None:
        """Send what waits, for up to `timeout` seconds."""
        try:
            self._producer.flush(timeout)
        except KafkaTimeoutError:
            return  # what is still pending is counted by the caller

    def close(self) -> None:
        """Let go of the cluster, giving the client's own thread a second to end."""
        try:
            self._producer.close(timeout=1)
        except KafkaTimeoutError:  # raised before the client ends its thread, as long as something is unconfirmed
            self._producer._sender.force_close()  # noqa: SLF001 (there is no public way)


def _fail(delivery: Delivery, error: BaseException) -> None:
    name = type(error).__name__
    if isinstance(error, UnknownTopicOrPartitionError):
        delivery.fail(unknown_topic(delivery.topic), code=name, retriable=False)
    else:
        delivery.fail(f"Kafka says {name}", code=name, retriable=bool(getattr(error, "retriable", False)))
