"""What ARTGRAPHICS promises those who write to its customer service, told as stories."""

from typing import Any

import pytest

from pipeline.bootstrap.simulation import Simulation
from pipeline.domain.vocabulary import Outcome
from tests.topology.artgraphics_cases import ARTGRAPHICS_CASES, art
from tests.topology.stories import due, instant, values


def run(pipeline: Simulation, *events: dict[str, Any], until: str = "2030-01-01T00:00:00Z") -> list[Outcome]:
    outcomes = [pipeline.pipe(one) for one in events]
    pipeline.advance_to(instant(until))
    return outcomes


def ends(pipeline: Simulation, category: str) -> set[str]:
    return {at for named, _purpose, _action, at in due(pipeline, "artgraphics") if named == category}


CLOSED = (
    art("opened", "case.opened", "2024-01-10T10:00:00Z", "s", case_id="c", topic="print"),
    art("mail", "contact.email", "2024-01-11T10:00:00Z", "s", case_id="c", email="e@example.org", message="help"),
    art("closed", "case.closed", "2024-01-31T10:00:00Z", "s", case_id="c", topic="print", resolution="done"),
)


def test_an_obligation_holds_the_case_beyond_its_year_and_no_recording_without_consent(pipeline: Simulation) -> None:
    """H26, ART-4.2, ART-5.2, X5: nothing is due when the year is over, all is at the settlement."""
    outcomes = run(pipeline, *ARTGRAPHICS_CASES["H26"].events[:-1], until="2025-02-02T00:00:00Z")

    assert {category for category, *_rest in due(pipeline, "artgraphics")} == {"recording"}
    assert [outcomes[2], outcomes[6]] == [Outcome.DROPPED, Outcome.REFUSED]
    recorded = [v for v in values(pipeline, "artgraphics.tagged.contact.v1") if "call_audio" in str(v["tags"])]
    assert [value["event"]["event_id"] for value in recorded] == ["h26-recorded"]


@pytest.mark.parametrize(
    ("opened", "settled", "ended"),
    [
        ({"case_id": "c"}, {"case_id": "c"}, "2026-06-30T12:00:00Z"),
        ({}, {}, "2026-06-30T12:00:00Z"),  # owed to the customer, about no case in particular
        ({"case_id": "c"}, {}, "2026-06-30T12:00:00Z"),  # a settlement that names no case settles all
        ({}, {"case_id": "c"}, "2026-06-30T12:00:00Z"),
        ({"case_id": "d"}, {"case_id": "d"}, "2025-02-01T00:00:00Z"),  # of another case: the year is absolute
    ],
)
def test_an_obligation_holds_its_own_case_and_no_other(
    pipeline: Simulation, opened: dict[str, str], settled: dict[str, str], ended: str
) -> None:
    """ART-5.2, ART-5.3, R-ART-5."""
    run(
        pipeline, *CLOSED,
        art("owed", "obligation.opened", "2024-06-01T10:00:00Z", "s", reason="refund", **opened),
        art("paid", "obligation.settled", "2026-06-30T12:00:00Z", "s", **settled),
    )  # fmt: skip

    assert ends(pipeline, "case-record") == {ended}


def test_a_hold_needs_a_reason_to_break_the_maximum(pipeline: Simulation) -> None:
    """ART-5.2, ART-5.3, R-ART-5: without one the year is absolute."""
    outcomes = run(pipeline, *CLOSED, art("hold", "hold.opened", "2024-06-01T10:00:00Z", "s", case_id="c", hold_id="h"))

    assert outcomes[-1] is Outcome.REFUSED
    assert ends(pipeline, "case-record") == {"2025-02-01T00:00:00Z"}


def test_a_hold_with_a_reason_breaks_the_maximum_until_it_is_closed(pipeline: Simulation) -> None:
    """ART-5.2, X5: the due date waits and is made up for on release."""
    hold = {"case_id": "c", "hold_id": "h", "reason": "lawsuit"}
    run(
        pipeline, *CLOSED,
        art("hold", "hold.opened", "2024-06-01T10:00:00Z", "s", **hold),
        art("free", "hold.closed", "2026-06-01T10:00:00Z", "s", **hold),
    )  # fmt: skip

    assert ends(pipeline, "case-record") == {"2026-06-01T10:00:00Z"}


def test_a_hold_that_is_released_before_the_end_changes_nothing(pipeline: Simulation) -> None:
    """ART-5.3, X5."""
    hold = {"case_id": "c", "hold_id": "h", "reason": "lawsuit"}
    run(
        pipeline, *CLOSED,
        art("hold", "hold.opened", "2024-06-01T10:00:00Z", "s", **hold),
        art("free", "hold.closed", "2024-07-01T10:00:00Z", "s", **hold),
    )  # fmt: skip

    assert ends(pipeline, "case-record") == {"2025-02-01T00:00:00Z"}


def test_only_an_opt_out_of_surveys_ends_the_survey(pipeline: Simulation) -> None:
    """ART-1.3: word about another mailing is none about this one; one that names no mailing is about all."""
    run(
        pipeline,
        art("asked", "survey.invited", "2024-01-10T10:00:00Z", "s", email="e@example.org"),
        art("letters", "opt_out", "2024-02-10T10:00:00Z", "s", mailing="newsletter"),
        art("all", "opt_out", "2024-03-10T10:00:00Z", "s", mailing=""),
    )  # fmt: skip

    assert ends(pipeline, "contact") == {"2024-03-10T10:00:00Z"}


def test_only_the_consent_to_be_recorded_ends_a_recording(pipeline: Simulation) -> None:
    """ART-4.2, R-ART-6: or the year of its case record."""
    run(
        pipeline, CLOSED[0],
        art("yes", "consent.given", "2024-01-11T10:00:00Z", "s", purpose="recording"),
        art("call", "call.recorded", "2024-01-12T10:00:00Z", "s", case_id="c", call_audio="a"),
        art("no", "consent.withdrawn", "2024-01-13T10:00:00Z", "s", purpose="survey"),
        *CLOSED[1:],
    )  # fmt: skip

    assert ends(pipeline, "recording") == {"2025-02-01T00:00:00Z"}


def test_independent_controllers_are_recorded_and_told_nothing(pipeline: Simulation) -> None:
    """ART-3.3, ART-3.4, X14: what they process in their own right no instruction reaches."""
    run(
        pipeline, CLOSED[0],
        art("post", "contact.social", "2024-01-12T10:00:00Z", "s",
            case_id="c", direction="out", social_handle="@t", message="fixed"),
        art("erasure", "erasure.requested", "2024-01-20T10:00:00Z", "s"),
        *CLOSED[1:],
    )  # fmt: skip

    ledger = values(pipeline, "artgraphics.share-ledger.v1")
    theirs = {entry["recipient"] for entry in ledger if entry["recipient_class"] == "independent-controller"}
    told = {one.topic for one in pipeline.emitted if ".erase-instruction." in one.topic}
    assert theirs == {"contact-provider", "social-platform"}
    assert told == {"artgraphics.erase-instruction.call-centre.v1"}


def test_the_call_centre_gets_no_identity_and_no_transaction(pipeline: Simulation) -> None:
    """ART-2.2, ART-3.2: contact, conversation and the case record, while the case is open."""
    run(
        pipeline, CLOSED[0],
        art("mail", "contact.email", "2024-01-11T10:00:00Z", "s", case_id="c",
            email="e@example.org", date_of_birth="1980-01-01", message="help", payment="card"),
        art("look", "transaction.accessed", "2024-01-12T10:00:00Z", "s", case_id="c", payment="card"),
        CLOSED[2],
        art("late", "contact.email", "2024-02-11T10:00:00Z", "s", case_id="c", message="thanks"),
    )  # fmt: skip

    shared = [{name for name, value in one.items() if value is not None}
              for one in values(pipeline, "artgraphics.share.call-centre.v1")]  # fmt: skip
    assert shared == [{"email", "message"}]
