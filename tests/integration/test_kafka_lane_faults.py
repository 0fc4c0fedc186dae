"""What a real Kafka does to a lane, and what the lane makes of it."""

from collections.abc import Iterator
from threading import Timer

import pytest
from confluent_kafka import Producer

from pipeline.adapters.kafka_lane import ClientSettings, KafkaLane, Watchdog, member, producer, reader
from pipeline.domain.errors import ConfigurationError, UnavailableError, UnknownOutcomeError
from pipeline.settings import KafkaConnection
from pipeline.testing.broker import start_broker
from pipeline.testing.broker_contract import Broker
from pipeline.testing.broker_ports import free_ports
from tests.contracts.lane_log_contract import out, settle, take, values
from tests.integration.kafka_world import KafkaWorld


@pytest.fixture
def world(kafka_broker: Broker, request: pytest.FixtureRequest) -> Iterator[KafkaWorld]:
    world = KafkaWorld(kafka_broker.bootstrap, f"faults-{id(request)}")
    yield world
    world.close()


def open_transaction(world: KafkaWorld, topic: str) -> Producer:
    """Return the producer of a dead owner: what it wrote may yet be committed."""
    owner = Producer({
        "bootstrap.servers": world.bootstrap,
        "transactional.id": f"owner-of-{topic}",
        "retry.backoff.ms": 5,
        "log_level": 0,
    })  # fmt: skip
    owner.init_transactions(20)
    owner.begin_transaction()
    owner.produce(topic, b"pending", b"k", 0)
    assert owner.flush(20) == 0
    return owner


@pytest.mark.kafka
@pytest.mark.parametrize("committed", [True, False])
def test_reading_back_waits_for_the_open_transaction_of_a_former_owner(world: KafkaWorld, committed: bool) -> None:  # noqa: FBT001 - a parameter of the table
    changelog = world.topic()
    world.append(changelog, b"before")
    owner = open_transaction(world, changelog)
    log = world.member("g", [world.topic()])
    end = Timer(1.0, owner.commit_transaction if committed else owner.abort_transaction)
    end.start()

    found = values(list(log.read_back(changelog, 0, 0)))

    end.join()
    assert found == ([b"before", b"pending"] if committed else [b"before"])


@pytest.mark.kafka
def test_a_transaction_that_stays_open_is_told_after_a_while(
    world: KafkaWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "SILENCE_SECONDS", 1.0)
    changelog = world.topic()
    owner = open_transaction(world, changelog)
    log = world.member("g", [world.topic()])

    with pytest.raises(UnavailableError, match="open transaction"):
        list(log.read_back(changelog, 0, 0))

    owner.abort_transaction(20)


@pytest.mark.kafka
def test_a_kafka_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer, "START_SECONDS", 0.5)
    [port] = free_ports(1)
    nowhere = ClientSettings(KafkaConnection(bootstrap=f"127.0.0.1:{port}"))
    dog = Watchdog()

    with pytest.raises(UnavailableError, match=f"127.0.0.1:{port} does not answer"):
        KafkaLane(nowhere, lane="tag", group="g", ordinal=0, topics=["t"], watchdog=dog)

    dog.close()


@pytest.mark.kafka
def test_a_missing_source_topic_is_named(world: KafkaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, "TOPICS_SECONDS", 0.5)

    with pytest.raises(ConfigurationError, match="nobody-made-this missing"):
        world.member("g", [world.topic(), "nobody-made-this"])


@pytest.mark.kafka
@pytest.mark.slow
def test_after_a_commit_of_unknown_outcome_positions_and_records_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker dies between the positions and the commit; the producer is replaced when it is back."""
    monkeypatch.setattr(producer, "CALL_SECONDS", 2.0)
    with start_broker("jvm") as broker:
        world = KafkaWorld(broker.bootstrap, "unknown")
        source, sink = world.topic(), world.topic()
        world.append(source, b"a")
        back = Timer(3.5, broker.restart)

        def strike(point: str) -> None:
            if point == "positions" and not back.is_alive():
                broker.kill()
                back.start()

        log = world.member("g", [source], on_point=strike)
        settle(log)
        [record] = take(log, 1)

        with pytest.raises(UnknownOutcomeError):
            log.commit([out(sink, b"A")], {(source, 0): record.offset + 1})

        back.join()
        log.rewind()
        was_committed = log.position((source, 0)) == record.offset + 1
        assert values(world.read(sink)) == ([b"A"] if was_committed else [])
        world.close()
