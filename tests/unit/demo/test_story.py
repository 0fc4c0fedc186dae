"""The events that the demonstration makes of invoices."""

import json
from itertools import pairwise

from pipeline.adapters.avro.schemas import Schemas
from pipeline.demo import demo_events
from pipeline.demo.people import person
from pipeline.demo.plots import PLOTS
from pipeline.demo.scene import MARKER_FIELD
from pipeline.domain.events import ATTRIBUTES
from pipeline.settings import load_settings

EVENTS = list(demo_events())


def data_of(event: dict[str, object]) -> dict[str, object]:
    data = event["data"]
    assert isinstance(data, dict)
    return data


def test_the_same_seed_tells_the_same_story() -> None:
    assert list(demo_events(seed=0)) == EVENTS
    assert list(demo_events(seed=1)) != EVENTS


def test_events_come_in_order_of_time_and_each_has_its_own_id() -> None:
    assert all(str(earlier["time"]) <= str(later["time"]) for earlier, later in pairwise(EVENTS))
    assert len({event["id"] for event in EVENTS}) == len(EVENTS) > 1000


def test_every_controller_sells() -> None:
    assert {event["controller"] for event in EVENTS} == set(PLOTS)


def test_events_use_only_names_and_fields_that_the_schemas_declare() -> None:
    """But for the marker, which stands for the field that a careless producer adds."""
    catalogue = Schemas.load(load_settings({}).schemas).catalogue

    for event in EVENTS:
        family = catalogue.family_of(str(event["type"]))
        assert family is not None, event["type"]
        undeclared = set(data_of(event)) - set(ATTRIBUTES) - set(catalogue.fields[family]) - {MARKER_FIELD}
        assert not undeclared, (event["type"], undeclared)
        assert set(catalogue.types[str(event["type"])].required) <= set(data_of(event)), event["type"]


def test_somebody_unknown_has_a_key_of_their_own_and_no_contact_details() -> None:
    anonymous = [event for event in EVENTS if str(event["partitionkey"]).startswith("anonymous-")]

    assert len(anonymous) >= 15
    for event in anonymous:
        assert not {"name", "address", "phone", "email", "national_id"} & set(data_of(event))


def test_a_key_says_nothing_of_the_customer_number() -> None:
    keys = {str(event["partitionkey"]) for event in EVENTS}

    assert not any("17850" in key for key in keys)


def test_markers_are_planted_at_every_controller() -> None:
    assert {event["controller"] for event in EVENTS if MARKER_FIELD in data_of(event)} == set(PLOTS)


def test_a_cancellation_is_no_purchase() -> None:
    cancelled = [event for event in EVENTS if "ORD-C" in json.dumps(data_of(event))]

    assert {event["type"] for event in cancelled} >= {"refund.issued", "return.requested", "case.opened"}
    assert "purchase.completed" not in {event["type"] for event in cancelled}


def test_a_person_follows_from_number_and_seed_and_lives_nowhere() -> None:
    jane = person("allcall", "17850", "United Kingdom")

    assert jane == person("allcall", "17850", "United Kingdom")
    assert jane.key != person("ak3d", "17850", "United Kingdom").key
    assert jane.phone.startswith("+447700900")  # kept for fiction by Ofcom
    assert jane.email.endswith("@example.org")  # RFC 2606
    assert jane.ip.startswith("192.0.2.")  # RFC 5737
    assert jane.name not in repr(jane)
