"""How the lane's clients reach Kafka, and the settings that exactly once stands on."""

import logging
from dataclasses import dataclass

from confluent_kafka import KafkaError

from pipeline.settings import KafkaConnection

log = logging.getLogger(__name__)

TRANSACTION_MS = 15_000
"""A dead worker's transaction holds up readers of its partitions no longer than this."""


MAX_MESSAGE_BYTES = 2 << 20
"""The largest record a lane writes and fetches at once: what `max.message.bytes` of the topics it writes says."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """How the clients of one lane process are set up.

    Attributes:
        connection: Where Kafka is and how to log in.
        session_ms: A silent worker's partitions go to another one after this; one that is back earlier keeps them.
        poll_ms: A worker that lives but does not poll for so long loses its partitions; longer than any restore.
    """

    connection: KafkaConnection
    session_ms: int = 10_000
    poll_ms: int = 600_000

    def producer(self, transactional_id: str) -> dict[str, object]:
        """Return the settings of a transactional producer."""
        return self._client() | {
            "transactional.id": transactional_id,
            "transaction.timeout.ms": TRANSACTION_MS,
            "acks": "all",
            "enable.idempotence": True,
            # A broker that does not know a producer yet takes any first sequence number (KIP-360): a second request
            # that overtakes a refused first one would make the first one's repetition look like a duplicate: lost.
            "max.in.flight.requests.per.connection": 1,
            "partitioner": "murmur2_random",
            # At the default of 100 ms each transaction waits that long for the end of the one before.
            "retry.backoff.ms": 5,
            "linger.ms": 2,
            "batch.num.messages": 10_000,
            "batch.size": 1 << 20,
            "message.max.bytes": MAX_MESSAGE_BYTES,
            "queue.buffering.max.messages": 200_000,
        }

    def member(self, group: str, instance: str) -> dict[str, object]:
        """Return the settings of a group member: classic protocol, static, range assignment."""
        return self._reading(group) | {
            "group.instance.id": instance,
            "partition.assignment.strategy": "range",
            "session.timeout.ms": self.session_ms,
            "heartbeat.interval.ms": self.session_ms // 5,
            "max.poll.interval.ms": self.poll_ms,
            "enable.partition.eof": True,  # tells that everything that was there has been read
            "fetch.wait.max.ms": 100,
            "queued.max.messages.kbytes": 32_768,
        }

    def reader(self, group: str) -> dict[str, object]:
        """Return the settings of a consumer that is assigned partitions by hand and joins no group."""
        return self._reading(group) | {"enable.partition.eof": True, "fetch.wait.max.ms": 10}

    def _reading(self, group: str) -> dict[str, object]:
        return self._client() | {
            "group.id": group,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # A position that retention has overtaken is told, not silently moved: records would be lost unread.
            "auto.offset.reset": "error",
            "check.crcs": True,
            "max.partition.fetch.bytes": MAX_MESSAGE_BYTES,
        }

    def _client(self) -> dict[str, object]:
        return {
            "allow.auto.create.topics": False,
            "reconnect.backoff.ms": 50,
            "reconnect.backoff.max.ms": 1_000,
            "log_level": 0,
            "error_cb": _note,
            **self.connection.confluent(),
        }


def _note(error: KafkaError) -> None:
    """Log a client's own trouble; calls that suffer from it fail by themselves."""
    log.warning("Kafka: %s: %s", error.name(), error.str())
