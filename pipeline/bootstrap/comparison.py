"""Compare two sets of policies on the same events: which records would change outcome, category, recipient or date.

Both run through the whole pipeline in memory, so what is predicted is what happens once the new policies govern.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.bootstrap.simulation import Emitted, Simulation, open_simulation

Event = Mapping[str, object]


@dataclass(slots=True)
class Record:
    """What becomes of one record, or of one person's profile.

    Attributes:
        outcome: Outcome of the event; none for profiles.
        tags: Category and purpose pairs.
        shares: Fields that each recipient got.
        ends: When each (category, purpose, action) ends, one instant for each life; None if it was planned and is not.
    """

    outcome: str | None = None
    tags: set[tuple[str, str]] = field(default_factory=set)
    shares: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ends: dict[tuple[str, str, str], dict[str, str | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that would change: `old` and `new` are None where there is nothing."""

    controller: str
    record: str
    what: str
    """`outcome`, `category`, `recipient` or `date`."""
    category: str | None = None
    purpose: str | None = None
    action: str | None = None
    recipient: str | None = None
    old: str | None = None
    new: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was compared, and how it differs."""

    events: int
    skipped: int
    """Events of controllers that only one side has a policy for."""
    differences: tuple[Difference, ...]


def compare(
    old: Path, new: Path, overlays: Sequence[Path], events: Iterable[Event], until: datetime | None = None
) -> Comparison:
    """Return how the records of some events would differ under other policies.

    Args:
        old: Policy file, or folder of all that govern today.
        new: Policy file, or folder of all that shall govern.
        overlays: Operator values, for both.
        events: CloudEvents in order of arrival.
        until: Let time pass until then; without it until the last event arrives.

    Raises:
        ConfigurationError: a policy or overlay is wrong.
    """
    sides = (open_simulation(old, overlays), open_simulation(new, overlays))
    served = set(sides[0].parts.book.versions) & set(sides[1].parts.book.versions)
    everything = list(events)
    compared = [event for event in everything if event.get("controller") in served]
    before, after = (_run(side, compared, until) for side in sides)
    places = dict.fromkeys((*before, *after))
    found = (one for place in places for one in _differences(place, before.get(place), after.get(place)))
    return Comparison(events=len(compared), skipped=len(everything) - len(compared), differences=tuple(found))


Place = tuple[str, str]
"""Controller and record."""


def _run(simulation: Simulation, events: Sequence[Event], until: datetime | None) -> dict[Place, Record]:
    found: dict[Place, Record] = {}
    for event in events:
        place = (str(event["controller"]), str(event.get("id")))
        found.setdefault(place, Record()).outcome = str(simulation.pipe(event))
    if until is not None:
        simulation.advance_to(until)
    simulation.close()
    reading = _Reading(found)
    for one in simulation.emitted:
        reading.take(one)
    return found


class _Reading:
    """Reads what a simulation emitted, record by record. References differ from run to run, so people go by key."""

    def __init__(self, found: dict[Place, Record]) -> None:
        self._found = found
        self._people: dict[str, str] = {}
        self._shared: dict[str, tuple[Place, str]] = {}

    def take(self, one: Emitted) -> None:
        controller, role, *_rest = one.topic.split(".")
        reader = {
            "tagged": self._tagged, "share-ledger": self._ledger, "expiry": self._expiry,
            "erase-instruction": self._instruction,
        }.get(role)  # fmt: skip
        if reader is not None:
            reader(controller, one.key, one.value)

    def _record(self, place: Place) -> Record:
        return self._found.setdefault(place, Record())

    def _tagged(self, controller: str, key: str | None, value: Mapping[str, Any]) -> None:
        self._people[value["data_subject"]] = str(key)
        record = self._record((controller, value["event"]["event_id"]))
        record.tags |= {(tag["category"], tag["purpose"]) for tag in value["tags"]}

    def _ledger(self, controller: str, _key: str | None, value: Mapping[str, Any]) -> None:
        place = (controller, value["event_id"])
        self._shared[value["share_id"]] = (place, value["recipient"])
        self._record(place).shares[value["recipient"]] = tuple(value["fields"])

    def _instruction(self, _controller: str, _key: str | None, value: Mapping[str, Any]) -> None:
        place, recipient = self._shared[value["share_id"]]
        lives = self._record(place).ends.setdefault((recipient, str(value["reason"]), "instruct"), {})
        lives[value["instruction_id"]] = _told(value["due_at"])

    def _expiry(self, controller: str, _key: str | None, value: Mapping[str, Any]) -> None:
        person = self._people.get(str(value["data_subject"]), "nobody")
        who = value["event_id"] or (f"profile {value['profile']} of {person}" if value["profile"] else person)
        ends = self._record((controller, who)).ends
        lives = ends.setdefault((value["category"], value["purpose"], value["action"]), {})
        lives[value["expiry_id"]] = None if value["type"] == "expiry.cancelled" else _told(value["due_at"])


def _told(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def _differences(place: Place, before: Record | None, after: Record | None) -> Iterator[Difference]:
    old, new = before or Record(), after or Record()
    controller, record = place
    if old.outcome != new.outcome:
        yield Difference(controller=controller, record=record, what="outcome", old=old.outcome, new=new.outcome)
    for category, purpose in sorted(old.tags ^ new.tags):
        had = (category, purpose) in old.tags
        kept = "tagged"
        yield Difference(
            controller=controller, record=record, what="category", category=category, purpose=purpose,
            old=kept if had else None, new=None if had else kept,
        )  # fmt: skip
    for recipient in sorted({*old.shares, *new.shares}):
        got, gets = (", ".join(side.shares[recipient]) if recipient in side.shares else None for side in (old, new))
        if got != gets:
            yield Difference(
                controller=controller, record=record, what="recipient", recipient=recipient, old=got, new=gets
            )
    for category, purpose, action in sorted({*old.ends, *new.ends}):
        was, will_be = (_dates(side.ends.get((category, purpose, action), {})) for side in (old, new))
        if was != will_be:
            yield Difference(
                controller=controller, record=record, what="date", category=category, purpose=purpose, action=action,
                old=was, new=will_be,
            )  # fmt: skip


def _dates(lives: Mapping[str, str | None]) -> str | None:
    return ", ".join(date for date in lives.values() if date) or None
