"""What went in and what came out, as one report: pure counting over any stream of output records.

The same report is built from the in-memory log and from a real Kafka: it only asks for what `Emission` names.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.demo.leaks import LeakCheck, LeakSearch
from pipeline.demo.observed import Arrival, Emission, controller_of, of_role, texts
from pipeline.demo.timelines import Timeline, timelines
from pipeline.domain.events import ATTRIBUTES


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierRow:
    """What one recipient got.

    Attributes:
        topic: Its topic.
        records: How many records.
        fields: Names of the fields in them.
        size: Bytes of all values.
        offered_fields: Payload fields of the events that were shared from, in all.
        given_fields: Fields in the records, in all.
        told_to_erase: Erase instructions to this recipient.
    """

    topic: str
    records: int
    fields: tuple[str, ...]
    size: int
    offered_fields: int
    given_fields: int
    told_to_erase: int = 0

    @property
    def share_of_fields(self) -> float | None:
        """Return the share of the offered fields that went out, or None where the ledger does not say."""
        return self.given_fields / self.offered_fields if self.offered_fields else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryRow:
    """How many tags ended in one year, of which category, how and by which rule."""

    year: int
    controller: str
    category: str
    action: str
    rule: str
    clauses: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole run.

    Attributes:
        events: Events that went in.
        event_types: Events by controller and event name.
        outcomes: Events by controller and outcome.
        tags: Tags by controller, category and purpose.
        reports: Violations, reports and dead letters by controller and code.
        topics: Records by topic.
        carriers: What each recipient got.
        expiries: What ended.
        early: Expiries that came before they were due; must be none.
        open_ended: Reviews asked for, by controller and category.
        timelines: A few subjects from the first event to the last expiry.
        leaks: What the search for leaks found.
    """

    events: int
    event_types: Mapping[tuple[str, str], int]
    outcomes: Mapping[tuple[str, str], int]
    tags: Mapping[tuple[str, str, str], int]
    reports: Mapping[tuple[str, str], int]
    topics: Mapping[str, int]
    carriers: tuple[CarrierRow, ...]
    expiries: tuple[ExpiryRow, ...]
    early: int
    open_ended: Mapping[tuple[str, str], int]
    timelines: tuple[Timeline, ...]
    leaks: LeakCheck


def build_report(arrivals: Sequence[Arrival], emitted: Iterable[Emission], declared: Container[str]) -> Report:
    """Return what happened.

    Args:
        arrivals: The events in order of arrival.
        emitted: Everything that came out, in order.
        declared: Payload fields that the schemas declare.
    """
    search = LeakSearch((arrival.event for arrival in arrivals), declared)
    records = list(emitted)
    for record in _written(records):
        search.look_at(record.topic, record.raw_key, record.raw_value)
    return Report(
        events=len(arrivals),
        event_types=Counter((arrival.controller, str(arrival.event["type"])) for arrival in arrivals),
        outcomes=Counter((arrival.controller, arrival.outcome) for arrival in arrivals),
        tags=_tags(records),
        reports=Counter(
            (controller_of(record.topic), str(record.value.get("code")))
            for role in ("violation", "dead-letter")
            for record in of_role(records, role)
        ),
        topics=Counter(record.topic for record in records),
        carriers=tuple(_carriers(arrivals, records)),
        expiries=tuple(_expiries(records)),
        early=sum(_is_early(record) for record in of_role(records, "expiry")),
        open_ended=Counter(
            (controller_of(one.topic), str(one.value["category"])) for one in of_role(records, "review")
        ),
        timelines=tuple(timelines(arrivals, records)),
        leaks=search.result(),
    )


def _written(records: Iterable[Emission]) -> Iterable[Emission]:
    """Yield one of the emissions of each record that was written: a block unfolds into several."""
    before: bytes | None = None
    for record in records:
        if record.raw_value is not before:
            yield record
        before = record.raw_value


def _tags(records: Iterable[Emission]) -> Counter[tuple[str, str, str]]:
    return Counter(
        (controller_of(record.topic), str(tag["category"]), str(tag["purpose"]))
        for record in of_role(records, "tagged")
        for tag in _mappings(record.value.get("tags"))
    )


def _carriers(arrivals: Iterable[Arrival], records: Sequence[Emission]) -> Iterable[CarrierRow]:
    """Yield one row per recipient; the share ledger says which event each share was made from."""
    offered = {str(arrival.event["id"]): len(_payload(arrival.event)) for arrival in arrivals}
    ledger: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for entry in of_role(records, "share-ledger"):
        sums = ledger[controller_of(entry.topic), str(entry.value["recipient"])]
        sums[0] += offered.get(str(entry.value["event_id"]), 0)
        sums[1] += len(texts(entry.value.get("fields")))
    instructions = Counter(
        (controller_of(one.topic), one.topic.split(".")[2]) for one in of_role(records, "erase-instruction")
    )
    by_topic: dict[str, list[Emission]] = defaultdict(list)
    for record in (*of_role(records, "carrier"), *of_role(records, "share")):
        by_topic[record.topic].append(record)
    for topic, shares in sorted(by_topic.items()):
        given = {name for share in shares for name, content in share.value.items() if content is not None}
        whose = (controller_of(topic), topic.split(".")[2])
        sums = ledger[whose]
        yield CarrierRow(
            topic=topic,
            records=len(shares),
            fields=tuple(sorted(given)),
            size=sum(len(share.raw_value) for share in shares),
            offered_fields=sums[0],
            given_fields=sums[1],
            told_to_erase=instructions[whose],
        )


def _payload(event: Mapping[str, object]) -> list[str]:
    data = event.get("data")
    return [name for name in data if name not in ATTRIBUTES] if isinstance(data, Mapping) else []


def _expiries(records: Iterable[Emission]) -> Iterable[ExpiryRow]:
    counts = Counter(
        (
            record.at.year,
            controller_of(record.topic),
            str(record.value["category"]),
            str(record.value["action"]),
            str(record.value["rule"]),
            tuple(texts(record.value.get("clauses"))),
        )
        for record in of_role(records, "expiry")
        if record.value.get("type") == "expiry.due"
    )
    for (year, controller, category, action, rule, clauses), count in sorted(counts.items()):
        yield ExpiryRow(
            year=year,
            controller=controller,
            category=category,
            action=action,
            rule=rule,
            clauses=clauses,
            count=count,
        )


def _is_early(record: Emission) -> bool:
    due = _instant(record.value.get("due_at"))
    return record.value.get("type") == "expiry.due" and due is not None and record.at < due


def _instant(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value if isinstance(value, datetime) else None


def _mappings(value: object) -> list[Mapping[str, object]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []
