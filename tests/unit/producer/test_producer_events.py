"""Typed events: they match the schemas, refuse what breaks the contract, and never show a value."""

import json
import types
from collections.abc import Sequence
from datetime import UTC, timedelta, timezone
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import AwareDatetime, JsonValue

from pipeline.producer import Address, Camera, Contact, EventRejected, Lifecycle, Purchase
from pipeline.producer.events import Event
from tests.unit.producer.producer_fakes import NOON, a_purchase

SCHEMAS = Path(__file__).parents[3] / "schemas"
CLASSES: list[type[Event]] = [Purchase, Contact, Camera, Lifecycle]


def schema_of(kind: type[Event]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SCHEMAS / f"source-{kind.family}.v1.avsc").read_text(encoding="utf-8"))
    return document


def avro_of(annotation: Any) -> str:
    """Return what an annotation is in Avro, in a word."""
    if annotation is JsonValue:
        return "json"
    if get_origin(annotation) in {types.UnionType, Union}:
        return next(avro_of(part) for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is Literal:
        return "string"
    if get_origin(annotation) is Sequence:
        return "array"
    return {str: "string", int: "long", bool: "boolean", AwareDatetime: "timestamp-micros", Address: "Address"}[
        annotation
    ]


def avro_word(written: Any) -> str:
    if isinstance(written, list):
        return next(avro_word(branch) for branch in written if branch != "null")
    if isinstance(written, dict):
        return str(written.get("logicalType") or (written["name"] if written["type"] == "record" else written["type"]))
    return str(written)


@pytest.mark.parametrize("kind", CLASSES)
def test_fields_are_those_of_the_schema_with_their_types(kind: type[Event]) -> None:
    wanted = {field["name"]: avro_word(field["type"]) for field in schema_of(kind)["fields"]}
    del wanted["undeclared"]  # the SDK refuses what is not declared

    assert {name: avro_of(field.annotation) for name, field in kind.model_fields.items()} == wanted


@pytest.mark.parametrize("kind", CLASSES)
def test_required_head_fields_are_those_that_the_schema_cannot_do_without(kind: type[Event]) -> None:
    wanted = {field["name"] for field in schema_of(kind)["fields"] if "default" not in field}

    assert {name for name, field in kind.model_fields.items() if field.is_required()} == wanted


@pytest.mark.parametrize("kind", CLASSES)
def test_event_names_and_what_they_require_are_those_of_the_schema(kind: type[Event]) -> None:
    declared = schema_of(kind)["privacy.events"]

    assert set(get_args(kind.model_fields["type"].annotation)) == set(declared)
    assert {name: tuple(entry["required"]) for name, entry in declared.items() if entry["required"]} == kind.required


def test_an_address_has_the_fields_of_the_schema() -> None:
    [address] = [field for field in schema_of(Purchase)["fields"] if field["name"] == "address"]

    assert set(Address.model_fields) == {field["name"] for field in address["type"][1]["fields"]}


@pytest.mark.parametrize(
    ("fields", "field", "rule"),
    [
        ({"type": "purchase.imagined"}, "type", "one-of"),
        ({"occurred_at": NOON.replace(tzinfo=None)}, "occurred_at", "aware-time"),
        ({"occurred_at": "2024-02-29"}, "occurred_at", "type"),
        ({"name": 7}, "name", "type"),
        ({"address": {"street": 7}}, "address.street", "type"),
        ({"payment": object()}, "payment", "type"),
        ({"postcode": "12345"}, "postcode", "unknown_field"),
        ({"jane@example.org": "x"}, "?", "unknown_field"),
        ({"context": "shop"}, "context", "one-of"),
        ({"month": "2024-13"}, "month", "form"),
        ({"controller": "Tek Zence"}, "controller", "form"),
        ({"event_id": ""}, "event_id", "form"),
        ({"event_id": "order|1"}, "event_id", "form"),
        ({"event_id": "a" * 201}, "event_id", "form"),
        ({"event_id": "jane@example.org"}, "event_id", "pseudonymous"),
        ({"event_id": "Jane Doe"}, "event_id", "pseudonymous"),
        ({"data_subject_id": "Göran"}, "data_subject_id", "form"),
        ({"records": "order-1"}, "records", "type"),
        ({"data_subject_id": "jane@example.org"}, "data_subject_id", "pseudonymous"),
        ({"data_subject_id": "+46701234567"}, "data_subject_id", "pseudonymous"),
        ({"data_subject_id": "19640823-3234"}, "data_subject_id", "pseudonymous"),
        ({"source": "jane@example.org"}, "source", "pseudonymous"),
    ],
)
def test_what_breaks_the_contract_is_rejected_by_field_and_rule(fields: dict[str, Any], field: str, rule: str) -> None:
    with pytest.raises(EventRejected) as caught:
        a_purchase(**fields)

    assert (caught.value.field, caught.value.rule, caught.value.code) == (field, rule, rule)
    assert caught.value.hint


def test_a_missing_field_is_rejected() -> None:
    with pytest.raises(EventRejected) as caught:
        Purchase.model_validate({"type": "purchase.completed"})

    assert (caught.value.field, caught.value.rule) == ("event_id", "required")


def test_what_an_event_means_nothing_without_is_required() -> None:
    with pytest.raises(EventRejected) as caught:
        Lifecycle(
            type="case.closed",
            event_id="c-1",
            controller="tek-zence",
            source="desk",
            data_subject_id="s",
            occurred_at=NOON,
        )

    assert (caught.value.field, caught.value.rule) == ("case_id", "required")


def test_no_error_shows_a_value() -> None:
    """Whatever is wrong, the text and the whole chain of the error are free of what the event carries."""
    for wrong in (
        {"name": 7777777},
        {"name": b"SECRET"},
        {"SECRET x": 1},
        {"address": {"street": 1, "city": "SECRET"}},
        {"context": "SECRET"},
    ):
        with pytest.raises(EventRejected) as caught:
            a_purchase(phone="SECRET", **wrong)
        assert "SECRET" not in f"{caught.value!r} {caught.value} {vars(caught.value)}"
        assert "7777777" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


def test_a_repr_shows_type_and_id_only() -> None:
    event = a_purchase(address=Address(street="Main Street 1"))

    assert repr(event) == "Purchase(type='purchase.completed', event_id='order-1')"
    assert "Main" not in f"{event} {event.address!r}"


def test_an_event_goes_to_its_family_and_one_about_many_to_control() -> None:
    recall = Lifecycle(
        type="recall.issued", event_id="recall-1", occurred_at=NOON, controller="tek-zence", data_subject_id="control",
        source="recalls", products=["drill-9"],
    )  # fmt: skip

    assert a_purchase().destination == "tek-zence.source.purchase.v1"
    assert recall.destination == "tek-zence.control.v1"


def test_a_record_has_every_field_of_the_schema_and_utc_time() -> None:
    east = NOON.astimezone(timezone(timedelta(hours=2)))

    record = a_purchase(occurred_at=east, address=Address(street="Main Street 1")).record()

    assert list(record) == [*Purchase.model_fields, "undeclared"]
    assert record["occurred_at"] == NOON
    assert getattr(record["occurred_at"], "tzinfo", None) is UTC
    assert record["address"] == {"street": "Main Street 1", "postcode": "", "city": "", "country": ""}
    assert a_purchase().record()["address"] is None
