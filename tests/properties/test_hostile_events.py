"""Minimal sharing under attack: whatever arrives, nothing but the allowed fields leaves, and every event is accounted for."""

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from pipeline.adapters.avro.cloudevents import CloudEvents
from pipeline.adapters.avro.schemas import Schemas
from pipeline.bootstrap.simulation import Simulation, open_simulation
from pipeline.domain.errors import InvalidEvent
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import Family, Outcome
from pipeline.settings import load_settings

pytestmark = pytest.mark.slow

EVENTS = 10_000
BATCH = 500
MARKER = re.compile(rb"m[a4]rk[e3]r[-_]", re.IGNORECASE)
START = datetime(2024, 1, 1, tzinfo=UTC)
CONTROLLERS = ("allcall", "tek-zence", "viet-art-view", "artgraphics", "ak3d")
CARRIER = ("name", "address", "phone")
SILENT = (
    ".carrier.",
    ".obligation.",
    ".expiry.",
    ".review.",
    ".erase-instruction.",
    ".share-ledger.",
    ".dead-letter.",
    ".violation.",
)


class Attacker:
    """Makes hostile events: repeatable by its seed."""

    def __init__(self, schemas: Schemas, seed: int) -> None:
        self._random = Random(seed)
        self._catalogue = schemas.catalogue
        self._codec = CloudEvents(schemas)
        self._count = 0

    def marker(self) -> str:
        return f"marker-{self._random.randrange(1 << 40):x}"

    def nested(self, depth: int = 0) -> Any:
        """Return a structure with markers somewhere inside."""
        kind = self._random.randrange(6 if depth < 4 else 2)
        if kind <= 1:
            return self.marker()
        if kind == 2:
            return {self.marker(): self.nested(depth + 1), "name": self.marker()}
        if kind == 3:
            return [self.nested(depth + 1) for _ in range(self._random.randrange(4))]
        return self._random.choice([None, True, 1e308, -1, {"phone": {"address": self.marker()}}])

    def event(self) -> dict[str, Any]:
        """Return one event with markers in everything that no carrier may see."""
        self._count += 1
        name = self._random.choice([*sorted(self._catalogue.types), *["delivery.ordered"] * 20, self.marker()])
        family = self._catalogue.family_of(name) or Family.LIFECYCLE
        data: dict[str, Any] = {}
        for field in self._catalogue.fields[family]:
            if self._random.random() < (0.95 if field in CARRIER else 0.5):
                data[field] = (
                    self.allowed(field) if field in CARRIER else self._random.choice([self.marker(), self.nested()])
                )
        for _ in range(self._random.randrange(3)):
            data[self._random.choice([self.marker(), "Name", "phone ", "address.street", "name\u0000", "carrier"])] = (
                self.nested()
            )
        data.update(self.attributes())
        return {
            "specversion": "1.0",
            "id": f"e-{self._count}",
            "source": f"//{self.marker()}",
            "type": name,
            "time": (START + timedelta(seconds=self._count)).isoformat(),
            "controller": self._random.choice(CONTROLLERS),
            "partitionkey": f"s-{self._random.randrange(50)}",
            "data": data,
        }

    def attributes(self) -> dict[str, Any]:
        """Return decision attributes, some plain, some with text that is none of anybody's business."""
        plain: dict[str, list[Any]] = {
            "context": ["web", "store", "email", "moon"], "initiated_by": ["customer", "company"],
            "direction": ["in", "out"], "matter": ["complaint", "other"], "needs_follow_up": [True, False],
        }  # fmt: skip
        said = ("reason", "legal_ground", "approval", "site", "store", "collected_from", "purpose")
        ids = ("order_id", "case_id", "account_id", "clip_id", "hold_id")
        found: dict[str, Any] = {name: self._random.choice(values) for name, values in plain.items()}
        found |= {
            name: self._random.choice(("", " said so")).join((self.marker(), ""))
            for name in said
            if self._random.random() < 0.3
        }
        found |= {name: f"{self.marker()}" for name in ids if self._random.random() < 0.7}
        if self._random.random() < 0.2:
            found["records"] = [self.marker()]
        return found

    def allowed(self, field: str) -> Any:
        if field == "address":
            address: dict[str, Any] = {"street": "Allowed 1", "postcode": "1", "city": "C", "country": "SE"}
            if self._random.random() < 0.2:
                address["note"] = self.marker()  # a stranger inside an allowed record
            return address
        return f"Allowed {field}"

    def bytes_of(self, event: dict[str, Any]) -> bytes:
        """Return the event as a producer or an attacker would put it on the wire."""
        text = json.dumps(event).encode()
        roll = self._random.random()
        if roll < 0.2:
            return text
        try:
            encoded = self._codec.encode(self._codec.parse(text))
        except InvalidEvent:
            return text
        if roll < 0.6:
            return encoded
        if roll < 0.8:
            return encoded[: self._random.randrange(len(encoded))]
        mutated = bytearray(encoded)
        for _ in range(self._random.randrange(1, 6)):
            mutated[self._random.randrange(len(mutated))] = self._random.randrange(256)
        return bytes(mutated)

    def record(self) -> tuple[str, bytes, bytes]:
        """Return where a hostile record goes, under which key, and its bytes."""
        event = self.event()
        family = self._catalogue.family_of(event["type"]) or Family.LIFECYCLE
        topic = Topics(event["controller"]).source(family)
        return topic, event["partitionkey"].encode(), self.bytes_of(event)


@pytest.fixture(scope="module")
def attacked() -> Iterator[tuple[Simulation, str]]:
    """Return a pipeline after the attack and a decade, with everything it logged."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]  # a fake that keeps
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        simulation = open_simulation(seed=7)
        attacker = Attacker(Schemas.load(load_settings().schemas), seed=7)
        for batch in range(EVENTS // BATCH):
            simulation.clock.move_to(START + timedelta(seconds=(batch + 1) * BATCH))
            simulation.pipe_raw([attacker.record() for _ in range(BATCH)])
        simulation.advance_to(START.replace(year=2035))
        yield simulation, "\n".join(lines)
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def test_every_event_is_accounted_for(attacked: tuple[Simulation, str]) -> None:
    """Accepted, dropped by rule, refused and dead letters add up to the input; nothing was re-sent."""
    simulation, _logged = attacked
    by_outcome = dict.fromkeys(Outcome, 0)
    for (what, *_labels), count in simulation.counts.items():
        if what in by_outcome:
            by_outcome[Outcome(what)] += count

    resent = sum(count for (what, *_labels), count in simulation.counts.items() if what == "re-sent")
    assert sum(by_outcome.values()) + resent == EVENTS
    assert all(count > 50 for outcome, count in by_outcome.items() if outcome is not Outcome.DROPPED), by_outcome


def test_no_marker_leaves_in_a_carrier_or_in_anything_about_the_event(attacked: tuple[Simulation, str]) -> None:
    simulation, _logged = attacked
    seen = [one for one in simulation.emitted if any(role in one.topic for role in SILENT)]

    assert [one.topic for one in seen if MARKER.search(one.raw_value)] == []
    assert {role for role in SILENT if any(role in one.topic for one in seen)} >= {
        ".carrier.",
        ".dead-letter.",
        ".violation.",
        ".expiry.",
    }


def test_no_marker_is_in_any_key(attacked: tuple[Simulation, str]) -> None:
    simulation, _logged = attacked

    assert [one.topic for one in simulation.emitted if one.raw_key and MARKER.search(one.raw_key)] == []


def test_a_carrier_gets_exactly_three_fields_of_allowed_values(attacked: tuple[Simulation, str]) -> None:
    simulation, _logged = attacked
    carried = [one.value for one in simulation.emitted if ".carrier." in one.topic]

    assert len(carried) > 50
    assert {tuple(sorted(value)) for value in carried} == {("address", "name", "phone")}
    whole = [value for value in carried if value["name"] == "Allowed name"]
    assert len(whole) > len(carried) * 0.8  # the rest are mutated bytes of the same three fields


def test_no_marker_is_in_a_log_line_or_a_metric(attacked: tuple[Simulation, str]) -> None:
    simulation, logged = attacked

    assert not MARKER.search(logged.encode())
    assert not MARKER.search(repr(sorted(simulation.counts)).encode())
