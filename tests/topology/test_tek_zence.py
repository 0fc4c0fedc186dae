"""What TEK-ZENCE promises, told as stories of its customers."""

from typing import Any

from pipeline.bootstrap.simulation import Simulation
from pipeline.domain.vocabulary import Outcome
from tests.topology.case_words import PERSON
from tests.topology.stories import due, instant, values
from tests.topology.tek_zence_cases import DELIVERED_TO, TEK_ZENCE_CASES, bought, tek


def run(pipeline: Simulation, events: list[dict[str, Any]], until: str = "2040-01-01T00:00:00Z") -> list[Outcome]:
    outcomes = [pipeline.pipe(event) for event in events]
    pipeline.advance_to(instant(until))
    return outcomes


def ends(pipeline: Simulation, category: str, action: str = "erase") -> set[str]:
    return {at for named, _purpose, did, at in due(pipeline, "tek-zence") if (named, did) == (category, action)}


def kept(pipeline: Simulation, family: str) -> dict[str, set[str]]:
    """Return the categories of each tagged event."""
    return {
        value["event"]["event_id"]: {tag["category"] for tag in value["tags"]}
        for value in values(pipeline, f"tek-zence.tagged.{family}.v1")
    }


def test_each_partner_gets_three_fields_and_is_told_to_erase_when_its_part_is_done(pipeline: Simulation) -> None:
    """H23, TEK-5.1, TEK-7.1: for this order only, each at its own instant."""
    run(pipeline, TEK_ZENCE_CASES["H23"].events)

    for partner, at in (("delivery", "2024-06-03T13:20:00Z"), ("installation", "2024-06-20T09:00:00Z")):
        [share] = [one for one in pipeline.emitted if one.topic == f"tek-zence.carrier.{partner}.v1"]
        [told] = [one for one in pipeline.emitted if one.topic == f"tek-zence.erase-instruction.{partner}.v1"]
        assert share.value == DELIVERED_TO
        assert (told.key, told.value["due_at"]) == (share.key, instant(at))


def test_no_opt_out_stops_the_mail_before_an_installation(pipeline: Simulation) -> None:
    """H23, TEK-6.1, X2: the mail and the address it goes to have a purpose until the installation is done."""
    outcomes = run(pipeline, TEK_ZENCE_CASES["H23"].events)

    assert outcomes == [Outcome.ACCEPTED] * len(outcomes)
    assert kept(pipeline, "contact") == {"h23-mail": {"correspondence", "mail-address"}}
    assert ends(pipeline, "mail-address") == {"2024-06-20T09:00:00Z"}


def test_a_call_of_a_stranger_that_needs_no_follow_up_leaves_nothing(pipeline: Simulation) -> None:
    """H24, TEK-8.1, TEK-10.1: looked up, answered, not kept; the erased customer is a stranger too (TEK-2.4)."""
    outcomes = run(pipeline, TEK_ZENCE_CASES["H24"].events)

    assert outcomes[2:5] == [Outcome.DROPPED, Outcome.ACCEPTED, Outcome.DROPPED]
    assert kept(pipeline, "contact") == {"h24-complaint": {"profile", "correspondence", "call-log"}}


def test_a_recall_reaches_who_objected_and_not_who_was_erased(pipeline: Simulation) -> None:
    """H24, TEK-1.2, R-TEK-7, X8."""
    run(pipeline, TEK_ZENCE_CASES["H24"].events)

    [listed] = values(pipeline, "tek-zence.recall-list.v1")
    [objecting] = [v for v in values(pipeline, "tek-zence.tagged.purchase.v1") if v["event"]["event_id"] == "h24-new"]
    assert [one["data_subject"] for one in listed["subjects"]] == [objecting["data_subject"]]


def test_a_call_of_a_customer_stays_in_the_log_as_long_as_the_profile(pipeline: Simulation) -> None:
    """TEK-10.2: that somebody called, and no recording of it."""
    call = {"number": "+47", "called_at": "10:00"}
    run(pipeline, [
        bought("p", "2024-03-15T10:00:00+01:00", "s", "o"),
        tek("call", "contact.phone", "2024-04-01T10:00:00+02:00", "s", call_audio="a", **call),
    ])  # fmt: skip

    assert kept(pipeline, "contact") == {"call": {"profile", "call-log"}}
    assert ends(pipeline, "call-log") == ends(pipeline, "profile") == {"2029-03-15T23:00:00Z"}
    [report] = values(pipeline, "tek-zence.violation.v1")
    assert report["fields"] == ["call_audio"]


def test_a_complaint_by_mail_is_followed_up_without_being_told_so(pipeline: Simulation) -> None:
    """TEK-8.1, TEK-9.2: the notice itself names complaints as what needs follow-up; they keep the customer active."""
    run(pipeline, [
        tek("mail", "contact.email", "2024-04-02T10:00:00+02:00", "s",
            matter="complaint", case_id="c", email="t@example.org", email_message="it broke"),
        tek("closed", "case.closed", "2024-05-02T10:00:00+02:00", "s", case_id="c"),
    ])  # fmt: skip

    assert ends(pipeline, "profile") == ends(pipeline, "correspondence") == {"2024-05-02T08:00:00Z"}


def test_an_open_complaint_keeps_its_correspondence_against_an_erasure_and_nothing_else(pipeline: Simulation) -> None:
    """TEK-9.2, R-TEK-5: what is said in another matter goes at once, also while that matter is open."""
    run(pipeline, [
        tek("opened", "case.opened", "2024-04-01T10:00:00+02:00", "s", case_id="c-1", matter="complaint"),
        tek("complaint", "contact.email", "2024-04-02T10:00:00+02:00", "s",
            needs_follow_up=True, case_id="c-1", email_message="it broke"),
        tek("service", "case.opened", "2024-04-02T11:00:00+02:00", "s", case_id="c-2", matter="support"),
        tek("question", "contact.chat", "2024-04-02T12:00:00+02:00", "s",
            needs_follow_up=True, case_id="c-2", chat_transcript="how?"),
        tek("erasure", "erasure.requested", "2024-04-03T10:00:00+02:00", "s"),
        tek("closed", "case.closed", "2024-06-03T10:00:00+02:00", "s", case_id="c-1"),
    ])  # fmt: skip

    said = values(pipeline, "tek-zence.expiry.v1")
    ended = {(v["event_id"], v["due_at"]) for v in said if v["type"] == "expiry.due" and v["event_id"]}
    assert ended == {
        ("question", instant("2024-04-03T08:00:00Z")),
        ("complaint", instant("2024-06-03T08:00:00Z")),
    }


def test_erasure_waits_for_an_order_under_way_with_three_fields_only(pipeline: Simulation) -> None:
    """X6, R-TEK-5: access notes and the mail before the installation go at once; the partners keep theirs till done."""
    run(pipeline, [*TEK_ZENCE_CASES["H23"].events[:4], *(
        tek(f"x-{kind}", kind, time, "s-23", **data)
        for kind, time, data in (
            ("notice.sent", "2024-06-01T08:00:00+02:00", {"order_id": "o-23", "email": "e", "email_message": "m"}),
            ("erasure.requested", "2024-06-01T09:00:00+02:00", {}),
            ("delivery.completed", "2024-06-03T15:20:00+02:00", {"order_id": "o-23"}),
            ("installation.completed", "2024-06-20T11:00:00+02:00", {"order_id": "o-23"}),
        )
    )])  # fmt: skip

    assert ends(pipeline, "delivery") == {"2024-06-03T13:20:00Z", "2024-06-20T09:00:00Z"}
    for category in ("profile", "delivery-conditions", "correspondence", "mail-address"):
        assert ends(pipeline, category) == {"2024-06-01T07:00:00Z"}
    assert ends(pipeline, "order") == {"2029-12-31T23:00:00Z"}
    [delivery] = values(pipeline, "tek-zence.erase-instruction.delivery.v1")
    [installation] = values(pipeline, "tek-zence.erase-instruction.installation.v1")
    assert delivery["due_at"] == instant("2024-06-03T13:20:00Z")
    assert installation["due_at"] == instant("2024-06-20T09:00:00Z")


def test_an_order_that_is_never_delivered_keeps_its_customer_active(pipeline: Simulation) -> None:
    """TEK-2.1, R-TEK-11: beyond the five years, until the order is cancelled."""
    run(pipeline, [
        bought("p", "2024-03-15T10:00:00+01:00", "s", "o"),
        tek("d", "delivery.ordered", "2024-03-15T10:01:00+01:00", "s", order_id="o", **DELIVERED_TO),
        tek("x", "order.cancelled", "2031-03-15T10:00:00+01:00", "s", order_id="o"),
    ])  # fmt: skip

    assert ends(pipeline, "profile") == {"2031-03-15T09:00:00Z"}


def test_a_service_agreement_keeps_its_customer_active(pipeline: Simulation) -> None:
    """TEK-2.1, R-TEK-2: the instant at which activity ends counts, a purchase alone is none."""
    run(pipeline, [
        bought("p", "2024-03-15T10:00:00+01:00", "s", "o"),
        tek("a", "service_agreement.opened", "2024-03-16T10:00:00+01:00", "s"),
        tek("z", "service_agreement.closed", "2030-03-15T10:00:00+01:00", "s"),
    ])  # fmt: skip

    assert ends(pipeline, "profile") == {"2030-03-15T09:00:00Z"}


def test_a_correction_reaches_the_partner_whose_job_is_under_way_also_without_a_profile(pipeline: Simulation) -> None:
    """TEK-3.1, TEK-5.1, TEK-7.1: the other one was told to erase already; what was corrected ends with the job."""
    job = {"order_id": "o-1", **PERSON}
    corrected = {**DELIVERED_TO, "phone": "+47 111 11 111"}
    run(
        pipeline,
        [
            tek("ordered", "delivery.ordered", "2024-03-01T10:00:00Z", "s", **job),
            tek("mounted", "installation.ordered", "2024-03-01T10:00:00Z", "s", **job),
            tek("delivered", "delivery.completed", "2024-03-02T10:00:00Z", "s", order_id="o-1"),
            tek("moved", "rectification.requested", "2024-03-03T10:00:00Z", "s", **corrected),
            tek("done", "installation.completed", "2024-03-04T10:00:00Z", "s", order_id="o-1"),
        ],
    )

    assert [len(values(pipeline, f"tek-zence.carrier.{one}.v1")) for one in ("delivery", "installation")] == [1, 2]
    assert values(pipeline, "tek-zence.carrier.installation.v1")[-1] == corrected
    assert ends(pipeline, "delivery") == {"2024-03-02T10:00:00Z", "2024-03-04T10:00:00Z"}


def test_a_stranger_who_asks_for_a_correction_is_answered_and_not_kept(pipeline: Simulation) -> None:
    """TEK-8.1: who has no profile gets none by asking."""
    run(pipeline, [tek("moved", "rectification.requested", "2024-03-03T10:00:00Z", "s", **PERSON)])

    assert [one["type"] for one in values(pipeline, "tek-zence.rights.v1")] == ["rights.received", "rights.answered"]
    assert not values(pipeline, "tek-zence.tagged.lifecycle.v1")


def test_an_order_found_by_its_number_only_goes_with_the_books_whoever_comes_back(pipeline: Simulation) -> None:
    """TEK-2.3, TEK-2.4, R-TEK-6, C8: neither a purchase nor a complaint of later on brings it back to the customer."""
    back = [
        bought("again", "2024-06-28T10:00:00Z", "s", "o-2"),
        tek("complaint", "complaint.lodged", "2024-02-28T23:00:00Z", "t", case_id="c", email_message="broken"),
    ]
    old = [bought("old", "2019-02-28T10:00:00Z", "s", "o-1"), bought("older", "2019-02-28T10:00:00Z", "t", "o-3")]
    run(pipeline, [*old, *reversed(back)])

    ended = [one for one in values(pipeline, "tek-zence.expiry.v1") if one["type"] == "expiry.due"]
    books = {
        one["due_at"]
        for one in ended
        if (one["event_id"], one["action"]) in {("old", "erase"), ("older", "erase")} and one["category"] == "order"
    }
    assert books == {instant("2024-12-31T23:00:00Z")}
    assert {one["event_id"] for one in ended if one["action"] == "erase"} >= {"old", "older", "again"}
