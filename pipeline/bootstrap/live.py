"""The lanes as workers run them: on Kafka, with RocksDB, system time and the controller's own keys."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.adapters.kafka_lane import ChangelogReader, ClientSettings, KafkaBroadcast, KafkaLane
from pipeline.adapters.kafka_topics import KafkaTopics
from pipeline.adapters.rocks_state import RocksState
from pipeline.adapters.sealer import BoxSealer
from pipeline.adapters.system_clock import SystemClock, elapsed
from pipeline.adapters.topics_file import read_topics
from pipeline.bootstrap.parts import (
    Parts,
    expire_lane,
    input_topics,
    load_parts,
    output_topics,
    outputs_of,
    state_topics,
    tag_lane,
)
from pipeline.bootstrap.simulation import Simulation
from pipeline.bootstrap.worlds import KafkaWorld
from pipeline.domain.errors import ConfigurationError
from pipeline.domain.topic_plan import plan_topics
from pipeline.domain.topics import POLICY_TOPIC
from pipeline.lanes import Bounds, Lane
from pipeline.lanes.clocks import GuardedClock, UnguardedClock
from pipeline.lanes.materialise import Materialiser
from pipeline.lanes.versions import Pace, PolicyFollower, PolicyTopic, govern
from pipeline.lanes.views import LaneSpec
from pipeline.ports import InRecord
from pipeline.settings import KafkaConnection, Settings

LANES = ("tag", "expire")

EXPIRE_RECORDS = 10
"""Records of one poll of the expire lane: each is a block of up to 200 obligations, and a transaction must be short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What one worker process is given: settings, loaded parts, the controllers it serves.

    Attributes:
        bounds: What keeps one transaction short.
        client: librdkafka timing, for tests that cannot wait for a session to end.
        pace: How often the policy topic is read, for tests that cannot wait for a version to govern.
    """

    settings: Settings
    parts: Parts
    controllers: tuple[str, ...]
    bounds: Bounds = field(default_factory=Bounds)
    client: Mapping[str, int] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)


def deployment(settings: Settings) -> Deployment:
    """Load what a worker needs.

    Raises:
        ConfigurationError: a file is wrong, or a controller is asked for that no policy governs.
    """
    parts = load_parts(schemas=settings.schemas, policies=settings.policies, overlays=settings.overlays)
    known = tuple(sorted(parts.book.versions))
    unknown = [name for name in settings.controllers if name not in known]
    if unknown:
        raise ConfigurationError(
            f"PIPELINE_CONTROLLERS names {', '.join(unknown)}, but {settings.policies} has policies for "
            f"{', '.join(known)} only"
        )
    return Deployment(settings=settings, parts=parts, controllers=settings.controllers or known)


def check_ready(deployed: Deployment) -> None:
    """Check that both keys can be used and every topic is there, before anything starts.

    Raises:
        ConfigurationError: one line for each thing that is missing; says how to make it.
        UnavailableError: Kafka does not answer.
    """
    problems: list[str] = []
    for check in (
        deployed.settings.controller_key,
        lambda: BoxSealer.from_file(_officer_key(deployed.settings)),
        lambda: check_topics(deployed),
    ):
        try:
            check()
        except ConfigurationError as error:
            problems.append(str(error))
    if problems:
        raise ConfigurationError("\n".join(problems))


def check_topics(deployed: Deployment) -> None:
    """Check that every topic the lanes need is there.

    Raises:
        ConfigurationError: some are missing; the message says how to make them.
    """
    policies = [version for name in deployed.controllers for version in deployed.parts.book.versions[name]]
    lanes = (t for policy in policies for t in (*input_topics(policy), *output_topics(policy), *state_topics(policy)))
    needed = {POLICY_TOPIC, *lanes}
    with KafkaTopics(deployed.settings.connection()) as cluster:
        missing = sorted(needed - {topic.name for topic in cluster.live()})
    if missing:
        raise ConfigurationError(
            f"{deployed.settings.kafka} lacks {len(missing)} topics, such as {missing[0]}; make them with: "
            "pipeline topics apply"
        )


def open_lane(deployed: Deployment, lane: str, ordinal: int) -> Lane:
    """Return one process's part of a lane, connected and subscribed.

    Raises:
        ConfigurationError: a key is missing or unreadable.
        UnavailableError: Kafka does not answer.
    """
    settings = deployed.settings
    clock = SystemClock()
    clients = ClientSettings(settings.connection(), **deployed.client)
    group = f"{settings.group}-{lane}"
    specs = _specs(deployed, lane)
    sealer = BoxSealer.from_file(_officer_key(settings))
    policies = _follow_policies(deployed, clients, specs)
    return Lane(
        log=KafkaLane(
            clients, lane=lane, group=group, ordinal=ordinal, topics=[t for spec in specs for t in spec.sources]
        ),
        specs=specs,
        open_state=lambda controller, partition: RocksState(
            settings.state_dir / f"{lane}-{ordinal}" / controller / str(partition), clock
        ),
        materialise=Materialiser(deployed.parts.codec, sealer),
        clock=UnguardedClock(clock) if lane == "tag" else GuardedClock(clock, elapsed),
        elapsed=elapsed,
        control=KafkaBroadcast(clients, group) if lane == "tag" else None,
        policies=policies,
        bounds=deployed.bounds if lane == "tag" else replace(deployed.bounds, records=EXPIRE_RECORDS),
    )


def _follow_policies(deployed: Deployment, clients: ClientSettings, specs: Sequence[LaneSpec]) -> PolicyFollower:
    """Return what follows the policy topic, read to its end: a lane joins its group once it knows what governs."""
    reader = ChangelogReader(clients, f"{deployed.settings.group}-policy")
    topic = policy_topic(deployed.parts, lambda offset: reader.read(POLICY_TOPIC, 0, offset), deployed.pace)
    follower = PolicyFollower(topic, elapsed, deployed.pace, reader.close)
    try:
        follower.begin(deployed.controllers)
    except BaseException:
        follower.close()
        raise
    govern(specs, topic.book)
    return follower


def policy_topic(parts: Parts, read: Callable[[int], Iterator[InRecord]], pace: Pace | None = None) -> PolicyTopic:
    """Return the policy topic as a reader hands it out, judged beside what is on disk."""
    return PolicyTopic(read, parts.codec, parts.book, frozenset(parts.schemas.catalogue.types), pace)


def _specs(deployed: Deployment, lane: str) -> list[LaneSpec]:
    if lane == "tag":
        key = deployed.settings.controller_key()
        return [tag_lane(deployed.parts, name, key, os.urandom) for name in deployed.controllers]
    return [expire_lane(deployed.parts, name, announce=False) for name in deployed.controllers]


def _officer_key(settings: Settings) -> Path:
    if settings.officer_key is None:
        raise ConfigurationError(
            "PIPELINE_OFFICER_KEY is missing: set it to the privacy officer's public key (PEM), so that dead letters "
            "can be sealed"
        )
    return settings.officer_key


@contextmanager
def open_live(
    connection: KafkaConnection, settings: Settings, *, overlays: Sequence[Path] = (), seed: int = 0
) -> Iterator[Simulation]:
    """Run the lanes on a real Kafka under a virtual clock, for demonstrations and tests.

    Creates the topics with one partition each; refuses a cluster that already has any of them, since made-up events
    must not come among real ones.

    Raises:
        ConfigurationError: the cluster already has topics of these names.
    """
    parts = load_parts(schemas=settings.schemas, policies=settings.policies, overlays=(*settings.overlays, *overlays))
    _create_topics(connection, settings)
    clients = ClientSettings(connection)
    simulation = Simulation(parts, lambda _clock: KafkaWorld(clients, "demo", outputs_of(parts.book)), seed)
    try:
        yield simulation
    finally:
        simulation.close()


def _create_topics(connection: KafkaConnection, settings: Settings) -> None:
    wanted = read_topics(settings.topics, replicas=1, co_partitions=1)
    with KafkaTopics(connection) as cluster:
        present = sorted({topic.name for topic in cluster.live()} & {spec.name for spec in wanted.specs})
        if present:
            raise ConfigurationError(
                f"{connection.bootstrap} already has {len(present)} of the pipeline's topics, such as {present[0]}: "
                "made-up events must not come among real ones; give an empty Kafka, or --broker auto"
            )
        cluster.apply(plan_topics(wanted.specs, ()), wanted.specs)


__all__ = ["LANES", "Deployment", "check_ready", "check_topics", "deployment", "open_lane", "open_live"]
