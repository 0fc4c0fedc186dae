"""Deadlines, fees and what a request needs, as a notice states them; mistakes in the section are told."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from pipeline.domain.calendar import Period, zone
from pipeline.domain.errors import PolicyError
from pipeline.domain.facts import Fact, FactLog
from pipeline.domain.vocabulary import Right
from pipeline.policy.compile import compile_policies
from pipeline.policy.rights import EVENTS, REQUESTS, RightRule
from pipeline.policy.source_file import SourceFile
from tests.unit.policy.policy_stories import acme_file, event_names

LONDON = zone("Europe/London")


def _request(time: str, identity: str = "r", **attributes: str) -> Fact:
    at = datetime.fromisoformat(time).astimezone(UTC)
    return Fact(at=at, type="access.requested", event_id=identity, attributes=tuple(attributes.items()))


def test_a_notice_that_states_no_time_gives_no_deadline() -> None:
    rule = RightRule(right=Right.ACCESS, clauses=("C-1",))

    assert rule.answer_by(datetime(2024, 1, 1, tzinfo=UTC), LONDON) is None
    assert rule.fee_of(_request("2024-01-01T00:00:00Z"), FactLog(), LONDON) is None


@pytest.mark.parametrize(
    ("received", "plain", "rolled"),
    [
        ("2024-08-31T23:30:00Z", date(2024, 10, 1), date(2024, 10, 1)),
        ("2024-11-25T12:00:00Z", date(2024, 12, 25), date(2024, 12, 27)),
        ("2024-05-01T12:00:00Z", date(2024, 6, 1), date(2024, 6, 3)),
        ("2024-05-02T12:00:00Z", date(2024, 6, 2), date(2024, 6, 3)),
    ],
)
def test_a_deadline_is_a_calendar_month_and_rolls_only_with_a_calendar(
    received: str, plain: date, rolled: date
) -> None:
    at = datetime.fromisoformat(received)
    month = Period.parse("P1M")
    holidays = frozenset({date(2024, 12, 25), date(2024, 12, 26)})

    assert RightRule(right=Right.ACCESS, clauses=(), answer_within=month).answer_by(at, LONDON) == plain
    calendar = RightRule(right=Right.ACCESS, clauses=(), answer_within=month, holidays=holidays)
    assert calendar.answer_by(at, LONDON) == rolled


def test_only_requests_that_count_use_up_what_is_free() -> None:
    rule = RightRule(right=Right.ACCESS, clauses=(), fee=True, free_per_year=1, needs=("signed",), until_then="wait")
    log = FactLog()
    log.add(_request("2024-02-01T00:00:00Z", "unsigned", signed="false"))
    asked = _request("2024-03-01T00:00:00Z", signed="true")

    assert rule.fee_of(asked, log, LONDON) == "free"
    log.add(_request("2024-02-02T00:00:00Z", "signed", signed="true"))
    assert rule.fee_of(asked, log, LONDON) == "may-charge"
    assert rule.fee_of(_request("2024-03-01T00:00:00Z"), log, LONDON) is None


def test_every_right_is_asked_for_by_one_event_of_the_catalogue() -> None:
    assert set(EVENTS) == set(Right)
    assert set(REQUESTS) <= event_names()


def _with_rights(rights: dict[str, Any]) -> None:
    source = acme_file("acme.yaml")
    assert isinstance(source.data, dict)
    changed = SourceFile(name="acme.yaml", data={**source.data, "rights": rights}, lines=source.lines)
    compile_policies([changed], [acme_file("acme-values.yaml")], events=event_names())


@pytest.mark.parametrize(
    ("right", "says"),
    [
        ({"answer_within": "soon"}, "not an ISO 8601 period"),
        ({"needs": "signed"}, "needs goes with until_then"),
        ({"until_then": "waiting"}, "needs goes with until_then"),
        ({"needs": "colour", "until_then": "waiting"}, "there is no attribute colour"),
        ({"fee": "dear"}, "rights.access.fee"),
        ({"fee": {"free": 0, "per": "calendar-year", "then": "may-charge"}}, "rights.access.fee"),
    ],
)
def test_a_mistake_in_a_right_is_told(right: dict[str, Any], says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        _with_rights({"access": {"clauses": ["ACME-8"], **right}})


@pytest.mark.parametrize(
    ("right", "says"),
    [
        ({"access": {"defers_deletion_for": "legal-claims"}}, "only a restriction defers deletion"),
        ({"erasure": {"exceptions": [{"stays": True}]}}, "only objection and consent-withdrawal have exceptions"),
        ({"objection": {"exceptions": [{"purposes": "sale"}]}}, "stays: true, or defer_while"),
        ({"objection": {"exceptions": [{"purposes": "none", "stays": True}]}}, "there is no purpose none"),
    ],
)
def test_what_belongs_to_another_right_is_told(right: dict[str, Any], says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        _with_rights({name: {"clauses": ["ACME-8"], **one} for name, one in right.items()})


def test_a_right_that_does_not_exist_is_told() -> None:
    with pytest.raises(PolicyError, match="rights"):
        _with_rights({"forgetting": {"clauses": ["ACME-8"]}})
