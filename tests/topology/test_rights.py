"""What people ask for is recorded with its deadline and fee, and answered."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.bootstrap.parts import Parts
from pipeline.bootstrap.simulation import Simulation, open_simulation
from pipeline.domain.vocabulary import Family, Outcome
from pipeline.stages.answers import PART
from tests.topology.hard_cases import CASES, event
from tests.topology.stories import due, instant, values

WRITTEN = {"signed": True, "in_writing": True}


def records(pipeline: Simulation, controller: str, kind: str = "rights.received") -> list[Mapping[str, Any]]:
    """Return the records about requests of one kind, in order."""
    return [value for value in values(pipeline, f"{controller}.rights.v1") if value["type"] == kind]


def pipe_each(pipeline: Simulation, events: Iterable[Mapping[str, object]]) -> None:
    """Let events arrive one after the other: of those that arrive at once, topics have no order among each other."""
    for one in events:
        pipeline.pipe(one)


def test_h13_one_signed_request_of_a_local_calendar_year_is_free(pipeline: Simulation) -> None:
    """ALLCALL-6.1, ALLCALL-6.3: the unsigned one waits, and does not use up the free one."""
    pipe_each(pipeline, CASES["H13"].events)

    assert [(one["fee"], one["outcome"], one["answer_by"]) for one in records(pipeline, "allcall")] == [
        ("free", "received", None),
        (None, "awaiting-signed-writing", None),
        ("may-charge", "received", None),
        ("free", "received", None),
    ]


def test_h30_a_request_is_answered_within_a_calendar_month_of_its_local_day(pipeline: Simulation) -> None:
    """AK3D-5.4: the month is clamped, the day is London's, and there is no fee."""
    pipe_each(pipeline, CASES["H30"].events)

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

    pipe_each(pipeline, CASES["H30"].events)

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


def test_a_refused_request_leaves_no_record(pipeline: Simulation) -> None:
    request = event("r", "access.requested", "2024-03-05T10:00:00Z", "allcall", "s", context="nowhere")

    assert pipeline.pipe(request) is Outcome.REFUSED
    assert not records(pipeline, "allcall")


def items(record: Mapping[str, Any]) -> list[tuple[str, str, str, str | None]]:
    """Return what an answer says: (category, purpose, outcome, reason)."""
    return [(one["category"], one["purpose"], one["outcome"], one["reason"]) for one in record["items"]]


def test_h31_a_withdrawal_ends_what_rests_on_consent_alone_and_an_objection_what_rests_on_interest(
    pipeline: Simulation,
) -> None:
    """AK3D-2.1, AK3D-2.3, AK3D-5.1, AK3D-5.3: names, contact and purchases stay under what else they serve."""
    pipe_each(pipeline, CASES["H31"].events)
    pipeline.advance_to(instant(CASES["H31"].until))
    withdrawn, _access, _portability, objected = records(pipeline, "ak3d", "rights.answered")

    assert (withdrawn["outcome"], {one[2] for one in items(withdrawn)}) == ("nothing-ends", {"stays"})
    assert objected["outcome"] == "granted-in-part"
    assert {one[:3] for one in items(objected)} >= {
        *((one, "updates-and-marketing", "ends") for one in ("preferences", "tracking", "viewing", "purchases")),
        ("names-contact", "provide-services", "stays"),
        ("purchases", "provide-services", "stays"),
        ("names-contact", "crime-and-legal", "stays"),
        ("payment", "statutory-records", "stays"),
    }
    released = {
        name
        for value in values(pipeline, "ak3d.expiry.v1")
        if value["type"] == "expiry.due" and value["event_id"] in {"h31-visit", "h31-purchase"}
        for name in value["fields_released"]
    }
    assert released == {"ip", "journey", "location", "viewing_history"}


def test_an_inventory_lists_what_is_held_and_portability_only_what_was_given(pipeline: Simulation) -> None:
    """AK3D-5.1, AK3D-5.2: what was observed is told of, and not exported to take along."""
    pipe_each(pipeline, CASES["H31"].events)
    access, portability = records(pipeline, "ak3d", "rights.answered")[1:3]

    held = {name for one in access["items"] for name in one["fields"]}
    observed = {name for one in access["items"] for name in one["observed"]}
    exported = {name for one in portability["items"] for name in one["fields"]}
    assert {"ip", "journey", "location", "viewing_history", "purchase_history", "name"} <= held
    assert observed >= {"ip", "journey", "location", "viewing_history"}
    assert exported == held - observed
    assert {one["kept_until"] for one in access["items"] if one["purpose"] == "statutory-records"} == {"2031-03-31"}
    told = values(pipeline, "ak3d.export-instruction.v1")
    assert [(one["request_id"], one["right"], one["sink"], one["parts"]) for one in told] == [
        (access["request_id"], "access", "all", 1),
        (portability["request_id"], "portability", "all", 1),
    ]


def test_an_objection_by_another_word_for_a_purpose_also_stops_what_comes_later(pipeline: Simulation) -> None:
    """AK3D-2.3, H31."""
    pipe_each(pipeline, CASES["H31"].events)
    visit = event("later", "web.visited", "2025-03-02T09:00:00Z", "ak3d", "s-31", ip="192.0.2.1")

    assert pipeline.pipe(visit) is Outcome.DROPPED


def test_what_has_ended_is_in_no_inventory(pipeline: Simulation) -> None:
    """AK3D-5.1."""
    pipe_each(pipeline, CASES["H31"].events)
    pipeline.pipe(event("again", "access.requested", "2025-03-02T09:00:00Z", "ak3d", "s-31"))

    last = records(pipeline, "ak3d", "rights.answered")[-1]
    assert ("purchases", "provide-services", "held", None) in items(last)
    assert "updates-and-marketing" not in {one["purpose"] for one in last["items"]}


def test_each_system_that_the_operator_names_is_told_what_to_export(tmp_path: Path) -> None:
    """AK3D-5.1, AK3D-5.2."""
    overlay = tmp_path / "sinks.yaml"
    overlay.write_text("controller: ak3d\nsinks: [crm, archive]\n")
    pipeline = open_simulation(overlays=[overlay])

    pipe_each(pipeline, CASES["H31"].events[:6])

    told = values(pipeline, "ak3d.export-instruction.v1")
    assert [(one["sink"], one["right"]) for one in told] == [("crm", "access"), ("archive", "access")]
    assert len({one["instruction_id"] for one in told}) == 2


def test_an_answer_says_what_stays_until_when_and_why(pipeline: Simulation) -> None:
    """ALLCALL-6.2: books stay, with a case open until their maximum at most, a complaint until its case is closed, the rest ends."""
    pipe_each(pipeline, CASES["H15"].events)
    [answer] = records(pipeline, "allcall", "rights.answered")
    said = {(one["category"], one["outcome"], one["reason"], one["kept_until"]) for one in answer["items"]}

    assert answer["outcome"] == "granted-in-part"
    assert said >= {
        ("B", "stays", "until-date", "2034-02-28"),
        ("C.email", "stays", "until-date", "2028-05-02"),
        ("C.email", "ends", None, None),
        ("D.web", "ends", None, None),
    }
    assert all(one["clauses"] for one in answer["items"])


def test_an_answer_names_a_hold_and_what_has_no_end(pipeline: Simulation) -> None:
    """AK3D-5.1: a hold is told of; ALLCALL-5.8: what is kept for follow-up has no end."""
    pipe_each(pipeline, [
        event("a", "account.opened", "2024-01-01T10:00:00Z", "ak3d", "s", account_id="a", account_info="i", name="T"),
        event("h", "hold.opened", "2024-01-02T10:00:00Z", "ak3d", "s", hold_id="h", reason="court"),
        event("e", "erasure.requested", "2024-01-03T10:00:00Z", "ak3d", "s"),
        event("w", "web.visited", "2024-01-04T10:00:00Z", "allcall", "s", context="web", ip="192.0.2.1"),
        event("c", "consent.withdrawn", "2024-01-05T10:00:00Z", "allcall", "s"),
    ])  # fmt: skip

    [held], [endless] = (records(pipeline, name, "rights.answered") for name in ("ak3d", "allcall"))
    assert {one[2:] for one in items(held)} == {("stays", "hold")}
    assert {one[2:] for one in items(endless)} == {("stays", "no-end")}


def test_an_opt_out_is_answered_with_what_it_stops_alone(pipeline: Simulation) -> None:
    """ALLCALL-4D.6."""
    pipe_each(pipeline, CASES["H11"].events)
    answer = records(pipeline, "allcall", "rights.answered")[0]

    assert {one[2] for one in items(answer)} == {"ends", "stops"}


def test_an_opt_out_is_granted_also_where_nothing_is_there_to_stop(pipeline: Simulation) -> None:
    """ALLCALL-4D.6: it governs what comes later."""
    pipeline.pipe(event("o", "opt_out", "2024-01-01T10:00:00Z", "allcall", "s", channel="letter"))

    [answer] = records(pipeline, "allcall", "rights.answered")
    assert (answer["outcome"], answer["items"]) == ("granted", [])


def test_somebody_of_whom_nothing_is_held_is_told_so(pipeline: Simulation) -> None:
    pipeline.pipe(event("a", "access.requested", "2024-01-01T10:00:00Z", "ak3d", "s"))

    [answer] = records(pipeline, "ak3d", "rights.answered")
    assert (answer["outcome"], answer["items"]) == ("nothing-held", [])
    assert not values(pipeline, "ak3d.export-instruction.v1")


def test_a_request_that_lacks_a_signature_is_not_answered(pipeline: Simulation) -> None:
    """ALLCALL-6.1."""
    pipeline.pipe(event("a", "access.requested", "2024-01-01T10:00:00Z", "allcall", "s", signed=True))

    assert not records(pipeline, "allcall", "rights.answered")


def test_a_long_answer_comes_in_parts_of_bounded_size(pipeline: Simulation) -> None:
    pipeline.pipe(event("o", "account.opened", "2024-01-01T09:00:00Z", "ak3d", "s", account_id="a"))
    pipeline.pipe_all([
        event(f"v-{number}", "web.visited", "2024-01-01T10:00:00Z", "ak3d", "s", ip="192.0.2.1")
        for number in range(PART + 1)
    ])  # fmt: skip
    pipeline.pipe(event("a", "access.requested", "2024-01-02T10:00:00Z", "ak3d", "s"))

    answers = records(pipeline, "ak3d", "rights.answered")
    assert [(one["part"], one["parts"], len(one["items"])) for one in answers] == [(1, 2, PART), (2, 2, 1)]
    assert {one["request_id"] for one in answers} == {records(pipeline, "ak3d")[0]["request_id"]}


def test_an_objection_lets_a_case_under_way_be_finished(pipeline: Simulation) -> None:
    """ART-6.1: what has no open case ends at once, the record of a case stays as promised."""
    contact = {"name": "T", "email": "t@example.org", "message": "m"}
    pipe_each(pipeline, [
        event("o", "case.opened", "2024-01-01T10:00:00Z", "artgraphics", "s", case_id="c", topic="t"),
        event("m", "contact.email", "2024-01-02T10:00:00Z", "artgraphics", "s", case_id="c", **contact),
        event("n", "contact.chat", "2024-01-03T10:00:00Z", "artgraphics", "s", message="m"),
        event("x", "objection.raised", "2024-01-04T10:00:00Z", "artgraphics", "s"),
        event("z", "case.closed", "2024-01-05T10:00:00Z", "artgraphics", "s", case_id="c"),
    ])  # fmt: skip
    pipeline.advance_to(instant("2025-02-01T00:00:00Z"))

    assert {(one[0], one[3]) for one in due(pipeline, "artgraphics")} == {
        ("conversation", "2024-01-04T10:00:00Z"),
        ("conversation", "2024-01-05T10:00:00Z"),
        ("contact", "2024-01-05T10:00:00Z"),
        ("case-record", "2025-01-06T00:00:00Z"),
    }


def test_the_policies_agree_with_the_schemas_on_what_was_observed(parts: Parts) -> None:
    """AK3D-5.2: a field is given or observed whatever the notice."""
    marks = {
        one["name"]: one["privacy.given"]
        for family in Family
        for one in parts.schemas.named(f"source-{family}").parsed["fields"]
        if "privacy.given" in one
    }
    for versions in parts.book.versions.values():
        for category in versions[-1].categories.values():
            observed = {name for name in category.fields if marks.get(name) == "observed"}
            assert set(category.observed) == observed, category.id
