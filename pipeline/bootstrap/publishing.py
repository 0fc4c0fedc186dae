"""Publish policy versions: compare what is on disk with what is on the policy topic, and write what is missing."""

from dataclasses import asdict, replace
from datetime import timedelta

from pipeline.adapters.kafka_lane import ChangelogReader, ClientSettings
from pipeline.adapters.kafka_policies import publish
from pipeline.adapters.kafka_topics import KafkaTopics
from pipeline.adapters.system_clock import SystemClock
from pipeline.bootstrap.live import policy_topic
from pipeline.bootstrap.parts import Parts, outputs_of
from pipeline.domain.errors import ConfigurationError
from pipeline.domain.topics import POLICY_TOPIC
from pipeline.lanes.versions import Pace, PolicyTopic
from pipeline.policy.publication import NOTICE, Plan, plan_publication
from pipeline.settings import KafkaConnection

SLACK = timedelta(minutes=1)
"""Added to the notice that workers ask for: between the plan and the broker's time of the record some time passes."""


def read_policy_topic(parts: Parts, connection: KafkaConnection, pace: Pace | None = None) -> PolicyTopic:
    """Return the policy topic, read to its end.

    Raises:
        ConfigurationError: the topic is missing.
        UnavailableError: Kafka does not answer.
    """
    reader = ChangelogReader(ClientSettings(connection), "pipeline-policy")
    topic = policy_topic(parts, lambda offset: reader.read(POLICY_TOPIC, 0, offset), pace)
    try:
        topic.read_on()
    finally:
        reader.close()
    return topic


def plan(parts: Parts, connection: KafkaConnection, pace: Pace | None = None) -> Plan:
    """Say which versions on disk the policy topic lacks; everything that stands against it is a problem of the plan.

    Raises:
        ConfigurationError: a topic is missing that a version would write to.
        UnavailableError: Kafka does not answer.
    """
    _check_topics(parts, connection)
    topic = read_policy_topic(parts, connection, pace)
    notice = pace.notice if pace else NOTICE + SLACK
    planned = plan_publication(parts.book, topic.published, SystemClock().now(), notice=notice)
    return replace(planned, problems=(*topic.contradictions(tuple(parts.book.versions)), *planned.problems))


def carry_out(parts: Parts, connection: KafkaConnection, planned: Plan) -> None:
    """Write what a plan publishes.

    Raises:
        ConfigurationError: the plan has problems.
        UnavailableError: Kafka does not confirm.
    """
    if planned.problems:
        raise ConfigurationError("\n".join(planned.problems))
    records = ((one.key, parts.codec.encode("policy", asdict(one))) for one in planned.publish)
    publish(connection, list(records))


def _check_topics(parts: Parts, connection: KafkaConnection) -> None:
    with KafkaTopics(connection) as cluster:
        missing = sorted({POLICY_TOPIC, *outputs_of(parts.book)} - {topic.name for topic in cluster.live()})
    if missing:
        raise ConfigurationError(
            f"{connection.bootstrap} lacks {len(missing)} topics that these versions write to, such as {missing[0]}; "
            "make them with: pipeline topics apply"
        )
