"""What the lane's Kafka clients are told: large records pass, on the way out and on the way in."""

from pathlib import Path

from pipeline.adapters.avro.faults import MAX_BYTES
from pipeline.adapters.kafka_lane.client_settings import MAX_MESSAGE_BYTES, ClientSettings
from pipeline.adapters.topics_file import read_topics
from pipeline.lanes.materialise import SEALED_BYTES
from pipeline.settings import KafkaConnection

SETTINGS = ClientSettings(KafkaConnection(bootstrap="broker:9092"))
SHIPPED = Path(__file__).parents[3] / "topics.yaml"
LARGEST_WRITTEN = max(int(spec.config["max.message.bytes"]) for spec in read_topics(SHIPPED).specs)


def test_a_producer_may_write_what_the_topics_take() -> None:
    assert SETTINGS.producer("t")["message.max.bytes"] == MAX_MESSAGE_BYTES == LARGEST_WRITTEN


def test_consumers_fetch_the_largest_message_at_once() -> None:
    for consumer in (SETTINGS.member("g", "i"), SETTINGS.reader("g")):
        assert consumer["max.partition.fetch.bytes"] == MAX_MESSAGE_BYTES


def test_the_largest_event_fits_its_topics_with_room_for_its_tags() -> None:
    assert LARGEST_WRITTEN >= 2 * MAX_BYTES
    assert LARGEST_WRITTEN >= 2 * SEALED_BYTES
