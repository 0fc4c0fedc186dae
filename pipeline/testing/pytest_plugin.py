"""Pytest fixtures for tests against a real Kafka, and lines at the end of a run that say which backends took part.

Switch it on in conftest.py: `pytest_plugins = ["pipeline.testing.pytest_plugin"]`. Tests that use `kafka_broker` carry
the marker `kafka`, tests that need a Docker engine the marker `docker`. Where no Kafka can be had, the former fail with
a sentence that says what to install. Where no engine answers, the latter are left out and counted in the last lines,
unless `--docker=yes` demands them.
"""

import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from pipeline.domain.errors import PipelineError
from pipeline.settings import KafkaConnection, load_settings
from pipeline.testing.broker import KINDS, Broker, start_broker

WARM_UP_SECONDS = 30
ENGINE_SECONDS = 20


@dataclass
class BackendsUsed:
    """What the tests of this run used, for its last lines."""

    kafka: str = ""
    docker: bool = False
    left_out: int = 0


_USED = pytest.StashKey[BackendsUsed]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--kafka` and `--docker`."""
    group = parser.getgroup("pipeline", "backends of privacy-pipeline")
    group.addoption(
        "--kafka",
        metavar="KIND",
        help=f"real Kafka to use: {', '.join(KINDS)} or HOST:PORT (default: $PIPELINE_KAFKA, else auto)",
    )
    group.addoption(
        "--docker",
        choices=("auto", "yes", "no"),
        default="auto",
        help="tests that need a Docker engine: run them where one answers (auto), always (yes) or never (no)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers, so that users need not."""
    config.stash[_USED] = BackendsUsed()
    config.addinivalue_line("markers", "kafka: needs a real Apache Kafka; fails, never skips, where none can be had")
    config.addinivalue_line("markers", "docker: needs a Docker engine")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked `docker` where no engine answers, and remember how many."""
    wanting = [item for item in items if item.get_closest_marker("docker")]
    demanded = config.getoption("--docker")
    if not wanting or demanded == "yes" or (demanded == "auto" and _engine_answers()):
        return
    config.stash[_USED].left_out = len(wanting)
    config.hook.pytest_deselected(items=wanting)
    items[:] = [item for item in items if item not in wanting]


def pytest_runtest_call(item: pytest.Item) -> None:
    """Remember that a test ran with a Docker engine."""
    if item.get_closest_marker("docker"):
        item.config.stash[_USED].docker = True


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which backends the run used."""
    used = config.stash[_USED]
    left_out = f" ({used.left_out} tests left out: no engine answers, or --docker=no)" if used.left_out else ""
    terminalreporter.write_line(f"docker: {'yes' if used.docker else 'no'}{left_out}")
    terminalreporter.write_line(f"real Kafka: {f'yes ({used.kafka})' if used.kafka else 'no'}")


@pytest.fixture(scope="session")
def kafka_broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """Run a real Kafka for the whole session; fail with a sentence where none can be had.

    A test that kills a broker starts one of its own by `start_broker`.
    """
    used = request.config.stash[_USED]
    with ExitStack() as stack:
        try:
            broker = stack.enter_context(start_broker(_wanted(request.config)))
            _warm_up(_connection(broker))
        except PipelineError as error:
            pytest.fail(str(error), pytrace=False)
        used.kafka = ", ".join(part for part in (broker.kind, broker.version, broker.bootstrap) if part)
        used.docker = used.docker or broker.kind == "docker"
        yield broker


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka_broker: Broker) -> str:
    """Return the address of the session's broker, HOST:PORT."""
    return kafka_broker.bootstrap


@pytest.fixture(scope="session")
def kafka_connection(kafka_broker: Broker) -> KafkaConnection:
    """Return how clients reach the session's broker."""
    return _connection(kafka_broker)


@pytest.fixture
def topic_prefix(request: pytest.FixtureRequest) -> str:
    """Return a name that no other test, run or group on the same broker has; fit for topics, groups and ids."""
    slug = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40]
    return f"{slug}-{secrets.token_hex(4)}"


def _wanted(config: pytest.Config) -> str:
    settings = load_settings()
    return config.getoption("--kafka") or (settings.kafka if "kafka" in settings.model_fields_set else "auto")


def _connection(broker: Broker) -> KafkaConnection:
    """Return plain text for a broker of ours; what the settings say for one that was given."""
    return (
        load_settings().connection(broker.bootstrap)
        if broker.kind == "given"
        else KafkaConnection(bootstrap=broker.bootstrap)
    )


def _warm_up(connection: KafkaConnection) -> None:
    """Let the broker create its internal topics now: the first transaction and group would wait seconds for them."""
    name = f"warm-up-{secrets.token_hex(4)}"
    producer = Producer({**connection.confluent(), "transactional.id": name, "log_level": 0})
    producer.init_transactions(WARM_UP_SECONDS)
    consumer = Consumer({**connection.confluent(), "group.id": name, "log_level": 0})
    deadline = time.monotonic() + WARM_UP_SECONDS
    while not _knows_groups(consumer, name):
        if time.monotonic() > deadline:
            pytest.fail(f"The broker at {connection.bootstrap} has no group coordinator; see its log.", pytrace=False)
    consumer.close()


def _knows_groups(consumer: Consumer, topic: str) -> bool:
    """Ask once; a coordinator that has just been elected still answers NOT_COORDINATOR."""
    try:
        consumer.committed([TopicPartition(topic, 0)], timeout=WARM_UP_SECONDS)
    except KafkaException as error:
        if error.args[0].code() not in _NO_COORDINATOR_YET:
            raise
        return False
    return True


_NO_COORDINATOR_YET = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}
"""What waiting mends; librdkafka calls only errors of transactions retriable."""


def _engine_answers() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        return not subprocess.run(  # noqa: S603 - see which
            [docker, "version"], capture_output=True, check=False, timeout=ENGINE_SECONDS
        ).returncode
    except subprocess.TimeoutExpired:
        return False
