"""Let events arrive, then let years pass: drives any pipeline that takes an event and can move its clock."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Protocol

from pipeline.demo.observed import Arrival, Emission
from pipeline.domain.calendar import Period, add

Event = Mapping[str, object]

BATCH = 200
LAPSE = Period.parse("P10Y")


class Driver(Protocol):
    """A running pipeline under a clock that the demonstration moves."""

    @property
    def emitted(self) -> Sequence[Emission]:
        """Return everything that came out so far, in order."""
        ...

    def pipe_all(self, events: Sequence[Mapping[str, object]]) -> Sequence[object]:
        """Let events arrive together, the clock ends at the last; return the outcome of each."""
        ...

    def advance_to(self, instant: datetime) -> None:
        """Let time pass up to an instant."""
        ...


@dataclass(frozen=True, slots=True)
class Steps:
    """What will happen: batches of events, then months."""

    batches: tuple[tuple[Event, ...], ...]
    months: tuple[datetime, ...]

    @property
    def events(self) -> int:
        """Return how many events there are."""
        return sum(len(batch) for batch in self.batches)


def plan(events: Sequence[Event], topic: Callable[[Event], object]) -> Steps:
    """Return the events in batches, and the months from the last of them to ten years after the first.

    Args:
        events: CloudEvents in order of time.
        topic: Says where an event goes.

    Raises:
        IndexError: there are no events.
        ValueError: one has no time.
    """
    first, last = _time(events[0]).date(), _time(events[-1]).date()
    end = max(add(first, LAPSE), add(last, Period(months=1)))
    count = 12 * (end.year - last.year) + end.month - last.month
    days = {min(add(last, Period(months=n)), end) for n in range(1, count + 1)} | {end}
    return Steps(
        batches=tuple(_batches(events, topic)), months=tuple(datetime.combine(day, time(), UTC) for day in sorted(days))
    )


def _batches(events: Sequence[Event], topic: Callable[[Event], object]) -> Iterator[tuple[Event, ...]]:
    """Yield events that may share a transaction without a trace in the report.

    They are of one day, and no two of them are about the same subject on different topics: Kafka promises no order
    between topics.
    """
    batch: list[Event] = []
    places: dict[object, object] = {}
    for event in events:
        subject, place = (event["controller"], event["partitionkey"]), topic(event)
        another_day = batch and _time(event).date() != _time(batch[0]).date()
        if another_day or len(batch) == BATCH or places.get(subject, place) != place:
            yield tuple(batch)
            batch, places = [], {}
        batch.append(event)
        places[subject] = place
    yield tuple(batch)


def _time(event: Event) -> datetime:
    return datetime.fromisoformat(str(event["time"])).astimezone(UTC)


def run(driver: Driver, steps: Steps, tell: Callable[[str, int], None]) -> list[Arrival]:
    """Let every event arrive and all the months pass; return the events with their outcomes.

    Args:
        driver: Where the events go.
        steps: What `plan` returned for them.
        tell: Called after each step with its name and how many steps it was.
    """
    arrivals = []
    for batch in steps.batches:
        outcomes = driver.pipe_all(batch)
        arrivals += [Arrival(event, str(outcome)) for event, outcome in zip(batch, outcomes, strict=True)]
        tell("events", len(batch))
    for instant in steps.months:
        driver.advance_to(instant)
        tell(str(instant.year), 1)
    return arrivals
