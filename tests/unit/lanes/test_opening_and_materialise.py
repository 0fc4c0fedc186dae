import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

import pytest

from pipeline.domain.errors import InvalidEvent
from pipeline.domain.events import EventHead, SourceEvent
from pipeline.domain.records import OutRecord, SealedValue, SharedValue, TaggedValue
from pipeline.lanes import Materialiser, Opened, RecordOpener, SourceOpener
from pipeline.lanes.materialise import SEALED_BYTES
from pipeline.lanes.murmur2 import murmur2, partition_of
from pipeline.lanes.opening import schema_id_of
from pipeline.ports import InRecord
from tests.soak.tally import JsonCodec
from tests.unit.lanes.lane_fakes import START

HEAD = EventHead(event_id="e-1", type="purchase.completed", occurred_at=START, controller="acme", key="s-1")


class FakeCut:
    """A cut that tells what it was asked for."""

    def __init__(self, head: EventHead) -> None:
        self.head = head

    def tagged(self, value: TaggedValue) -> bytes:
        return b"tagged " + value.policy_version.encode()

    def shared(self, value: SharedValue) -> bytes:
        return b"shared " + ",".join(value.fields).encode()

    def decode(self) -> SourceEvent:
        return SourceEvent(head=self.head)


class FakeEngine:
    """Opens what begins with `ok`; after a blank come the event's key and, after ` as `, its id."""

    def cut(self, value: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> FakeCut:  # noqa: ARG002 - the port's name
        if not value.startswith(b"ok"):
            raise InvalidEvent("truncated", "the record ends too early", field="phone")
        key, _, identity = value[3:].decode().partition(" as ")
        return FakeCut(replace(HEAD, key=key or HEAD.key, event_id=identity or HEAD.event_id))


class Reverser:
    """A sealer whose work can be seen."""

    def seal(self, content: bytes) -> bytes:
        return content[::-1]


def raw(value: bytes | None, *, key: bytes | None = b"s-1", topic: str = "t") -> InRecord:
    return InRecord(topic=topic, partition=1, offset=5, timestamp_ms=1000, key=key, value=value)


def record(value: object, *, source: int | None = 0, key: str | None = "k") -> OutRecord:
    return OutRecord(topic="out", key=key, schema="s", value=value, source=source)  # type: ignore[arg-type] # any value


@pytest.fixture
def batch() -> list[Opened]:
    opener = SourceOpener(FakeEngine(), "control")
    return [opener(raw(b"ok")), opener(raw(b"bad"))]


@pytest.fixture
def materialise() -> Materialiser:
    return Materialiser(JsonCodec(), Reverser())


def test_an_event_is_opened_to_its_head(batch: list[Opened]) -> None:
    assert batch[0].incoming.head == HEAD
    assert batch[0].incoming.error is None
    assert (batch[0].incoming.topic, batch[0].incoming.partition, batch[0].incoming.offset) == ("t", 1, 5)


def test_an_invalid_event_carries_code_and_field_but_no_value(batch: list[Opened]) -> None:
    assert batch[1].incoming.head is None
    assert batch[1].incoming.error == ("truncated", "phone")
    assert "bad" not in repr(batch[1])


@pytest.mark.parametrize("opener", [SourceOpener(FakeEngine(), "control"), RecordOpener(JsonCodec())])
def test_a_tombstone_in_a_source_is_an_error(opener: SourceOpener | RecordOpener) -> None:
    assert opener(raw(None)).incoming.error == ("empty_record", None)


@pytest.mark.parametrize(
    ("topic", "key", "value"),
    [
        ("t", b"s-2", b"ok"),
        ("t", None, b"ok"),
        ("t", b"", b"ok"),
        ("t", b"control", b"ok"),
        ("t", "s-\u00e9".encode("latin-1"), "ok s-\u00e9".encode()),
        ("control", b"s-1", b"ok"),
        ("control", None, b"ok control"),
        ("control", b"control", b"ok"),
    ],
)
def test_an_event_under_a_foreign_key_is_an_error_since_its_state_is_elsewhere(
    topic: str, key: bytes | None, value: bytes
) -> None:
    opened = SourceOpener(FakeEngine(), "control")(raw(value, key=key, topic=topic))

    assert opened.incoming.error == ("wrong_key", "data_subject_id")
    assert (opened.incoming.head, opened.cut) == (None, None)


@pytest.mark.parametrize(("topic", "key"), [("t", "s-1"), ("t", "urn:x:1/2"), ("control", "control")])
def test_a_key_is_the_events_own(topic: str, key: str) -> None:
    opened = SourceOpener(FakeEngine(), "control")(raw(b"ok " + key.encode(), key=key.encode(), topic=topic))

    assert opened.incoming.error is None


@pytest.mark.parametrize(
    ("key", "identity", "field"),
    [
        ("jane@example.org", "e-1", "data_subject_id"),
        ("s-\u00e9", "e-1", "data_subject_id"),
        ("s-1", "+47 9", "event_id"),
    ],
)
def test_an_id_that_may_name_somebody_is_an_error_that_does_not_repeat_it(key: str, identity: str, field: str) -> None:
    opened = SourceOpener(FakeEngine(), "control")(raw(f"ok {key} as {identity}".encode(), key=key.encode()))

    assert opened.incoming.error == ("not_opaque", field)
    assert (opened.incoming.head, opened.cut) == (None, None)


def test_a_record_without_payload_is_decoded_with_the_name_of_its_schema() -> None:
    opened = RecordOpener(JsonCodec())(raw(b'{"a": 1}'))

    assert opened.incoming.value == {"a": 1}
    assert opened.incoming.schema_id == "tally"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, ""),
        (b"", ""),
        (b"{}", ""),
        (b"\x00\x00\x00\x01\x02x", "confluent:258"),
        (b"\x00\x01", ""),
        (b"\xc3\x01" + bytes([1, 0, 0, 0, 0, 0, 0, 0]), "avro:0000000000000001"),
        (b"\xc3\x01\x05", ""),
    ],
)
def test_the_framing_tells_the_schema_even_of_what_cannot_be_read(value: bytes | None, told: str) -> None:
    assert schema_id_of(value) == told


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (TaggedValue(tags=(), policy_version="7"), b"tagged 7"),
        (SharedValue("carrier", ("name", "phone")), b"shared name,phone"),
        (None, None),
    ],
)
def test_symbolic_values_are_copied_out_of_their_event(
    materialise: Materialiser, batch: list[Opened], value: object, written: bytes | None
) -> None:
    made = materialise(record(value), batch)

    assert (made.topic, made.key, made.value, made.track) == ("out", b"k", written, False)


def test_a_plain_record_is_encoded_and_may_have_no_key(materialise: Materialiser) -> None:
    made = materialise(record({"a": 1}, source=None, key=None), [])

    assert made.key is None
    assert json.loads(made.value or b"") == {"schema": "s", "a": 1}


def test_a_dead_letter_tells_where_and_why_and_holds_its_content_only_sealed(
    materialise: Materialiser, batch: list[Opened]
) -> None:
    made = materialise(record(SealedValue("truncated", "phone"), source=1), batch)

    letter: Mapping[str, object] = json.loads(made.value or b"")
    assert (letter["topic"], letter["partition"], letter["offset"]) == ("t", 1, 5)
    assert (letter["code"], letter["field"], letter["sealed"]) == ("truncated", "phone", b"dab".hex())
    assert b"bad" not in (made.value or b"")


def test_the_dead_letter_of_a_large_record_holds_only_its_beginning_but_tells_size_and_digest_of_the_whole() -> None:
    content = b"bad" + bytes(range(256)) * 8_000
    batch = [SourceOpener(FakeEngine(), "control")(raw(content))]

    made = Materialiser(JsonCodec(), Reverser())(record(SealedValue("too_large", None)), batch)

    letter: Mapping[str, object] = json.loads(made.value or b"")
    assert letter["sealed"] == content[:SEALED_BYTES][::-1].hex()
    assert letter["size"] == len(content)
    assert letter["digest"] == sha256(content).hexdigest()


@pytest.mark.parametrize("size", [SEALED_BYTES - 1, SEALED_BYTES])
def test_a_dead_letter_holds_the_whole_content_up_to_its_limit(materialise: Materialiser, size: int) -> None:
    content = bytes(size)

    made = materialise(record(SealedValue("truncated", None)), [SourceOpener(FakeEngine(), "control")(raw(content))])

    assert json.loads(made.value or b"")["sealed"] == content.hex()


@pytest.mark.parametrize("source", [None, 1])
def test_a_copy_without_a_readable_source_is_a_fault_of_the_stage(
    materialise: Materialiser, batch: list[Opened], source: int | None
) -> None:
    with pytest.raises(ValueError, match="copies from an event"):
        materialise(record(TaggedValue(tags=(), policy_version="7"), source=source), batch)


@pytest.mark.parametrize(
    ("key", "hashed"),
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536), (b"abc", 479470107)],
)
def test_murmur2_gives_what_kafkas_own_client_gives(key: bytes, hashed: int) -> None:
    """Vectors of org.apache.kafka.common.utils.UtilsTest#testMurmur2."""
    assert murmur2(key) == hashed & 0xFFFFFFFF
    assert partition_of(key, 1) == 0
