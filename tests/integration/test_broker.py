"""The launcher with real brokers: it starts what it says, where it says, and brings it back after a crash."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from pipeline.domain.errors import ConfigurationError
from pipeline.testing.broker import Broker, free_ports, start_broker

BOTH_KINDS = [
    pytest.param("jvm", marks=pytest.mark.kafka),
    pytest.param("docker", marks=[pytest.mark.kafka, pytest.mark.docker]),
]
SECONDS = 30


@pytest.mark.parametrize("kind", BOTH_KINDS)
def test_what_was_committed_survives_a_crash_under_the_same_address(kind: str, topic_prefix: str) -> None:
    with start_broker(kind) as broker:
        address = broker.bootstrap
        _create_topic(address, topic_prefix)
        _commit(address, topic_prefix, b"before")

        broker.kill()
        assert not broker.running()
        broker.restart()

        assert broker.running()
        assert broker.bootstrap == address
        _commit(address, topic_prefix, b"after")
        assert _read(address, topic_prefix, 2) == [b"before", b"after"]

    assert not _listens(address)


@pytest.mark.parametrize("kind", BOTH_KINDS)
def test_a_running_broker_can_be_restarted_cleanly(kind: str, topic_prefix: str) -> None:
    with start_broker(kind) as broker:
        _create_topic(broker.bootstrap, topic_prefix)

        broker.restart()

        assert topic_prefix in _admin(broker.bootstrap).list_topics(timeout=SECONDS).topics


@pytest.mark.parametrize("kind", BOTH_KINDS)
def test_server_settings_are_passed_on(kind: str, topic_prefix: str) -> None:
    with start_broker(kind, settings={"num.partitions": "7"}) as broker:
        _create_topic(broker.bootstrap, topic_prefix, partitions=-1)

        found = _admin(broker.bootstrap).list_topics(topic_prefix, timeout=SECONDS).topics[topic_prefix]
        assert len(found.partitions) == 7


@pytest.mark.kafka
def test_a_misspelt_topic_is_an_error_not_a_new_topic(kafka_bootstrap: str, topic_prefix: str) -> None:
    found = _admin(kafka_bootstrap).list_topics(topic_prefix, timeout=SECONDS).topics[topic_prefix]

    assert found.error is not None
    assert found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART


@pytest.mark.kafka
def test_two_brokers_run_side_by_side_as_clusters_of_their_own() -> None:
    with start_broker("jvm") as one, start_broker("jvm") as other:
        assert one.bootstrap != other.bootstrap
        assert _cluster_id(one) != _cluster_id(other)


@pytest.mark.kafka
def test_a_folder_that_is_given_is_used_again(tmp_path: Path, topic_prefix: str) -> None:
    with start_broker("jvm", data=tmp_path) as broker:
        cluster = _cluster_id(broker)
        _create_topic(broker.bootstrap, topic_prefix)

    with start_broker("jvm", data=tmp_path) as broker:
        assert _cluster_id(broker) == cluster
        assert topic_prefix in _admin(broker.bootstrap).list_topics(timeout=SECONDS).topics


@pytest.mark.kafka
def test_a_port_in_use_is_refused_before_anything_starts(kafka_broker: Broker) -> None:
    port = int(kafka_broker.bootstrap.rpartition(":")[2])

    with pytest.raises(ConfigurationError, match=f"Port {port} is in use"), start_broker("jvm", port=port):
        pass


@pytest.mark.kafka
def test_users_named_at_formatting_must_log_in() -> None:
    """The road of every security test: own listeners, SCRAM users."""
    port, plain_port, controller_port = free_ports(3)
    settings = {
        "listeners": f"SASL_PLAINTEXT://127.0.0.1:{port},PLAINTEXT://127.0.0.1:{plain_port},CONTROLLER://127.0.0.1:{controller_port}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    }
    users = ("--add-scram", "SCRAM-SHA-512=[name=ada,password=lovelace]")

    with start_broker("jvm", port=port, settings=settings, format_arguments=users) as broker:
        assert _login(broker.bootstrap, "ada", "lovelace")
        assert not _login(broker.bootstrap, "ada", "byron")


@pytest.mark.kafka
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_dev_broker_says_where_it_is_and_ends_with_0(number: signal.Signals) -> None:
    with _dev_broker("--port", "0", "--kind", "jvm") as command:
        assert command.stdout
        assert command.stderr
        address = command.stdout.readline().strip()
        assert _listens(address)

        command.send_signal(number)

        assert command.wait(SECONDS) == 0
        assert command.stdout.read() == ""
        assert f"export PIPELINE_KAFKA={address}" in command.stderr.read()
        assert not _listens(address)


@pytest.mark.kafka
def test_no_broker_outlives_a_launcher_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # its data stay behind
    with _dev_broker("--port", "0", "--kind", "jvm") as command:
        assert command.stdout
        address = command.stdout.readline().strip()

        command.kill()
        command.wait(SECONDS)

        _wait_until_silent(address)


@pytest.mark.kafka
def test_dev_broker_refuses_a_port_in_use(kafka_broker: Broker) -> None:
    port = kafka_broker.bootstrap.rpartition(":")[2]

    with _dev_broker("--port", port, "--kind", "jvm") as command:
        out, err = command.communicate(timeout=SECONDS)

    assert (command.returncode, out) == (2, "")
    assert f"Port {port} is in use" in err
    assert "Traceback" not in err


@pytest.mark.kafka
def test_a_run_that_used_kafka_says_so_at_its_end(kafka_bootstrap: str, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(kafka_bootstrap): assert kafka_bootstrap\n")

    run = _pytest(tmp_path, f"--kafka={kafka_bootstrap}")

    assert run.returncode == 0
    assert f"real Kafka: yes (given, {kafka_bootstrap})" in run.stdout.splitlines()[-3:]


def test_a_run_without_kafka_says_so_at_its_end(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n")

    run = _pytest(tmp_path)

    assert run.stdout.splitlines()[-3:-1] == ["docker: no", "real Kafka: no"]


def test_where_no_kafka_can_be_had_the_test_fails_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(kafka_bootstrap): pass\n")

    run = _pytest(tmp_path, PATH=str(tmp_path), DOCKER_HOST=f"unix://{tmp_path}/no.sock")

    assert run.returncode == 1
    assert "No real Kafka can be had." in run.stdout
    assert "Install Java 17 and Maven" in run.stdout
    assert "Traceback" not in run.stdout


@pytest.mark.parametrize(("demanded", "passed"), [("auto", False), ("no", False), ("yes", True)])
def test_without_an_engine_its_tests_are_left_out_and_counted(tmp_path: Path, demanded: str, passed: bool) -> None:  # noqa: FBT001 - a case of the table
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_a(): pass\n@pytest.mark.docker\ndef test_b(): pass\n",
    )

    run = _pytest(tmp_path, f"--docker={demanded}", DOCKER_HOST=f"unix://{tmp_path}/no.sock")

    assert ("docker: yes" in run.stdout) is passed
    assert ("docker: no (1 tests left out" in run.stdout) is not passed


def _admin(address: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": address, "log_level": 0})


def _cluster_id(broker: Broker) -> str:
    return str(_admin(broker.bootstrap).list_topics(timeout=SECONDS).cluster_id)


def _create_topic(address: str, name: str, partitions: int = 1) -> None:
    admin = _admin(address)  # a client that is dropped takes its answers with it
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(SECONDS)


def _commit(address: str, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": address, "transactional.id": topic, "log_level": 0})
    producer.init_transactions(SECONDS)
    producer.begin_transaction()
    producer.produce(topic, value)
    producer.commit_transaction(SECONDS)


def _read(address: str, topic: str, count: int) -> list[bytes]:
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": topic,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    values = [message.value() for message in consumer.consume(count, SECONDS)]
    consumer.close()
    return [value for value in values if isinstance(value, bytes)]


def _login(address: str, user: str, password: str) -> bool:
    client = AdminClient(
        {
            "bootstrap.servers": address,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": password,
            "log_level": 0,
        }
    )
    try:
        client.list_topics(timeout=5)
    except KafkaException:
        return False
    return True


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def _wait_until_silent(address: str) -> None:
    deadline = time.monotonic() + SECONDS
    while _listens(address):
        assert time.monotonic() < deadline, f"the broker at {address} still runs"


@contextmanager
def _dev_broker(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", "dev-broker", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        try:
            yield command
        finally:
            command.kill()


def _pytest(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "pipeline.testing.pytest_plugin",
            "-p",
            "no:cacheprovider",
            *arguments,
            folder,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**plain, **environment},
        timeout=120,
    )
