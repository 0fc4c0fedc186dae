"""librdkafka's own error codes, which its Python binding spells with an underscore though they are public."""

# ruff: noqa: SLF001 - the underscore is part of the name, not a mark of privacy

from typing import Final

from confluent_kafka import KafkaError

AUTHENTICATION: Final[int] = KafkaError._AUTHENTICATION
AUTO_OFFSET_RESET: Final[int] = KafkaError._AUTO_OFFSET_RESET
FATAL: Final[int] = KafkaError._FATAL
FENCED: Final[int] = KafkaError._FENCED
PARTITION_EOF: Final[int] = KafkaError._PARTITION_EOF
QUEUE_FULL: Final[int] = KafkaError._QUEUE_FULL
SSL: Final[int] = KafkaError._SSL
TIMED_OUT: Final[int] = KafkaError._TIMED_OUT
UNKNOWN_PARTITION: Final[int] = KafkaError._UNKNOWN_PARTITION
UNKNOWN_TOPIC: Final[int] = KafkaError._UNKNOWN_TOPIC
