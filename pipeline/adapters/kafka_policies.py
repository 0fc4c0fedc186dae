"""Write to the policy topic: a few records, in order, in one transaction."""

from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from pipeline.domain.errors import ConfigurationError, PipelineError, UnavailableError
from pipeline.domain.topics import POLICY_TOPIC
from pipeline.settings import KafkaConnection

CONFIRM_SECONDS = 30.0
"""How long Kafka may take to confirm."""

_MEND = {
    KafkaError.UNKNOWN_TOPIC_OR_PART: "the topic is missing: run `pipeline topics apply`",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "this login may not write to it: grant it in the ACLs",
    KafkaError.MSG_SIZE_TOO_LARGE: "a policy is larger than the topic's max.message.bytes: raise that",
}


def publish(connection: KafkaConnection, records: Iterable[tuple[str, bytes]]) -> None:
    """Write records, each a key and a value, to the policy topic: all of them or none.

    Raises:
        UnavailableError: Kafka does not confirm; look what is on the topic before trying again.
        ConfigurationError: Kafka refuses; says what to mend.
    """
    settings: dict[str, Any] = {
        **connection.confluent(),
        "transactional.id": "pipeline-policy",
        "acks": "all",
        "delivery.timeout.ms": int(CONFIRM_SECONDS * 1000),
        "message.max.bytes": 2 << 20,
        "log_level": 0,
    }
    producer = Producer(settings)
    try:
        producer.init_transactions(CONFIRM_SECONDS)
        producer.begin_transaction()
        for key, value in records:
            producer.produce(POLICY_TOPIC, value, key, partition=0)
        producer.commit_transaction(CONFIRM_SECONDS)
    except KafkaException as exception:
        raise _fault(exception.args[0]) from None
    finally:
        producer.close()


def _fault(error: KafkaError) -> PipelineError:
    if error.code() in _MEND:
        return ConfigurationError(f"{POLICY_TOPIC}: {_MEND[error.code()]}; Kafka says: {error.str()}")
    return UnavailableError(f"{POLICY_TOPIC}: Kafka did not take the versions: {error.str()} ({error.name()})")
