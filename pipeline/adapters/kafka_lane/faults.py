"""Kafka's error codes, sorted by what to do next."""

from confluent_kafka import KafkaError, KafkaException

from pipeline.adapters.kafka_lane import codes
from pipeline.domain.errors import ConfigurationError, FencedError, PipelineError, UnavailableError

_MEND = {
    KafkaError.UNKNOWN_TOPIC_OR_PART: "a topic or partition is missing: run `pipeline topics apply`",
    codes.UNKNOWN_TOPIC: "a topic is missing: run `pipeline topics apply`",
    codes.UNKNOWN_PARTITION: "a partition is missing: compare the topic with `pipeline topics plan`",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "this login may not use a topic: grant it in the ACLs",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "this login may not use the consumer group: grant it in the ACLs",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "this login may not use this transactional id: grant it",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "this login may not write idempotently: grant it in the ACLs",
    KafkaError.MSG_SIZE_TOO_LARGE: "a record is larger than the topic's max.message.bytes: raise that",
    codes.AUTHENTICATION: "Kafka refused the login: check user and password",
    codes.SSL: "the TLS connection failed: check certificate authority, certificate and key",
}
"""What only a person can mend, with what to mend."""

_FENCED = frozenset({
    codes.FATAL, codes.FENCED, KafkaError.FENCED_INSTANCE_ID, KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_ID_MAPPING,
})  # fmt: skip
"""The client is dead or replaced. A dead consumer's error says _FATAL while its `fatal()` is False."""

OUT_OF_RANGE = frozenset({codes.AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})
"""The partition begins after the position, or ends before it."""


def error_of(exception: KafkaException) -> KafkaError:
    """Return the error inside an exception of the client."""
    error: KafkaError = exception.args[0]
    return error


def fault(error: KafkaError) -> PipelineError:
    """Return the error to raise where nothing was committed."""
    told = f"{error.str()} ({error.name()})"
    if error.code() in _MEND:
        return ConfigurationError(f"{_MEND[error.code()]}; Kafka says: {told}")
    if error.fatal() or error.code() in _FENCED:
        return FencedError(f"this worker's Kafka client was replaced or is beyond repair and starts anew: {told}")
    return UnavailableError(f"Kafka did not take a transaction, nothing of it was written: {told}")


def is_fenced(error: KafkaError) -> bool:
    """Return whether the client that raised this is of no more use."""
    return bool(error.fatal()) or error.code() in _FENCED


def deleted_unread(where: str) -> PipelineError:
    """Return the error to raise where retention was faster than a reader."""
    return PipelineError(
        f"records of {where} were deleted before they were read: lengthen its retention and set the position by hand"
    )


def trouble(error: KafkaError, where: str) -> PipelineError | None:
    """Return what a consumer's message error means, or None where the client goes on by itself."""
    if error.code() in OUT_OF_RANGE:
        return deleted_unread(where)
    if is_fenced(error) or error.code() in _MEND:
        return fault(error)
    return None
