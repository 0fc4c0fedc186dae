"""The codec: every schema takes plain dicts, gives them back, and refuses what does not fit."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.adapters.avro.codec import AvroCodec
from pipeline.adapters.avro.faults import MESSAGES
from pipeline.adapters.avro.schemas import Schemas
from pipeline.domain.errors import ConfigurationError, InvalidEvent
from pipeline.domain.vocabulary import RefKind

FOLDER = Path(__file__).parents[3] / "schemas"
CODEC = AvroCodec(Schemas.load(FOLDER))
NOW = datetime(2024, 2, 29, 13, 0, 0, 123456, tzinfo=UTC)
RULE = {"rule": "purchase", "clauses": ("ALLCALL-5.2",), "policy_version": "1"}
ADDRESS = {"street": "Storgatan 1", "postcode": "111 22", "city": "Stockholm", "country": "SE"}

EXAMPLES: dict[str, dict[str, Any]] = {
    "carrier": {"name": "Jane Doe", "address": ADDRESS, "phone": "+46 70 000 00 00"},
    "share": {"name": "Jane Doe", "payment": {"method": "card"}},
    "review": {"review_id": "r", "category": "D", "purpose": "follow-up", "review_at": NOW, **RULE},
    "erase-instruction": {"instruction_id": "i", "share_id": "s", "recipient": "delivery", "fields": ("name",), "reason": "delivery.completed", "due_at": NOW, **RULE},
    "transfer": {"transfer_id": "t", "event_id": "e", "from_inbox": "other", "to_inbox": "support", "fields": ["email"], "reason": "case.reclassified", "moved_at": NOW, **RULE},
    "receipt": {"expiry_id": "x", "sink": "crm", "at": NOW, "outcome": "done"},
    "share-ledger": {"share_id": "s", "recipient": "delivery", "recipient_class": "processor", "event_id": "e", "fields": ["name"], "shared_at": NOW, **RULE},
    "violation": {"violation_id": "v", "event_id": "e", "event_type": "contact.email", "controller": "allcall", "code": "unknown_field", "outcome": "accepted", "fields": ["iban"], "message": "Dropped.", "at": NOW},
    "rights": {"type": "rights.answered", "request_id": "q", "event_id": "e", "right": "access", "data_subject": "s", "received_at": NOW, "answer_by": "2024-03-29", "outcome": "open", "items": [{"category": "A", "purpose": "p", "outcome": "held", "fields": ["name"], "rule": "r"}]},
    "export-instruction": {"instruction_id": "i", "request_id": "q", "right": "access", "sink": "crm", "data_subject": "s", "parts": 2, **RULE},
    "dead-letter": {"topic": "t", "partition": 0, "offset": 7, "timestamp": NOW, "code": "truncated", "schema_id": "", "digest": "00", "size": 3, "sealed": b"\1\2"},
    "status": {"process": "p", "lane": "tag", "controller": "allcall", "state": "running", "at": NOW, "details": {"events": "7"}},
    "policy": {"controller": "allcall", "version": "1", "digest": "00", "published_at": NOW, "effective_from": NOW, "document": "policy: {}"},
}  # fmt: skip


@pytest.mark.parametrize("schema", EXAMPLES)
def test_a_plain_dict_comes_back_with_its_defaults(schema: str) -> None:
    name, value = CODEC.decode(CODEC.encode(schema, EXAMPLES[schema]))

    assert name == schema
    assert {one: value[one] for one in EXAMPLES[schema]} == {
        one: list(kept) if isinstance(kept, tuple) else kept for one, kept in EXAMPLES[schema].items() if one != "items"
    } | ({"items": value["items"]} if "items" in EXAMPLES[schema] else {})


def test_obligations_and_facts_travel_in_one_block_and_are_told_apart_by_their_fields() -> None:
    obligation = {
        "obligation_id": "o", "kind": "record", "event_id": "e", "occurred_at": NOW, "policy_version": "1",
        "refs": [{"kind": RefKind.ORDER, "digest": "ab"}],
        "tags": ({"rule": "r", "category": "A", "purpose": "sale", "fields": ("name",)},),
    }  # fmt: skip
    fact = {"at": NOW, "type": "case.closed", "event_id": "f", "attributes": {"matter": "complaint"}}

    _, block = CODEC.decode(CODEC.encode("obligation", {"controller": "allcall", "items": [obligation, fact]}))

    items: Any = block["items"]
    assert items[0]["occurred_at"] == NOW
    assert items[0]["refs"] == [{"kind": "order", "digest": "ab"}]
    assert items[0]["tags"][0]["fields"] == ["name"]
    assert items[1]["at"] == NOW
    assert items[1]["attributes"] == {"matter": "complaint"}


def test_instants_come_back_in_utc() -> None:
    local = NOW.astimezone(timezone(timedelta(hours=7)))

    _, value = CODEC.decode(CODEC.encode("receipt", {"sink": "crm", "at": local, "outcome": "done"}))

    assert value["at"] == NOW
    assert value["at"].tzinfo is UTC or value["at"].utcoffset() == timedelta(0)  # type: ignore[attr-defined]


def test_events_are_written_and_read_with_their_json_fields() -> None:
    event = {
        "event_id": "e", "type": "purchase.completed", "occurred_at": NOW, "controller": "allcall",
        "data_subject_id": "s", "source": "shop", "payment": {"b": 1, "a": [None, 2.5]}, "name": None,
    }  # fmt: skip

    name, value = CODEC.decode(CODEC.encode("source-purchase", event))

    assert name == "source-purchase"
    assert value["payment"] == {"a": [None, 2.5], "b": 1}
    assert value["name"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"at": 5}, "TypeError"),
        ({"at": NOW.replace(tzinfo=None)}, "TypeError"),
        ({"at": "2024-02-29"}, "TypeError"),
        ({"outcome": 7}, "Error"),
        ({"colour": "red"}, "has no field colour"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_without_being_shown(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"schema `receipt`: .*{message}"):
        CODEC.encode("receipt", {**EXAMPLES["receipt"], **change})


def test_a_missing_field_and_an_unfit_item_are_told() -> None:
    with pytest.raises(ConfigurationError, match="lacks at, outcome"):
        CODEC.encode("receipt", {"sink": "crm"})
    with pytest.raises(ConfigurationError, match="schema `obligation`"):
        CODEC.encode("obligation", {"controller": "allcall", "items": [{"neither": "nor"}]})


@pytest.mark.parametrize(
    "change", [{"phone": 4790000000}, {"payment": {"x": float("nan")}}, {"iban": "x"}, {"phone": "\ud800"}]
)
def test_an_event_that_does_not_fit_is_invalid(change: dict[str, Any]) -> None:
    event = {
        "event_id": "e",
        "type": "t",
        "occurred_at": NOW,
        "controller": "c",
        "data_subject_id": "s",
        "source": "shop",
    }

    with pytest.raises(InvalidEvent) as caught:
        CODEC.encode("source-purchase", {**event, **change})
    assert "4790000000" not in str(caught.value)


def test_both_framings_are_read_and_ids_are_written_where_there_are_any() -> None:
    registered = AvroCodec(Schemas.load(FOLDER, {42: "receipt"}))
    plain, framed = CODEC.encode("receipt", EXAMPLES["receipt"]), registered.encode("receipt", EXAMPLES["receipt"])

    assert framed[:5] == b"\0\0\0\0\x2a"
    assert registered.decode(framed) == registered.decode(plain) == CODEC.decode(plain)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(EXAMPLES)), st.data())
def test_mutated_records_are_read_or_refused_and_nothing_else(schema: str, draw: st.DataObject) -> None:
    value = bytearray(CODEC.encode(schema, EXAMPLES[schema]))
    for _ in range(draw.draw(st.integers(1, 4))):
        value[draw.draw(st.integers(10, len(value) - 1))] = draw.draw(st.integers(0, 255))
    cut = bytes(value[: draw.draw(st.integers(0, len(value)))]) if draw.draw(st.booleans()) else bytes(value)

    try:
        found, _ = CODEC.decode(cut)
    except InvalidEvent as error:
        found = error.code

    assert found == schema or found in MESSAGES


def test_bytes_behind_a_record_are_refused() -> None:
    with pytest.raises(InvalidEvent) as caught:
        CODEC.decode(CODEC.encode("receipt", EXAMPLES["receipt"]) + b"\0")

    assert caught.value.code == "trailing-bytes"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"event_id": "é" * 257}, "id"),
        ({"order_id": "x" * 1025}, "order_id"),
        ({"records": ["x"] * 101}, "records"),
        ({"payment": "x" * 900_000}, None),
    ],
)
def test_an_event_that_no_lane_would_take_is_not_even_written(changes: dict[str, Any], field: str | None) -> None:
    event = {
        "event_id": "e", "type": "purchase.completed", "occurred_at": NOW, "controller": "allcall",
        "data_subject_id": "s", "source": "shop", **changes,
    }  # fmt: skip

    with pytest.raises(InvalidEvent) as caught:
        CODEC.encode("source-purchase", event)

    assert (caught.value.code, caught.value.field) == ("too_large", field)
