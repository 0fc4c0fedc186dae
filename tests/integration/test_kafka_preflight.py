"""Reaching Kafka: within seconds it is clear whether it can be done, and if not, why."""

import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from click.testing import CliRunner

from pipeline.adapters.kafka_preflight import check_broker
from pipeline.cli.main import cli
from pipeline.domain.errors import ConfigurationError, PipelineError, UnavailableError
from pipeline.settings import KafkaConnection, load_settings
from pipeline.testing.broker import Broker, free_ports, start_broker

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """Run a broker with a door that asks for a password; return that door's address."""
    plain, controller, door = free_ports(3)
    listeners = {"PLAINTEXT": plain, "CONTROLLER": controller, "GUARDED": door}
    settings = {
        "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in listeners.items()),
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,GUARDED:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.guarded.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    }
    scram = ("--add-scram", "SCRAM-SHA-512=[name=app,password=right]")
    with start_broker("jvm", port=plain, settings=settings, format_arguments=scram):
        yield f"127.0.0.1:{door}"


def login(folder: Path, password: str) -> dict[str, str]:
    path = folder / "password"
    path.write_text(password, encoding="utf-8")
    return {
        "PIPELINE_KAFKA_SECURITY": "SASL_PLAINTEXT",
        "PIPELINE_KAFKA_USER": "app",
        "PIPELINE_KAFKA_PASSWORD_FILE": str(path),
    }


def test_a_reachable_cluster_tells_its_id(kafka_broker: Broker) -> None:
    facts = check_broker(KafkaConnection(bootstrap=kafka_broker.bootstrap))

    assert facts.cluster_id
    assert facts.brokers == 1


def test_the_right_password_opens_and_both_clients_can_use_it(guarded: str, tmp_path: Path) -> None:
    environment = login(tmp_path, "right\n")

    assert check_broker(load_settings(environment).connection(guarded)).brokers == 1
    result = CliRunner().invoke(cli, ["topics", "plan", "--broker", guarded, "--controller", "ak3d"], env=environment)
    assert result.exit_code == 3


def test_a_wrong_password_is_a_sentence_within_seconds(guarded: str, tmp_path: Path) -> None:
    began = monotonic()
    result = CliRunner().invoke(cli, ["topics", "plan", "--broker", guarded], env=login(tmp_path, "wrong"))

    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: Kafka at {guarded} refuses to log in user app; check PIPELINE_KAFKA_USER")
    assert "wrong" not in result.stderr
    assert monotonic() - began < 10


def test_a_wrong_protocol_is_told_from_a_closed_port(guarded: str) -> None:
    with pytest.raises(PipelineError, match=f"something listens at {guarded} but does not speak PLAINTEXT"):
        check_broker(KafkaConnection(bootstrap=guarded))
    with pytest.raises(PipelineError, match="does not speak SSL"):
        check_broker(KafkaConnection(bootstrap=guarded, security="SSL"))


def test_a_closed_port_is_a_sentence_within_seconds() -> None:
    [port] = free_ports(1)
    began = monotonic()
    result = CliRunner().invoke(cli, ["topics", "plan", "--broker", f"127.0.0.1:{port}"])

    assert result.exit_code == 1
    assert result.stderr == (
        f"error: Kafka at 127.0.0.1:{port} cannot be reached; start it (`pipeline dev-broker` runs one here) or correct "
        "PIPELINE_KAFKA or --broker.\n"
    )
    assert monotonic() - began < 10


def test_a_port_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(UnavailableError, match="does not answer within 1 s"):
            check_broker(KafkaConnection(bootstrap=f"127.0.0.1:{port}"), timeout=1)


def test_an_unknown_host_and_an_unusable_file_are_for_the_operator_to_mend(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be resolved"):
        check_broker(KafkaConnection(bootstrap="no-such-host.invalid:9092"))
    (tmp_path / "ca.pem").write_text("no certificate", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="connection settings cannot be used"):
        check_broker(KafkaConnection(bootstrap="127.0.0.1:1", security="SSL", ca_file=tmp_path / "ca.pem"))
