"""Stepping over Avro values: strict, bounded, to the last byte."""

from io import BytesIO
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.avro.projector import Projector, long_bytes
from pipeline.adapters.avro.walk import instant_varint, skip, texts, varint
from pipeline.domain.errors import InvalidEvent
from pipeline.stages.plan import layout

HUGE = b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"  # 2**63 - 1


def walk(type_: Any, data: bytes) -> int:
    plan = layout({"type": "record", "name": "R", "fields": [{"name": "f", "type": type_}]})
    return skip(data, 0, len(data), plan.fields[0][1], plan.types)


def refused(type_: Any, data: bytes) -> str:
    with pytest.raises(InvalidEvent) as caught:
        walk(type_, data)
    return caught.value.code


ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
FIXED = {"type": "fixed", "name": "F", "size": 3}
EMPTY = {"type": "record", "name": "Empty", "fields": []}
CHAIN = {"type": "record", "name": "C", "fields": [{"name": "next", "type": ["null", "C"]}]}


def of(kind: str, inner: Any) -> dict[str, Any]:
    return {"type": kind, "items" if kind == "array" else "values": inner}


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("null", b""),
        ("boolean", b"\1"),
        ("int", b"\xff\xff\xff\xff\x0f"),
        ("long", HUGE),
        ("float", bytes(4)),
        ("double", bytes(8)),
        ("bytes", b"\4\xff\xfe"),
        ("string", b"\4\xc3\xa9"),
        ("string", b"\x80\1" + b"a" * 64),
        (FIXED, b"abc"),
        (ENUM, b"\2"),
        (of("array", "int"), b"\4\2\4\2\6\0"),  # two blocks
        (of("array", "int"), b"\3\4\2\4\0"),  # a block that gives its size
        (of("array", "null"), b"\xd0\x0f\0"),  # a thousand items without bytes
        (of("array", EMPTY), b"\4\0"),
        (of("map", "int"), b"\2\2a\2\0"),
        (["null", "string"], b"\2\2a"),
        (CHAIN, b"\2\2\0"),
    ],
)
def test_a_value_is_stepped_over_to_its_last_byte(type_: Any, data: bytes) -> None:
    assert walk(type_, data) == len(data)


@pytest.mark.parametrize(
    ("type_", "data", "code"),
    [
        ("boolean", b"", "truncated"),
        ("boolean", b"\2", "malformed"),
        ("int", b"\x80\x80\x80\x80\x10", "malformed"),  # beyond 32 bits
        ("long", b"\x80", "truncated"),
        ("long", b"\x80\x00", "malformed"),  # longer than it need be
        ("long", b"\xff" * 10 + b"\1", "malformed"),
        ("long", b"\xff" * 9 + b"\2", "malformed"),  # beyond 64 bits
        ("float", bytes(3), "truncated"),
        ("double", bytes(7), "truncated"),
        ("bytes", HUGE, "truncated"),
        ("bytes", b"\1", "malformed"),  # a negative length
        ("string", b"\2\xff", "malformed"),
        ("string", b"\4a", "truncated"),
        (FIXED, b"ab", "truncated"),
        (ENUM, b"\4", "malformed"),
        (["null", "string"], b"\4", "malformed"),
        (["null", "string"], b"\1", "malformed"),
        (of("array", "int"), HUGE, "truncated"),
        (of("array", "null"), HUGE, "truncated"),
        (of("array", "int"), b"\3\1\2\4\0", "malformed"),  # a negative size
        (of("array", "int"), b"\3\x80\1\2\4\0", "truncated"),  # a size beyond the end
        (of("array", "int"), b"\3\2\2\4\0", "malformed"),  # a size that is not the items'
        (of("map", "int"), HUGE, "truncated"),
        (of("map", "int"), b"\1\2\2a\2\0", "malformed"),
        (CHAIN, b"\2" * 500 + b"\0", "too_deep"),
    ],
)
def test_what_no_writer_writes_is_refused_at_once(type_: Any, data: bytes, code: str) -> None:
    assert refused(type_, data) == code


@pytest.mark.parametrize("number", [0, -1, 1, 63, -64, 64, 1 << 40, -(1 << 63), (1 << 63) - 1])
def test_integers_survive_their_encoding(number: int) -> None:
    data = long_bytes(number)

    assert varint(data, 0, len(data)) == (number, len(data))
    assert instant_varint(data, 0, len(data)) == (number, len(data))


@given(st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(1 << 48, 1 << 55), st.binary(max_size=3))
def test_the_short_cut_for_instants_reads_what_the_loop_reads(number: int, rest: bytes) -> None:
    data = long_bytes(number)

    assert instant_varint(data + rest, 0, len(data + rest)) == (number, len(data))
    with pytest.raises(InvalidEvent):
        instant_varint(data[:-1], 0, len(data) - 1)


def test_strings_of_an_array_may_come_in_blocks() -> None:
    assert texts(b"\2\2a\1\4\2b\0", 0, 8) == (["a", "b"], 8)
    with pytest.raises(InvalidEvent, match="ends before"):
        texts(HUGE, 0, len(HUGE))


def record(*fields: tuple[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": [{"name": name, "type": type_} for name, type_ in fields]}


def projected(writer: Any, reader: Any, value: Any) -> Any:
    body = BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(record(("f", writer))), {"f": value})
    data = Projector(record(("f", writer)), record(("f", reader))).project(body.getvalue())
    found: Any = fastavro.schemaless_reader(BytesIO(data), fastavro.parse_schema(record(("f", reader))), None)
    return found["f"]


@pytest.mark.parametrize(
    ("writer", "reader", "value", "expected"),
    [
        ("string", "bytes", "é", "é".encode()),
        ("bytes", "string", b"caf\xc3\xa9", "café"),
        ("int", "double", 7, 7.0),
        ("int", ["null", "long"], 7, 7),
        (["null", "int"], "long", 7, 7),
        (["null", "int"], ["int", "null"], None, None),
    ],
)
def test_a_field_is_copied_or_decoded_to_the_same_value(writer: Any, reader: Any, value: Any, expected: Any) -> None:
    assert projected(writer, reader, value) == expected


@pytest.mark.parametrize("reader", ["int", "double"])
def test_an_absent_value_that_the_reader_must_have_is_missing(reader: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        projected(["null", "int"], reader, None)

    assert (caught.value.code, caught.value.field) == ("missing", "f")


def test_a_value_that_cannot_become_what_the_reader_wants_is_refused() -> None:
    with pytest.raises(InvalidEvent):
        projected("string", "int", "seven")
    with pytest.raises(InvalidEvent):
        projected("bytes", "string", b"\xff")


def test_bytes_behind_a_record_are_refused() -> None:
    with pytest.raises(InvalidEvent) as caught:
        Projector(record(("f", "int")), record(("f", "int"))).project(b"\2\2")

    assert caught.value.code == "trailing-bytes"
