"""The whole pipeline in one process: the real lanes on the in-memory log, under a clock that the caller moves."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random

from pipeline.adapters.memory_state import MemoryState
from pipeline.adapters.sealer import BoxSealer
from pipeline.bootstrap.parts import (
    Parts,
    expire_lane,
    input_topics,
    load_parts,
    outputs_of,
    state_topics,
    tag_lane,
)
from pipeline.bootstrap.worlds import MemoryWorld, World
from pipeline.domain.errors import ConfigurationError
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import CONTROL_KEY, Family, Outcome
from pipeline.lanes import Bounds, Lane
from pipeline.lanes.clocks import UnguardedClock
from pipeline.lanes.materialise import Materialiser
from pipeline.lanes.views import LaneSpec
from pipeline.policy.book import PolicyBook
from pipeline.ports import Clock, InRecord
from pipeline.settings import load_settings

_WHOLE = frozenset({"rights"})
"""Schemas whose records are one output with all their items, not a block of single outputs."""

_START = datetime(1900, 1, 1, tzinfo=UTC)
_BOUNDS = Bounds(poll_seconds=0.0, wake_rounds=1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """One output record, unfolded from its block, with when it was emitted.

    Attributes:
        at: Virtual instant of the emission.
        topic: Where it went.
        key: Record key as text.
        value: Decoded value.
        raw_key: Key bytes as written.
        raw_value: Value bytes as written, the whole block where values travel in blocks.
    """

    at: datetime
    topic: str
    key: str | None
    value: Mapping[str, object] = field(repr=False)
    raw_key: bytes | None = field(repr=False)
    raw_value: bytes = field(repr=False)


class VirtualClock:
    """A clock that stands still until it is moved, and never runs backwards."""

    def __init__(self, start: datetime = _START) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the virtual instant."""
        return self._now

    def move_to(self, instant: datetime) -> None:
        """Move on to an instant; an earlier one changes nothing."""
        self._now = max(self._now, instant)


class Simulation:
    """Feeds events to the lanes and lets time pass.

    Guarantees: the same events, policies and seed give the same output; at equal instants what is due goes before
    what arrives; margin zero (architecture 9.12).

    Args:
        parts: Schemas and policies.
        world: Makes the topics' world, in memory or on Kafka, under the given clock.
        seed: Of references and seals.
    """

    def __init__(self, parts: Parts, world: Callable[[Clock], World], seed: int = 0) -> None:
        self.parts = parts
        self.states: dict[tuple[str, str, int], MemoryState] = {}
        """What each lane remembers, by lane, controller and partition."""
        self.clock = VirtualClock()
        self._world = world(self.clock)
        randomness = Random(seed)  # noqa: S311  a simulation must be repeatable; workers use the system's randomness
        self._key = sha256(f"simulation {seed}".encode()).digest()
        sealer = BoxSealer.for_simulation(randomness.randbytes)
        controllers = sorted(parts.book.versions)
        tagging = [tag_lane(parts, name, self._key, randomness.randbytes) for name in controllers]
        self._tag = self._lane("tag", tagging, sealer)
        self._expire = self._lane("expire", [expire_lane(parts, name, announce=True) for name in controllers], sealer)
        self._outputs = outputs_of(parts.book)
        self._appended: Counter[str] = Counter()
        self._read = 0
        self.emitted: list[Emitted] = []
        self._settle()

    def pipe(self, event: Mapping[str, object]) -> Outcome:
        """Let one CloudEvent arrive, at its `ingesttime` if given, else at its `time`, and handle it.

        Without a readable time the clock stands still, and the lane says what becomes of the event.

        Raises:
            ConfigurationError: no policy is loaded for its controller.
        """
        return self.pipe_all([event])[0]

    def pipe_all(self, events: Sequence[Mapping[str, object]]) -> list[Outcome]:
        """Let several events arrive together: what is due before the first goes first, the clock ends at the last.

        Returns:
            The outcome of each event; a re-sent one is accepted, and changes nothing.
        """
        if not events:
            return []
        arrivals = [arrival for event in events if (arrival := _arrival(event)) is not None]
        placed = [(self._topic(event), str(event.get("partitionkey", "")), _bytes(event)) for event in events]
        if arrivals:
            self.advance_to(max(arrivals[0], self.clock.now()))
            self.clock.move_to(max(arrivals))
        seen = len(self.emitted)
        places = []
        for topic, key, value in placed:
            self._world.append(topic, key.encode("utf-8", "replace"), value)
            places.append((topic, self._appended[topic]))
            self._appended[topic] += 1
        self._settle()
        not_accepted = dict(_not_accepted(self.emitted[seen:]))
        outcomes = (
            (not_accepted.get(place), not_accepted.get(event.get("id")))
            for place, event in zip(places, events, strict=True)
        )
        return [by_place or by_id or Outcome.ACCEPTED for by_place, by_id in outcomes]

    def pipe_raw(self, records: Sequence[tuple[str, bytes, bytes]]) -> None:
        """Let raw records (topic, key, value) arrive at this instant, whatever they hold."""
        for topic, key, value in records:
            self._world.append(topic, key, value)
            self._appended[topic] += 1
        self._settle()

    @property
    def counts(self) -> Mapping[tuple[str, ...], int]:
        """Return the counters of both lanes by name and label, as metrics would show them."""
        return self._tag.counts + self._expire.counts

    def advance_to(self, instant: datetime) -> None:
        """Let time pass: everything due by an instant (inclusive) is emitted at its own instant, in order."""
        while (due := self._next_wake) is not None and due <= instant:
            self.clock.move_to(due)
            self._settle()
        self.clock.move_to(instant)

    @property
    def _next_wake(self) -> datetime | None:
        waking = (lane.next_wake for lane in (self._tag, self._expire))
        return min((wake for wake in waking if wake is not None), default=None)

    def govern(self, book: PolicyBook) -> None:
        """Let other versions, or orders to retag, govern from this instant on, as the policy topic does for workers."""
        self._tag.govern(book)
        self._expire.govern(book)
        self._settle()

    def close(self) -> None:
        """Leave the groups and release connections."""
        self._tag.close()
        self._expire.close()
        self._world.close()

    def _lane(self, name: str, specs: Sequence[LaneSpec], sealer: BoxSealer) -> Lane:
        topics = [topic for spec in specs for topic in spec.sources]
        return Lane(
            log=self._world.lane_log(name, topics),
            specs=specs,
            open_state=lambda controller, number: self.states.setdefault((name, controller, number), MemoryState()),
            materialise=Materialiser(self.parts.codec, sealer),
            clock=UnguardedClock(self.clock),
            elapsed=lambda: 0.0,
            control=self._world.control(),
            bounds=_BOUNDS,
        )

    def _settle(self) -> None:
        """Step both lanes until neither has anything to do at this instant, then collect what came out."""
        while self._pending():
            self._tag.step()
            self._expire.step()
        made = sum((lane.produced[topic] for lane in (self._tag, self._expire) for topic in self._outputs), 0)
        for record in self._world.read(made - self._read):
            self.emitted.extend(self.unfold(record))
        self._read = made

    def _pending(self) -> bool:
        """Tell whether input waits for a lane, or an instant that has come waits to be acted on."""
        tag, expire = self._tag, self._expire
        if not (tag.health().ready and expire.health().ready):
            return True
        sources = any(
            tag.consumed[topic] < count for topic, count in self._appended.items() if ".control." not in topic
        )
        controls = any(
            tag.controls_applied(topic) < self._appended[topic] + tag.produced[topic]
            for topic in {*self._appended, *tag.produced}
            if ".control." in topic
        )
        obligations = any(
            expire.consumed[topic] < count for topic, count in tag.produced.items() if ".obligation." in topic
        )
        wake = self._next_wake
        return sources or controls or obligations or (wake is not None and wake <= self.clock.now())

    def _topic(self, event: Mapping[str, object]) -> str:
        controller = event.get("controller")
        if not isinstance(controller, str) or controller not in self.parts.book.versions:
            known = ", ".join(sorted(self.parts.book.versions))
            raise ConfigurationError(f"no policy is loaded for the event's controller; loaded are: {known}")
        topics = Topics(controller)
        if event.get("partitionkey") == CONTROL_KEY:
            return topics.control
        family = self.parts.schemas.catalogue.family_of(str(event.get("type")))
        return topics.source(family or Family.LIFECYCLE)

    def unfold(self, record: InRecord) -> Iterator[Emitted]:
        """Yield the single outputs of a record; nothing for a tombstone."""
        if record.value is None:
            return
        schema, value = self.parts.codec.decode(record.value)
        if schema == "share":  # what was not shared is not there; in the record it is a null for each other field
            value = {name: content for name, content in value.items() if content is not None}
        items = value.pop("items", None) if schema not in _WHOLE else None
        for single in items if isinstance(items, list) else [{}]:
            yield Emitted(
                at=self.clock.now(),
                topic=record.topic,
                key=record.key.decode() if record.key is not None else None,
                value={**value, **single},
                raw_key=record.key,
                raw_value=record.value,
            )


def open_simulation(policies: Path | None = None, overlays: Sequence[Path] = (), seed: int = 0) -> Simulation:
    """Return a simulation under the shipped policies, or those of a folder, with further overlays.

    Raises:
        ConfigurationError: a schema, policy or overlay is wrong.
    """
    settings = load_settings()
    parts = load_parts(
        schemas=settings.schemas,
        policies=policies or settings.policies,
        overlays=(*(settings.overlays if policies is None else ()), *overlays),
    )
    policies_in_force = [versions[-1] for versions in parts.book.versions.values()]
    inputs = [topic for policy in policies_in_force for topic in (*input_topics(policy), *state_topics(policy))]
    return Simulation(parts, lambda clock: MemoryWorld(clock, outputs_of(parts.book), inputs), seed)


def _not_accepted(emitted: Iterable[Emitted]) -> Iterator[tuple[object, Outcome]]:
    """Yield what was not accepted: dead letters by the place of their record, the others by event id."""
    for one in emitted:
        value = one.value
        if one.topic.endswith(".dead-letter.v1"):
            yield (value["topic"], value["offset"]), Outcome.DEAD_LETTER
        elif one.topic.endswith(".violation.v1") and value["outcome"] != Outcome.ACCEPTED:
            yield value["event_id"], Outcome(str(value["outcome"]))


def _arrival(event: Mapping[str, object]) -> datetime | None:
    """Return when an event arrives, in UTC; None if it does not say so readably (a calendar has ends, too)."""
    try:
        found = datetime.fromisoformat(str(event.get("ingesttime") or event.get("time")))
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _bytes(event: Mapping[str, object]) -> bytes:
    return json.dumps({name: value for name, value in event.items() if name != "ingesttime"}).encode()
