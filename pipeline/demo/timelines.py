"""A few people's data from the first event to the last expiry."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.demo.observed import Arrival, Emission, of_role, texts

TIMELINES = 3
"""How many subjects the report follows."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to a subject's data."""

    at: str
    what: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What happened to the data of one subject, who is named by pseudonym only."""

    controller: str
    subject: str
    moments: tuple[Moment, ...]


def timelines(arrivals: Sequence[Arrival], records: Sequence[Emission]) -> Iterable[Timeline]:
    """Follow the subjects to whom most different things happened, each of another controller."""
    events: dict[tuple[str, str], list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        events[arrival.controller, str(arrival.event["partitionkey"])].append(arrival)
    ended = _endings(arrivals, records)
    best: dict[str, tuple[int, str]] = {}
    for (controller, subject), own in events.items():
        variety = len({arrival.event["type"] for arrival in own})
        best[controller] = max(best.get(controller, (0, "")), (variety, subject))
    for controller, (_, subject) in sorted(best.items(), key=lambda item: item[1], reverse=True)[:TIMELINES]:
        yield Timeline(
            controller=controller,
            subject=subject,
            moments=tuple(_moments(events[controller, subject], ended[subject])),
        )


def _endings(arrivals: Iterable[Arrival], records: Sequence[Emission]) -> dict[str, list[Emission]]:
    """Return the expiries that were due by the subject's key: those of records, and those of a profile."""
    keys = {str(arrival.event["id"]): str(arrival.event["partitionkey"]) for arrival in arrivals}
    named = (*of_role(records, "expiry"), *of_role(records, "share-ledger"))
    pseudonyms = {
        one.value.get("data_subject"): key for one in named if (key := keys.get(str(one.value.get("event_id"))))
    }
    ended: dict[str, list[Emission]] = defaultdict(list)
    for record in of_role(records, "expiry"):
        if record.value.get("type") == "expiry.due":
            key = keys.get(str(record.value.get("event_id"))) or pseudonyms.get(record.value.get("data_subject"), "")
            ended[key].append(record)
    return ended


def _moments(own: Sequence[Arrival], ended: Iterable[Emission]) -> Iterable[Moment]:
    found = [Moment(_day(arrival.event["time"]), str(arrival.event["type"]), arrival.outcome) for arrival in own]
    types = {str(arrival.event["id"]): str(arrival.event["type"]) for arrival in own}
    ends: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for record in ended:
        whose = types.get(str(record.value.get("event_id"))) or f"the {record.value.get('profile')} profile"
        what = f"{record.value['action']} {record.value['category']}"
        ends[_day(record.at.isoformat()), what, whose].update(texts(record.value.get("clauses")))
    found += [
        Moment(day, what, f"of {whose} ({', '.join(sorted(clauses))})")
        for (day, what, whose), clauses in sorted(ends.items())
    ]
    return sorted(found, key=lambda moment: moment.at)


def _day(instant: object) -> str:
    return str(instant)[:10]
