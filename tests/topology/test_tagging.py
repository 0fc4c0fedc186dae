"""Every event has one outcome; what is re-sent, misdirected or unreadable is told and changes nothing."""

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from pipeline.bootstrap.parts import Parts
from pipeline.bootstrap.simulation import Simulation
from pipeline.domain.records import Incoming, Output
from pipeline.domain.vocabulary import Outcome
from pipeline.policy.book import PolicyBook
from pipeline.stages.state import References
from pipeline.stages.tag import TagSettings, TagStage
from pipeline.stages.workspace import NOTHING
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
    assert (violation["code"], violation["outcome"]) == ("wrong_controller", "refused")
    assert len(pipeline.emitted) == 1


def test_a_claimed_policy_version_that_does_not_exist_refuses_the_event(pipeline: Simulation) -> None:
    assert pipeline.pipe({**_delivery(), "policyversion": "99"}) is Outcome.REFUSED
    assert values(pipeline, "tek-zence.violation.v1")[0]["code"] == "unknown_version"


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


@pytest.mark.parametrize(
    ("identity", "key", "field"),
    [("jane.doe@example.org", "s-1", "event_id"), ("d-1", "jane.doe@example.org", "data_subject_id")],
)
def test_an_id_that_names_somebody_is_a_dead_letter_and_stands_nowhere_in_clear(
    pipeline: Simulation, identity: str, key: str, field: str
) -> None:
    """Event ids and keys end in keys, reports and ledgers: what is no opaque id must not get there."""
    assert pipeline.pipe(_delivery(identity, key)) is Outcome.DEAD_LETTER

    [letter] = values(pipeline, "tek-zence.dead-letter.v1")
    assert (letter["code"], letter["field"]) == ("not_opaque", field)
    assert all(b"jane" not in (one.raw_key or b"") + one.raw_value for one in pipeline.emitted)


@pytest.mark.parametrize("identity", ["7c9e6679-7425-40de-944b-e07fc1f90ae7", "order-123", "urn:shop:order:123/done"])
def test_ordinary_ids_pass(pipeline: Simulation, identity: str) -> None:
    assert pipeline.pipe(_delivery(identity, identity)) is Outcome.ACCEPTED


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


def test_an_erasure_that_comes_late_leaves_what_is_newer_in_reach_of_the_next_one(pipeline: Simulation) -> None:
    """A request of the first of May that arrives on the third must not hide the order of the second from later ones."""
    tek = {"controller": "tek-zence", "key": "s-1"}
    pipeline.pipe(event("p-1", "purchase.completed", "2024-05-02T10:00:00Z", **tek, order_id="o-1", name="Jane"))
    late = event("x-1", "erasure.requested", "2024-05-01T10:00:00Z", **tek)
    pipeline.pipe({**late, "ingesttime": "2024-05-03T10:00:00Z"})
    pipeline.pipe(event("p-2", "purchase.completed", "2024-05-04T10:00:00Z", **tek, order_id="o-2", name="Jane"))
    pipeline.pipe(event("x-2", "erasure.requested", "2024-06-01T10:00:00Z", **tek))
    pipeline.advance_to(instant("2024-06-02T00:00:00Z"))
    pipeline.emitted.clear()

    pipeline.advance_to(instant("2040-01-01T00:00:00Z"))

    assert [value for value in values(pipeline, "tek-zence.expiry.v1") if value["profile"] == "customer"] == []


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
    assert [value["code"] for value in values(pipeline, "allcall.violation.v1")] == ["unknown_field"]

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

    assert [value["code"] for value in values(pipeline, "allcall.dead-letter.v1")] == ["not_json"]


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
    assert [value["code"] for value in values(pipeline, "tek-zence.violation.v1")] == ["implausible_time"] * 3


def _stage(parts: Parts, **settings: Any) -> TagStage:
    references = References(b"k" * 32, Random(0).randbytes)
    return TagStage(TagSettings(controller="tek-zence", **settings), parts.book, parts.schemas.catalogue, references)


def _handled(stage: TagStage, parts: Parts, *events: dict[str, Any]) -> Output:
    heads = [parts.engine.cut(json.dumps(one).encode()).head for one in events]
    batch = [
        Incoming(topic="tek-zence.source.purchase.v1", partition=0, offset=n, timestamp_ms=0, head=head)
        for n, head in enumerate(heads)
    ]
    return stage.handle(batch, NOTHING, 0, instant("2024-01-02T00:00:00Z"))


def test_where_producers_vouch_for_it_re_sent_events_are_not_looked_for(parts: Parts) -> None:
    output = _handled(_stage(parts, resend_window=None), parts, _delivery(), _delivery())

    assert sum(record.schema == "carrier" for record in output.records) == 2
    assert not any(change.key.startswith(b"d|") for change in output.changes)


def test_what_is_derived_on_restore_is_what_the_batch_wrote(parts: Parts) -> None:
    stage = _stage(parts)
    changes = _handled(stage, parts, _delivery()).changes
    local = {change.key: change.value for change in changes if change.local}

    assert {c.key: c.value for change in changes for c in stage.derive(change.key, change.value)} == local


def test_hostile_variety_does_not_grow_the_caches_without_bound(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.stages.decision_cache._CACHE_LIMIT", 2)
    stage = _stage(parts)
    strange = [{**_delivery(f"d-{n}"), "data": {**DELIVERY, f"field_{n}": n}} for n in range(5)]
    named = [{**_delivery(f"n-{n}"), "type": f"made.up{n}"} for n in range(5)]

    output = _handled(stage, parts, *strange, *named)

    assert len(output.records) >= 10
    assert len(stage.decisions._decisions) <= 2
    assert all(event_type == "delivery.ordered" for _version, event_type in stage.decisions._asking)


def test_very_many_obligations_come_in_several_messages(parts: Parts) -> None:
    many = [_delivery(f"d-{n}", f"s-{n}", order_id=f"o-{n}") for n in range(100)]

    output = _handled(_stage(parts), parts, *many)

    blocks = [record.value for record in output.records if record.schema == "obligation"]
    assert [len(block["items"]) for block in blocks if isinstance(block, dict)] == [200, 100]


def test_a_profile_needs_somebody_to_keep_it_of(pipeline: Simulation) -> None:
    """An event that concerns many keys names no subject: it supports nobody's profile."""
    everybody = event("c", "customer.registered", "2024-01-01T10:00:00Z", "allcall", "control", name="T", email="e")

    assert pipeline.pipe(everybody) is Outcome.ACCEPTED
    kinds = [item["kind"] for item in values(pipeline, "allcall.obligation.v1") if item.get("obligation_id")]
    assert kinds == ["record"]


def test_an_event_on_the_wrong_topic_is_refused(pipeline: Simulation) -> None:
    """Each partition would otherwise decide it with the wrong state."""
    pipeline.clock.move_to(instant("2024-01-02T00:00:00Z"))
    purchase = json.dumps(_delivery()).encode()
    control = json.dumps({**_delivery("d-2"), "partitionkey": "control"}).encode()

    pipeline.pipe_raw([("tek-zence.source.cctv.v1", b"s-1", purchase)])
    pipeline.pipe_raw([("tek-zence.source.purchase.v1", b"control", control)])
    pipeline.pipe_raw([("tek-zence.control.v1", b"control", control)])

    assert [value["code"] for value in values(pipeline, "tek-zence.violation.v1")] == ["wrong_topic"] * 3


def test_an_event_that_lacks_what_it_means_nothing_without_is_refused(pipeline: Simulation) -> None:
    assert pipeline.pipe(event("c", "case.closed", "2024-01-01T10:00:00Z", "tek-zence", "s")) is Outcome.REFUSED
    [violation] = values(pipeline, "tek-zence.violation.v1")
    assert (violation["code"], violation["fields"]) == ("missing_attribute", ["case_id"])


def test_a_refused_event_may_be_mended_and_sent_again(pipeline: Simulation) -> None:
    pipeline.pipe(event("c", "case.closed", "2024-01-01T10:00:00Z", "tek-zence", "s"))

    mended = event("c", "case.closed", "2024-01-01T10:00:00Z", "tek-zence", "s", case_id="c-1")
    assert pipeline.pipe(mended) is Outcome.ACCEPTED


def test_a_refused_control_event_has_no_effect_in_any_partition(open_pipeline: Open) -> None:
    pipeline = open_pipeline(partitions=3)
    clips = [f"clip-{n}" for n in range(6)]
    for clip in clips:
        pipeline.pipe(
            event(clip, "cctv.ingested", "2025-01-10T12:00:00Z", "allcall", clip, context="store", cctv_clip="c")
        )

    pipeline.pipe(
        event(
            "h", "hold.opened", "2025-01-11T12:00:00Z", "allcall", "control", hold_id="h", records=clips, context="moon"
        )
    )

    assert "expiry.cancelled" not in {value["type"] for value in values(pipeline, "allcall.expiry.v1")}


def test_an_event_older_than_the_first_version_is_refused_where_the_operator_says_so(parts: Parts) -> None:
    """Architecture 9.7."""
    [policy] = parts.book.versions["tek-zence"]
    strict = replace(policy, before_first="refuse", effective_from=instant("2024-06-01T00:00:00Z"))
    book = PolicyBook({"tek-zence": (strict,)})
    stage = TagStage(TagSettings(controller="tek-zence"), book, parts.schemas.catalogue, References(b"k" * 32, bytes))

    output = _handled(stage, parts, _delivery())

    [violation] = [record.value for record in output.records]
    assert isinstance(violation, dict)
    assert violation["code"] == "no_policy"


def test_a_control_event_sent_again_under_another_time_is_one_fact(open_pipeline: Open) -> None:
    """Beyond the window of re-sent events the fact itself is recognised."""
    pipeline = open_pipeline(partitions=2)
    hold = event("h", "hold.opened", "2025-01-11T12:00:00Z", "allcall", "control", hold_id="h-1", records=["r"])

    pipeline.pipe(hold)
    pipeline.advance_to(instant("2025-03-01T00:00:00Z"))
    pipeline.pipe({**hold, "ingesttime": "2025-03-01T00:00:00Z"})

    assert len(values(pipeline, "allcall.obligation.v1")) == 2
