"""The worker command: what is wrong is told before anything starts, all at once, and ends with 2."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.adapters import kafka_preflight
from pipeline.bootstrap import live
from pipeline.cli.main import cli
from pipeline.domain.errors import ConfigurationError
from pipeline.settings import KafkaConnection
from pipeline.testing.development_keys import make_keys


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command as if a Kafka without topics answered everywhere."""

    def no_topics(deployed: live.Deployment) -> None:
        raise ConfigurationError(f"{deployed.settings.kafka} lacks topics")

    def answers(connection: KafkaConnection) -> kafka_preflight.ClusterFacts:
        assert connection.bootstrap
        return kafka_preflight.ClusterFacts(cluster_id="c", brokers=1)

    monkeypatch.setattr(kafka_preflight, "check_broker", answers)
    monkeypatch.setattr(live, "check_topics", no_topics)
    return lambda *options, **environment: CliRunner().invoke(
        cli, ["worker", *options], env={"PIPELINE_WEB_PORT": "0", **environment}
    )


@pytest.mark.parametrize("processes", ["1", "3"])
def test_everything_that_is_missing_is_told_at_once_and_no_process_starts(
    worker: Callable[..., Result], processes: str
) -> None:
    result = worker("--processes", processes, "--broker", "kafka-1:9092")

    assert result.exit_code == 2
    assert [line.split(" is missing")[0] for line in result.stderr.splitlines()] == [
        "error: PIPELINE_KEY_FILE",
        "error: PIPELINE_OFFICER_KEY",
        "error: kafka-1:9092 lacks topics",
    ]


def test_keys_that_can_be_used_are_not_told(worker: Callable[..., Result], tmp_path: Path) -> None:
    make_keys(tmp_path)

    result = worker(
        PIPELINE_KEY_FILE=str(tmp_path / "pseudonyms.key"), PIPELINE_OFFICER_KEY=str(tmp_path / "officer.pem")
    )

    assert (result.exit_code, result.stderr) == (2, "error: localhost:9092 lacks topics\n")


@pytest.mark.parametrize("broker", ["kafka", "kafka:0", "kafka:99999", ":9092", "a:1,b", "a b:9092"])
def test_a_broker_that_is_no_address_is_wrong_usage(worker: Callable[..., Result], broker: str) -> None:
    result = worker("--broker", broker)

    assert result.exit_code == 2
    assert "is not HOST:PORT" in result.stderr


def test_more_processes_than_ports_are_told(worker: Callable[..., Result]) -> None:
    result = worker("--processes", "3", PIPELINE_WEB_PORT="65535")

    assert result.exit_code == 2
    assert "ports up to 65537, and 65535 is the last" in result.stderr


def test_a_port_beyond_the_last_is_told_of_the_environment_too(worker: Callable[..., Result]) -> None:
    result = worker(PIPELINE_KAFKA="kafka-1:99999")

    assert result.exit_code == 2
    assert "PIPELINE_KAFKA cannot be used: write HOST:PORT" in result.stderr
