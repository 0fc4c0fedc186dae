"""Compaction and retention of a real broker do what the log in memory does."""

from collections.abc import Callable, Iterator

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined] # its stub forgets these
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from pipeline.testing.broker import start_broker
from pipeline.testing.broker_contract import Broker
from tests.contracts.clean_up_contract import CleanUpContract
from tests.integration.kafka_world import KafkaWorld

EAGER = {
    "log.retention.check.interval.ms": "200",
    "log.initial.task.delay.ms": "200",
    "log.cleaner.backoff.ms": "200",
}
"""A broker that looks five times a second, not every five minutes."""

COMPACTING = {
    "cleanup.policy": "compact",
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.001",
    "max.compaction.lag.ms": "100",
}
MANY_READS = 200
"""How often to look whether the broker is done; a look takes a tenth of a second and more."""


class CleaningWorld(KafkaWorld):
    """A world on a broker that cleans up when it is told to."""

    def compact(self, topic: str) -> None:
        """Ask for compaction; the newest segment is never compacted, so fillers close it."""
        self._alter(topic, COMPACTING)

        def is_compacted() -> bool:
            self.append(topic, b"", key=b"filler")
            keys = [record.key for record in self.read(topic) if record.key != b"filler"]
            return len(keys) == len(set(keys))

        self._wait(is_compacted)

    def expire(self, topic: str) -> None:
        self._alter(topic, {"retention.ms": "1"})
        self._wait(lambda: not self.read(topic))
        self._alter(topic, {"retention.ms": "-1"})

    def _wait(self, is_done: Callable[[], bool]) -> None:
        assert any(is_done() for _ in range(MANY_READS))

    def _alter(self, topic: str, settings: dict[str, str]) -> None:
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in settings.items()
        ]
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        [done] = admin.incremental_alter_configs(
            [ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)]
        ).values()
        done.result(20)


@pytest.fixture(scope="module")
def eager_broker() -> Iterator[Broker]:
    with start_broker("auto", settings=EAGER) as broker:
        yield broker


@pytest.mark.kafka
@pytest.mark.slow
class TestKafkaCleanUp(CleanUpContract):
    @pytest.fixture
    def world(self, eager_broker: Broker, request: pytest.FixtureRequest) -> Iterator[CleaningWorld]:
        world = CleaningWorld(eager_broker.bootstrap, f"clean-up-{id(request)}")
        yield world
        world.close()
