"""CloudEvents at the edge: what is understood, what is refused, and that no refusal shows a value."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters.avro.cloudevents import CloudEvents, structured
from pipeline.adapters.avro.faults import MAX_BYTES
from pipeline.adapters.avro.limits import PLAIN_TEXT_FIELDS
from pipeline.adapters.avro.schemas import Schemas
from pipeline.adapters.avro.slicer import SlicerEngine
from pipeline.domain.errors import InvalidEvent
from pipeline.domain.events import EventHead, SourceEvent
from pipeline.domain.records import SharedValue
from pipeline.domain.vocabulary import Family

SCHEMAS = Schemas.load(Path(__file__).parents[3] / "schemas")
EDGE = CloudEvents(SCHEMAS)
ENGINE = SlicerEngine(SCHEMAS)
SECRET = "Jane-7c1"


def document(**changes: Any) -> dict[str, Any]:
    """Return a purchase; a change to None removes an attribute."""
    whole = {
        "specversion": "1.0",
        "id": "order-1/completed",
        "source": "web-shop",
        "type": "purchase.completed",
        "time": "2024-02-29T14:00:00+01:00",
        "controller": "allcall",
        "partitionkey": "s-81f0",
        "data": {"context": "web", "name": "Jane Doe", "products": ["p1"], "payment": {"method": "card"}},
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def raw(**changes: Any) -> bytes:
    return json.dumps(document(**changes)).encode()


def refused(value: bytes) -> tuple[str, str | None]:
    with pytest.raises(InvalidEvent) as caught:
        ENGINE.cut(value)
    assert SECRET not in str(caught.value)
    return caught.value.code, caught.value.field


def test_a_structured_event_is_understood() -> None:
    event = EDGE.parse(raw(policyversion="7", ingesttime="2024-03-01T00:00:00Z", traceparent="x"))

    assert event.head == EventHead(
        event_id="order-1/completed",
        type="purchase.completed",
        occurred_at=datetime(2024, 2, 29, 13, tzinfo=UTC),
        controller="allcall",
        key="s-81f0",
        source="web-shop",
        policy_version="7",
        attributes={"context": "web", "products": ("p1",)},
        present=frozenset({"name", "payment"}),
    )
    assert event.data == {"name": "Jane Doe", "payment": {"method": "card"}}
    assert structured(event)["data"]["products"] == ["p1"]
    assert structured(event)["policyversion"] == "7"


def test_json_and_avro_of_an_event_are_cut_alike() -> None:
    by_json = ENGINE.cut(raw())
    by_avro = ENGINE.cut(EDGE.encode(EDGE.parse(raw())), headers=(("ce_id", b"ignored"),))

    assert by_json.head == by_avro.head
    assert by_json.decode() == by_avro.decode()


def test_an_unknown_event_name_is_left_to_the_policy() -> None:
    assert ENGINE.cut(raw(type="purchase.imagined")).head.type == "purchase.imagined"


def test_fields_outside_the_family_are_reported_by_name_and_hostile_names_by_digest() -> None:
    cut = ENGINE.cut(raw(data={"iban": SECRET, "cctv_clip": "x", SECRET: 1, "x" * 70: 2, "gone": None}))

    assert cut.head.undeclared[:2] == ("iban", "cctv_clip")
    assert all(name.startswith("invalid-name-") and len(name) == 21 for name in cut.head.undeclared[2:])
    assert len(cut.head.undeclared) == 4
    assert cut.head.present == frozenset()
    assert cut.decode().undeclared["iban"] == SECRET


def test_what_an_address_has_no_place_for_is_reported_apart() -> None:
    cut = ENGINE.cut(raw(data={"address": {"street": "Storgatan 1", "city": None, "note": SECRET}}))

    assert cut.decode().data["address"] == {"street": "Storgatan 1", "postcode": "", "city": "", "country": ""}
    assert cut.head.undeclared == ("address_note",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29T13:00:00Z", datetime(2024, 2, 29, 13, tzinfo=UTC)),
        ("2024-02-29t13:00:00.1234567z", datetime(2024, 2, 29, 13, 0, 0, 123456, tzinfo=UTC)),
        ("2024-02-29T14:00+01:00", datetime(2024, 2, 29, 13, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_become_utc(text: str, expected: datetime) -> None:
    assert ENGINE.cut(raw(time=text)).head.occurred_at == expected


@pytest.mark.parametrize(
    "text",
    ["2024-02-29", "2024-02-29T13:00:00", "2023-02-29T13:00:00Z", "2024-02-29T13:00:60Z", "0000-01-01T00:00:00Z",
     "2016-12-31T23:59:60Z", "2016-12-31t23:59:60z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "20240229T130000Z", "2024-02-29T13:00:00+25:00", SECRET],
)  # fmt: skip
def test_other_times_are_refused(text: str) -> None:
    assert refused(raw(time=text)) == ("invalid_time", "time")


def test_a_leap_second_is_refused_with_what_to_send_instead() -> None:
    with pytest.raises(InvalidEvent, match="leap second"):
        ENGINE.cut(raw(time="2016-12-31T23:59:60Z"))


PLAIN = sorted(PLAIN_TEXT_FIELDS)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("blank", ["", "  ", "\t\n", "\u00a0"])
def test_an_empty_or_blank_text_counts_as_absent(name: str, blank: str) -> None:
    cut = ENGINE.cut(raw(data={name: blank, "payment": ""}))

    assert cut.head.present == frozenset({"payment"})
    assert name not in cut.decode().data


def test_a_blank_name_is_missing_for_a_carrier() -> None:
    address = {"street": "Storgatan 1", "postcode": "111 22", "city": "Stockholm", "country": "SE"}
    cut = ENGINE.cut(raw(type="delivery.ordered", data={"name": " ", "address": address, "phone": "1"}))

    with pytest.raises(InvalidEvent) as caught:
        cut.shared(SharedValue("carrier", ("name", "address", "phone")))
    assert (caught.value.code, caught.value.field) == ("missing", "name")


def test_plain_text_fields_are_those_that_the_schemas_declare_so() -> None:
    declared = {
        one["name"]
        for family in Family
        for one in SCHEMAS.source(family).definition["fields"]
        if "privacy.group" in one and one["type"] == ["null", "string"]
    }

    assert declared == PLAIN_TEXT_FIELDS


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": "é" * 257}, "id"),
        ({"policyversion": "x" * 513}, "policyversion"),
        ({"data": {"context": "x" * 1025}}, "context"),
        ({"data": {"products": ["p"] * 101}}, "products"),
        ({"data": {"records": ["p", "é" * 257]}}, "records"),
    ],
)
def test_what_is_too_long_is_refused_by_the_name_of_its_field(changes: dict[str, Any], field: str) -> None:
    assert refused(raw(**changes)) == ("too_large", field)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "é" * 256},
        {"policyversion": "x" * 512},
        {"data": {"context": "x" * 1024}},
        {"data": {"products": ["é" * 256] * 100}},
        {"data": {"name": "x" * 5000}},
    ],
)
def test_what_is_just_short_enough_is_understood(changes: dict[str, Any]) -> None:
    assert ENGINE.cut(raw(**changes)).head.controller == "allcall"


@pytest.mark.parametrize("name", ["id", "source", "type", "time", "controller", "partitionkey", "specversion"])
def test_every_attribute_is_required(name: str) -> None:
    assert refused(raw(**{name: None})) == ("missing_attribute", name)


@pytest.mark.parametrize("name", ["id", "source", "type", "time", "controller", "partitionkey"])
def test_an_empty_or_overlong_attribute_or_one_that_is_no_text_is_refused(name: str) -> None:
    assert refused(raw(**{name: ""})) == ("missing_attribute", name)
    assert refused(raw(**{name: SECRET * 100})) == ("too_large", name)
    assert refused(raw(**{name: 7})) == ("invalid_field", name)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"data": [SECRET]}, "data"),
        ({"data_base64": SECRET}, "data_base64"),
        ({"policyversion": 7}, "policyversion"),
        *[({"data": {name: value}}, name) for name, value in [
            ("name", 7), ("name", [SECRET]), ("address", SECRET), ("address", {"street": 7}), ("context", ["web"]),
            ("signed", SECRET), ("signed", 1), ("quota", True), ("quota", 1 << 63), ("quota", 1.5),
            ("records", SECRET), ("records", [7]), ("phone", {"n": SECRET}),
        ]],
    ],
)  # fmt: skip
def test_a_wrong_type_is_refused_by_the_name_of_its_field(changes: dict[str, Any], field: str) -> None:
    assert refused(raw(**changes)) == ("invalid_field", field)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"{", "not_json"),
        (b"{}", "missing_attribute"),
        (b'{"id": "\xff"}', "not_json"),
        (b'{"id": NaN}', "not_json"),
        (b'{"id": 1e999}', "invalid_field"),
        (b'{"id": ' + b"9" * 5000 + b"}", "not_json"),
        (b'{"id": "a", "id": "b"}', "duplicate-key"),
        (b'{"data": {"iban": 1, "iban": 2}}', "duplicate-key"),
        (b'{"id": "\\ud800"}', "invalid_text"),
        (b'{"id": "a\\u0000b"}', "invalid_text"),
        (b'{"\\u0000": 1}', "invalid_text"),
        (b'{"data": ' + b"[" * 40 + b"]" * 40 + b"}", "too_deep"),
        (b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
        (b'{"data": "' + b"x" * MAX_BYTES + b'"}', "too_large"),
        (b'{"a": 1} {"b": 2}', "not_json"),
        (json.dumps(document(data={f"x{n}": n for n in range(300)})).encode(), "too-many-fields"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hostile_json_is_refused_with_a_code(value: bytes, code: str) -> None:
    assert refused(value)[0] == code


def event(**changes: Any) -> SourceEvent:
    head = {
        "event_id": "e", "type": "purchase.completed", "occurred_at": datetime(2024, 1, 1, tzinfo=UTC),
        "controller": "allcall", "key": "s", "source": "shop", **changes.pop("head", {}),
    }  # fmt: skip
    return SourceEvent(head=EventHead(**head), **changes)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (event(head={"occurred_at": datetime(2024, 1, 1)}), "invalid_time"),  # noqa: DTZ001  the point
        (event(head={"event_id": 7}), "invalid_field"),
        (event(head={"policy_version": 7}), "invalid_field"),
        (event(data={"name": "a\0b"}), "invalid_text"),
        (event(data={"payment": {7: "x"}}), "invalid_field"),
        (event(data={"payment": object()}), "invalid_field"),
        (event(data={"payment": 10**5000}), "invalid_field"),
        (event(undeclared={"a\0": 1}), "invalid_text"),
        (event(undeclared={f"x{n}": n for n in range(300)}), "too-many-fields"),
        (event(data={"payment": "x" * MAX_BYTES}), "too_large"),
    ],
)
def test_an_event_made_in_code_is_checked_alike(made: SourceEvent, code: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        EDGE.encode(made)

    assert caught.value.code == code


def test_a_field_of_another_family_made_in_code_is_undeclared() -> None:
    assert ENGINE.cut(EDGE.encode(event(data={"cctv_clip": "x"}))).head.undeclared == ("cctv_clip",)
