"""An explicit order moves what one policy version decided to another: at once, retroactively, each obligation once."""

from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.bootstrap.simulation import Simulation, open_simulation
from pipeline.policy.retags import order
from tests.topology.hard_cases import event
from tests.topology.stories import due, instant, values
from tests.topology.version_stories import FIRST, SECOND, write

SAME_RULES = SECOND | {"letters": FIRST["letters"], "sale": FIRST["sale"]}
ORDERED = instant("2024-07-01T12:00:00Z")


def _letter(name: str, time: str) -> dict[str, object]:
    return event(name, "contact.email", time, "tek-zence", "s-1", email_message="hello")


def _sale(name: str, time: str) -> dict[str, object]:
    return event(name, "purchase.completed", time, "tek-zence", "s-1", name="Jane", phone="1")


def _delivery(kind: str, time: str) -> dict[str, object]:
    address = {"street": "1", "postcode": "1", "city": "C", "country": "N"}
    return event(kind, kind, time, "tek-zence", "s-1", order_id="o-1", name="Jane", phone="1", address=address)


def _opened(tmp_path: Path, **second: str) -> Simulation:
    return open_simulation(write(tmp_path / "policies", FIRST, SAME_RULES | second))


def _retag(pipeline: Simulation, *rules: str) -> None:
    pipeline.advance_to(ORDERED)
    book = pipeline.parts.book
    pipeline.govern(book.with_retag(order("tek-zence", "1", "2", rules, ORDERED)))


def _said(pipeline: Simulation, kind: str) -> list[tuple[str, str, str]]:
    return [
        (v["event_id"] or v["profile"], v["policy_version"], v["due_at"].isoformat())
        for v in values(pipeline, "tek-zence.expiry.v1")
        if v["type"] == kind
    ]


def test_what_would_have_ended_ends_at_the_order_and_the_rest_by_the_new_version(tmp_path: Path) -> None:
    """Kept for a year under the first version, for a month under the second (architecture 8.6)."""
    pipeline = _opened(tmp_path)
    pipeline.pipe(_letter("long-ago", "2024-02-01T10:00:00Z"))
    pipeline.pipe(_letter("lately", "2024-05-31T20:00:00Z"))
    before = len(pipeline.emitted)

    _retag(pipeline)
    pipeline.advance_to(instant("2030-01-01T00:00:00Z"))

    told = pipeline.emitted[before:]
    assert {one.topic for one in told} == {"tek-zence.expiry.v1"}
    assert _said(pipeline, "expiry.cancelled") == [
        ("lately", "1", "2025-05-31T22:00:00+00:00"), ("long-ago", "1", "2025-02-01T23:00:00+00:00"),
    ]  # fmt: skip
    assert _said(pipeline, "expiry.due") == [
        ("lately", "2", "2024-07-01T12:00:00+00:00"), ("long-ago", "2", "2024-07-01T12:00:00+00:00"),
    ]  # fmt: skip
    assert {one.at for one in told} == {ORDERED}


def test_a_moved_expiry_has_an_id_of_its_own_and_its_dates_are_the_new_versions(tmp_path: Path) -> None:
    """Architecture 8.1: a new generation, counted from the first revision."""
    pipeline = _opened(tmp_path, period="P6M")
    pipeline.pipe(_letter("l", "2024-05-01T10:00:00Z"))
    _retag(pipeline)
    pipeline.advance_to(instant("2030-01-01T00:00:00Z"))

    scheduled, cancelled, again, fired = values(pipeline, "tek-zence.expiry.v1")
    assert scheduled["expiry_id"] == cancelled["expiry_id"] != again["expiry_id"] == fired["expiry_id"]
    assert (fired["kept_until"], fired["revision"], fired["policy_version"]) == ("2024-11-01", 1, "2")
    assert fired["fields_released"] == ["email_message"]


def test_an_order_for_one_rule_leaves_the_others_alone(tmp_path: Path) -> None:
    pipeline = _opened(tmp_path, period="P6M")
    pipeline.pipe(_letter("l", "2024-05-01T10:00:00Z"))
    pipeline.pipe(_sale("p", "2024-05-01T10:00:00Z"))
    _retag(pipeline, "letters")
    pipeline.advance_to(instant("2030-01-01T00:00:00Z"))

    assert _said(pipeline, "expiry.due") == [
        ("l", "2", "2024-11-01T23:00:00+00:00"), ("customer", "1", "2025-05-01T22:00:00+00:00"),
    ]  # fmt: skip


def test_a_profile_moves_with_what_feeds_it_and_its_next_life_is_another_one(tmp_path: Path) -> None:
    pipeline = _opened(tmp_path)
    pipeline.pipe(_sale("p-1", "2024-05-01T10:00:00Z"))
    _retag(pipeline)
    pipeline.advance_to(instant("2025-01-01T00:00:00Z"))
    pipeline.pipe(_sale("p-2", "2025-01-01T10:00:00Z"))
    pipeline.advance_to(instant("2030-01-01T00:00:00Z"))

    assert due(pipeline, "tek-zence") == [
        ("contact", "care", "erase", "2024-08-01T22:00:00Z"), ("contact", "care", "erase", "2025-04-01T22:00:00Z"),
    ]  # fmt: skip
    ids = [v["expiry_id"] for v in values(pipeline, "tek-zence.expiry.v1") if v["type"] == "expiry.due"]
    assert len(set(ids)) == 2


def test_what_comes_later_from_before_is_moved_as_well(tmp_path: Path) -> None:
    """A record of the first version's time that arrives after the order, and one more support of a moved profile."""
    pipeline = _opened(tmp_path)
    pipeline.pipe(_sale("p-1", "2024-05-20T10:00:00Z"))
    _retag(pipeline)
    for late in (_letter("l", "2024-05-31T10:00:00Z"), _sale("p-2", "2024-05-31T10:00:00Z")):
        pipeline.pipe({**late, "ingesttime": "2024-07-02T10:00:00Z"})
    pipeline.advance_to(instant("2030-01-01T00:00:00Z"))

    assert [(who, version) for who, version, _at in _said(pipeline, "expiry.due")] == [("l", "2"), ("customer", "2")]
    assert due(pipeline, "tek-zence")[-1] == ("contact", "care", "erase", "2024-08-31T22:00:00Z")


def test_what_the_new_version_decides_itself_is_left_alone(tmp_path: Path) -> None:
    pipeline = _opened(tmp_path)
    _retag(pipeline)
    pipeline.pipe(_letter("l", "2024-07-02T10:00:00Z"))

    [told] = values(pipeline, "tek-zence.expiry.v1")
    assert (told["type"], told["policy_version"], told["kept_until"]) == ("expiry.scheduled", "2", "2024-08-02")


def test_what_the_other_version_has_no_rule_for_stays_where_it_is(tmp_path: Path) -> None:
    """To drop a promise without a word is no retag; the dry run names what stays."""
    pipeline = open_simulation(write(tmp_path / "policies", FIRST, SECOND))
    pipeline.pipe(_letter("l", "2024-05-01T10:00:00Z"))
    pipeline.pipe(_sale("p", "2024-05-01T10:00:00Z"))
    _retag(pipeline)
    pipeline.advance_to(instant("2030-01-01T00:00:00Z"))

    assert {version for _who, version, _at in _said(pipeline, "expiry.due")} == {"1"}


def test_a_share_moves_to_when_the_other_version_has_it_erased(tmp_path: Path) -> None:
    pipeline = _opened(tmp_path)
    pipeline.pipe(_delivery("delivery.ordered", "2024-05-01T10:00:00Z"))
    _retag(pipeline)
    pipeline.pipe(_delivery("delivery.completed", "2024-07-02T10:00:00Z"))

    [told] = values(pipeline, "tek-zence.erase-instruction.delivery.v1")
    assert (told["policy_version"], told["due_at"]) == ("2", instant("2024-07-02T10:00:00Z"))


@pytest.mark.parametrize("often", [1, 2])
def test_an_order_can_be_followed_by_another_and_repeating_the_book_changes_nothing(tmp_path: Path, often: int) -> None:
    third = SAME_RULES | {"version": "3", "effective": "2024-06-15T00:00:00+02:00", "period": "P2Y"}
    pipeline = open_simulation(write(tmp_path / "policies", FIRST, SAME_RULES | {"period": "P6M"}, third))
    pipeline.pipe(_letter("l", "2024-05-01T10:00:00Z"))
    _retag(pipeline)
    both = pipeline.parts.book.with_retag(order("tek-zence", "1", "2", (), ORDERED)).with_retag(
        order("tek-zence", "2", "3", (), ORDERED + timedelta(hours=1))
    )
    for _ in range(often):
        pipeline.govern(both)
    pipeline.advance_to(instant("2030-01-01T00:00:00Z"))

    assert _said(pipeline, "expiry.due") == [("l", "3", "2026-05-01T22:00:00+00:00")]
    assert len(_said(pipeline, "expiry.cancelled")) == 2
