"""Where a message lay, or would have to lie, nowhere, nothing is moved."""

from dataclasses import replace

import pytest

from pipeline.policy.book import PolicyBook
from pipeline.stages.expire import ExpireStage
from tests.unit.stages.test_expire import DAY, SUBJECT, T0, Schedule, fact, obligation

CASE = {"kind": "case", "digest": "c"}


def _sorting(inboxes: dict[str, str], otherwise: str | None) -> Schedule:
    schedule = Schedule()
    policy = schedule.stage.policy("1")
    rules = {**policy.rules, "classed": replace(policy.rules["classed"], sorts_inbox=True)}
    policy = replace(policy, rules=rules, inboxes=inboxes, inbox_otherwise=otherwise)
    schedule.stage = ExpireStage("shop", PolicyBook({"shop": (policy,)}), announce=True)
    return schedule


@pytest.mark.parametrize(
    ("otherwise", "moves"),
    [("rest", ["shop.erase-instruction.inbox-rest.v1", "shop.inbox.claims.v1"]), (None, [])],
)
def test_a_message_that_lay_in_no_inbox_cannot_leave_one(otherwise: str | None, moves: list[str]) -> None:
    schedule = _sorting({"complaint": "claims"}, otherwise)
    classed = {**fact("case.reclassified", T0 + DAY, SUBJECT, CASE), "attributes": {"matter": "complaint"}}

    schedule.take(obligation("a", "classed", refs=[SUBJECT, CASE]), classed, now=T0 + DAY)

    assert [topic for topic, _value in schedule.out if topic.startswith("shop.")] == moves


def test_what_has_ended_lies_in_no_inbox_while_another_reason_lives_on() -> None:
    schedule = _sorting({"complaint": "claims"}, "rest")
    schedule.take(obligation("a", "classed", "forever", refs=[SUBJECT, CASE]))
    schedule.wake(T0 + 8 * DAY)

    classed = {**fact("case.reclassified", T0 + 9 * DAY, SUBJECT, CASE), "attributes": {"matter": "complaint"}}
    schedule.take(classed, now=T0 + 9 * DAY)

    assert [topic for topic, _value in schedule.out if topic.startswith("shop.")] == ["shop.violation.v1"]
