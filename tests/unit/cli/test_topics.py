"""The topics command: what a plan says is what apply does."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

import pytest
from click.testing import CliRunner, Result

from pipeline.adapters import kafka_preflight, kafka_topics
from pipeline.cli.main import cli
from pipeline.domain.topic_plan import LiveTopic
from pipeline.settings import KafkaConnection


class EmptyCluster:
    """A cluster of one broker that has no topic yet."""

    def __init__(self, connection: KafkaConnection) -> None:
        self.bootstrap = connection.bootstrap

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def cluster_id(self) -> str:
        return "c"

    def live(self) -> list[LiveTopic]:
        return []


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command against a cluster of one broker."""
    facts = kafka_preflight.ClusterFacts(cluster_id="c", brokers=1)
    monkeypatch.setattr(kafka_preflight, "check_broker", lambda _connection: facts)
    monkeypatch.setattr(kafka_topics, "KafkaTopics", EmptyCluster)
    return lambda *arguments: CliRunner().invoke(cli, ["topics", *arguments, "--controller", "ak3d"])


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_more_replicas_than_brokers_are_refused_in_one_sentence(topics: Callable[..., Result], command: str) -> None:
    result = topics(command)

    said = [line for line in result.output.splitlines() if "fewer brokers (1)" in line]
    assert len(said) == 1
    assert " topics, such as ak3d." in said[0]
    assert result.exit_code == {"plan": 3, "apply": 1}[command]


def test_a_plan_that_apply_would_refuse_promises_nothing(topics: Callable[..., Result]) -> None:
    refused, possible = topics("plan"), topics("plan", "--replicas", "1")

    assert "apply` makes them" not in refused.stdout
    assert "changes nothing as long as one of these is refused" in refused.stdout
    assert "apply` makes them" in possible.stdout
    assert "refused" not in possible.stdout
