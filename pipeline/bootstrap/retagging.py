"""Say what an order to retag would change, on a copy of what workers remember, by the workers' own rules; give it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from pipeline.adapters.kafka_lane import ChangelogReader, ClientSettings
from pipeline.adapters.kafka_policies import publish
from pipeline.adapters.kafka_topics import KafkaTopics
from pipeline.adapters.memory_state import MemoryState
from pipeline.adapters.system_clock import SystemClock
from pipeline.bootstrap.parts import Parts
from pipeline.bootstrap.publishing import read_policy_topic
from pipeline.bootstrap.simulation import open_simulation
from pipeline.domain.errors import ConfigurationError
from pipeline.domain.records import Change
from pipeline.domain.topics import Topics
from pipeline.policy.book import PolicyBook, Retag
from pipeline.policy.retags import judge_retag, order
from pipeline.settings import KafkaConnection
from pipeline.stages.expire import ExpireStage
from pipeline.stages.version_moves import Moved

_AT_A_TIME = 1000


@dataclass(slots=True, kw_only=True)
class Counted:
    """What an order does to the ends of one kind of tag.

    Attributes:
        action: What happens at the end; None where the tags have to stay under their version.
        count: How many such ends there are.
        at_once: Of these, how many fall due by the order itself.
        earlier: How many fall due earlier than they would have.
        later: How many fall due later, or no longer by a date.
        first: The first new instant.
        last: The last one.
    """

    rule: str
    category: str
    purpose: str
    action: str | None
    count: int = 0
    at_once: int = 0
    earlier: int = 0
    later: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def add(self, one: Moved, now: datetime) -> None:
        """Count one end."""
        self.count += 1
        if one.new is not None:
            self.first = min(self.first or one.new, one.new)
            self.last = max(self.last or one.new, one.new)
            self.at_once += one.new <= now
        if one.old != one.new:
            sooner = one.new is not None and (one.old is None or one.new < one.old)
            self.earlier += sooner
            self.later += not sooner


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for on the command line."""

    controller: str | None
    from_version: str
    to_version: str
    rules: tuple[str, ...]


def the_order(book: PolicyBook, asked: Asked, now: datetime) -> Retag:
    """Return the order that was asked for.

    Raises:
        ConfigurationError: it names no controller, version or rule that there is, or cannot be given now.
    """
    having = [name for name in sorted(book.versions) if book.knows(name, asked.from_version)]
    named = [asked.controller] if asked.controller else [n for n in having if book.knows(n, asked.to_version)]
    if len(named) != 1:
        raise ConfigurationError(
            f"{len(named)} controllers have policy versions {asked.from_version!r} and {asked.to_version!r}; name one "
            f"with --controller: {', '.join(sorted(book.versions))}"
        )
    made = order(named[0], asked.from_version, asked.to_version, asked.rules, now)
    judged = judge_retag(book, made)
    if judged.refused:
        raise ConfigurationError(judged.says)
    return made


def count(book: PolicyBook, made: Retag, states: Iterable[MemoryState], now: datetime) -> list[Counted]:
    """Return what an order would change, by rule, category, purpose and action. The states are used up."""
    stage = ExpireStage(made.controller, book.with_retag(made), announce=False)
    found: dict[tuple[str, ...], Counted] = {}
    for state in states:
        for one in _moved(stage, state, now):
            tag, action = one.tag, str(one.action) if one.action else None
            key = (tag.rule, tag.category, tag.purpose, action or "")
            counted = Counted(rule=tag.rule, category=tag.category, purpose=tag.purpose, action=action)
            found.setdefault(key, counted).add(one, now)
    return [found[key] for key in sorted(found)]


def _moved(stage: ExpireStage, state: MemoryState, now: datetime) -> Iterator[Moved]:
    pending = True
    while pending:
        moved, changes, pending = stage.rehearse(state, now, _AT_A_TIME)
        state.apply(changes, None)
        yield from moved


def live_states(connection: KafkaConnection, controller: str) -> Iterator[MemoryState]:
    """Yield a copy of what the expire lane of a controller remembers, partition by partition.

    Raises:
        ConfigurationError: the controller has no schedule on this cluster.
        UnavailableError: Kafka does not answer.
    """
    topic = Topics(controller).schedule
    with KafkaTopics(connection) as cluster:
        partitions = {one.name: one.partitions for one in cluster.live()}.get(topic, 0)
    if not partitions:
        raise ConfigurationError(f"{connection.bootstrap} has no topic {topic}: no worker has run here yet")
    reader = ChangelogReader(ClientSettings(connection), "pipeline-policy")
    try:
        for number in range(partitions):
            state = MemoryState()
            newest = {r.key: r.value for r in reader.read(topic, number, 0) if r.key is not None}
            state.apply([Change(key, value) for key, value in newest.items()], None)
            yield state
    finally:
        reader.close()


def after_events(
    policies: Path | None, overlays: Sequence[Path], events: Iterable[Mapping[str, object]], controller: str
) -> tuple[list[MemoryState], datetime]:
    """Return what the expire lane of a controller would remember after some events, and when that is."""
    simulation = open_simulation(policies, overlays)
    for event in events:
        simulation.pipe(event)
    states = [
        state for (lane, name, _part), state in simulation.states.items() if (lane, name) == ("expire", controller)
    ]
    return states, simulation.clock.now()


def known_versions(parts: Parts, connection: KafkaConnection) -> PolicyBook:
    """Return the versions and orders there are, on disk and on the policy topic.

    Raises:
        UnavailableError: Kafka does not answer.
    """
    return read_policy_topic(parts, connection).book


def give(parts: Parts, connection: KafkaConnection, made: Retag) -> None:
    """Write an order to the policy topic; workers carry it out within seconds.

    Raises:
        UnavailableError: Kafka does not confirm.
    """
    content = asdict(made) | {"rules": list(made.rules)}
    publish(connection, [(f"{made.controller}|retag|{made.retag_id}", parts.codec.encode("retag", content))])


def now() -> datetime:
    """Return the present instant."""
    return SystemClock().now()
