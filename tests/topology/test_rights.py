"""What people ask for is recorded with its deadline and fee, and answered."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.bootstrap.simulation import Simulation, open_simulation
from pipeline.domain.vocabulary import Outcome
from tests.topology.hard_cases import CASES, event
from tests.topology.stories import values

WRITTEN = {"signed": True, "in_writing": True}


def records(pipeline: Simulation, controller: str, kind: str = "rights.received") -> list[Mapping[str, Any]]:
    """Return the records about requests of one kind, in order."""
    return [value for value in values(pipeline, f"{controller}.rights.v1") if value["type"] == kind]


def test_h13_one_signed_request_of_a_local_calendar_year_is_free(pipeline: Simulation) -> None:
    """ALLCALL-6.1, ALLCALL-6.3: the unsigned one waits, and does not use up the free one."""
    pipeline.pipe_all(CASES["H13"].events)

    assert [(one["fee"], one["outcome"], one["answer_by"]) for one in records(pipeline, "allcall")] == [
        ("free", "received", None),
        (None, "awaiting-signed-writing", None),
        ("may-charge", "received", None),
        ("free", "received", None),
    ]


def test_h30_a_request_is_answered_within_a_calendar_month_of_its_local_day(pipeline: Simulation) -> None:
    """AK3D-5.4: the month is clamped, the day is London's, and there is no fee."""
    pipeline.pipe_all(CASES["H30"].events)

    assert [(one["answer_by"], one["fee"]) for one in records(pipeline, "ak3d")] == [
        ("2024-02-29", "free"),
        ("2024-09-30", "free"),
        ("2024-10-01", "free"),
        ("2024-12-25", "free"),
        ("2025-02-28", "free"),
    ]


def test_an_operators_calendar_moves_a_deadline_to_the_next_working_day(tmp_path: Path) -> None:
    """AK3D-5.4: off unless the operator switches it on."""
    overlay = tmp_path / "calendar.yaml"
    overlay.write_text("controller: ak3d\nanswer_calendar: {holidays: [2024-12-25, 2024-12-26]}\n")
    pipeline = open_simulation(overlays=[overlay])

    pipeline.pipe_all(CASES["H30"].events)

    assert [one["answer_by"] for one in records(pipeline, "ak3d")][3:] == ["2024-12-27", "2025-02-28"]


def test_a_request_that_arrives_twice_is_recorded_once(pipeline: Simulation) -> None:
    request = event("a", "access.requested", "2024-03-05T10:00:00Z", "allcall", "s", **WRITTEN)

    pipeline.pipe_all([request, request])

    assert len(records(pipeline, "allcall")) == 1


def test_the_fee_is_counted_per_person_and_by_when_it_happened(pipeline: Simulation) -> None:
    """ALLCALL-6.3: an older request that arrives late was the first of its year."""
    for identity, time, who in (
        ("a", "2024-03-05T10:00:00Z", "s"),
        ("b", "2024-03-06T10:00:00Z", "t"),
        ("c", "2024-03-04T10:00:00Z", "s"),
        ("d", "2024-03-07T10:00:00Z", "s"),
    ):
        pipeline.pipe(event(identity, "access.requested", time, "allcall", who, **WRITTEN))

    assert [one["fee"] for one in records(pipeline, "allcall")] == ["free", "free", "free", "may-charge"]


@pytest.mark.parametrize("kind", ["access.requested", "portability.requested", "restriction.requested"])
def test_a_right_that_the_notice_does_not_grant_is_recorded_for_a_person_to_decide(
    pipeline: Simulation, kind: str
) -> None:
    pipeline.pipe(event("a", kind, "2024-03-05T10:00:00Z", "tek-zence", "s"))

    [record] = records(pipeline, "tek-zence")
    assert (record["outcome"], record["rule"], record["clauses"]) == ("not-in-notice", None, [])
    assert not values(pipeline, "tek-zence.obligation.v1")


def test_a_request_is_recorded_also_where_its_event_is_dropped(pipeline: Simulation) -> None:
    """TEK-2.4: nothing is known of somebody without a profile, and yet the request was made."""
    request = event("r", "rectification.requested", "2024-03-05T10:00:00Z", "tek-zence", "s", name="Jane")

    assert pipeline.pipe(request) is Outcome.DROPPED
    assert [one["right"] for one in records(pipeline, "tek-zence")] == ["rectification"]


def test_a_refused_request_leaves_no_record(pipeline: Simulation) -> None:
    request = event("r", "access.requested", "2024-03-05T10:00:00Z", "allcall", "s", context="nowhere")

    assert pipeline.pipe(request) is Outcome.REFUSED
    assert not records(pipeline, "allcall")
