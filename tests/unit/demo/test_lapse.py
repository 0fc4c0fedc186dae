"""Events arrive, then years pass."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from pipeline.demo.lapse import plan, run
from pipeline.demo.observed import Emission


class Recorder:
    """A pipeline that notes what it is told."""

    def __init__(self) -> None:
        self.emitted: list[Emission] = []
        self.told: list[object] = []

    def pipe_all(self, events: Sequence[Mapping[str, object]]) -> Sequence[object]:
        self.told.append([event["id"] for event in events])
        return ["accepted"] * len(events)

    def advance_to(self, instant: datetime) -> None:
        self.told.append(instant)


def an_event(event_id: str, time: str) -> dict[str, object]:
    return {"id": event_id, "time": time, "type": "opt_in", "controller": "allcall", "partitionkey": "s"}


def test_months_run_from_the_last_event_to_ten_years_after_the_first() -> None:
    steps = plan([an_event("1", "2010-12-31T08:00:00Z"), an_event("2", "2011-01-31T08:00:00+01:00")], str)

    assert steps.events == 2
    assert steps.months[:2] == (datetime(2011, 2, 28, tzinfo=UTC), datetime(2011, 3, 31, tzinfo=UTC))
    assert steps.months[-1] == datetime(2020, 12, 31, tzinfo=UTC)
    assert len(steps.months) == 119


def test_a_story_of_more_than_ten_years_still_ends_after_its_last_event() -> None:
    steps = plan([an_event("1", "2000-01-01T00:00:00Z"), an_event("2", "2024-05-31T00:00:00Z")], str)

    assert steps.months == (datetime(2024, 6, 30, tzinfo=UTC),)


def test_no_events_make_no_plan() -> None:
    with pytest.raises(IndexError):
        plan([], str)


def test_every_event_arrives_before_any_month_passes() -> None:
    events = [an_event("1", "2010-12-01T08:00:00Z"), an_event("2", "2010-12-02T08:00:00Z")]
    driver, told = Recorder(), list[tuple[str, int]]()
    steps = plan(events, str)

    arrivals = run(driver, steps, lambda *what: told.append(what))

    assert [arrival.outcome for arrival in arrivals] == ["accepted", "accepted"]
    assert driver.told == [["1"], ["2"], *steps.months]
    assert told == [("events", 1), ("events", 1), *((str(month.year), 1) for month in steps.months)]


def test_events_of_a_day_arrive_together() -> None:
    times = ("01T08:00", "01T23:59", "02T00:00", "03T12:00", "03T12:00")
    steps = plan([an_event(time, f"2010-12-{time}:00Z") for time in times], lambda _: "purchase")

    assert [len(batch) for batch in steps.batches] == [2, 1, 2]
    assert steps.events == 5


def test_what_happens_to_one_subject_on_two_topics_does_not_arrive_together() -> None:
    """Kafka promises no order between topics; a case must be open before something is done in it."""
    events = [an_event(str(n), "2010-12-01T08:00:00Z") | {"partitionkey": key} for n, key in enumerate("aabbab")]
    topics = ["purchase", "purchase", "contact", "contact", "contact", "purchase"]

    steps = plan(events, lambda event: topics[int(str(event["id"]))])

    assert [[event["id"] for event in batch] for batch in steps.batches] == [["0", "1", "2", "3"], ["4", "5"]]


def test_a_batch_has_two_hundred_events_at_most() -> None:
    steps = plan([an_event(str(number), "2010-12-01T08:00:00Z") for number in range(401)], lambda _: "purchase")

    assert [len(batch) for batch in steps.batches] == [200, 200, 1]
