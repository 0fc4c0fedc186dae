"""The lane's log on Apache Kafka: one transaction per batch, and no call that may hang the worker for good."""

from pipeline.adapters.kafka_lane.client_settings import ClientSettings
from pipeline.adapters.kafka_lane.member import KafkaLane
from pipeline.adapters.kafka_lane.reader import ChangelogReader, KafkaBroadcast
from pipeline.adapters.kafka_lane.watchdog import Watchdog

__all__ = ["ChangelogReader", "ClientSettings", "KafkaBroadcast", "KafkaLane", "Watchdog"]
