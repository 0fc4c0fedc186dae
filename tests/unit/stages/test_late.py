"""What comes too late is reported once and undoes nothing; what is merely new is not called late."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.stages.expire_run import LINGER
from tests.unit.stages.test_expire import DAY, HOLD, SUBJECT, T0, Schedule, fact, obligation

CASE = {"kind": "case", "digest": "c"}
OF_CASE = [SUBJECT, CASE]


def _of_case(identity: str, *rules: str, **more: Any) -> dict[str, Any]:
    return obligation(identity, *rules, refs=[*OF_CASE, {"kind": "record", "digest": identity}], **more)


def _late(schedule: Schedule) -> list[dict[str, Any]]:
    return [value for topic, value in schedule.out if topic == "shop.violation.v1"]


def _classed(at: datetime, matter: str = "complaint", identity: str = "f") -> dict[str, Any]:
    return {**fact("case.reclassified", at, *OF_CASE, identity=identity), "attributes": {"matter": matter}}


def test_a_fact_that_would_have_prolonged_what_ended_before_it_is_reported() -> None:
    """H08: the end stands, and somebody is told."""
    schedule = Schedule()
    schedule.take(_of_case("a", "classed"))
    schedule.wake(T0 + 8 * DAY)

    schedule.take(_classed(T0 + 10 * DAY), now=T0 + 10 * DAY)
    schedule.wake(T0 + 99 * DAY)

    [report] = _late(schedule)
    assert report == {
        **report,
        "code": "late_event",
        "event_id": "case.reclassified-f",
        "event_type": "case.reclassified",
        "outcome": "accepted",
        "record": "a",
        "rule": "classed",
        "clauses": ["C-1"],
        "fields": ["name", "classed"],
        "due_at": T0 + 8 * DAY,
        "in_time_due_at": T0 + 31 * DAY,
        "at": T0 + 10 * DAY,
    }
    assert schedule.said() == [("classed", T0 + 8 * DAY)]


def test_a_fact_is_late_from_the_very_instant_of_the_end() -> None:
    """Also where the end has not been said yet, since the lane is behind."""
    schedule = Schedule()

    schedule.take(_of_case("a", "classed"), _classed(T0 + 8 * DAY), now=T0 + 8 * DAY)
    schedule.wake(T0 + 8 * DAY)

    assert [report["due_at"] for report in _late(schedule)] == [T0 + 8 * DAY]
    assert schedule.said() == [("classed", T0 + 8 * DAY)]


def test_a_re_sent_late_fact_is_reported_once() -> None:
    schedule = Schedule()
    schedule.take(_of_case("a", "classed"))
    schedule.wake(T0 + 8 * DAY)

    schedule.take(_classed(T0 + 10 * DAY), _classed(T0 + 10 * DAY), now=T0 + 10 * DAY)

    assert len(_late(schedule)) == 1


def test_a_fact_that_happened_in_time_and_arrives_after_the_end_is_reported() -> None:
    """Architecture 9.4: whatever it would have moved, here a hold of the whole person that nobody knew of."""
    schedule = Schedule()
    schedule.take(obligation("a", "week"))
    schedule.wake(T0 + 8 * DAY)

    schedule.take(fact("hold.opened", T0 + 2 * DAY, SUBJECT, HOLD), now=T0 + 9 * DAY)

    [report] = _late(schedule)
    assert (report["due_at"], report["in_time_due_at"]) == (T0 + 8 * DAY, None)
    assert report["message"].endswith("in time it would have been open")


def test_an_end_that_should_have_come_earlier_is_reported_too() -> None:
    schedule = Schedule()
    schedule.take(obligation("a", "hidden"), fact("opt_out", T0 + 5 * DAY), now=T0 + 5 * DAY)
    schedule.wake(T0 + 5 * DAY)

    schedule.take(fact("opt_out", T0 + 4 * DAY, identity="earlier"), now=T0 + 6 * DAY)

    assert [report["in_time_due_at"] for report in _late(schedule)] == [T0 + 4 * DAY]
    assert schedule.said() == [("hidden", T0 + 5 * DAY)]


def test_a_later_repetition_of_what_ended_something_is_not_late() -> None:
    schedule = Schedule()
    schedule.take(obligation("a", "hidden"), fact("opt_out", T0 + 5 * DAY), now=T0 + 5 * DAY)
    schedule.wake(T0 + 5 * DAY)

    schedule.take(fact("opt_out", T0 + 6 * DAY, identity="again"), now=T0 + 6 * DAY)

    assert _late(schedule) == []


def test_a_hold_on_what_is_gone_is_reported_and_one_on_the_person_is_not() -> None:
    """Who asks to keep this very record must hear that it is gone; a hold of the person keeps what there is."""
    schedule = Schedule()
    schedule.take(obligation("a", "week"))
    schedule.wake(T0 + 8 * DAY)

    schedule.take(fact("hold.opened", T0 + 9 * DAY, SUBJECT, HOLD, identity="person"), now=T0 + 9 * DAY)
    assert _late(schedule) == []

    schedule.take(
        fact("hold.opened", T0 + 9 * DAY, {"kind": "record", "digest": "a"}, {"kind": "hold", "digest": "h2"}),
        now=T0 + 9 * DAY,
    )
    assert [report["record"] for report in _late(schedule)] == ["a"]


def test_a_new_matter_of_the_same_person_is_not_late() -> None:
    """It would have prolonged what ended before it began, and yet it is about something else."""
    schedule = Schedule()
    schedule.take(obligation("a", "active"))
    schedule.wake(T0 + 8 * DAY)

    schedule.take(fact("case.opened", T0 + 9 * DAY, *OF_CASE), fact("opt_out", T0 + 9 * DAY), now=T0 + 9 * DAY)

    assert _late(schedule) == []


def test_a_tag_that_lives_on_is_moved_while_another_of_the_record_is_reported() -> None:
    schedule = Schedule()
    schedule.take(_of_case("a", "classed", "forever"))
    schedule.wake(T0 + 8 * DAY)

    schedule.take(_classed(T0 + 10 * DAY), now=T0 + 10 * DAY)
    schedule.take(fact("opt_out", T0 + 11 * DAY), now=T0 + 11 * DAY)
    schedule.wake(T0 + 11 * DAY)

    assert [report["rule"] for report in _late(schedule)] == ["classed"]
    assert schedule.said() == [("classed", T0 + 8 * DAY), ("forever", T0 + 11 * DAY)]


def test_what_ended_is_forgotten_after_a_while_and_its_facts_with_it() -> None:
    schedule = Schedule()
    schedule.take(_of_case("a", "classed"), _classed(T0 + DAY, "other"))
    schedule.wake(T0 + 8 * DAY)

    schedule.wake(T0 + 8 * DAY + LINGER)
    assert [key for key, _value in schedule.state.scan(b"p|", b"p~")]

    schedule.wake(T0 + 8 * DAY + LINGER + DAY)
    assert [key for key, _value in schedule.state.scan(b"", b"\xff")] == [b"v|1"]


def test_who_would_have_listened_is_known_again_after_a_restore() -> None:
    """The index is derived, so it is not in the changelog."""
    schedule = Schedule()
    schedule.take(_of_case("a", "classed"))
    schedule.wake(T0 + 8 * DAY)
    stored = list(schedule.state.scan(b"p|", b"p~"))

    derived = {change.key: change.value for key, value in stored for change in schedule.stage.derive(key, value)}

    assert derived == dict(schedule.state.scan(b"q|", b"q~"))
    assert len(derived) == 3
    assert schedule.stage.derive(stored[0][0], None) == []


def test_a_profile_that_ended_is_told_by_its_last_support() -> None:
    schedule = Schedule()
    schedule.take(obligation("a", "rolling", kind="profile", profile="only"))
    schedule.wake(T0 + 8 * DAY)

    schedule.take(fact("hold.opened", T0 + 2 * DAY, SUBJECT, HOLD), now=T0 + 9 * DAY)

    assert [(report["record"], report["rule"]) for report in _late(schedule)] == [("a", "only")]
    assert _late(schedule)[0]["at"] == datetime(2024, 1, 10, tzinfo=UTC)


def test_two_reports_of_one_fact_have_ids_of_their_own() -> None:
    schedule = Schedule()
    schedule.take(_of_case("a", "classed"), _of_case("b", "classed"))
    schedule.wake(T0 + 8 * DAY)

    schedule.take(_classed(T0 + 8 * DAY + timedelta(hours=1)), now=T0 + 9 * DAY)

    assert len({report["violation_id"] for report in _late(schedule)}) == 2
