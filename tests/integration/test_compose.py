"""The containers of docker-compose.yml, brought up for real."""

import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from pipeline.adapters.avro.codec import AvroCodec
from pipeline.adapters.avro.schemas import Schemas
from pipeline.bootstrap.producer import connect
from pipeline.producer import Address, Contact, Purchase
from pipeline.testing.broker import free_ports

ROOT = Path(__file__).parents[2]
BASE_OF_OUR_OWN = "privacy-pipeline-base:bookworm"

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Stack:
    """A compose project of its own, with ports of its own."""

    environment: dict[str, str]
    kafka: str
    tag: str
    expire: str

    def compose(self, *arguments: str) -> str:
        done = subprocess.run(
            ["docker", "compose", *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def container(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of a service's container."""
        [name] = self.compose("ps", "--all", "--quiet", service).split()
        [found] = json.loads(subprocess.run(["docker", "inspect", name], capture_output=True, check=True).stdout)
        return dict(found)

    def read(self, topic: str, containing: str) -> dict[str, Any]:
        """Return the first committed record of a topic that has a text anywhere, once there is one."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.kafka,
                "group.id": "test-compose",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )
        codec = AvroCodec(Schemas.load(ROOT / "schemas"))
        partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        deadline = time.monotonic() + 90
        try:
            while time.monotonic() < deadline:
                message = consumer.poll(1)
                value = message.value() if message is not None else None
                if value is not None and containing in str(record := codec.decode(value)[1]):
                    return record
        finally:
            consumer.close()
        raise AssertionError(f"nothing came out on {topic}: {self.compose('logs', '--tail', '20', 'tag', 'expire')}")


@pytest.fixture(scope="module")
def worker_image() -> str:
    """Build the worker from the present sources, without pulling where the base was built here; return how."""
    own_base = subprocess.run(["docker", "image", "inspect", BASE_OF_OUR_OWN], capture_output=True, check=False)
    builder = (
        ["docker", "compose", "build", "--quiet"] if own_base.returncode else ["deploy/docker/images.sh", "worker"]
    )
    done = subprocess.run(builder, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return builder[0]


@pytest.fixture(scope="module")
def stack(worker_image: str) -> Iterator[Stack]:
    assert worker_image
    kafka, tag, expire = free_ports(3)
    project = Stack(
        environment={
            "COMPOSE_PROJECT_NAME": f"pipeline-test-{secrets.token_hex(3)}",
            "KAFKA_PORT": str(kafka),
            "TAG_PORT": str(tag),
            "EXPIRE_PORT": str(expire),
        },
        kafka=f"localhost:{kafka}",
        tag=f"http://localhost:{tag}",
        expire=f"http://localhost:{expire}",
    )
    try:
        project.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "180")
        yield project
    finally:
        project.compose("down", "--volumes", "--timeout", "30")


def test_one_shot_services_end_well_and_the_broker_has_the_topics(stack: Stack) -> None:
    assert stack.container("keys-init")["State"]["ExitCode"] == 0
    assert stack.container("topics-init")["State"]["ExitCode"] == 0

    topics = AdminClient({"bootstrap.servers": stack.kafka, "log_level": 0}).list_topics(timeout=30).topics
    assert {"allcall.source.purchase.v1", "viet-art-view.carrier.delivery.v1", "ak3d.expiry.v1"} <= set(topics)


@pytest.mark.parametrize("service", ["broker", "topics-init", "tag", "expire"])
def test_containers_run_without_root_rights_on_a_read_only_file_system(stack: Stack, service: str) -> None:
    container = stack.container(service)

    assert container["Config"]["User"] not in {"", "0", "root"}
    assert container["HostConfig"]["ReadonlyRootfs"] is True
    assert container["HostConfig"]["CapDrop"] == ["ALL"]
    assert container["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"]
    assert container["HostConfig"]["Privileged"] is False


@pytest.mark.parametrize("service", ["broker", "tag", "expire"])
def test_ports_are_open_on_the_loopback_interface_only(stack: Stack, service: str) -> None:
    bindings = [
        binding["HostIp"]
        for ports in stack.container(service)["HostConfig"]["PortBindings"].values()
        for binding in ports
    ]

    assert bindings
    assert set(bindings) == {"127.0.0.1"}


def test_an_event_goes_in_and_what_the_policy_says_comes_out(stack: Stack) -> None:
    """Viet Art View's delivery partner gets name, address and phone, and nothing else (VIET-4)."""
    order, name = f"order-{secrets.token_hex(4)}", f"Jane {secrets.token_hex(4)}"
    address = Address(street="12 Lantern Street", postcode="ZZ12 3XX", city="Elmsworth", country="Exampleland")
    with connect(stack.kafka) as producer:
        producer.send(
            Purchase(
                event_id=f"{order}/delivery",
                type="delivery.ordered",
                occurred_at=datetime.now(UTC),
                controller="viet-art-view",
                data_subject_id=f"s-{secrets.token_hex(4)}",
                source="web-shop",
                order_id=order,
                name=name,
                address=address,
                phone="+447700900123",
                email="jane@example.org",
            )
        )
        producer.flush()

    carried = stack.read("viet-art-view.carrier.delivery.v1", name)
    assert carried == {"name": name, "address": dict(address), "phone": "+447700900123"}
    tagged = stack.read("viet-art-view.tagged.purchase.v1", name)
    assert tagged["event"]["event_id"] == f"{order}/delivery"
    assert {tag["category"] for tag in tagged["tags"]} >= {"customer"}
    assert stack.read("viet-art-view.obligation.v1", f"{order}/delivery")


def test_what_ended_long_ago_expires_at_once(stack: Stack) -> None:
    """The expire lane works from the obligations alone: an event of years ago is due as soon as it is known."""
    message = f"message-{secrets.token_hex(4)}"
    with connect(stack.kafka) as producer:
        producer.send(
            Contact(
                event_id=message,
                type="contact.email",
                occurred_at=datetime(2010, 1, 4, 9, tzinfo=UTC),
                controller="viet-art-view",
                data_subject_id=f"s-{secrets.token_hex(4)}",
                source="mail",
                channel="email",
                direction="in",
                initiated_by="customer",
                email="jane@example.org",
                email_message="Do you still have the lotus painting?",
            )
        )
        producer.flush()

    assert stack.read("viet-art-view.expiry.v1", message)


def test_the_demo_producer_feeds_every_controller(stack: Stack) -> None:
    stack.compose("--profile", "demo", "run", "--rm", "--no-deps", "demo-producer", "--every", "0", "--rounds", "1")

    for controller in ("ak3d", "allcall", "artgraphics", "tek-zence", "viet-art-view"):
        assert stack.read(f"{controller}.obligation.v1", f"{controller}-1-")


@pytest.mark.parametrize("lane", ["tag", "expire"])
def test_a_worker_drains_and_leaves_with_0(stack: Stack, lane: str) -> None:
    stack.compose("stop", lane)

    try:
        assert stack.container(lane)["State"]["ExitCode"] == 0
    finally:
        stack.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "120", lane)


def test_every_image_has_a_fixed_version(stack: Stack) -> None:
    images = stack.compose("config", "--images").split()

    assert images
    assert all(":" in image and not image.endswith(":latest") for image in images)
