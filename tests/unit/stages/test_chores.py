"""Lists and counts are made bit by bit, once, whatever comes between; what was bought is forgotten with its profile."""

from collections.abc import Iterable
from typing import Any

import pytest

from pipeline.stages import bought
from tests.unit.stages.tag_stories import Lane

DRAW = "2025-06-02T08:00:00+00:00"
RECALL = "2024-06-01T10:00:00+00:00"


def _customers(number: int) -> Lane:
    lane = Lane("allcall")
    for one in range(number):
        lane.take("purchase.completed", "2025-05-10T10:00:00+00:00", f"s-{one}", context="web", payment="card")
    return lane


def _finish(lane: Lane, limit: int, *, restarting: bool = False) -> int:
    steps = 0
    while lane.wake(DRAW, limit).next_wake is not None:
        steps += 1
        if restarting:
            lane.restart()
    return steps + 1


def _subjects(parts: Iterable[dict[str, Any]]) -> set[str]:
    return {one["data_subject"] for part in parts for one in part["subjects"]}


def test_the_batch_that_asks_for_a_list_makes_none_of_it_and_wants_to_be_woken_at_once() -> None:
    lane = _customers(3)

    output = lane.take("survey.draw.requested", DRAW, month="2025-05", quota=2)

    assert not lane.values("survey-frame")
    assert output.next_wake is not None
    assert output.next_wake.isoformat() == DRAW


@pytest.mark.parametrize("limit", [1, 3, 7, 1000])
def test_a_frame_is_the_same_in_however_many_steps_and_restarts_it_is_drawn(limit: int) -> None:
    whole, parted = _customers(20), _customers(20)
    for lane in (whole, parted):
        lane.take("survey.draw.requested", DRAW, month="2025-05", quota=6)

    _finish(whole, 1000)
    _finish(parted, limit, restarting=True)

    parts = parted.values("survey-frame")
    assert _subjects(parts) == _subjects(whole.values("survey-frame"))
    assert sum(len(part["subjects"]) for part in parts) == 6
    assert all(len(part["subjects"]) <= limit for part in parts)
    assert [part["chunk"] for part in parts] == list(range(len(parts)))
    assert [part["last"] for part in parts] == [*([False] * (len(parts) - 1)), True]
    assert not parted.keys("list|")
    assert not parted.keys("lot|")


def test_a_frame_has_the_lowest_lots_of_all() -> None:
    everybody, some = _customers(12), _customers(12)
    everybody.take("survey.draw.requested", DRAW, month="2025-05", quota=100)
    some.take("survey.draw.requested", DRAW, month="2025-05", quota=4)

    for lane in (everybody, some):
        _finish(lane, 5)

    lots = sorted(one["lot"] for part in everybody.values("survey-frame") for one in part["subjects"])
    drawn = sorted(one["lot"] for part in some.values("survey-frame") for one in part["subjects"])
    assert drawn == lots[:4]


def test_other_draws_draw_others() -> None:
    lane = _customers(20)
    for time in (DRAW, "2025-06-03T08:00:00+00:00"):
        lane.take("survey.draw.requested", time, month="2025-05", quota=5)
    _finish(lane, 1000)

    first, second = lane.values("survey-frame")
    assert first["request_id"] != second["request_id"]
    assert _subjects([first]) != _subjects([second])


def test_a_long_recall_list_comes_in_parts_of_bounded_length() -> None:
    lane = Lane("tek-zence")
    for one in range(7):
        lane.take("purchase.completed", "2024-03-01T10:00:00+00:00", f"s-{one}", products=["washer"], name="n")
    lane.take("purchase.completed", "2024-03-01T10:00:00+00:00", "other", products=["oven"], name="n")

    lane.take("recall.issued", RECALL, products=["washer"])
    while (output := lane.wake(RECALL, 3)).next_wake is not None and output.next_wake.isoformat() == RECALL:
        lane.restart()

    parts = lane.values("recall-list")
    assert sum(len(part["subjects"]) for part in parts) == 7
    assert len(_subjects(parts)) == 7
    assert all(len(part["subjects"]) <= 3 for part in parts)
    assert [part["last"] for part in parts].count(True) == 1


def test_a_step_that_finds_nobody_says_nothing_until_the_last() -> None:
    lane = Lane("tek-zence")
    for one in range(4):
        lane.take("purchase.completed", "2024-03-01T10:00:00+00:00", f"s-{one}", products=["oven"], name="n")
    lane.take("recall.issued", RECALL, products=["washer"])
    for _ in range(3):
        lane.wake(RECALL, 2)

    [part] = lane.values("recall-list")
    assert (part["subjects"], part["last"]) == ([], True)


def test_no_product_id_is_in_the_state_and_nobody_is_filed_under_a_product() -> None:
    """TEK-2.4: keyed hashes, under the subject's reference only."""
    lane = Lane("tek-zence")
    lane.take("purchase.completed", "2024-03-01T10:00:00+00:00", "s-1", products=["washer-4711"], name="n")

    entries = [*lane.state.scan(b"", b"~")]
    assert len(lane.keys("bought|subject:")) == 1
    assert not any(b"washer" in key + value for key, value in entries)


def test_what_was_bought_is_forgotten_with_the_profile() -> None:
    """TEK-2.1: five years after the purchase, unless there is a later one."""
    lane = Lane("tek-zence")
    for key, time in (("a", "2020-03-01T10:00:00+00:00"), ("b", "2020-03-01T10:00:00+00:00"),
                      ("b", "2022-03-01T10:00:00+00:00")):  # fmt: skip
        lane.take("purchase.completed", time, key, products=["washer"], name="n")

    woken = lane.wake("2020-03-02T00:00:00+00:00", 10)
    assert woken.next_wake is not None
    assert len(lane.keys("bought|")) == 2
    lane.wake(woken.next_wake.isoformat(), 10)
    assert len(lane.keys("bought|")) == 1
    again = lane.wake(woken.next_wake.isoformat(), 10).next_wake
    assert again is not None
    assert again.isoformat() == "2027-03-02T00:00:00+00:00"
    lane.wake(again.isoformat(), 10)
    assert not lane.keys("bought|")
    assert not lane.keys("look|")


def test_a_profile_without_a_known_end_is_looked_at_again_in_a_month() -> None:
    """R-TEK-2: an open service agreement keeps the profile, and the end is not known before it closes."""
    lane = Lane("tek-zence")
    lane.take("service_agreement.opened", "2020-02-01T10:00:00+00:00", "a")
    lane.take("purchase.completed", "2020-03-01T10:00:00+00:00", "a", products=["washer"], name="n")

    [note] = lane.keys("look|")
    assert note.startswith("look|2020-03-31|")


def test_what_was_bought_before_an_erasure_is_forgotten_and_what_came_after_is_not() -> None:
    """TEK-2.3, also for what arrives late."""
    lane = Lane("tek-zence")
    lane.take("purchase.completed", "2024-03-01T10:00:00+00:00", "a", products=["washer"], name="n")
    lane.take("erasure.requested", "2024-04-01T10:00:00+00:00", "a")
    assert not lane.keys("bought|")
    lane.take("purchase.completed", "2024-02-01T10:00:00+00:00", "a", products=["oven"], name="n")
    assert not lane.keys("bought|")
    lane.take("purchase.completed", "2024-05-01T10:00:00+00:00", "a", products=["hose"], name="n")
    assert len(lane.keys("bought|")) == 1
    lane.wake("2024-05-02T00:00:00+00:00", 10)

    assert len(lane.keys("look|")) == 2
    lane.wake("2029-03-04T00:00:00+00:00", 10)
    assert len(lane.keys("look|")) == 1


def test_an_overtaken_erasure_forgets_what_is_older_than_it_only() -> None:
    lane = Lane("tek-zence")
    for time, product in (("2024-03-01T10:00:00+00:00", "washer"), ("2024-05-01T10:00:00+00:00", "oven")):
        lane.take("purchase.completed", time, "a", products=[product], name="n")

    lane.take("erasure.requested", "2024-04-01T10:00:00+00:00", "a")

    [key] = lane.keys("bought|")
    assert (lane.state.get(key.encode()) or b"").count(b"2024-05-01") == 1
    assert b"2024-03-01" not in (lane.state.get(key.encode()) or b"")


def test_of_very_many_products_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bought, "MOST", 2)
    lane = Lane("tek-zence")
    for day in (1, 2, 3):
        lane.take("purchase.completed", f"2024-03-0{day}T10:00:00+00:00", "a", products=[f"p-{day}"], name="n")

    [key] = lane.keys("bought|")
    assert (lane.state.get(key.encode()) or b"").count(b"2024-03-0") == 2


def test_a_purchase_that_names_no_product_leaves_nothing_behind() -> None:
    lane = Lane("tek-zence")
    lane.take("purchase.completed", "2024-03-01T10:00:00+00:00", "a", name="n")

    assert not lane.keys("bought|")


def test_counts_of_a_month_are_said_once_it_is_over_and_forgotten() -> None:
    """ART-1.2."""
    lane = Lane("artgraphics")
    for number in range(3):
        output = lane.take("contact.chat", f"2024-02-1{number}T10:00:00+00:00", f"s-{number}", message="m", name="n")
    assert output.next_wake is not None
    assert output.next_wake.isoformat() == "2024-03-01T00:00:00+00:00"

    lane.wake("2024-02-29T23:59:59+00:00", 10)
    assert not lane.values("aggregate")
    output = lane.wake("2024-03-01T00:00:00+00:00", 10)

    assert [(one["month"], one["count"]) for one in lane.values("aggregate")] == [("2024-02", 3)]
    assert output.next_wake is None
    assert not lane.keys("count|")
