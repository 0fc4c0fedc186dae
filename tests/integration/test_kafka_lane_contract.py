"""The real log keeps the contract that the one in memory keeps."""

from collections.abc import Iterator

import pytest

from pipeline.adapters.kafka_lane import KafkaBroadcast
from pipeline.testing.broker_contract import Broker
from tests.contracts.broadcast_contract import BroadcastContract
from tests.contracts.lane_log_contract import LaneLogContract
from tests.integration.kafka_world import KafkaWorld


@pytest.mark.kafka
class TestKafkaLane(LaneLogContract):
    @pytest.fixture
    def world(self, kafka_broker: Broker, request: pytest.FixtureRequest) -> Iterator[KafkaWorld]:
        world = KafkaWorld(kafka_broker.bootstrap, f"contract-{id(request)}")
        yield world
        world.close()


@pytest.mark.kafka
class TestKafkaBroadcast(BroadcastContract):
    @pytest.fixture
    def world(self, kafka_broker: Broker, request: pytest.FixtureRequest) -> Iterator[KafkaWorld]:
        world = KafkaWorld(kafka_broker.bootstrap, f"broadcast-{id(request)}")
        yield world
        world.close()

    @pytest.fixture
    def broadcast(self, world: KafkaWorld) -> Iterator[KafkaBroadcast]:
        broadcast = KafkaBroadcast(world.settings, "broadcast")
        yield broadcast
        broadcast.close()
