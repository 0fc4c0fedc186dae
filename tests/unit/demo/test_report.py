"""The report counts what it is given, and nothing else."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pipeline.demo import Arrival, Report, build_report
from pipeline.demo.report import CarrierRow, ExpiryRow
from pipeline.demo.tables import document, holds, tables, verdict
from pipeline.demo.timelines import Moment


@dataclass(frozen=True)
class Record:
    """A record as the in-memory log hands it out."""

    topic: str
    value: dict[str, object]
    at: datetime = datetime(2010, 12, 1, 10, tzinfo=UTC)
    raw_key: bytes | None = None
    raw_value: bytes = field(default_factory=lambda: bytes(bytearray(1)))


def an_arrival(event_id: str, event_type: str, day: str = "2010-12-01", **data: object) -> Arrival:
    event = {
        "id": event_id,
        "type": event_type,
        "time": f"{day}T08:00:00Z",
        "controller": "tek-zence",
        "partitionkey": "subject-0001",
        "data": data,
    }
    return Arrival(event, "accepted")


def an_expiry(event_id: str | None, due: datetime, *, at: datetime | None = None, **more: object) -> Record:
    value: dict[str, object] = {
        "type": "expiry.due",
        "event_id": event_id,
        "data_subject": "digest-of-subject",
        "profile": None,
        "category": "delivery",
        "action": "erase",
        "rule": "deliver",
        "clauses": ["TEK-3.1"],
        "due_at": due.isoformat(),
    }
    return Record("tek-zence.expiry.v1", value | more, at=at or due)


ARRIVALS = [
    an_arrival("e-1", "purchase.completed", name="Jane Example", phone="+4477009", receipt="No 17", order_id="O-1"),
    an_arrival(
        "e-2", "delivery.ordered", name="Jane Example", phone="+4477009", email="jane@example.org", order_id="O-1"
    ),
    an_arrival("e-3", "delivery.completed", "2010-12-05", order_id="O-1"),
]
DELIVERED = datetime(2010, 12, 5, 8, tzinfo=UTC)
PROFILE_ENDS = datetime(2015, 12, 1, 23, tzinfo=UTC)
RECORDS = [
    Record("tek-zence.tagged.purchase.v1", {"tags": [{"category": "profile", "purpose": "follow-up"}] * 2}),
    Record("tek-zence.violation.v1", {"code": "unknown_field"}),
    Record("tek-zence.carrier.delivery.v1", {"name": "Jane Example", "phone": "+4477009"}, raw_value=b"Jane Example"),
    Record(
        "tek-zence.share-ledger.v1",
        {"recipient": "delivery", "event_id": "e-2", "data_subject": "digest-of-subject", "fields": ["name", "phone"]},
    ),
    Record("tek-zence.dead-letter.v1", {"code": "invalid_field"}),
    Record("tek-zence.review.v1", {"category": "delivery"}),
    Record("tek-zence.erase-instruction.delivery.v1", {"recipient": "delivery"}),
    an_expiry("e-2", DELIVERED),
    an_expiry("e-2", DELIVERED, type="expiry.scheduled"),
    an_expiry(None, PROFILE_ENDS, profile="customer", category="profile", clauses=["TEK-2.1"]),
]


def the_report(*more: Record) -> Report:
    return build_report(ARRIVALS, [*RECORDS, *more], frozenset({"name", "phone", "email", "receipt"}))


def test_events_tags_and_violations_are_counted() -> None:
    report = the_report()

    assert (report.events, report.outcomes) == (3, {("tek-zence", "accepted"): 3})
    assert report.event_types["tek-zence", "delivery.ordered"] == 1
    assert report.tags == {("tek-zence", "profile", "follow-up"): 2}
    assert report.reports == {("tek-zence", "unknown_field"): 1, ("tek-zence", "invalid_field"): 1}
    assert report.open_ended == {("tek-zence", "delivery"): 1}


def test_a_recipients_row_says_how_little_it_got() -> None:
    [row] = the_report().carriers

    assert row == CarrierRow(
        topic="tek-zence.carrier.delivery.v1",
        records=1,
        fields=("name", "phone"),
        size=12,
        offered_fields=3,
        given_fields=2,
        told_to_erase=1,
    )
    assert row.share_of_fields == 2 / 3


def test_a_share_without_a_ledger_has_no_ratio() -> None:
    report = the_report(Record("tek-zence.share.google.v1", {"name": "Jane Example", "email": None}))

    assert report.carriers[1].fields == ("name",)
    assert report.carriers[1].share_of_fields is None


def test_only_what_is_due_has_ended() -> None:
    report = the_report()

    assert [(row.year, row.category, row.count) for row in report.expiries] == [
        (2010, "delivery", 1),
        (2015, "profile", 1),
    ]
    assert report.expiries[0] == ExpiryRow(
        year=2010,
        controller="tek-zence",
        category="delivery",
        action="erase",
        rule="deliver",
        clauses=("TEK-3.1",),
        count=1,
    )


def test_an_expiry_that_comes_too_early_is_seen() -> None:
    early = an_expiry("e-2", DELIVERED, at=datetime(2010, 12, 5, 7, 59, tzinfo=UTC))

    assert the_report().early == 0
    assert the_report(early).early == 1
    assert not holds(the_report(early))


def test_a_leak_fails_the_run_and_is_named_without_its_value() -> None:
    report = the_report(
        Record("tek-zence.expiry.v1", {"type": "expiry.scheduled"}, raw_value=b"...jane@example.org...")
    )

    assert holds(the_report())
    assert not holds(report)
    assert "  leak: email in the value of tek-zence.expiry.v1, 1 times" in verdict(report)
    assert "jane@example.org" not in "\n".join(verdict(report))


def test_a_timeline_runs_from_the_first_event_to_the_end_of_the_profile() -> None:
    [line] = the_report().timelines

    assert (line.controller, line.subject) == ("tek-zence", "subject-0001")
    assert line.moments == (
        Moment("2010-12-01", "purchase.completed", "accepted"),
        Moment("2010-12-01", "delivery.ordered", "accepted"),
        Moment("2010-12-05", "delivery.completed", "accepted"),
        Moment("2010-12-05", "erase delivery", "of delivery.ordered (TEK-3.1)"),
        Moment("2015-12-01", "erase profile", "of the customer profile (TEK-2.1)"),
    )


def test_a_timeline_is_made_for_three_subjects_at_most() -> None:
    arrivals = [
        Arrival({**ARRIVALS[0].event, "controller": name, "id": name}, "accepted") for name in ("a", "b", "c", "d", "e")
    ]

    assert len(build_report(arrivals, [], frozenset()).timelines) == 3


def test_tables_show_years_as_columns_and_sum_the_outcomes() -> None:
    found = {table.title: table for table in tables(the_report())}

    ended = found["What ended, when and why"]
    assert ended.columns == ("controller", "category", "action", "2010", "2015", "clauses")
    assert ended.rows == (
        ("tek-zence", "delivery", "erase", "1", "", "TEK-3.1"),
        ("tek-zence", "profile", "erase", "", "1", "TEK-2.1"),
    )
    assert found["Events in, and what became of them"].rows == (("tek-zence", "3", "3"), ("all", "3", "3"))
    assert found["What each recipient got"].rows[0][-2:] == ("67%", "1")


def test_the_document_is_json_and_names_its_version() -> None:
    written = json.loads(json.dumps(document(the_report())))

    assert written["schema_version"] == 1
    assert written["leaks"]["found"] == 0
    assert written["expiries"][0]["clauses"] == ["TEK-3.1"]
    assert written["carriers"][0]["share_of_fields"] == 2 / 3
