"""Read and change a cluster's topics, with kafka-python's admin client. Has no way to delete anything."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from types import TracebackType
from typing import Any, Self

from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError, for_code

from pipeline.domain.errors import PipelineError, UnavailableError
from pipeline.domain.topic_plan import LiveTopic, TopicChange, TopicPlan, TopicSpec
from pipeline.settings import KafkaConnection

_BATCH = 25
"""Topics per request: few enough for progress to be seen, many enough to be quick."""
_TIMEOUT_MS = 30_000
_ALREADY_EXISTS = 36

logging.getLogger("kafka").addHandler(logging.NullHandler())  # or its retries would be printed beside our sentences


class KafkaTopics:
    """The topics of one cluster.

    Every method raises UnavailableError if the cluster goes away, PipelineError if it refuses.
    """

    def __init__(self, connection: KafkaConnection) -> None:
        self._where = connection.bootstrap
        self._client: Any = self._asked(
            lambda: KafkaAdminClient(
                **connection.kafka_python(),
                client_id="pipeline-topics",
                bootstrap_timeout_ms=10_000,
                request_timeout_ms=_TIMEOUT_MS,
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def cluster_id(self) -> str:
        """Return the id that the cluster was formatted with."""
        return str(self._asked(self._client.describe_cluster)["cluster_id"])

    def live(self) -> tuple[LiveTopic, ...]:
        """Return every topic but Kafka's own, with its settings in force."""
        described = [topic for topic in self._asked(self._client.describe_topics) if not topic["is_internal"]]
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic["name"]) for topic in described]
        if not resources:
            return ()
        configs = self._asked(lambda: self._client.describe_configs(resources, config_filter="all"))["topic"]
        return tuple(_live_topic(topic, configs[topic["name"]]) for topic in described)

    def apply(
        self, plan: TopicPlan, specs: Iterable[TopicSpec], progress: Callable[[TopicChange], None] = lambda _: None
    ) -> None:
        """Carry out the changes of a plan, telling each one when it is done. Doing it twice equals doing it once.

        Raises:
            PipelineError: the cluster refuses a change; those already told are done, none is lost by applying again.
        """
        by_name = {spec.name: spec for spec in specs}
        created = [change for change in plan.changes if change.kind == "create"]
        for start in range(0, len(created), _BATCH):
            self._create(created[start : start + _BATCH], by_name, progress)
        rest = sorted((change for change in plan.changes if change.kind != "create"), key=lambda change: change.topic)
        for topic, changes in groupby(rest, key=lambda change: change.topic):
            self._change(topic, list(changes), progress)

    def _create(
        self, changes: Sequence[TopicChange], specs: dict[str, TopicSpec], progress: Callable[[TopicChange], None]
    ) -> None:
        request = {
            change.topic: {
                "num_partitions": specs[change.topic].partitions,
                "replication_factor": specs[change.topic].replicas,
                "configs": dict(specs[change.topic].config),
            }
            for change in changes
        }
        answer = self._asked(lambda: self._client.create_topics(request, timeout_ms=_TIMEOUT_MS, raise_errors=False))
        refused = list(_refused(answer["topics"]))
        for change in changes:
            if change.topic not in {name for name, _ in refused}:
                progress(change)
        if refused:
            raise PipelineError("\n".join(f"{name}: cannot be created: {why}" for name, why in refused))
        self._asked(lambda: self._client.wait_for_topics([change.topic for change in changes], timeout_ms=_TIMEOUT_MS))

    def _change(self, topic: str, changes: Sequence[TopicChange], progress: Callable[[TopicChange], None]) -> None:
        settings = {
            change.setting: (AlterConfigOp.SET, change.wanted) if change.kind == "set" else (AlterConfigOp.DELETE, None)
            for change in changes
            if change.kind in {"set", "reset"}
        }
        if settings:
            resource = ConfigResource(ConfigResourceType.TOPIC, topic, settings)
            answer = self._asked(lambda: self._client.alter_configs([resource]))["topic"][topic]
            if answer != "OK":
                raise PipelineError(f"{topic}: the cluster refuses the settings {', '.join(settings)}: {answer}")
        for change in changes:
            if change.kind == "partitions":
                count = int(change.wanted)
                self._asked(lambda: self._client.create_partitions({topic: count}, timeout_ms=_TIMEOUT_MS))  # noqa: B023 (called at once)
            progress(change)

    def _asked(self, call: Callable[[], Any]) -> Any:
        """Return what the cluster answers; turn the client's errors into ours."""
        try:
            return call()
        except KafkaError as error:
            why = type(error).__name__
            if getattr(error, "retriable", False):
                raise UnavailableError(f"Kafka at {self._where} does not answer ({why}); try again.") from None
            raise PipelineError(f"Kafka at {self._where} refuses ({why}); check the user's rights.") from None


def _live_topic(described: dict[str, Any], config: dict[str, Any]) -> LiveTopic:
    return LiveTopic(
        name=described["name"],
        partitions=len(described["partitions"]),
        replicas=max((len(partition["replica_nodes"]) for partition in described["partitions"]), default=0),
        config={name: str(entry["value"]) for name, entry in config.items()},
        overridden=frozenset(
            name for name, entry in config.items() if entry["config_source"] == "DYNAMIC_TOPIC_CONFIG"
        ),
    )


_CURES = {
    38: "the cluster has fewer brokers than the file asks replicas for; set `replicas` or use --replicas.",
    29: "the user has no right to create topics; use one that has.",
}


def _refused(results: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield name and reason of topics that were not created. One that somebody else created meanwhile is fine."""
    for result in results:
        code = result["error_code"]
        if code not in {0, _ALREADY_EXISTS}:
            yield result["name"], _CURES.get(code) or f"{for_code(code).__name__}: {result['error_message']}"
