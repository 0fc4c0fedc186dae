"""What is not over keeps what it needs, however long it was quiet, and what is over does not begin again by itself."""

from typing import Any

from pipeline.bootstrap.simulation import Simulation
from pipeline.domain.vocabulary import Outcome
from tests.topology.hard_cases import event
from tests.topology.stories import due, instant, values


def _event(controller: str, identity: str, kind: str, day: str, **data: Any) -> dict[str, Any]:
    return event(identity, kind, f"{day}T10:00:00Z", controller, "s-1", **data)


def test_an_account_without_data_of_its_own_keeps_a_purchase_a_year_later(pipeline: Simulation) -> None:
    """AK3D-4.1: as long as there is an account, whenever it was opened and whatever was said of it."""
    pipeline.pipe(_event("ak3d", "a", "account.opened", "2023-01-10", account_id="a-1"))
    pipeline.pipe(_event("ak3d", "p", "purchase.completed", "2024-01-10", order_id="o-1", name="Jane"))
    pipeline.pipe(_event("ak3d", "d", "delivery.completed", "2024-01-12", order_id="o-1"))
    pipeline.advance_to(instant("2025-01-01T00:00:00Z"))
    assert due(pipeline, "ak3d") == []

    pipeline.pipe(_event("ak3d", "c", "account.closed", "2025-02-01", account_id="a-1"))

    assert {one[3] for one in due(pipeline, "ak3d")} == {"2025-02-01T10:00:00Z"}


def test_a_guest_who_ordered_twice_is_served_until_both_orders_are_delivered(pipeline: Simulation) -> None:
    """AK3D-4.1: what one order needs does not end with another one."""
    for order, day in (("o-1", "2024-01-10"), ("o-2", "2024-01-11")):
        pipeline.pipe(_event("ak3d", order, "purchase.completed", day, order_id=order, name="Jane"))
    pipeline.pipe(_event("ak3d", "d-1", "delivery.completed", "2024-01-12", order_id="o-1"))
    assert due(pipeline, "ak3d") == []

    pipeline.pipe(_event("ak3d", "d-2", "delivery.completed", "2024-01-13", order_id="o-2"))

    assert {one[3] for one in due(pipeline, "ak3d")} == {"2024-01-13T10:00:00Z"}


def test_an_objection_stops_what_comes_after_it_as_well(pipeline: Simulation) -> None:
    """AK3D-2.3: marketing has no other basis; what is bought serves the contract all the same."""
    purpose = "updates-and-marketing"
    pipeline.pipe(_event("ak3d", "a", "account.opened", "2024-01-01", account_id="a-1"))
    pipeline.pipe(_event("ak3d", "o", "objection.raised", "2024-01-02", purpose=purpose))

    outcome = pipeline.pipe(_event("ak3d", "v", "web.visited", "2024-01-03", ip="192.0.2.1"))
    pipeline.pipe(_event("ak3d", "p", "purchase.completed", "2024-01-04", order_id="o-1", purchase_history="h"))

    assert outcome is Outcome.DROPPED
    [tagged] = values(pipeline, "ak3d.tagged.purchase.v1")
    assert {tag["purpose"] for tag in tagged["tags"]}.isdisjoint({purpose})
    assert "provide-services" in {tag["purpose"] for tag in tagged["tags"]}


def test_a_recording_outlives_the_withdrawal_of_another_consent(pipeline: Simulation) -> None:
    """ART-4.2: the consent to be recorded is one of its own."""
    pipeline.pipe(_event("artgraphics", "g", "consent.given", "2024-01-01", purpose="recording"))
    pipeline.pipe(_event("artgraphics", "r", "call.recorded", "2024-01-02", call_audio="aa", case_id="k-1"))
    pipeline.pipe(_event("artgraphics", "w-1", "consent.withdrawn", "2024-01-03", purpose="survey"))
    assert due(pipeline, "artgraphics") == []

    pipeline.pipe(_event("artgraphics", "w-2", "consent.withdrawn", "2024-01-04", purpose="recording"))

    assert due(pipeline, "artgraphics") == [("recording", "recording", "erase", "2024-01-04T10:00:00Z")]


def test_a_message_gets_the_class_of_its_case_however_long_the_case_was_quiet(pipeline: Simulation) -> None:
    """R-ALL-4: the class belongs to the case, also once it is closed; a complaint has three years."""
    said = {"context": "email", "case_id": "k-1", "email_message": "still broken"}
    pipeline.pipe(_event("allcall", "k", "case.opened", "2024-01-01", case_id="k-1", matter="complaint"))
    pipeline.pipe(_event("allcall", "m-1", "contact.email", "2024-03-15", **said))
    pipeline.pipe(_event("allcall", "c", "case.closed", "2024-03-20", case_id="k-1"))
    pipeline.pipe(_event("allcall", "m-2", "contact.email", "2028-06-15", **said))
    pipeline.advance_to(instant("2032-01-01T00:00:00Z"))

    ends = [one[3] for one in due(pipeline, "allcall")]
    assert ends == ["2027-03-15T23:00:00Z", "2031-06-15T22:00:00Z"]
