"""Every event has one outcome; what is re-sent, misdirected or unreadable is told and changes nothing."""

import json
from typing import Any

from pipeline.bootstrap.simulation import Simulation
from pipeline.domain.vocabulary import Outcome
from tests.topology.hard_cases import ADDRESS, CASES, event
from tests.topology.stories import Open, instant, values

DELIVERY: dict[str, Any] = {"order_id": "o-1", "name": "Jane", "address": ADDRESS, "phone": "+47"}


def _delivery(identity: str = "d-1", key: str = "s-1", **data: Any) -> dict[str, Any]:
    return event(identity, "delivery.ordered", "2024-01-01T10:00:00Z", "tek-zence", key, **{**DELIVERY, **data})


def test_a_re_sent_event_changes_nothing(pipeline: Simulation) -> None:
    pipeline.pipe(_delivery())
    before = list(pipeline.emitted)

    assert pipeline.pipe(_delivery()) is Outcome.ACCEPTED
    assert pipeline.emitted == before
    assert pipeline.counts["re-sent", "tek-zence"] == 1


def test_an_event_in_another_controllers_topic_is_refused(pipeline: Simulation) -> None:
    body = json.dumps(_delivery()).encode()

    pipeline.pipe_raw([("allcall.source.purchase.v1", b"s-1", body)])

    [violation] = values(pipeline, "allcall.violation.v1")
    assert (violation["code"], violation["outcome"]) == ("wrong-controller", "refused")
    assert len(pipeline.emitted) == 1


def test_a_claimed_policy_version_that_does_not_exist_refuses_the_event(pipeline: Simulation) -> None:
    assert pipeline.pipe({**_delivery(), "policyversion": "99"}) is Outcome.REFUSED
    assert values(pipeline, "tek-zence.violation.v1")[0]["code"] == "unknown-version"


def test_an_event_name_that_nobody_knows_is_refused_and_not_repeated(pipeline: Simulation) -> None:
    assert pipeline.pipe(event("x", "jane.doe@Example", "2024-01-01T10:00:00Z", "tek-zence", "s")) is Outcome.REFUSED
    [violation] = values(pipeline, "tek-zence.violation.v1")
    assert violation["event_type"].startswith("invalid-name-")


def test_what_cannot_be_read_is_a_dead_letter_with_its_place_and_sealed_content(pipeline: Simulation) -> None:
    pipeline.pipe_raw([("tek-zence.source.purchase.v1", b"s-1", b"\xc3\x01nonsense jane@example.org")])

    [letter] = values(pipeline, "tek-zence.dead-letter.v1")
    assert (letter["topic"], letter["partition"], letter["offset"]) == ("tek-zence.source.purchase.v1", 0, 0)
    assert letter["code"] == "unknown-schema"
    assert b"jane" not in pipeline.emitted[0].raw_value


def test_an_invalid_field_is_a_dead_letter_that_names_the_field(pipeline: Simulation) -> None:
    assert pipeline.pipe(_delivery(phone=5)) is Outcome.DEAD_LETTER
    assert values(pipeline, "tek-zence.dead-letter.v1")[0]["field"] == "phone"


def test_e_mail_goes_to_the_inbox_of_its_matter_and_to_no_other(pipeline: Simulation) -> None:
    """ALLCALL-5.4: one topic per inbox."""
    pipeline.pipe(CASES["H03"].events[0])

    topics = [one.topic for one in pipeline.emitted if ".inbox." in one.topic]
    assert topics == ["allcall.inbox.other.v1"]


def test_a_subject_that_was_erased_comes_back_under_another_reference(pipeline: Simulation) -> None:
    """TEK-2.4: what remains cannot be linked to the person any more."""
    pipeline.pipe(_delivery("d-1"))
    pipeline.pipe(event("x", "erasure.requested", "2024-01-02T10:00:00Z", "tek-zence", "s-1"))
    pipeline.pipe({**_delivery("d-2"), "time": "2024-01-03T10:00:00Z"})

    first, second = (value["data_subject"] for value in values(pipeline, "tek-zence.share-ledger.v1"))
    assert first != second


def test_a_control_event_reaches_every_partition_and_is_reported_once(open_pipeline: Open) -> None:
    """A hold over many records travels on the control topic (architecture 9.6)."""
    pipeline = open_pipeline(partitions=3)
    clips = [f"clip-{n}" for n in range(6)]
    for clip in clips:
        pipeline.pipe(
            event(
                clip,
                "cctv.ingested",
                "2025-01-10T12:00:00Z",
                "allcall",
                clip,
                context="store",
                clip_id=clip,
                cctv_clip="c",
            )
        )
    pipeline.pipe(
        event(
            "h", "hold.opened", "2025-01-11T12:00:00Z", "allcall", "control", hold_id="h-1", records=clips, surprise="x"
        )
    )
    pipeline.advance_to(pipeline.clock.now().replace(year=2026))

    said = [value["type"] for value in values(pipeline, "allcall.expiry.v1")]
    assert said.count("expiry.cancelled") == 6
    assert "expiry.due" not in said
    assert [value["code"] for value in values(pipeline, "allcall.violation.v1")] == ["unknown-field"]

    pipeline.pipe(event("r", "hold.closed", "2026-02-01T12:00:00Z", "allcall", "control", hold_id="h-1"))
    assert [value["type"] for value in values(pipeline, "allcall.expiry.v1")].count("expiry.due") == 6


def test_a_control_event_of_no_consequence_is_folded_nowhere(open_pipeline: Open) -> None:
    pipeline = open_pipeline(partitions=2)

    outcome = pipeline.pipe(event("x", "recall.issued", "2025-01-11T12:00:00Z", "viet-art-view", "control"))

    assert outcome is Outcome.REFUSED
    assert values(pipeline, "viet-art-view.obligation.v1") == []


def test_unreadable_control_records_are_dead_letters_once(open_pipeline: Open) -> None:
    pipeline = open_pipeline(partitions=2)

    pipeline.pipe_raw([("allcall.control.v1", b"control", b"{")])

    assert [value["code"] for value in values(pipeline, "allcall.dead-letter.v1")] == ["not-json"]


def test_decisions_without_state_are_remembered(pipeline: Simulation) -> None:
    """The same kind of event is decided once; what differs only in ids is the same kind."""
    for n in range(20):
        clip = f"clip-{n}"
        pipeline.pipe(
            event(
                clip,
                "cctv.ingested",
                "2025-01-10T12:00:00Z",
                "allcall",
                clip,
                context="store",
                clip_id=clip,
                cctv_clip="c",
            )
        )

    tagged = values(pipeline, "allcall.tagged.cctv.v1")
    assert len(tagged) == 20
    assert len({str(value["tags"]) for value in tagged}) == 1


def test_an_event_from_the_future_or_from_antiquity_is_refused(pipeline: Simulation) -> None:
    """A date that no calendar can keep must not stop the lane (a poison date)."""
    ahead = json.dumps({**_delivery("f-1"), "time": "2024-01-01T10:06:00Z"}).encode()
    pipeline.clock.move_to(instant("2024-01-01T10:00:00Z"))
    pipeline.pipe_raw([("tek-zence.source.purchase.v1", b"s-1", ahead)])

    assert pipeline.pipe({**_delivery("f-2"), "time": "1899-12-31T10:00:00Z"}) is Outcome.REFUSED
    assert pipeline.pipe({**_delivery("f-3"), "time": "9999-12-31T10:00:00Z"}) is Outcome.REFUSED
    assert [value["code"] for value in values(pipeline, "tek-zence.violation.v1")] == ["implausible-time"] * 3
