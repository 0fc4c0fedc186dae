"""`pipeline topics` on a real Kafka: what it does, what it refuses, and what it says."""

import json
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from pipeline.testing.broker import Broker
from tests.integration.kafka_topics_support import fresh_controller, pipeline, topics_file

pytestmark = pytest.mark.kafka
SHIPPED = Path(__file__).parents[2] / "topics.yaml"


def admin(broker: Broker) -> KafkaAdminClient:
    return KafkaAdminClient(bootstrap_servers=broker.bootstrap)


def set_by_hand(broker: Broker, topic: str, name: str, value: str) -> None:
    client = admin(broker)
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {name: value})])
    client.close()


def test_the_shipped_topics_are_made_once_and_then_nothing_is_left_to_do(kafka_broker: Broker) -> None:
    arguments = ("--file", SHIPPED, "--replicas", 1, "--partitions", 1, "--controller", "ak3d")

    first = pipeline(kafka_broker, "topics", "apply", *arguments)
    second = pipeline(kafka_broker, "topics", "apply", *arguments)
    planned = pipeline(kafka_broker, "topics", "plan", *arguments)

    assert (first.exit_code, second.exit_code, planned.exit_code) == (0, 0, 0)
    assert "ak3d.source.purchase.v1: create" in first.stderr
    assert second.stdout.startswith("Nothing to do: ")
    assert second.stderr == ""
    assert "8 d 6 min" in planned.stdout  # how long Kafka's copies of source events last


def test_drift_made_by_hand_is_named_and_mended(kafka_broker: Broker, tmp_path: Path) -> None:
    controller = fresh_controller()
    path = topics_file(tmp_path, controller)
    assert pipeline(kafka_broker, "topics", "apply", "--file", path).exit_code == 0

    set_by_hand(kafka_broker, f"{controller}.in.v1", "retention.ms", "999999999999")
    set_by_hand(kafka_broker, f"{controller}.out.v1", "retention.bytes", "1000000")
    planned = pipeline(kafka_broker, "topics", "plan", "--file", path, "-o", "json")

    document = json.loads(planned.stdout)
    assert planned.exit_code == 3
    assert document["schema_version"] == 1
    assert document["changes"] == [
        {
            "topic": f"{controller}.in.v1",
            "kind": "set",
            "setting": "retention.ms",
            "live": "999999999999",
            "wanted": "86400000",
        },
        {
            "topic": f"{controller}.out.v1",
            "kind": "reset",
            "setting": "retention.bytes",
            "live": "1000000",
            "wanted": "",
        },
    ]
    assert document["topics"][0]["copies_last_ms"] == 86_400_000 + 21_600_000 + 360_000

    mended = pipeline(kafka_broker, "topics", "apply", "--file", path)
    assert mended.stdout == "Done: 1 settings set, 1 settings reset.\n"
    assert pipeline(kafka_broker, "topics", "plan", "--file", path).exit_code == 0


def test_topics_outside_the_file_are_listed_and_left_alone(kafka_broker: Broker, tmp_path: Path) -> None:
    stranger, controller = fresh_controller(), fresh_controller()
    assert pipeline(kafka_broker, "topics", "apply", "--file", topics_file(tmp_path, stranger)).exit_code == 0

    applied = pipeline(kafka_broker, "topics", "apply", "--file", topics_file(tmp_path, controller), "-o", "json")

    assert f"{stranger}.in.v1" in json.loads(applied.stdout)["unmanaged"]
    client = admin(kafka_broker)
    assert f"{stranger}.in.v1" in client.list_topics()
    client.close()


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ({"partitions": 2}, {"partitions": 1}, "partitions 2 -> 1: refused, Kafka cannot remove partitions"),
        ({"partitions": 2}, {"partitions": 4}, "partitions 2 -> 4: refused, since keys would move"),
        ({}, {"cluster": "cluster: {id: another}\n"}, "the file is for another; nothing was done"),
    ],
)
def test_each_guard_refuses_with_a_sentence_and_changes_nothing(
    kafka_broker: Broker, tmp_path: Path, before: dict[str, Any], after: dict[str, Any], sentence: str
) -> None:
    controller = fresh_controller()
    assert (
        pipeline(kafka_broker, "topics", "apply", "--file", topics_file(tmp_path, controller, **before)).exit_code == 0
    )

    refused = pipeline(
        kafka_broker, "topics", "apply", "--file", topics_file(tmp_path, controller, retention="P2D", **after)
    )

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert sentence in refused.stderr
    assert pipeline(kafka_broker, "topics", "plan", "--file", topics_file(tmp_path, controller)).exit_code == 0


def test_more_replicas_and_another_cleanup_policy_are_refused(kafka_broker: Broker, tmp_path: Path) -> None:
    controller = fresh_controller()
    path = topics_file(tmp_path, controller)
    assert pipeline(kafka_broker, "topics", "apply", "--file", path).exit_code == 0

    more = pipeline(kafka_broker, "topics", "apply", "--file", path, "--replicas", 3)
    set_by_hand(kafka_broker, f"{controller}.in.v1", "cleanup.policy", "compact")
    other = pipeline(kafka_broker, "topics", "apply", "--file", path)
    planned = pipeline(kafka_broker, "topics", "plan", "--file", path)
    allowed = pipeline(kafka_broker, "topics", "apply", "--file", path, "--allow-cleanup-policy-change")

    assert more.exit_code == 1
    assert "replicas 1 -> 3 is refused" in more.stderr
    assert other.exit_code == 1
    assert "cleanup.policy compact -> delete: refused" in other.stderr
    assert planned.exit_code == 3
    assert "refused: " in planned.stdout
    assert allowed.exit_code == 0


def test_growing_a_keyed_topic_needs_a_word(kafka_broker: Broker, tmp_path: Path) -> None:
    controller = fresh_controller()
    assert pipeline(kafka_broker, "topics", "apply", "--file", topics_file(tmp_path, controller)).exit_code == 0

    grown = pipeline(
        kafka_broker, "topics", "apply", "--file", topics_file(tmp_path, controller, partitions=4), "--allow-rekey"
    )

    assert (grown.exit_code, grown.stdout) == (0, "Done: 2 topics grown.\n")
    client = admin(kafka_broker)
    assert [len(topic["partitions"]) for topic in client.describe_topics([f"{controller}.in.v1"])] == [4]
    client.close()


def test_more_replicas_than_brokers_is_a_sentence(kafka_broker: Broker, tmp_path: Path) -> None:
    path = topics_file(tmp_path, fresh_controller())

    result = pipeline(kafka_broker, "topics", "apply", "--file", path, "--replicas", 3)
    planned = pipeline(kafka_broker, "topics", "plan", "--file", path, "--replicas", 3)

    sentence = "cannot be created with 3 replicas, for the cluster has fewer brokers (1); set `replicas`"
    assert result.exit_code == 1
    assert result.stderr.count(sentence) == 1
    assert result.stderr.startswith("error: 2 topics, such as ")
    assert planned.stdout.count(sentence) == 1
    assert "makes them" not in planned.stdout
