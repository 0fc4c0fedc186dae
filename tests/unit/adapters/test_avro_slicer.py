"""The slice engine on single cases: what is shared, kept, dropped, refused."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest

from pipeline.adapters.avro.cloudevents import CloudEvents
from pipeline.adapters.avro.codec import AvroCodec
from pipeline.adapters.avro.oracle import OracleEngine
from pipeline.adapters.avro.projector import long_bytes
from pipeline.adapters.avro.schemas import Schemas
from pipeline.adapters.avro.slicer import SlicerEngine
from pipeline.adapters.avro.tagbytes import TagBytes
from pipeline.domain.errors import ConfigurationError, InvalidEvent
from pipeline.domain.events import EventHead, SourceEvent
from pipeline.domain.records import Nameless, SharedValue, Tag, TaggedValue
from pipeline.domain.vocabulary import LegalBasis

SCHEMAS = Schemas.load(Path(__file__).parents[3] / "schemas")
EDGE = CloudEvents(SCHEMAS)
CODEC = AvroCodec(SCHEMAS)
SLICER = SlicerEngine(SCHEMAS)
ENGINES = [SLICER, OracleEngine(SCHEMAS)]
CARRIER = SharedValue("carrier", ("name", "address", "phone"))
ADDRESS = {"street": "Storgatan 1", "postcode": "111 22", "city": "Stockholm", "country": "SE"}
JANE: dict[str, Any] = {"name": "Jane Doe", "address": ADDRESS, "phone": "+46 70 000 00 00"}
TAG = Tag(
    category="A",
    purpose="sale",
    legal_basis=(LegalBasis.CONTRACT,),
    rule="purchase",
    clauses=("ALLCALL-5.2",),
    fields=("name",),
)

engines = pytest.mark.parametrize("engine", ENGINES, ids=["slicer", "oracle"])
Engine = SlicerEngine | OracleEngine


def a_delivery(undeclared: dict[str, Any] | None = None, **data: Any) -> bytes:
    head = EventHead(
        event_id="e", type="delivery.ordered", occurred_at=datetime(2024, 1, 1, tzinfo=UTC), controller="tek-zence",
        key="s", source="shop", attributes={"order_id": "o-1", "signed": True, "quota": -5, "products": ("p", "q")},
    )  # fmt: skip
    return EDGE.encode(SourceEvent(head=head, data=data, undeclared=undeclared or {}))


@engines
def test_the_carrier_gets_name_address_and_phone_and_nothing_else(engine: Engine) -> None:
    cut = engine.cut(a_delivery(**JANE, email="jane@example.org", access_notes="ring twice", undeclared={"cod": 99}))

    assert CODEC.decode(cut.shared(CARRIER)) == ("carrier", JANE)


@engines
@pytest.mark.parametrize("name", ["name", "address", "phone"])
def test_a_carrier_record_is_refused_if_a_field_is_absent(engine: Engine, name: str) -> None:
    cut = engine.cut(a_delivery(**{one: value for one, value in JANE.items() if one != name}, email="jane@example.org"))

    with pytest.raises(InvalidEvent) as caught:
        cut.shared(CARRIER)
    assert (caught.value.code, caught.value.field) == ("missing", name)


@engines
def test_another_recipient_gets_the_listed_fields_that_are_there(engine: Engine) -> None:
    cut = engine.cut(a_delivery(**JANE, ip="192.0.2.1"))

    _, value = CODEC.decode(cut.shared(SharedValue("share", ("name", "email"))))

    assert {name for name, one in value.items() if one is not None} == {"name"}


@engines
def test_the_event_stands_untouched_behind_its_tags(engine: Engine) -> None:
    value = a_delivery(**JANE)
    tagged = engine.cut(value).tagged(TaggedValue((TAG,), "1"))

    name, decoded = CODEC.decode(tagged)

    assert tagged.endswith(value[10:])
    assert name == "tagged-purchase"
    assert decoded["policy_version"] == "1"
    assert decoded["tags"] == [
        {
            "category": "A",
            "purpose": "sale",
            "legal_basis": ["contract"],
            "rule": "purchase",
            "clauses": ["ALLCALL-5.2"],
            "fields": ["name"],
        }
    ]


@engines
@pytest.mark.parametrize("keep", [frozenset({"name", "address", "phone"}), frozenset(), frozenset({"email"})])
def test_what_is_not_kept_and_what_is_undeclared_never_reaches_a_tagged_record(
    engine: Engine, keep: frozenset[str]
) -> None:
    value = a_delivery(**JANE, email="jane@example.org", payment={"card": 1}, undeclared={"iban": "SE-1"})

    event: Any = CODEC.decode(engine.cut(value).tagged(TaggedValue((), "1", keep)))[1]["event"]

    kept = {name for name in ("name", "address", "phone", "email", "payment") if event[name] is not None}
    assert kept == keep & {"name", "address", "phone", "email", "payment"}
    assert event["undeclared"] == {}
    assert event["order_id"] == "o-1"


@engines
def test_a_nameless_record_has_what_is_kept_and_nothing_else_of_the_event(engine: Engine) -> None:
    """ALLCALL-4D.5: no id, key, source, attribute or exact instant that the event was sent with."""
    put = Nameless("random", datetime(2024, 5, 31, 22, tzinfo=UTC))
    value = a_delivery(**JANE, ip="192.0.2.1", undeclared={"iban": "SE-1"})

    tagged = engine.cut(value).tagged(TaggedValue((TAG,), "1", frozenset({"name"}), nameless=put))

    event: Any = CODEC.decode(tagged)[1]["event"]
    assert {name: one for name, one in event.items() if one not in (None, {})} == {
        "event_id": "random", "type": "delivery.ordered", "occurred_at": put.occurred_at, "controller": "tek-zence",
        "data_subject_id": "", "source": "", "name": JANE["name"],
    }  # fmt: skip


@engines
def test_undeclared_fields_are_dropped_even_if_all_else_is_kept(engine: Engine) -> None:
    tagged = engine.cut(a_delivery(**JANE, undeclared={"iban": "SE-1"})).tagged(TaggedValue((), "1"))

    assert b"SE-1" not in tagged
    assert b"iban" not in tagged


@engines
def test_attributes_of_every_type_are_read(engine: Engine) -> None:
    assert engine.cut(a_delivery()).head.attributes == {
        "order_id": "o-1", "quota": -5, "signed": True, "products": ("p", "q"),
    }  # fmt: skip


@engines
def test_a_record_that_is_no_event_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidEvent) as caught:
        engine.cut(CODEC.encode("carrier", JANE))

    assert caught.value.code == "unknown-schema"


@engines
def test_sharing_by_a_schema_that_cannot_hold_the_list_is_a_mistake_of_the_policy(engine: Engine) -> None:
    cut = engine.cut(a_delivery(**JANE))

    with pytest.raises(ConfigurationError, match="carrier"):
        cut.shared(SharedValue("carrier", ("name", "address")))


def test_a_share_of_a_field_that_no_schema_has_is_a_mistake_of_the_policy() -> None:
    cut = SLICER.cut(a_delivery(**JANE))

    with pytest.raises(ConfigurationError, match="cannot carry exactly name, shoe_size"):
        cut.shared(SharedValue("share", ("name", "shoe_size")))
    with pytest.raises(ConfigurationError, match="`expiry` is no schema to share with"):
        cut.shared(SharedValue("expiry", ("name",)))


HEAD_FIELDS = ("id", "type", "controller", "partitionkey")


def bare(*, micros: int = 0, empty: str | None = None, tail: bytes | None = None) -> bytes:
    """Return an event without any optional field, from bytes, so that its producer's checks are passed by."""
    schema = SCHEMAS.named("source-cctv")
    texts = {name: b"\0" if name == empty else b"\2x" for name in HEAD_FIELDS}
    optional = len(schema.definition["fields"]) - 7
    head = texts["id"] + texts["type"] + long_bytes(micros) + texts["controller"] + texts["partitionkey"] + b"\0"
    return b"\xc3\x01" + schema.fingerprint + head + bytes(optional) + (b"\0" if tail is None else tail)


@engines
@pytest.mark.parametrize("name", HEAD_FIELDS)
def test_an_empty_attribute_is_missing_in_avro_too(engine: Engine, name: str) -> None:
    assert engine.cut(bare()).head.event_id == "x"
    with pytest.raises(InvalidEvent) as caught:
        engine.cut(bare(empty=name))
    assert (caught.value.code, caught.value.field) == ("missing_attribute", name)


def loose(**changes: Any) -> bytes:
    """Return an event as a producer writes it that knows the schema and none of the limits."""
    whole = {
        "event_id": "e", "type": "delivery.ordered", "occurred_at": datetime(2024, 1, 1, tzinfo=UTC),
        "controller": "tek-zence", "data_subject_id": "s", "source": "shop", "undeclared": {},
    }  # fmt: skip
    schema = SCHEMAS.named("source-purchase")
    body = BytesIO()
    body.write(SCHEMAS.prefix(schema))
    fastavro.schemaless_writer(body, schema.parsed, {**whole, **changes})
    return body.getvalue()


HEADS = {
    "event_id": "id", "type": "type", "controller": "controller", "data_subject_id": "partitionkey", "source": "source",
    "policy_version": "policyversion",
}  # fmt: skip
TEXT_ATTRIBUTES = ("context", "order_id", "case_id", "legal_ground", "month")
LISTS = ("records", "participants", "consents", "products")


@engines
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        *[({name: "x" * 513}, told) for name, told in HEADS.items()],
        *[({name: "é" * 257}, told) for name, told in HEADS.items()],
        *[({name: "x" * 20_000}, told) for name, told in HEADS.items()],
        *[({name: "x" * 1025}, name) for name in TEXT_ATTRIBUTES],
        *[({name: ["x"] * 101}, name) for name in LISTS],
        *[({name: ["x", "é" * 257]}, name) for name in LISTS],
    ],
)
def test_what_is_too_long_is_refused_by_the_name_of_its_field(
    engine: Engine, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidEvent) as caught:
        engine.cut(loose(**changes))

    assert (caught.value.code, caught.value.field) == ("too_large", field)


@engines
def test_everything_may_be_as_long_as_its_limit_at_once(engine: Engine) -> None:
    heads = dict.fromkeys(HEADS, "é" * 256)
    attributes = dict.fromkeys(TEXT_ATTRIBUTES, "é" * 512)
    lists = dict.fromkeys(LISTS, ["é" * 256] * 100)

    head = engine.cut(loose(**heads, **attributes, **lists, name="x" * 5000)).head

    assert head.event_id == "é" * 256
    assert head.attributes == {**attributes, **{name: tuple(items) for name, items in lists.items()}}


@engines
@pytest.mark.parametrize("blank", ["", " ", "\t \n", "\u00a0", " " * 100])
def test_a_blank_text_is_as_good_as_absent(engine: Engine, blank: str) -> None:
    whole, without = loose(**{**JANE, "phone": blank, "email": blank}), loose(**{**JANE, "phone": None})
    cut = engine.cut(whole)

    assert cut.head == engine.cut(without).head
    assert cut.decode() == engine.cut(without).decode()
    for keep in (None, frozenset({"name", "email", "phone"})):
        assert cut.tagged(TaggedValue((), "1", keep)) == engine.cut(without).tagged(TaggedValue((), "1", keep))
    fields = ("name", "email")
    assert cut.shared(SharedValue("share", fields)) == engine.cut(without).shared(SharedValue("share", fields))
    with pytest.raises(InvalidEvent) as caught:
        cut.shared(CARRIER)
    assert (caught.value.code, caught.value.field) == ("missing", "phone")


@engines
@pytest.mark.parametrize("micros", [253402300800_000000, -62135596800_000001, (1 << 63) - 1])
def test_an_instant_outside_the_calendar_is_refused(engine: Engine, micros: int) -> None:
    with pytest.raises(InvalidEvent):
        engine.cut(bare(micros=micros))


@pytest.mark.parametrize(
    ("tail", "code"),
    [
        (b"", "truncated"),
        (b"\0\0", "trailing-bytes"),
        (b"\2\2a\2", "truncated"),
        (b"\2\2a\2b\0\0", "trailing-bytes"),
        (b"\1\2\2a\0\0", "malformed"),  # a block whose size is not its content's
        (b"\x80\x80\x80\x80\x10\2a\2b\0", "truncated"),
        (b"\2\2\xff\2b\0", "malformed"),
    ],
)
def test_the_undeclared_map_ends_the_record(tail: bytes, code: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        SLICER.cut(bare(tail=tail))

    assert caught.value.code == code


def test_long_texts_and_broken_ones_are_told_apart() -> None:
    value = a_delivery(name="é" * 300, address={**ADDRESS, "street": "x" * 200})
    cut = SLICER.cut(value)

    assert cut.decode().data["name"] == "é" * 300
    with pytest.raises(InvalidEvent) as caught:
        SLICER.cut(value.replace("é".encode(), b"\xc3\xc3"))
    assert caught.value.code == "malformed"


def test_a_json_field_that_holds_no_json_is_found_when_it_is_decoded() -> None:
    cut = SLICER.cut(a_delivery(payment="abcd").replace(b'"abcd"', b"{abcd}"))

    with pytest.raises(InvalidEvent) as caught:
        cut.decode()
    assert (caught.value.code, caught.value.field) == ("invalid_field", "payment")


def test_nothing_of_an_event_shows_in_a_repr() -> None:
    cut = SLICER.cut(a_delivery(**JANE))

    assert "Jane" not in repr(cut) + repr(cut.head) + repr(cut.decode())


def test_tags_are_encoded_once_and_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.adapters.avro.tagbytes._MAX_CACHED", 2)
    cache = TagBytes()
    tags = (TAG,)

    first = cache.of(tags, "1")

    assert cache.of(tags, "1") is first
    assert cache.of((TAG,), "1") is first
    assert {cache.of((), str(version)) for version in range(5)} == {b"\0" + b"\2" + str(v).encode() for v in range(5)}
    assert cache.of(tags, "1") == first
