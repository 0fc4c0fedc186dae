"""The producer on a real Kafka: both backends give the same messages, and every event is accounted for."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from kafka import KafkaConsumer, TopicPartition

from pipeline.adapters.avro.codec import AvroCodec
from pipeline.adapters.avro.schemas import Schemas
from pipeline.bootstrap.producer import BackendName, connect, connect_async
from pipeline.cli.main import cli
from pipeline.domain.errors import UnavailableError
from pipeline.producer import Address, DeliveryFailed, Purchase, Receipt
from pipeline.settings import ROOT
from pipeline.testing.broker import Broker, free_ports, start_broker
from tests.integration.kafka_topics_support import fresh_controller

pytestmark = pytest.mark.kafka
BACKENDS: list[BackendName] = ["confluent", "kafka-python"]


def a_purchase(controller: str, number: int, **fields: Any) -> Purchase:
    return Purchase(
        type="purchase.completed",
        event_id=f"order-{number}",
        occurred_at=datetime(2024, 2, 29, 13, 0, number % 60, tzinfo=UTC),
        controller=controller,
        data_subject_id=f"s-{number % 7}",
        source="web-shop",
        **{
            "name": "Jane Doe",
            "address": Address(street="Main Street 1"),
            "order_lines": [{"sku": "85123A"}],
            **fields,
        },
    )


@pytest.fixture
def controller(kafka_broker: Broker, tmp_path: Path) -> str:
    """Return a controller whose source topics exist, four partitions each."""
    name = fresh_controller()
    text = (ROOT / "topics.yaml").read_text(encoding="utf-8").replace("  ak3d:\n", f"  {name}:\n")
    text = text.replace("max_message_bytes: 900000", "max_message_bytes: 100000")
    path = tmp_path / "topics.yaml"
    path.write_text(text, encoding="utf-8")
    arguments = ["topics", "apply", "--file", str(path), "--controller", name, "--replicas", "1", "--partitions", "4"]
    result = CliRunner().invoke(cli, [*arguments, "--broker", kafka_broker.bootstrap])
    assert result.exit_code == 0, result.output
    return name


def read(broker: Broker, topic: str, count: int) -> list[Any]:
    """Read a topic with a client that none of the producers uses for reading."""
    consumer = KafkaConsumer(
        bootstrap_servers=broker.bootstrap, isolation_level="read_committed", group_id=None, fetch_max_wait_ms=50
    )
    partitions = [TopicPartition(topic, number) for number in range(4)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    found: list[Any] = []
    while any(consumer.position(place) < ends[place] for place in partitions):
        for records in consumer.poll(timeout_ms=500).values():
            found += records
    consumer.close()
    assert len(found) == sum(ends.values()) == count
    return found


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_event_arrives_once_as_a_cloudevent(kafka_broker: Broker, controller: str, backend: BackendName) -> None:
    with connect(kafka_broker.bootstrap, backend=backend) as producer:
        deliveries = [producer.send(a_purchase(controller, number)) for number in range(50)]
        producer.flush()
        receipts = [delivery.result(0) for delivery in deliveries]

    messages = {
        (message.partition, message.offset): message
        for message in read(kafka_broker, f"{controller}.source.purchase.v1", 50)
    }
    codec = AvroCodec(Schemas.load(ROOT / "schemas"))
    for number, receipt in enumerate(receipts):
        message = messages[receipt.partition, receipt.offset]
        schema, value = codec.decode(message.value)
        assert schema == "source-purchase"
        assert (value["event_id"], value["name"], value["order_lines"]) == (
            f"order-{number}",
            "Jane Doe",
            [{"sku": "85123A"}],
        )
        assert message.key == f"s-{number % 7}".encode()
        assert dict(message.headers) == {
            "ce_specversion": b"1.0",
            "ce_id": f"order-{number}".encode(),
            "ce_source": b"web-shop",
            "ce_type": b"purchase.completed",
            "ce_time": f"2024-02-29T13:00:{number:02}.000000Z".encode(),
            "content-type": b"application/avro",
        }


def test_both_backends_choose_the_same_partition_for_a_key(kafka_broker: Broker, controller: str) -> None:
    """And it is Java's choice: co-partitioning with every other client depends on it."""
    chosen: dict[str, dict[str, int]] = {}
    for backend in BACKENDS:
        with connect(kafka_broker.bootstrap, backend=backend) as producer:
            sent = [(number, producer.send(a_purchase(controller, number))) for number in range(7)]
            chosen[backend] = {f"s-{number}": delivery.result(20).partition for number, delivery in sent}

    assert chosen["confluent"] == chosen["kafka-python"]
    assert chosen["confluent"] == {f"s-{number}": java_partition(f"s-{number}".encode(), 4) for number in range(7)}


def java_partition(key: bytes, partitions: int) -> int:
    """Return `toPositive(murmur2(key)) % partitions`, as Kafka's DefaultPartitioner says; written out anew here."""
    mask, multiplier = 0xFFFFFFFF, 0x5BD1E995
    state = 0x9747B28C ^ len(key)
    whole = len(key) // 4 * 4
    for start in range(0, whole, 4):
        word = int.from_bytes(key[start : start + 4], "little") * multiplier & mask
        word = (word ^ word >> 24) * multiplier & mask
        state = state * multiplier & mask ^ word
    if whole < len(key):
        state = (state ^ int.from_bytes(key[whole:], "little")) * multiplier & mask
    state = (state ^ state >> 13) * multiplier & mask
    return ((state ^ state >> 15) & 0x7FFFFFFF) % partitions


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_missing_topic_is_a_sentence_for_each_event(kafka_broker: Broker, backend: BackendName) -> None:
    absent = fresh_controller()
    with connect(kafka_broker.bootstrap, backend=backend) as producer:
        delivery = producer.send(a_purchase(absent, 1))
        with pytest.raises(
            DeliveryFailed, match=f"there is no topic {absent}.source.purchase.v1; `pipeline topics apply`"
        ):
            delivery.result(20)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_event_that_kafka_refuses_fails_for_good(
    kafka_broker: Broker, controller: str, backend: BackendName
) -> None:
    with connect(kafka_broker.bootstrap, backend=backend) as producer:
        delivery = producer.send(a_purchase(controller, 1, receipt="x" * 200_000))
        with pytest.raises(DeliveryFailed) as caught:
            delivery.result(20)

    assert not caught.value.retriable
    assert "xxx" not in str(caught.value)


@pytest.mark.parametrize("backend", BACKENDS)
def test_asyncio_sends_many_at_once(kafka_broker: Broker, controller: str, backend: BackendName) -> None:
    async def main() -> list[Receipt]:
        async with connect_async(kafka_broker.bootstrap, backend=backend, max_pending=10) as producer:
            return list(await asyncio.gather(*(producer.send(a_purchase(controller, number)) for number in range(40))))

    receipts = asyncio.run(main())

    assert {receipt.event_id for receipt in receipts} == {f"order-{number}" for number in range(40)}
    told = [(receipt.partition, receipt.offset) for receipt in receipts if receipt.offset >= 0]
    assert len(set(told)) == len(told)
    stored = read(kafka_broker, f"{controller}.source.purchase.v1", 40)
    assert len({(record.partition, record.offset) for record in stored}) == 40


LOSING_ITS_BROKER = """
import sys
from datetime import UTC, datetime
from pipeline.bootstrap.producer import connect
from pipeline.producer import DeliveryFailed, Purchase

def order(number):
    return Purchase(type="purchase.completed", event_id=f"order-{number}", occurred_at=datetime(2024, 2, 29, tzinfo=UTC),
                    controller="ak3d", data_subject_id="s-1", source="web-shop", name="Jane Doe")

producer = connect(sys.argv[1], backend=sys.argv[2], delivery_timeout=3)
print(producer.send(order(1)).result(20).event_id, flush=True)
sys.stdin.readline()
delivery = producer.send(order(2))
try:
    producer.close(timeout=15)
except DeliveryFailed as lost:
    print(lost.event_id, lost.retriable, delivery.error() is lost, flush=True)
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_broker_that_dies_costs_no_event_in_silence(backend: BackendName) -> None:
    """In a process of its own: kafka-python leaves the sockets of failed attempts to the garbage collector."""
    with start_broker("jvm") as broker:
        arguments = ["topics", "apply", "--replicas", "1", "--partitions", "1", "--controller", "ak3d"]
        assert CliRunner().invoke(cli, [*arguments, "--broker", broker.bootstrap]).exit_code == 0
        command = [sys.executable, "-c", LOSING_ITS_BROKER, broker.bootstrap, backend]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as producer:
            assert producer.stdout is not None
            assert producer.stdout.readline() == "order-1\n"
            broker.kill()
            told, _ = producer.communicate("go on\n", timeout=40)

    assert told == "order-2 True True\n"
    assert producer.returncode == 0


def test_connecting_to_nothing_fails_within_seconds() -> None:
    [port] = free_ports(1)

    with pytest.raises(UnavailableError, match=f"Kafka at 127.0.0.1:{port} cannot be reached"):
        connect(f"127.0.0.1:{port}")
