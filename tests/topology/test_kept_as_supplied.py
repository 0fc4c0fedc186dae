"""What is inside the company stays bound to its purpose, and what customers gave stays as they gave it."""

from typing import Any

from pipeline.bootstrap.simulation import Simulation


def an_event(controller: str, kind: str, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": "e-1", "source": "/shop", "type": kind, "time": "2024-02-29T12:00:00+07:00",
        "controller": controller, "partitionkey": "subject-1", "data": data,
    }  # fmt: skip


def test_data_that_a_customer_gave_wrongly_are_not_repaired(pipeline: Simulation) -> None:
    """VIET-11: the customer answers for them; they are kept, and shared, exactly as supplied."""
    given = {
        "name": "  jane  EXAMPLE", "phone": "0 12-345",
        "address": {"street": "12 Lantern st", "postcode": "??", "city": "elmsworth", "country": "Nowhere"},
    }  # fmt: skip

    pipeline.pipe(an_event("viet-art-view", "delivery.ordered", order_id="O-1", **given))

    [tagged] = [one.value for one in pipeline.emitted if ".tagged." in one.topic]
    [shared] = [one.value for one in pipeline.emitted if ".carrier." in one.topic]
    event = tagged["event"]
    assert isinstance(event, dict)
    assert {name: event[name] for name in given} == given
    assert shared == given


def test_what_customer_service_collects_serves_the_case_and_nothing_else(pipeline: Simulation) -> None:
    """ART-3.1: inside the company every use is bound to the purpose that the data were collected for."""
    pipeline.pipe(an_event("artgraphics", "contact.email", name="Jane Example", email_message="Where is it?"))

    [tagged] = [one.value for one in pipeline.emitted if ".tagged." in one.topic]
    tags = tagged["tags"]
    assert isinstance(tags, list)
    assert {tag["purpose"] for tag in tags} == {"case"}
    assert {field for tag in tags for field in tag["fields"]} == {"name", "email_message"}
