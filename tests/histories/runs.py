"""Whole pipelines over random histories: what arrives in which order, and what came out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import groupby
from random import Random
from typing import Any

from pipeline.bootstrap.parts import Parts, input_topics, output_topics, state_topics
from pipeline.bootstrap.simulation import Emitted, Simulation
from pipeline.bootstrap.worlds import MemoryWorld
from pipeline.domain.vocabulary import Family
from pipeline.lanes import Lane
from pipeline.policy.book import PolicyBook
from pipeline.policy.compiled import CompiledPolicy
from tests.histories.events import Event, family_of, policy_of, shipped

YEARS = timedelta(days=14 * 366)
"""Longer than anything with an end is kept."""

NEVER = datetime(9999, 1, 1, tzinfo=UTC)

Due = tuple[str, str, str, str | None, datetime]
"""What fell due of one obligation: category, purpose, action, last day kept, instant."""


@cache
def _parts(controller: str) -> Parts:
    parts = shipped()
    return replace(parts, book=PolicyBook({controller: parts.book.versions[controller]}))


def opened(controller: str, policy: CompiledPolicy | None = None) -> Simulation:
    """Return a fresh pipeline of one controller, under another policy than the shipped one if that is given."""
    parts = _parts(controller)
    if policy:
        parts = replace(parts, book=PolicyBook({controller: (policy,)}))
    newest = parts.book.versions[controller][-1]
    inputs = [*input_topics(newest), *state_topics(newest)]
    return Simulation(parts, lambda clock: MemoryWorld(clock, output_topics(newest), inputs))


@dataclass(frozen=True, kw_only=True)
class Run:
    """A pipeline that has lived through a history, from the first event until nothing more can fall due."""

    controller: str
    simulation: Simulation

    @property
    def emitted(self) -> Sequence[Emitted]:
        return self.simulation.emitted

    def values(self, role: str) -> list[Mapping[str, Any]]:
        """Return what came out on a topic such as `expiry`, in order."""
        return [one.value for one in self.emitted if one.topic == f"{self.controller}.{role}.v1"]

    def dues(self) -> dict[str, set[Due]]:
        """Return what fell due, by record (its event id) or profile."""
        found: dict[str, set[Due]] = {}
        for value in self.values("expiry"):
            if value["type"] == "expiry.due":
                about = str(value["event_id"] or value["profile"] or "subject")
                due = (value["category"], value["purpose"], value["action"], value["kept_until"], value["due_at"])
                found.setdefault(about, set()).add(due)
        return found

    def tags(self) -> dict[str, set[tuple[str, str, str, tuple[str, ...]]]]:
        """Return the reasons to keep that each record got: rule, category, purpose, fields."""
        return {
            item["event_id"]: {(t["rule"], t["category"], t["purpose"], tuple(t["fields"])) for t in item["tags"]}
            for item in self.values("obligation")
            if item.get("kind") == "record"
        }

    def tag_state(self) -> dict[bytes, bytes]:
        """Return every entry of the tag lane's local state."""
        return dict(_entries(self.simulation._tag))

    def expire_state(self) -> dict[bytes, bytes]:
        """Return every entry of the expire lane's local state."""
        return dict(_entries(self.simulation._expire))


def _entries(lane: Lane) -> Iterator[tuple[bytes, bytes]]:
    for view in lane._views.values():
        yield from view.store.scan(b"", b"\xff")


def live(controller: str, arrivals: Sequence[Event], policy: CompiledPolicy | None = None) -> Run:
    """Return a run in which each event arrives at its `ingesttime`, else when it happened, and then years pass.

    What arrives at one instant arrives together.
    """
    simulation = opened(controller, policy)
    for _at, together in groupby(arrivals, key=lambda event: event.get("ingesttime", event["time"])):
        simulation.pipe_all(list(together))
    simulation.advance_to(simulation.clock.now() + YEARS)
    return Run(controller=controller, simulation=simulation)


def all_late(history: Sequence[Event], random: Random) -> list[Event]:
    """Return the events as they may arrive when every producer was cut off until the last one happened.

    Each producer's own order stays; some events are sent twice.
    """
    early, later = _until_forgotten(history)
    arriving = [{**event, "ingesttime": early[-1]["time"]} for event in interleaved(early, random)]
    return [event for one in (*arriving, *later) for event in [one] * random.choice((1, 1, 1, 2))]


def delayed(history: Sequence[Event], random: Random) -> list[Event]:
    """Return the events as they may arrive when producers are late by hours or weeks, each in its order."""
    early, later = _until_forgotten(history)
    late = {family: random.choice((0, 0, 1, 20)) for family in Family}
    latest = datetime.fromisoformat(early[-1]["time"]) if later else NEVER
    arrivals: dict[Family, datetime] = {}
    found: list[tuple[datetime, int, Event]] = []
    for number, event in enumerate(early):
        family = family_of(event["type"])
        at = min(datetime.fromisoformat(event["time"]) + timedelta(days=random.random() * late[family]), latest)
        arrivals[family] = at = max(at, arrivals.get(family, at))
        found.append((at, number, {**event, "ingesttime": at.isoformat()}))
    return [*(event for _at, _number, event in sorted(found, key=lambda one: one[:2])), *later]


def _until_forgotten(history: Sequence[Event]) -> tuple[Sequence[Event], Sequence[Event]]:
    """Return what happens until a subject is forgotten, and what happens to somebody who has another reference then."""
    forgets = policy_of(history[0]["controller"]).forgets_subject
    for number, event in enumerate(history, 1):
        if forgets and event["type"] == "erasure.requested":
            return history[:number], history[number:]
    return history, ()


def interleaved(history: Sequence[Event], random: Random) -> list[Event]:
    """Return the events in a random order that keeps each producer's own."""
    waiting, found = list(history), list[Event]()
    while waiting:
        firsts = {family_of(event["type"]): event for event in reversed(waiting)}
        found.append(random.choice(list(firsts.values())))
        waiting.remove(found[-1])
    return found
