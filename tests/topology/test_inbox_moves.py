"""A case that gets another class moves its messages: into the new inbox, out of the old one, each once (ALLCALL-5.4)."""

from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.bootstrap.simulation import Simulation
from tests.topology.case_words import email, event
from tests.topology.mail_cases import MAIL_CASES
from tests.topology.stories import instant, values

INBOXES = ("contract", "bookkeeping", "support", "returns-and-complaints", "other")


def _mail(identity: str, time: str, **data: Any) -> dict[str, Any]:
    return email(identity, time, key="s", **{"case_id": "c", **data})


def _classed(identity: str, time: str, matter: str) -> dict[str, Any]:
    return event(identity, "case.reclassified", time, "allcall", "s", case_id="c", matter=matter)


def _transfers(pipeline: Simulation) -> list[tuple[str, str, str]]:
    """Return (message, from, to) of each transfer, after checking that each old inbox is told the same."""
    found = [
        (topic, value)
        for topic in INBOXES
        for value in values(pipeline, f"allcall.inbox.{topic}.v1")
        if "transfer_id" in value
    ]
    told = [value for inbox in INBOXES for value in values(pipeline, f"allcall.erase-instruction.inbox-{inbox}.v1")]
    assert all(value["to_inbox"] == topic for topic, value in found)
    assert sorted(map(_leaves, told)) == sorted(
        (value["transfer_id"], value["event_id"], f"inbox-{value['from_inbox']}") for _topic, value in found
    )
    assert len({value["transfer_id"] for _topic, value in found}) == len(found)
    return [(value["event_id"], value["from_inbox"], value["to_inbox"]) for _topic, value in found]


def _leaves(told: Mapping[str, Any]) -> tuple[str, str, str]:
    return told["instruction_id"], told["share_id"], told["recipient"]


def _lived(pipeline: Simulation, *events: Mapping[str, object]) -> list[tuple[str, str, str]]:
    for one in events:
        pipeline.pipe(one)
    return _transfers(pipeline)


def test_a_reclassified_message_moves_with_its_fields_and_says_why(pipeline: Simulation) -> None:
    """H07."""
    moves = _lived(pipeline, *MAIL_CASES["H07"].events)

    assert moves == [("h07", "other", "returns-and-complaints")]
    transfer = values(pipeline, "allcall.inbox.returns-and-complaints.v1")[-1]
    assert (transfer["reason"], transfer["matter"]) == ("case.reclassified", "complaint")
    assert transfer["fields"] == ["email", "email_message"]
    assert transfer["moved_at"] == instant("2025-01-31T09:00:00Z")
    assert "ALLCALL-5.4" in transfer["clauses"]


@pytest.mark.parametrize("case", ["H08", "H09"])
def test_nothing_moves_whose_end_has_come(case: str, pipeline: Simulation) -> None:
    """Whether it came before, or the new class brings it."""
    assert _lived(pipeline, *MAIL_CASES[case].events) == []


def test_all_messages_of_a_case_move_and_those_of_other_cases_stay(pipeline: Simulation) -> None:
    moves = _lived(
        pipeline,
        _mail("gone", "2024-01-01T10:00:00Z"),
        _mail("first", "2024-12-01T10:00:00Z"),
        _mail("second", "2024-12-02T10:00:00Z"),
        _mail("another", "2024-12-03T10:00:00Z", case_id="d"),
        _mail("none", "2024-12-04T10:00:00Z", case_id=""),
        _classed("r", "2024-12-05T10:00:00Z", "support"),
    )

    assert moves == [("first", "other", "support"), ("second", "other", "support")]


def test_a_case_that_is_opened_with_a_class_moves_what_came_before_it(pipeline: Simulation) -> None:
    opened = {**_classed("o", "2024-12-02T10:00:00Z", "contract"), "type": "case.opened"}

    moves = _lived(pipeline, _mail("first", "2024-12-01T10:00:00Z"), opened, _mail("second", "2024-12-03T10:00:00Z"))

    assert moves == [("first", "other", "contract")]


def test_nothing_moves_where_the_inbox_stays_the_same(pipeline: Simulation) -> None:
    """R-ALL-13: a return and a complaint lie in one inbox, and are kept differently."""
    moves = _lived(
        pipeline,
        _mail("m", "2024-12-01T10:00:00Z", matter="return"),
        _classed("r", "2024-12-02T10:00:00Z", "complaint"),
    )

    assert moves == []
    assert values(pipeline, "allcall.expiry.v1")[-1]["kept_until"] == "2027-12-01"


def test_a_message_moves_back_and_again_each_time_under_an_id_of_its_own(pipeline: Simulation) -> None:
    moves = _lived(
        pipeline,
        _mail("m", "2024-12-01T10:00:00Z"),
        _classed("r-1", "2024-12-02T10:00:00Z", "support"),
        _classed("r-1", "2024-12-02T10:00:00Z", "support"),
        _classed("r-2", "2024-12-03T10:00:00Z", "support"),
        _classed("r-3", "2024-12-04T10:00:00Z", "other"),
        _classed("r-4", "2024-12-05T10:00:00Z", "support"),
    )

    assert sorted(moves) == [("m", "other", "support"), ("m", "other", "support"), ("m", "support", "other")]


def test_an_older_class_that_arrives_late_moves_nothing_back(pipeline: Simulation) -> None:
    moves = _lived(
        pipeline,
        _mail("m", "2024-12-01T10:00:00Z"),
        _classed("r-2", "2024-12-03T10:00:00Z", "support"),
        {**_classed("r-1", "2024-12-02T10:00:00Z", "contract"), "ingesttime": "2024-12-04T10:00:00Z"},
    )

    assert moves == [("m", "other", "support")]


def test_a_message_older_than_its_class_is_sorted_as_of_its_day_and_moved_at_once(pipeline: Simulation) -> None:
    late = {**_mail("m", "2024-12-01T10:00:00Z"), "ingesttime": "2024-12-03T10:00:00Z"}

    assert _lived(pipeline, _classed("r", "2024-12-02T10:00:00Z", "support"), late) == [("m", "other", "support")]


def test_a_message_that_moved_ends_once_and_where_it_lies_is_the_sinks_business(pipeline: Simulation) -> None:
    """Its own end comes on the expiry topic by event id, whichever inbox holds it."""
    _lived(pipeline, _mail("m", "2024-12-01T10:00:00Z"), _classed("r", "2024-12-02T10:00:00Z", "support"))
    pipeline.advance_to(instant("2026-01-01T00:00:00Z"))

    ends = [v for v in values(pipeline, "allcall.expiry.v1") if v["type"] == "expiry.due"]
    assert {(v["event_id"], v["kept_until"]) for v in ends} == {("m", "2025-09-01")}
    assert len(_transfers(pipeline)) == 1
